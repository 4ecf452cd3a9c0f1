// Package version tells which build of Reredis is running.
//
// It owns the figures that the build leaves behind: `make build` sets them with
// the linker, and what it does not set is read from the build information that
// the Go toolchain embeds. It knows nothing of the server. Every function may be
// called from any goroutine.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Set by the linker, never by code: go build -ldflags "-X <this package>.release=v1.2.3".
var (
	release string // a tag such as v1.2.3, or what git describe says
	commit  string // full hash
	date    string // RFC 3339, UTC
)

// Info describes a build. A field that nobody knows is empty.
type Info struct {
	Version  string // "1.2.3", or "devel" for a build outside a release
	Commit   string // hash of the commit, full length
	Modified bool   // the work tree had changes that are in no commit
	Date     string // when it was built or, unknown, committed; RFC 3339 in UTC
	Go       string // version of the Go toolchain
	Platform string // "linux/amd64"
}

// Get returns the description of the running binary.
func Get() Info {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		b = &debug.BuildInfo{GoVersion: runtime.Version()}
	}
	return gather(b, release, commit, date)
}

// gather lets what the linker set win over what the toolchain embedded.
func gather(b *debug.BuildInfo, release, commit, date string) Info {
	i := Info{Version: release, Commit: commit, Date: date, Go: b.GoVersion, Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if i.Version == "" && b.Main.Version != "(devel)" {
		i.Version = b.Main.Version
	}
	i.Version = strings.TrimPrefix(i.Version, "v")
	if i.Version == "" {
		i.Version = "devel"
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			if i.Commit == "" {
				i.Commit = s.Value
			}
		case "vcs.time":
			if i.Date == "" {
				i.Date = s.Value
			}
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	if base, dirty := strings.CutSuffix(i.Commit, "-dirty"); dirty {
		i.Commit, i.Modified = base, true
	}
	return i
}

// Short returns the first ten digits of the commit, with a "+" behind them if
// the work tree was modified, and "" if the commit is not known.
func (i Info) Short() string {
	s := i.Commit[:min(len(i.Commit), 10)]
	if s != "" && i.Modified {
		s += "+"
	}
	return s
}

// String returns one line for people, such as
// "1.2.3 (commit 0123456789, built 2026-11-25T10:00:00Z, go1.26.8, linux/amd64)".
func (i Info) String() string {
	var parts []string
	if s := i.Short(); s != "" {
		parts = append(parts, "commit "+s)
	}
	if _, err := time.Parse(time.RFC3339, i.Date); err == nil {
		parts = append(parts, "built "+i.Date)
	}
	parts = append(parts, i.Go, i.Platform)
	return fmt.Sprintf("%s (%s)", i.Version, strings.Join(parts, ", "))
}

// String describes the running binary in one line.
func String() string { return Get().String() }
