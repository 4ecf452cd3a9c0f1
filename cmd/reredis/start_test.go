package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// tool runs a program to its end and returns what it printed.
func tool(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%s is not installed", name)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

func TestRedisCli(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			cli := func(stdin string, args ...string) string {
				return tool(t, stdin, "redis-cli", append([]string{"-p", s.port}, args...)...)
			}
			for _, c := range []struct {
				stdin string
				args  []string
				want  string
			}{
				{"", []string{"SET", "greeting", "hello"}, "OK\n"},
				{"", []string{"-3", "GET", "greeting"}, "hello\n"},
				{"SET a 1\nINCR a\nGET none\n", nil, "OK\n2\n\n"},
				{"", []string{"--no-raw", "GET", "none"}, "(nil)\n"},
				{"", []string{"--scan", "--pattern", "greet*"}, "greeting\n"},
				{"", []string{"-n", "5", "DBSIZE"}, "0\n"},
				{"", []string{"-r", "3", "INCR", "a"}, "3\n4\n5\n"},
				{"from stdin", []string{"-x", "SET", "x"}, "OK\n"},
			} {
				if got := cli(c.stdin, c.args...); got != c.want {
					t.Errorf("redis-cli %q: got %q, want %q", c.args, got, c.want)
				}
			}
			if got := cli("SET p1 v\r\nSET p2 v\r\nAPPEND p1 v\r\n", "--pipe"); !strings.Contains(got, "errors: 0, replies: 3") {
				t.Errorf("--pipe: %s", got)
			}
			if got := cli("", "--bigkeys"); !strings.Contains(got, "Sampled 5 keys in the keyspace!") {
				t.Errorf("--bigkeys: %s", got)
			}
			if got := cli("", "--memkeys"); !strings.Contains(got, "Sampled 5 keys in the keyspace!") {
				t.Errorf("--memkeys: %s", got)
			}
		})
	}
}

func TestRedisBenchmark(t *testing.T) {
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			out := tool(t, "", "redis-benchmark", "-p", s.port, "-t", "ping,set,get,incr,mset", "-n", "20000", "-c", "50", "-P", "16", "-r", "1000", "--csv")
			if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 7 {
				t.Errorf("redis-benchmark printed:\n%s", out)
			}
			if strings.Contains(out, "WARNING") {
				t.Errorf("redis-benchmark warns:\n%s", out)
			}
		})
	}
}

// TestOwnCli is for a machine with nothing but Go.
func TestOwnCli(t *testing.T) {
	s := ours[0].launch(t)
	for _, c := range []struct{ args, want string }{
		{"SET greeting hello", "OK\n"},
		{"GET greeting", "hello\n"},
		{"INCR n", "1\n"},
		{"GET none", "\n"},
	} {
		args := append([]string{"cli", "-p", s.port}, strings.Fields(c.args)...)
		if got := tool(t, "", binary, args...); got != c.want {
			t.Errorf("reredis %q: got %q, want %q", args, got, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	if got := tool(t, "", binary, "version"); !regexp.MustCompile(`^\S+ \(.*go1\.\d+.*\)\n$`).MatchString(got) {
		t.Errorf("version: %q", got)
	}
}

// TestDrain queues more replies than socket buffers hold, then sends SIGTERM:
// every reply arrives, then the connection ends.
func TestDrain(t *testing.T) {
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			const gets, size = 32, 1 << 20
			c := s.client(t)
			is(t, "OK")(c.Set(t.Context(), "k", strings.Repeat("x", size), 0).Result())
			w := s.wire(t)
			w.send(strings.Repeat("GET k\r\n", gets))
			due := 1
			if k.queues {
				due = gets
			}
			eventually(t, "the commands have run", func() bool {
				stats, err := c.InfoMap(t.Context(), "commandstats").Result()
				_, after, _ := strings.Cut(stats["Commandstats"]["cmdstat_get"], "calls=")
				calls, _, _ := strings.Cut(after, ",")
				n, _ := strconv.Atoi(calls)
				return err == nil && n >= due
			})
			if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			one := fmt.Sprintf("$%d\r\n%s\r\n", size, strings.Repeat("x", size))
			got := w.rest()
			if n := len(got) / len(one); n < due || got != strings.Repeat(one, n) {
				t.Errorf("%d bytes arrived, that is %d replies and a rest, want at least %d", len(got), n, due)
			}
			if code := s.exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestTerminateIdle(t *testing.T) {
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			idle, partial := s.wire(t), s.wire(t)
			partial.send("*2\r\n$3\r\nGET\r\n$100\r\nabc")
			idle.send("PING\r\n")
			idle.reply()
			if code := s.terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			if got := idle.rest() + partial.rest(); got != "" {
				t.Errorf("sent at the end: %q", got)
			}
		})
	}
}

// TestTwoInOneFolder: a second server needs another port, nothing else.
func TestTwoInOneFolder(t *testing.T) {
	dir := t.TempDir()
	var servers [2]*instance
	for i := range servers {
		port := freePort(t)
		s := spawn(t, dir, binary, "--port", port, "--http-port", freePort(t))
		s.port = port
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		servers[i] = s
	}
	var dirs []string
	for i, s := range servers {
		c := s.client(t)
		is(t, "OK")(c.Set(t.Context(), "who", i, 0).Result())
		is(t, int64(1))(c.DBSize(t.Context()).Result())
		dirs = append(dirs, c.ConfigGet(t.Context(), "dir").Val()["dir"])
	}
	if dirs[0] == dirs[1] || !filepath.IsAbs(dirs[0]) || filepath.Base(dirs[0]) != servers[0].port {
		t.Errorf("data directories: %q", dirs)
	}
}

func TestBusyPort(t *testing.T) {
	first := ours[0].launch(t)
	second := spawn(t, t.TempDir(), binary, "--port", first.port, "--http-port", "0")
	if code := second.exit(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	out := second.out.String()
	for _, want := range []string{"Failed listening on port " + first.port, first.port + " is reredis", "try --port "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	if redis, err := exec.LookPath("redis-server"); err == nil {
		port := freePort(t)
		s := spawn(t, t.TempDir(), redis, "--port", port, "--save", "")
		s.port = port
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		late := spawn(t, t.TempDir(), binary, "--port", port, "--http-port", "0")
		late.exit()
		if out := late.out.String(); !strings.Contains(out, port+" is redis-server") {
			t.Errorf("does not say who answers: %q", out)
		}
	}
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--port", "abc"}, "port"},
		{[]string{"--no-such-option", "1"}, "no-such-option"},
		{[]string{"--server.portt", "1"}, "did you mean"},
		{[]string{"--maxmemory-policy", "lru"}, "noeviction"},
		{[]string{"/does/not/exist.conf"}, "/does/not/exist.conf"},
	} {
		s := spawn(t, t.TempDir(), append([]string{binary}, c.args...)...)
		if code := s.exit(); code != 1 {
			t.Errorf("%q: exit code %d", c.args, code)
		}
		if out := s.out.String(); !strings.Contains(out, c.want) {
			t.Errorf("%q: no %q in %q", c.args, c.want, out)
		}
	}
}

// TestConfigFiles starts with each way of saying things, and reads them back.
func TestConfigFiles(t *testing.T) {
	for name, content := range map[string]string{
		"redis.conf":   "maxmemory 64mb\nrequirepass \"pass word\"\ntimeout 17\n",
		"reredis.yaml": "keyspace:\n  maxmemory: 64MiB\nserver:\n  auth:\n    password: pass word\n  timeouts:\n    idle: 17s\n",
		"reredis.toml": "[keyspace]\nmaxmemory = \"64MiB\"\n[server.auth]\npassword = \"pass word\"\n[server.timeouts]\nidle = \"17s\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			port := freePort(t)
			s := spawn(t, t.TempDir(), binary, path, "--port", port, "--http-port", "0")
			s.port = port
			if err := s.await(); err != nil {
				t.Fatal(err)
			}
			c := s.client(t, func(o *redis.Options) { o.Password = "pass word" })
			for parameter, want := range map[string]string{"maxmemory": "67108864", "timeout": "17", "port": port} {
				is(t, map[string]string{parameter: want})(c.ConfigGet(t.Context(), parameter).Result())
			}
		})
	}
}

func TestHTTP(t *testing.T) {
	port, web := freePort(t), freePort(t)
	s := spawn(t, t.TempDir(), binary, "--port", port, "--http-port", web)
	s.port = port
	if err := s.await(); err != nil {
		t.Fatal(err)
	}
	is(t, "OK")(s.client(t).Set(t.Context(), "k", "v", 0).Result())
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, web, path); status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	status, body := get(t, web, "/metrics")
	if status != 200 {
		t.Errorf("/metrics: %d", status)
	}
	for _, want := range []string{"reredis_", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
}
