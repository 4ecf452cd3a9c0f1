package version

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestGather(t *testing.T) {
	const hash = "0123456789abcdef0123456789abcdef01234567"
	vcs := func(main string, modified string) *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: main}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: hash},
			{Key: "vcs.time", Value: "2026-01-02T03:04:05Z"},
			{Key: "vcs.modified", Value: modified},
		}}
	}
	platform := runtime.GOOS + "/" + runtime.GOARCH
	for _, c := range []struct {
		name                  string
		b                     *debug.BuildInfo
		release, commit, date string
		want                  string
	}{
		{
			"go run without version control", &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "(devel)"}}, "", "", "",
			"devel (go1.26, " + platform + ")",
		},
		{
			"go install of a release", &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}}, "", "", "",
			"1.2.3 (go1.26, " + platform + ")",
		},
		{
			"go build in a work tree", vcs("(devel)", "true"), "", "", "",
			"devel (commit 0123456789+, built 2026-01-02T03:04:05Z, go1.26, " + platform + ")",
		},
		{
			"make build", vcs("(devel)", "false"), "v2.0.0", "fedcba98765432100", "2027-01-01T00:00:00Z",
			"2.0.0 (commit fedcba9876, built 2027-01-01T00:00:00Z, go1.26, " + platform + ")",
		},
		{
			"make build with changes", &debug.BuildInfo{GoVersion: "go1.26"}, "v2.0.0", "fedcba98765432100-dirty", "soon",
			"2.0.0 (commit fedcba9876+, go1.26, " + platform + ")",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := gather(c.b, c.release, c.commit, c.date).String(); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRunning(t *testing.T) {
	if i := Get(); i.Version == "" || i.Go == "" || i.Platform == "" {
		t.Errorf("incomplete: %+v", i)
	}
	if String() != Get().String() {
		t.Error("String differs from Get().String()")
	}
}
