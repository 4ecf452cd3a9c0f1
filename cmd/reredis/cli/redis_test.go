package cli

import (
	"bytes"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// startRedis runs a real redis-server and returns its socket. It skips the test
// unless redis-cli is there too, in the version that we compare with.
func startRedis(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"redis-server", "redis-cli"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skip(name + " is not installed: nothing to compare with")
		}
	}
	if out, err := exec.Command("redis-cli", "--version").Output(); err != nil || !bytes.HasPrefix(out, []byte("redis-cli 7.0.")) {
		t.Skipf("%s is not version 7.0", bytes.TrimSpace(out))
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--enable-debug-command", "yes", "--requirepass", "secret")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
			return socket
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// redisCLI runs the real client.
func redisCLI(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "redis-cli", args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	_ = cmd.Run() // the status tells
	return result{out.String(), errOut.String(), cmd.ProcessState.ExitCode()}
}

// sessionLines is a session whose output must be redis-cli's.
const sessionLines = `FLUSHALL
SET k "a b\x00\xff\n\t\"\\"
GET k
GET missing
APPEND k 'x\'y'
INCRBY n 41
INCR n
GET
get a b c
NOPE with args
  spaces   around
"unbalanced
'also
"closed"badly
HSET h f1 v1 f2 v2 f3 "v 3"
HGETALL h
HGETALL missing
RPUSH l a b c d e f g h i j k
LRANGE l 0 -1
LRANGE missing 0 -1
SADD s one
SMEMBERS s
ZADD z 1.5 a 2 b inf c
ZRANGE z 0 -1 WITHSCORES
ZSCORE z a
XADD st 1-1 f v g w
XADD st 1-2 f v
XRANGE st - +
XINFO STREAM st
EVAL "return {1,{2,{3,'x'},{}},false,{ok='fine'},{err='ERR broken'}}" 0
MULTI
SELECT 3
PING
EXEC
SELECT 0
MULTI
DISCARD
EXEC
SELECT 99
2 INCR n
0 INCR n
-1 INCR n
3 NOPE
CONFIG GET maxmemory*
CLIENT NO-EVICT off
ECHO ""
PING "é"
MEMORY DOCTOR
MEMORY MALLOC-STATS x
DEBUG PROTOCOL string
DEBUG PROTOCOL integer
DEBUG PROTOCOL double
DEBUG PROTOCOL null
DEBUG PROTOCOL array
DEBUG PROTOCOL set
DEBUG PROTOCOL map
DEBUG PROTOCOL verbatim
DEBUG PROTOCOL true
DEBUG PROTOCOL false
COMMAND COUNT
COMMAND INFO get nope
COMMAND GETKEYS MSET a 1 b 2
ACL WHOAMI
LATENCY DOCTOR
restore
quit
PING
`

// TestLikeRedisCLI compares a session, in every form of output, with what
// redis-cli makes of it.
func TestLikeRedisCLI(t *testing.T) {
	socket := startRedis(t)
	for _, options := range []string{
		"", "--raw", "--no-raw", "-3", "-3 --no-raw", "--json", "--json -2", "-d , -D ;", "-n 5 --no-raw", "-3 --no-raw --show-pushes yes",
	} {
		args := append([]string{"-s", socket, "-a", "secret", "--no-auth-warning"}, strings.Fields(options)...)
		want := redisCLI(t, sessionLines, args...)
		got := run(t, sessionLines, args...)
		if strings.Contains(options, "--json") {
			// An element that is an error, which JSON lacks, comes out alike, too.
			got.out, want.out = strings.ToValidUTF8(got.out, "?"), strings.ToValidUTF8(want.out, "?")
		}
		if got == want {
			continue
		}
		a, b := strings.Split(got.out, "\n"), strings.Split(want.out, "\n")
		for i := range min(len(a), len(b)) {
			if a[i] != b[i] {
				t.Errorf("options %q, line %d:\n      got %q\nredis-cli %q", options, i+1, a[i], b[i])
				break
			}
		}
		t.Errorf("options %q: %d and %d lines, stderr %q and %q, status %d and %d", options, len(a), len(b), got.err, want.err, got.status, want.status)
	}
}

// TestOneShotLikeRedisCLI compares single commands; redis-cli has to be told
// with -e what we always do.
func TestOneShotLikeRedisCLI(t *testing.T) {
	ours, theirs := startRedis(t), startRedis(t) // two servers, since what the commands change stays
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{"", []string{"PING"}},
		{"", []string{"-a", "secret", "PING"}},
		{"", []string{"-a", "wrong", "--no-auth-warning", "PING"}},
		{"", []string{"--user", "nobody", "--pass", "x", "--no-auth-warning", "PING"}},
		{"", []string{"--user", "default", "--pass", "secret", "--no-auth-warning", "PING"}},
		{"", []string{"-u", "redis://default:secret@ignored:1/3", "--no-auth-warning", "CLIENT", "GETNAME"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "-n", "99", "PING"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "-n", "2", "-r", "3", "INCR", "n"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "-3", "--no-raw", "HSET", "h", "a", "b"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "-3", "--no-raw", "HGETALL", "h"}},
		{"from stdin\n", []string{"-a", "secret", "--no-auth-warning", "-x", "SET", "k"}},
		{"tagged", []string{"-a", "secret", "--no-auth-warning", "-X", "T", "SET", "T", "v"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "--no-raw", "MGET", "k", "tagged"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "--quoted-input", "ECHO", `"\x41'"`}},
		{"", []string{"-a", "secret", "--no-auth-warning", "--quoted-input", "ECHO", `"x`}},
		{"", []string{"-a", "secret", "--no-auth-warning", "ECHO", `"\x41"`}},
		{"", []string{"-a", "secret", "--no-auth-warning", "NOPE"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "--no-raw", "NOPE"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "--no-raw", "EVAL", "return {{err='x'}}", "0"}},
		{"", []string{"-a", "secret", "--no-auth-warning", "DEBUG", "PROTOCOL", "verbatim"}},
		{"", []string{"-2", "-3", "PING"}},
		{"", []string{"--unknown"}},
		{"", []string{"-p"}},
	} {
		got := run(t, c.stdin, append([]string{"-s", ours}, c.args...)...)
		want := redisCLI(t, c.stdin, append([]string{"-e", "-s", theirs}, c.args...)...)
		if strings.Contains(want.out, "Invalid quoted string") {
			want.out, want.err = want.err, want.out // an error text belongs to standard error
		}
		if got != want {
			t.Errorf("%q:\n      got %q\nredis-cli %q", c.args, got.out+"|"+got.err, want.out+"|"+want.err)
		}
	}
}

// TestHelpOfRedis reads the docs of a real server.
func TestHelpOfRedis(t *testing.T) {
	socket := startRedis(t)
	r := run(t, "help set\nhelp @string\nhelp config\n", "-s", socket, "-a", "secret", "--no-auth-warning")
	for _, want := range []string{
		"  SET key value [NX|XX] [GET] [EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]\n",
		"  MSET key value [key value ...]\n", "  CONFIG GET parameter [parameter ...]\n", "  since: 1.0.0\n", "  group: string\n",
	} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in %s", want, r.out)
		}
	}
}
