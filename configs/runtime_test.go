package configs

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestSetErrors(t *testing.T) {
	s := mustLoad(t, nil, nil)
	before := s.Current()
	for _, c := range []struct {
		pairs []KV
		want  string
	}{
		{[]KV{{"nope", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'nope'"},
		{[]KV{{"server.nope", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'server.nope'"},
		{[]KV{{"server.output_limits", "1"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'server.output_limits'"},
		{[]KV{{"daemonize", "no"}}, failed("daemonize", "can't set immutable config")},
		{[]KV{{"Databases", "16"}}, failed("Databases", "can't set immutable config")},
		{[]KV{{"dir", "/"}}, failed("dir", "can't set protected config")},
		{[]KV{{"maxmemory", "1"}, {"MaxMemory", "2"}}, failed("MaxMemory", "duplicate parameter")},
		{[]KV{{"maxmemory", "10000001"}, {"maxmemory-clients", "200%"}, {"client-query-buffer-limit", "invalid"}}, failed("maxmemory-clients", "percentage argument must be less or equal to 100")},
		{[]KV{{"active-expire-effort", "11"}}, failed("active-expire-effort", "argument must be between 1 and 10 inclusive")},
		{[]KV{{"latency-tracking", "maybe"}}, failed("latency-tracking", "argument must be 'yes' or 'no'")},
		{[]KV{{"maxmemory-policy", "lru"}}, failed("maxmemory-policy", "argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction")},
		{[]KV{{"server.limits.max_bulk", "64MB"}}, failed("server.limits.max_bulk", `"64MB": write 64MiB (67,108,864) or 64000000; MB means different things in redis.conf and elsewhere`)},
		{[]KV{{"keyspace.databases", "17"}}, failed("keyspace.databases", "can't set immutable config")},
		{[]KV{{"compat-version", "7.2"}}, failed("compat-version", "can't set immutable config")},
		{[]KV{{"port", "7001"}}, failed("port", "it is read at the start only: change it there")},
		// The first wrong pair decides.
		{[]KV{{"nope", "1"}, {"daemonize", "yes"}}, "ERR Unknown option or number of arguments for CONFIG SET - 'nope'"},
		{[]KV{{"daemonize", "yes"}, {"nope", "1"}}, failed("daemonize", "can't set immutable config")},
	} {
		err := s.Set(c.pairs, "default", false)
		if err == nil || err.Error() != c.want {
			t.Errorf("%v: %v, want %s", c.pairs, err, c.want)
		}
		if s.Current() != before {
			t.Fatalf("%v: another configuration was published", c.pairs)
		}
	}
	if err := s.Set([]KV{{"dir", "/"}}, "default", true); err == nil || err.Error() != failed("dir", "can't set immutable config") {
		t.Errorf("dir: %v", err)
	}
}

func failed(name, why string) string {
	return "ERR CONFIG SET failed (possibly related to argument '" + name + "') - " + why
}

func TestSetAndGet(t *testing.T) {
	s := mustLoad(t, []string{"--save", "900 1"}, nil)
	for _, c := range []struct {
		pairs []KV
		get   []string
		want  []KV
	}{
		{[]KV{{"maxmemory", "1mb"}, {"SAVE", "3000 5"}}, []string{"maxmemory", "Save", "save"}, []KV{{"maxmemory", "1048576"}, {"Save", "3000 5"}}},
		{[]KV{{"save", ""}}, []string{"save", "wal.snapshot.save"}, []KV{{"save", ""}, {"wal.snapshot.save", ""}}},
		{[]KV{{"hash-max-ziplist-entries", "7"}}, []string{"hash-max-*-entries"}, []KV{{"hash-max-listpack-entries", "7"}, {"hash-max-ziplist-entries", "7"}}},
		{[]KV{{"client-output-buffer-limit", "replica 1mb 2 3"}}, []string{"server.output_limits.replica.*"}, []KV{
			{"server.output_limits.replica.hard", "1MiB"}, {"server.output_limits.replica.soft", "2"}, {"server.output_limits.replica.soft_for", "3s"},
		}},
		{[]KV{{"observe.slowlog.over", "off"}}, []string{"slowlog-log-slower-tha[mn]"}, []KV{{"slowlog-log-slower-than", "-1"}}},
		{[]KV{{"notify-keyspace-events", "KEg$lshzxetdn"}}, []string{"notify-keyspace-events", "observe.events"}, []KV{{"notify-keyspace-events", "AKE"}, {"observe.events", "AnKE"}}},
		{[]KV{{"loglevel", "notice"}}, []string{"loglevel", "log.level"}, []KV{{"loglevel", "notice"}, {"log.level", "info"}}},
		{nil, []string{"key-load-delay", "KEY-load*", "nothing", "*of"}, []KV{{"key-load-delay", "0"}, {"replicaof", ""}, {"slaveof", ""}}},
		{nil, []string{"http.*"}, []KV{{"http.enabled", "true"}, {"http.bind", "localhost"}, {"http.port", "8080"}}},
	} {
		if err := s.Set(c.pairs, "default", false); err != nil {
			t.Errorf("SET %v: %v", c.pairs, err)
		}
		if got := s.Get(c.get); !slices.Equal(got, c.want) {
			t.Errorf("GET %q: %q, want %q", c.get, got, c.want)
		}
	}
}

// TestSanity: whatever CONFIG GET * and all paths return can be set again,
// except for what Redis itself refuses, and changes nothing.
func TestSanity(t *testing.T) {
	s := mustLoad(t, []string{"--requirepass", "x", "--save", "900 1", "--observe.slowlog.over", "off", "--log.level", "nothing"}, nil)
	for _, pattern := range []string{"*", "*.*"} {
		before := s.Get([]string{pattern})
		for _, kv := range before {
			p, isPath := theTable().lookup(kv.Name)
			err := s.Set([]KV{kv}, "default", true)
			if immutable := p.Flags.Has(Immutable) && !isPath; immutable != (err != nil) {
				t.Errorf("SET %s %q: %v", kv.Name, kv.Value, err)
			}
		}
		if after := s.Get([]string{pattern}); !slices.Equal(before, after) {
			t.Errorf("before %q\nafter  %q", before, after)
		}
	}
}

// TestAppliers: all are prepared, then all committed; after a failure those
// before are rolled back in reverse, and nothing is published.
func TestAppliers(t *testing.T) {
	here(t)
	var calls []string
	fail := ""
	register := func(s *Store, name string, what ...string) {
		s.OnChange(what, func(old, next *Config) (func(), func(), error) {
			calls = append(calls, "prepare "+name)
			if name == fail {
				return nil, nil, errors.New("Unable to listen on this port. Check server logs.")
			}
			return func() { calls = append(calls, "commit "+name) }, func() { calls = append(calls, "undo "+name) }, nil
		})
	}
	names := []string{"keyspace", "port", "output", "log"}
	s := mustLoad(t, nil, nil)
	register(s, names[0], "keyspace.maxmemory")
	register(s, names[1], "server.port", "server.bind")
	register(s, names[2], "server.output_limits")
	register(s, names[3], "log")
	pairs := []KV{{"maxmemory", "7"}, {"port", "7001"}, {"bind", "*"}, {"client-output-buffer-limit", "normal 1 1 1"}, {"loglevel", "debug"}}
	for at, bad := range []string{"maxmemory", "port", "client-output-buffer-limit", "loglevel"} {
		calls, fail = nil, names[at]
		before := s.Current()
		if err := s.Set(pairs, "default", false); err == nil || err.Error() != failed(bad, "Unable to listen on this port. Check server logs.") {
			t.Errorf("%v, want an error about %s", err, bad)
		}
		var want []string
		for _, n := range names[:at+1] {
			want = append(want, "prepare "+n)
		}
		for _, n := range slices.Backward(names[:at]) {
			want = append(want, "undo "+n)
		}
		if !slices.Equal(calls, want) || s.Current() != before || !s.Origin("server.port").IsDefault() {
			t.Errorf("%q, want %q", calls, want)
		}
	}
	calls, fail = nil, ""
	if err := s.Set(pairs, "default", false); err != nil {
		t.Fatal(err)
	}
	if want := []string{"prepare keyspace", "prepare port", "prepare output", "prepare log", "commit keyspace", "commit port", "commit output", "commit log"}; !slices.Equal(calls, want) {
		t.Errorf("%q", calls)
	}
	if c := s.Current(); c.Server.Port != 7001 || c.Limits.OutputNormal != (OutputLimit{1, 1, 1}) {
		t.Errorf("%+v", c)
	}
	calls = nil
	if err := s.Set([]KV{{"port", "7001"}, {"hz", "5"}}, "default", false); err != nil || len(calls) > 0 {
		t.Errorf("without a change: %v, %q", err, calls)
	}
}

// TestInvariant2PublishedIsNeverChanged: what a reader holds stays as it was, and no
// reader sees half of a change.
func TestInvariant2PublishedIsNeverChanged(t *testing.T) {
	s := mustLoad(t, nil, nil)
	first := s.Current()
	was := *first
	was.Server.Bind, was.Observe.Percentiles = slices.Clone(was.Server.Bind), slices.Clone(was.Observe.Percentiles)
	hz := first.Compat.Get("hz")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if c := s.Current(); c.Observe.SlowlogMax != c.Limits.OutputNormal.Hard+128 {
					t.Error("half a change")
					return
				}
			}
		})
	}
	for _, n := range []string{"1", "2", "3", "4", "5", "0"} {
		sum := map[string]string{"0": "128", "1": "129", "2": "130", "3": "131", "4": "132", "5": "133"}[n]
		for range 50 {
			if err := s.Set([]KV{{"slowlog-max-len", sum}, {"client-output-buffer-limit", "normal " + n + " 0 0"}, {"save", n + "0 1"}, {"hz", "9"}, {"latency-tracking-info-percentiles", n}}, "default", false); err != nil && n != "0" {
				t.Fatal(err)
			}
		}
	}
	close(stop)
	readers.Wait()
	if !reflect.DeepEqual(*first, was) || first.Compat.Get("hz") != hz {
		t.Errorf("changed: %+v", *first)
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"*", "", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c*e", "abcde", true},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"[^a]x", "bx", true},
		{"[^b]x", "bx", false},
		{`\*x`, "*x", true},
		{`\*x`, "ax", false},
		{"[ab", "b", true},
		{"[", "[", false},
		{"ABC", "abc", true},
		{"a", "ab", false},
		{`[\]]`, "]", true},
	} {
		if got := glob(c.pattern, c.s); got != c.want {
			t.Errorf("glob(%q, %q) = %v", c.pattern, c.s, got)
		}
	}
}

func TestConfigCommands(t *testing.T) {
	t.Chdir(t.TempDir())
	env := []string{"REREDIS__SERVER__PORT=7001"}
	run := func(args ...string) (int, string, string) {
		var out, bad bytes.Buffer
		status := mainWith(args, env, &out, &bad)
		return status, out.String(), bad.String()
	}
	if status, out, bad := run("check", "--hz", "20"); status != 0 || bad != "" || out != "warning: --hz: hz is kept but has no effect: there is no timer that it would set\nthe configuration is good\n" {
		t.Errorf("check: %d %q %q", status, out, bad)
	}
	if status, out, bad := run("check", "--prot", "1"); status != 1 || out != "" || !strings.Contains(bad, "did you mean port?") {
		t.Errorf("check: %d %q %q", status, out, bad)
	}
	if status, out, _ := run("show", "--origin", "--changed", "--maxmemory", "1gb"); status != 0 || out != "server:\n  port: 7001  # env REREDIS__SERVER__PORT\nkeyspace:\n  maxmemory: \"1GiB\"  # --maxmemory\n" {
		t.Errorf("show: %d %q", status, out)
	}
	if status, out, _ := run("doc"); status != 0 || out != string(Doc()) {
		t.Errorf("doc: %d", status)
	}
	if status, _, bad := run("nonsense"); status != 2 || !strings.Contains(bad, "unknown command") {
		t.Errorf("nonsense: %d %q", status, bad)
	}
	if status, _, _ := run(); status != 2 {
		t.Errorf("no command: %d", status)
	}
}

// TestInvariant8WhatIsShownLoads: what show prints is the same configuration.
func TestInvariant8WhatIsShownLoads(t *testing.T) {
	t.Chdir(t.TempDir())
	args := []string{"--save", "900 1 60 5", "--hz", "20", "--bind", "*", "-::1", "--client-output-buffer-limit", "normal", "1kb", "2", "3", "--proc-title-template", "{title} #1", "--notify-keyspace-events", "KEA", "--log.level", "nothing", "--latency-tracking-info-percentiles", ""}
	s := mustLoad(t, args, nil)
	for file, o := range map[string]showOptions{
		"a.yaml": {origin: true, format: "yaml"}, "a.toml": {origin: true, format: "toml"}, "a.json": {format: "json"}, "a.conf": {origin: true, format: "redis"},
	} {
		var b bytes.Buffer
		if err := s.show(&b, o); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		again := mustLoad(t, []string{"--config", file}, nil)
		if !reflect.DeepEqual(again.Current(), s.Current()) {
			t.Errorf("%s: %s\ngot  %+v\nwant %+v", file, b.String(), again.Current(), s.Current())
		}
	}
}

func TestAddrs(t *testing.T) {
	got := Addrs([]string{"localhost", "*", "-::*", "-::1", "10.0.0.1"})
	want := []BindAddr{
		{"127.0.0.1", "tcp", false},
		{"::1", "tcp6", true},
		{"", "tcp4", false},
		{"", "tcp6", true},
		{"::1", "tcp", true},
		{"10.0.0.1", "tcp", false},
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
