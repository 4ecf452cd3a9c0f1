package configs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loadCase is a start: files in the working directory, arguments, environment,
// and what comes out: "path=value" or "redis-name=value" each, or the problems.
type loadCase struct {
	name  string
	files map[string]string
	args  []string
	env   []string
	stdin string
	want  []string
	bad   string
}

func (c loadCase) run(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range c.files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	s, err := LoadFrom(Inputs{Args: c.args, Env: c.env, Stdin: strings.NewReader(c.stdin)})
	if c.bad != "" || err != nil {
		got := ""
		if err != nil {
			got = err.Error()
		}
		if want := strings.TrimSpace(c.bad); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
		return
	}
	for _, w := range c.want {
		name, value, _ := strings.Cut(w, "=")
		if got := s.Get([]string{name}); len(got) != 1 || got[0].Value != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

func TestFiles(t *testing.T) {
	for _, c := range []loadCase{
		{
			name:  "yaml",
			files: map[string]string{"a.yaml": "server:\n  port: 7001\n  bind: '*'\n  timeouts: {idle: 1h30m}\nkeyspace:\n  maxmemory: 1_000\nwal:\n  snapshot:\n    save: [{after: 1h, changes: 1}]\ncompat: {hz: 20, activerehashing: false}\nhttp:\n"},
			args:  []string{"a.yaml"},
			want: []string{
				"port=7001", "bind=*", "timeout=5400", "maxmemory=1000", "save=3600 1", "hz=20", "activerehashing=no",
				"server.port=7001", "server.timeouts.idle=90m", "keyspace.maxmemory=1000", "log.format=text",
			},
		},
		{
			name:  "toml",
			files: map[string]string{"a.toml": "server.port = 7_001\n[server.output_limits]\nnormal = {hard = \"1MiB\"}\n[[wal.snapshot.save]]\nafter = \"60s\"\nchanges = 5\n"},
			args:  []string{"--config", "a.toml"},
			want:  []string{"port=7001", "save=60 5", "client-output-buffer-limit=normal 1048576 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
		},
		{
			name:  "json",
			files: map[string]string{"a.json": `{"server": {"port": 7001, "limits": {"max_bulk": 1048576}}, "observe": {"latency": {"percentiles": [50, 99.5]}}}`},
			args:  []string{"--config=a.json"},
			want:  []string{"port=7001", "proto-max-bulk-len=1048576", "latency-tracking-info-percentiles=50 99.5"},
		},
		{
			name:  "the file in the working directory",
			files: map[string]string{"reredis.yaml": "server: {port: 7001}"},
			want:  []string{"port=7001"},
		},
		{
			name:  "REREDIS_CONFIG goes before it",
			files: map[string]string{"reredis.yaml": "server: {port: 7001}", "b.toml": "server.port = 7002"},
			env:   []string{"REREDIS_CONFIG=b.toml"},
			want:  []string{"port=7002", "server.backlog=511"},
		},
		{
			name:  "later files win, lists are replaced",
			files: map[string]string{"a.yaml": "server: {port: 1, bind: [a, b], maxclients: 7}\nwal: {snapshot: {save: [{after: 1s, changes: 1}]}}", "b.toml": "server = {port = 2, bind = [\"c\"]}", "c.conf": "save 5 5\nsave 6 6"},
			args:  []string{"--config", "a.yaml", "--config", "b.toml", "--config", "c.conf"},
			want:  []string{"port=2", "bind=c", "maxclients=7", "save=5 5 6 6"},
		},
		{
			name:  "layers",
			files: map[string]string{"a.yaml": "server: {port: 1, maxclients: 1, backlog: 1}"},
			args:  []string{"--config", "a.yaml", "--port", "3"},
			env:   []string{"REREDIS__SERVER__PORT=2", "REREDIS__SERVER__MAXCLIENTS=2", "REREDIS_PORT=tcp://10.0.0.1:6379", "PATH=/bin"},
			want:  []string{"port=3", "maxclients=2", "tcp-backlog=1"},
		},
		{
			name: "environment",
			env:  []string{"REREDIS__SERVER__BIND=127.0.0.1, ::1", "REREDIS__SERVER__PROTECTED_MODE=no", "REREDIS__KEYSPACE__MAXMEMORY=64MiB", "REREDIS__HTTP__BIND=[\"a\"]", "REREDIS__SERVER__AUTH__PASSWORD=a=b", "REREDIS__WAL__SNAPSHOT__SAVE=60 1"},
			want: []string{"bind=127.0.0.1 ::1", "protected-mode=no", "maxmemory=67108864", "http.bind=a", "requirepass=a=b", "save=60 1"},
		},
		{
			name:  "redis.conf sets the form of the log",
			files: map[string]string{"redis.conf.123.4": "port 7001"},
			args:  []string{"redis.conf.123.4"},
			want:  []string{"log.format=redis", "port=7001"},
		},
	} {
		t.Run(c.name, c.run)
	}
}

func TestMistakes(t *testing.T) {
	for _, c := range []loadCase{
		{
			name: "all problems of a file, with lines",
			files: map[string]string{"a.yaml": `server:
  prot: 7001
  port: "7001"
  protected_mode: yes
  unix: {mode: 0644}
  timeouts: {idle: 15, shutdown: off}
  limits:
    query_buffer: 64MB
    max_bulk: 1k
  auth: {password: 12345}
  a.b: 1
  io: auto
keyspace:
  compat: 7.0
  policy: allkeys-lruu
  stripes: 3
wal:
  fsnyc: always
  policy: no
  enabled: yes
  snapshot: {save: [{after: 10, changes: 1}]}
observe: {latency: {over: false}, events: xyz}
appendfsync: always
`},
			args: []string{"a.yaml"},
			bad: `
a.yaml:2:3: server.prot: unknown parameter; did you mean server.port? (Redis: port)
a.yaml:3:3: server.port: "7001": write a whole number
a.yaml:4:3: server.protected_mode: "yes": write true
a.yaml:5:10: server.unix.mode: 420: write a mode as an octal number in quotes, such as "0644"
a.yaml:6:14: server.timeouts.idle: 15: write a unit, such as "15s"
a.yaml:6:24: server.timeouts.shutdown: "off": write a duration such as 15s, 200ms, 1h30m or 7d
a.yaml:8:5: server.limits.query_buffer: "64MB": write 64MiB (67,108,864) or 64000000; MB means different things in redis.conf and elsewhere
a.yaml:9:5: server.limits.max_bulk: "1k": write 1KiB (1,024) or 1000; k means different things in redis.conf and elsewhere
a.yaml:10:10: server.auth.password: the value is not a string, write it in quotes
a.yaml:11:3: server.a.b: a key must not contain a dot; nest it instead
a.yaml:12:3: server.io: "auto": this is a section, it has parts
a.yaml:14:3: keyspace.compat: 7.0: write a version in quotes, such as "7.0"
a.yaml:15:3: keyspace.policy: "allkeys-lruu": must be one of volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction
a.yaml:16:3: keyspace.stripes: 3: must be a power of two
a.yaml:18:3: wal.fsnyc: unknown parameter; did you mean wal.policy? (Redis: appendfsync)
a.yaml:20:3: wal.enabled: "yes": write true
a.yaml:21:14: wal.snapshot.save: after: 10: write a duration such as 1h
a.yaml:22:21: observe.latency.over: false: write "off" in quotes
a.yaml:22:35: observe.events: Invalid event class character. Use 'Ag$lshzxeKEtmdn'.
a.yaml:23:1: appendfsync: unknown parameter; did you mean wal.policy? (Redis: appendfsync)`,
		},
		{
			name:  "a word that YAML turned into a boolean",
			files: map[string]string{"a.yaml": "wal: {policy: false}"},
			args:  []string{"a.yaml"},
			bad:   `a.yaml:1:7: wal.policy: false: write "no" in quotes`,
		},
		{
			name:  "toml",
			files: map[string]string{"a.toml": "[server]\nport = 1.5\n[server.unix]\nmode = 0o700\n[http]\nprot = 1\n"},
			args:  []string{"a.toml"},
			bad: `
a.toml:2:1: server.port: 1.5: write a whole number
a.toml:4:1: server.unix.mode: 448: write a mode as an octal number in quotes, such as "0700"
a.toml:6:1: http.prot: unknown parameter; did you mean http.port?`,
		},
		{
			name:  "duplicates and second documents",
			files: map[string]string{"a.json": "{\"server\": {\"port\": 1,\n\"port\": 2}}", "b.yaml": "server: {port: 1}\n---\nserver: {port: 2}\n"},
			args:  []string{"--config", "a.json", "--config", "b.yaml"},
			bad: `
a.json:2:1: server.port: is already set at line 1
b.yaml:2: a second document in one file would be ignored; remove it`,
		},
		{
			name:  "syntax",
			files: map[string]string{"a.yaml": "server:\n port: 1\n port: 2\n", "b.toml": "a = 1\nb = = 2\n", "c.json": "{"},
			args:  []string{"--config", "a.yaml", "--config", "b.toml", "--config", "c.json", "--config", "none.yaml"},
			bad: `
a.yaml:3: mapping key "port" already defined at line 2
b.toml:2:5: unexpected character U+003D '=' at start of value
c.json: unexpected end of JSON input
none.yaml: no such file or directory`,
		},
		{
			name: "environment and flags",
			env:  []string{"REREDIS__HTTP__PROT=1", "REREDIS__SERVER__PORT=x", "REREDIS__SERVER__PROTECTED_MODE=maybe"},
			args: []string{"--http.prot", "1", "--server.port", "70000", "--keyspace.maxmemory=110%", "--server.port"},
			bad: `
env REREDIS__HTTP__PROT: unknown parameter; did you mean http.port?
env REREDIS__SERVER__PORT: argument couldn't be parsed into an integer
env REREDIS__SERVER__PROTECTED_MODE: "maybe": write true or false
--http.prot: unknown parameter; did you mean http.port?
--server.port: argument must be between 0 and 65535 inclusive
--keyspace.maxmemory: "110%": write a percentage from 1% to 100%
--server.port: needs a value (integer 0–65535)`,
		},
		{
			name: "rules over several parameters",
			args: []string{"--port", "0", "--http-port", "0"},
			bad:  `--port: the server would listen nowhere: set server.port and server.bind, or server.unix.path`,
		},
		{
			name: "one port for two",
			args: []string{"--port", "7001", "--http.port", "7001"},
			bad:  `--http.port: 7001 is server.port too`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

// TestMistakesAreCounted: a load prints at most maxProblems.
func TestMistakesAreCounted(t *testing.T) {
	var b strings.Builder
	for range maxProblems + 3 {
		b.WriteString("nonsense\n")
	}
	_, err := LoadFrom(Inputs{Args: []string{"-"}, Stdin: strings.NewReader(b.String())})
	var load *LoadError
	if !errors.As(err, &load) || len(load.Problems) != maxProblems+3 {
		t.Fatalf("%v", err)
	}
	if got := load.Error(); strings.Count(got, "Bad directive") != maxProblems || !strings.HasSuffix(got, "and 3 more problems") {
		t.Error(got)
	}
}

// TestInvariant7SecretsStaySecret: no message and no output shows a password.
func TestInvariant7SecretsStaySecret(t *testing.T) {
	const password = "hunter2"
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.conf", []byte("requirepass "+password+" "+password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{"a.conf", "--requirepass", password, password}, nil)
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("%v", err)
	}
	s := mustLoad(t, []string{"--requirepass", password}, nil)
	for _, o := range []showOptions{{format: "yaml"}, {format: "toml"}, {format: "json"}, {format: "redis"}} {
		var b strings.Builder
		if err := s.show(&b, o); err != nil || strings.Contains(b.String(), password) || !strings.Contains(b.String(), redacted) {
			t.Errorf("%v: %s", err, b.String())
		}
	}
	if got := s.Get([]string{"requirepass"}); got[0].Value != password {
		t.Errorf("CONFIG GET says %q", got)
	}
}
