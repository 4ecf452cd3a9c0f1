package configs

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestImport: what is imported loads to what the redis.conf does, and what was left out is told.
func TestImport(t *testing.T) {
	here(t, "redis.conf", `# Where to listen,
# for everybody.
bind * -::*
port 7001

# not about the next line

save 3600 1
save 60 100
hz 20
client-output-buffer-limit pubsub 1mb 512kb 9
requirepass "a \"b\" #c"
`, "bad.conf", "port 7001\nloadmodule x.so\nprot 1\n")
	run := func(args ...string) (int, string, string) {
		var out, bad bytes.Buffer
		status := mainWith(append([]string{"import"}, args...), nil, &out, &bad)
		return status, out.String(), bad.String()
	}
	want := mustLoad(t, []string{"redis.conf", "--log.format", "text"}, nil).Current()
	for _, file := range []string{"a.yaml", "b.toml", "c.json"} {
		status, out, bad := run("redis.conf", "-o", file)
		if status != 0 || out != "" || !strings.Contains(bad, "no effect: redis.conf:10: hz is kept but has no effect") {
			t.Errorf("%d %q %q", status, out, bad)
		}
		if got := mustLoad(t, []string{"--config", file}, nil).Current(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got  %+v\nwant %+v", file, got, want)
		}
	}
	b, err := os.ReadFile("a.yaml")
	if err != nil || !strings.Contains(string(b), "  # Where to listen,\n  # for everybody.\n  bind: [\"*\", \"-::*\"]\n") || strings.Contains(string(b), "not about") {
		t.Errorf("%s, %v", b, err)
	}
	if status, _, bad := run("redis.conf", "-o", "a.yaml"); status != exitProblem || !strings.Contains(bad, "exists") {
		t.Errorf("over a file that is there: %d %q", status, bad)
	}
	if status, out, bad := run("bad.conf"); status != exitRefused || out != "server:\n  port: 7001\n" ||
		!strings.Contains(bad, "left out: Reading the configuration file bad.conf, at line 2 >>> 'loadmodule x.so' Redis modules cannot be loaded here") ||
		!strings.Contains(bad, "did you mean port?") {
		t.Errorf("%d %q %q", status, out, bad)
	}
	for _, args := range [][]string{{}, {"none.conf"}, {"bad.conf", "--format", "xml"}} {
		if status, _, bad := run(args...); status != exitUsage || bad == "" {
			t.Errorf("%q: %d", args, status)
		}
	}
}
