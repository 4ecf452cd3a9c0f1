package configs

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// follow lets addresses change, and notes what appliers are asked to do.
func (s *Store) follow(calls *[]string, fail *string) {
	for _, name := range []string{"server.port", "log", "keyspace"} {
		s.OnChange([]string{name}, func(_, _ *Config) (func(), func(), error) {
			*calls = append(*calls, "prepare "+name)
			if *fail == name {
				return nil, nil, errors.New("no")
			}
			return func() { *calls = append(*calls, "commit "+name) }, func() { *calls = append(*calls, "undo "+name) }, nil
		})
	}
}

// TestReload: what can change does, what cannot waits for a restart, and after an error nothing has changed.
func TestReload(t *testing.T) {
	here(t, "reredis.yaml", "server: {port: 7001, backlog: 5}\nkeyspace: {databases: 16}\n")
	var calls []string
	fail := ""
	s := mustLoad(t, nil, nil)
	s.follow(&calls, &fail)
	step := func(text string) (Change, error) {
		t.Helper()
		calls = nil
		write(t, "reredis.yaml", text)
		return s.Reload()
	}

	before := s.Current()
	c, err := step("# nothing else\nserver: {port: 7001, backlog: 5}\n")
	if err != nil || s.Current() != before || len(calls)+len(c.Changed)+len(c.Pending)+len(c.Warnings) > 0 {
		t.Errorf("nothing changed: %+v, %v, %q", c, err, calls)
	}
	if at := s.Origin("server.port"); at.Line != 2 {
		t.Errorf("server.port is said to be at %v", at)
	}

	c, err = step("server: {port: 7002, backlog: 6, auth: {password: geheim}}\nlog: {level: debug}\n")
	if want := []Diff{{"server.port", "7001", "7002"}, {"server.auth.password", "***", "***"}, {"log.level", "info", "debug"}}; err != nil || !slices.Equal(c.Changed, want) {
		t.Errorf("changed %q, %v", c.Changed, err)
	}
	dir, next := s.Current().Server.Dir, strings.Replace(s.Current().Server.Dir, "7001", "7002", 1)
	if want := []Diff{{"server.dir", dir, next}, {"server.backlog", "5", "6"}}; !slices.Equal(c.Pending, want) || !slices.Equal(s.Pending(), want) {
		t.Errorf("pending %q", c.Pending)
	}
	if want := []string{"prepare server.port", "prepare log", "commit server.port", "commit log"}; !slices.Equal(calls, want) {
		t.Errorf("%q", calls)
	}
	if s.value("tcp-backlog") != "5" || s.value("port") != "7002" || s.Origin("server.backlog").Line != 2 {
		t.Errorf("backlog %s, port %s", s.value("tcp-backlog"), s.value("port"))
	}
	if list, one := s.Where("tcp-backlog"); !one || len(list) != 1 || list[0] != (Where{Path: "server.backlog", Value: "5", Origin: s.Origin("server.backlog"), Pending: true, AfterRestart: "6"}) {
		t.Errorf("%+v", list)
	}
	if list, _ := s.Where("requirepass"); len(list) != 1 || list[0].Value != redacted {
		t.Errorf("%+v", list)
	}

	// What waits is not announced twice, and goes when it is taken back.
	if c, err = step("server: {port: 7002, backlog: 6}\n"); err != nil || len(c.Pending) > 0 || len(s.Pending()) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err = step("server: {port: 7001, backlog: 5}\n"); err != nil || len(s.Pending()) > 0 {
		t.Errorf("%+v, %v, %v", c, err, s.Pending())
	}

	for name, c := range map[string]struct{ text, fail, want string }{
		"unknown":     {"server: {prot: 7001, maxclients: 5}\n", "", "reredis.yaml:1:10: server.prot: unknown parameter; did you mean server.port? (Redis: port)"},
		"syntax":      {"server: {port: 70", "", "reredis.yaml:1: did not find expected ',' or '}'"},
		"fixed":       {"server: {maxclients: 5, port: 7001}\nkeyspace: {databases: 17}\n", "", "reredis.yaml:2:12: keyspace.databases: 16 is fixed with the data, it can not become 17"},
		"rules":       {"server: {port: 0, maxclients: 5}\n", "", "reredis.yaml:1:10: server.port: the server would listen nowhere: set server.port and server.bind, or server.unix.path"},
		"rules later": {"server: {port: 0, maxclients: 5, unix: {path: x.sock}}\n", "", "reredis.yaml:1:10: server.port: the server would listen nowhere: set server.port and server.bind, or server.unix.path"},
		"applier":     {"server: {port: 7003, maxclients: 5}\nlog: {level: debug}\n", "log", "reredis.yaml:2:7: log.level: no"},
	} {
		before, origin := s.Current(), s.Origin("server.port")
		fail = c.fail
		was := s.State()
		_, err := step(c.text)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if s.Current() != before || s.Origin("server.port") != origin || slices.Contains(calls, "commit server.port") {
			t.Errorf("%s: has changed something: %q", name, calls)
		}
		if st := s.State(); st.Failures != was.Failures+1 || st.Error != c.want || !st.Loaded.Equal(was.Loaded) {
			t.Errorf("%s: %+v", name, st)
		}
	}
	fail = ""
	if _, err := step("server: {port: 7001, backlog: 5}\n"); err != nil {
		t.Error(err)
	}
	if st := s.State(); st.Error != "" {
		t.Errorf("%+v", st)
	}
}

// TestSetIsChecked: CONFIG SET obeys the rules over several parameters.
func TestSetIsChecked(t *testing.T) {
	here(t)
	var calls []string
	fail := ""
	s := mustLoad(t, nil, nil)
	s.follow(&calls, &fail)
	err := s.Set([]KV{{"maxclients", "5"}, {"port", "0"}}, "default", false)
	if want := failed("port", "the server would listen nowhere: set server.port and server.bind, or server.unix.path"); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	if s.value("maxclients") != "10000" || len(calls) > 0 {
		t.Error("half of it was taken")
	}
}

// TestRollback: an applier that fails at any place of the order leaves nothing of a SET, an UNSET or a reload: those before
// it are undone in reverse, none is committed, and values, origins, overlay and what waits stay as they were.
func TestRollback(t *testing.T) {
	here(t, "reredis.yaml", "server: {maxclients: 5}\n")
	s := mustLoad(t, nil, nil)
	sections := []string{"server.maxclients", "server.limits", "keyspace", "wal", "log"}
	var calls []string
	fail := -1
	for i, name := range sections {
		s.OnChange([]string{name}, func(_, _ *Config) (func(), func(), error) {
			if i == fail {
				return func() { t.Error("commit of what failed") }, func() { t.Error("rollback of what failed") }, errors.New("no room")
			}
			if i == 2 { // has nothing to finish or undo
				return nil, nil, nil
			}
			return func() { calls = append(calls, "commit "+name) }, func() { calls = append(calls, "undo "+name) }, nil
		})
	}
	pairs := []KV{{"maxclients", "7"}, {"proto-max-bulk-len", "1mb"}, {"maxmemory", "1mb"}, {"save", "1 1"}, {"loglevel", "debug"}}
	names := []string{"maxclients", "proto-max-bulk-len", "maxmemory", "save", "loglevel"}
	state := func() string {
		var b strings.Builder
		writeState(&b, s)
		text, err := s.overlay.text()
		mustDo(t, err)
		return b.String() + string(text)
	}
	try := func(what string, do func() error) {
		t.Helper()
		for fail = range sections {
			calls = nil
			before, config := state(), s.Current()
			if err := do(); err == nil || !strings.Contains(err.Error(), "no room") {
				t.Errorf("%s, %s fails: %v", what, sections[fail], err)
			}
			var want []string
			for i, name := range slices.Backward(sections[:fail]) {
				if i != 2 {
					want = append(want, "undo "+name)
				}
			}
			if !slices.Equal(calls, want) || s.Current() != config || state() != before {
				t.Errorf("%s, %s fails: %q, want %q\n%s\nwas\n%s", what, sections[fail], calls, want, state(), before)
			}
		}
		fail = -1
	}
	try("SET", func() error { return s.Set(pairs, "default", false) })
	mustDo(t, s.Set(pairs, "default", false))
	try("UNSET", func() error { return s.Unset(names, false) })
	mustDo(t, s.Unset(names, false))
	write(t, "reredis.yaml", "server: {maxclients: 6, backlog: 6, limits: {max_bulk: 2MiB}}\nkeyspace: {maxmemory: 2MiB}\nwal: {policy: everysec}\nlog: {level: warning}\n")
	try("reload", func() error { _, err := s.Reload(); return err })
	if _, err := s.Reload(); err != nil || len(s.Pending()) != 1 {
		t.Error(err, s.Pending())
	}
}
