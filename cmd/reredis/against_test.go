package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ran is the end of a program that was run to it.
type ran struct {
	status   int
	out, bad string
}

// runIn runs the binary in dir, with variables added to the environment.
func runIn(t *testing.T, dir, stdin string, env []string, args ...string) ran {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	var out, bad strings.Builder
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &out, &bad
	cmd.Env = append(os.Environ(), env...)
	_ = cmd.Run() // the status tells
	return ran{cmd.ProcessState.ExitCode(), out.String(), bad.String()}
}

// TestCheckAgainst compares files with a running server: what a reload would change, what takes a restart, what the data
// does not allow.
func TestCheckAgainst(t *testing.T) {
	const file = "server: {port: %s, maxclients: 11, auth: {password: geheim}}\nhttp: {port: %w}\n"
	dir, port, web := t.TempDir(), freePort(t), freePort(t)
	text := strings.NewReplacer("%s", port, "%w", web).Replace(file)
	put(t, filepath.Join(dir, "a.yaml"), text)
	s := spawn(t, dir, binary, "--config", "a.yaml")
	s.port = port
	if err := s.await(); err != nil {
		t.Fatal(err)
	}
	addr, password := "127.0.0.1:"+port, []string{"REDISCLI_AUTH=geheim"}
	elsewhere := t.TempDir() // an unset server.dir differs there, which means nothing
	for _, c := range []struct {
		name, file string
		status     int
		want       []string // lines, in their order
	}{
		{"the same", text, 0, []string{addr + " runs with the same values"}},
		{"a reload", strings.Replace(text, "11", "12", 1) + "log: {level: debug}\n", 0, []string{
			`server.maxclients: "11" there, "12" here; changes with a reload`,
			`log.level: "info" there, "debug" here; changes with a reload`, "a reload of " + addr + " is enough",
		}},
		{"new ones", text + "wal: {segment_size: 1MiB}\n", 0, []string{
			`wal.segment_size: "64MiB" there, "1MiB" here; changes with a reload, for what is made from then on`, "a reload of " + addr + " is enough",
		}},
		{"a secret", strings.Replace(text, "geheim", "anders", 1), 0, []string{
			"server.auth.password: another secret there than here; changes with a reload", "a reload of " + addr + " is enough",
		}},
		{"a restart", text + "keyspace: {stripes: 2, maxmemory: 1MiB, compat: \"7.2\"}\n", 0, []string{
			`keyspace.stripes: "auto" there, "2" here; needs a restart`, `keyspace.compat: "7.0" there, "7.2" here; needs a restart`,
			`keyspace.maxmemory: "off" there, "1MiB" here; changes with a reload`, addr + " needs a restart for keyspace.stripes, keyspace.compat",
		}},
		{"a directory", strings.Replace(text, "port", "dir: /elsewhere, port", 1), 0, []string{
			`server.dir: "` + filepath.Join(dir, "reredis-data", port) + `" there, "/elsewhere" here; needs a restart`, addr + " needs a restart for server.dir",
		}},
		{"fixed", text + "keyspace: {databases: 5}\n", 1, []string{
			`keyspace.databases: "16" there, "5" here; is fixed with the data: the server would not start`,
			addr + " can not take this configuration with its data: keyspace.databases",
		}},
	} {
		put(t, filepath.Join(elsewhere, "new.yaml"), c.file)
		got := runIn(t, elsewhere, "", password, "config", "check", "new.yaml", "--against", addr)
		want := "the configuration is good\n" + strings.Join(c.want, "\n") + "\n"
		if got.status != c.status || got.out != want || got.bad != "" {
			t.Errorf("%s: %d %q\n%s\nwant\n%s", c.name, got.status, got.bad, got.out, want)
		}
		if strings.Contains(got.out, "geheim") || strings.Contains(got.out, "anders") {
			t.Errorf("%s: a secret is shown", c.name)
		}
	}
	if got := runIn(t, dir, "", password, "config", "check", "--config", "a.yaml", "--against="+port); got.status != 0 || !strings.Contains(got.out, "runs with the same values") {
		t.Errorf("a port only: %+v", got)
	}
	put(t, filepath.Join(elsewhere, "new.yaml"), "server: {prot: 1}\n")
	if got := runIn(t, elsewhere, "", password, "config", "check", "new.yaml", "--against", addr); got.status != 1 || got.out != "" || !strings.Contains(got.bad, "new.yaml:1:10: server.prot: unknown parameter") {
		t.Errorf("a problem: %+v", got)
	}
	for name, env := range map[string]string{"WRONGPASS": "REDISCLI_AUTH=falsch", "NOAUTH Authentication required. Put the password into REDISCLI_AUTH": "REDISCLI_AUTH="} {
		if got := runIn(t, dir, "", []string{env}, "config", "check", "a.yaml", "--against", addr); got.status != 2 || !strings.HasPrefix(got.bad, addr+": "+name) {
			t.Errorf("%s: %+v", env, got)
		}
	}
	// Only a reload takes effect of what was said.
	put(t, filepath.Join(dir, "a.yaml"), strings.Replace(text, "11", "12", 1)+"keyspace: {stripes: 2}\n")
	eventually(t, "the file is loaded", func() bool {
		got := runIn(t, dir, "", password, "config", "check", "a.yaml", "--against", addr)
		return got.out == "the configuration is good\nkeyspace.stripes: \"auto\" there, \"2\" here; needs a restart\n"+addr+" needs a restart for keyspace.stripes\n"
	})
}

// TestCheckAgainstOthers: nobody listens, or somebody else does.
func TestCheckAgainstOthers(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	closing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer closing.Close()
	go func() {
		for {
			c, err := closing.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	cases := map[string]string{
		"127.0.0.1:" + freePort(t):   "connection refused",
		web.Listener.Addr().String(): "this is no Reredis server", closing.Addr().String(): "",
		"a b": `"a b": write HOST:PORT`,
	}
	if redis, err := exec.LookPath("redis-server"); err == nil {
		port := freePort(t)
		s := spawn(t, t.TempDir(), redis, "--port", port, "--save", "")
		s.port = port
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		cases["127.0.0.1:"+port] = "this is no Reredis server"
	}
	for addr, want := range cases {
		got := runIn(t, t.TempDir(), "", nil, "config", "check", "--against", addr)
		if got.status != 2 || got.out != "the configuration is good\n" || !strings.Contains(got.bad, want) || got.bad == "" {
			t.Errorf("%s: %+v", addr, got)
		}
	}
}

// TestWords calls the binary as somebody does who does not know it.
func TestWords(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.yaml"), "server: {maxclients: 5}\n")
	for _, c := range []struct {
		args, stdin string
		status      int
		out, bad    string // parts
	}{
		{args: "help", out: "start the server"},
		{args: "--help", out: "start the server"},
		{args: "help config", out: "Usage: reredis config <command>"},
		{args: "help config show", out: "Usage: reredis config show"},
		{args: "help wal", out: "Usage: reredis wal"},
		{args: "help cli", out: "Usage: reredis cli"},
		{args: "help nothing", status: 2, bad: "there is no command nothing"},
		{args: "config", status: 2, bad: "Usage: reredis config <command>"},
		{args: "config check -h", out: "Usage: reredis config check"},
		{args: "check", status: 1, bad: "check: no such file or directory; did you mean reredis config check?"},
		{args: "conifg", status: 1, bad: "did you mean reredis config?"},
		{args: "start", status: 1, bad: "start: no such file or directory; it is no command either, see reredis help"},
		{args: "gone.yaml", status: 1, bad: "gone.yaml: no such file or directory\n"},
		{args: "--check gone.yaml", status: 2, bad: "gone.yaml: no such file or directory\n"},
		{args: "gone.yaml --check", status: 2, bad: "gone.yaml: no such file or directory\n"},
		{args: "--check --config gone.yaml", status: 2, bad: "gone.yaml: no such file or directory\n"},
		{args: "--check a.yaml", out: "the configuration is good\n"},
		{args: "a.yaml --check --maxclients 0", status: 1, bad: "maxclients"},
		{args: "--chek", status: 1, bad: "did you mean --check?"},
		{args: "--check -", stdin: "maxclients 7\n", out: "the configuration is good\n"},
		{args: "--check -", stdin: "maxclient 7\n", status: 1, bad: "Reading the configuration file standard input, at line 1\n>>> 'maxclient 7'\nBad directive or wrong number of arguments; did you mean maxclients?"},
		{args: "config check -", stdin: "maxclients 7\n", out: "the configuration is good\n"},
		{args: "config show --changed -", stdin: "maxclients 7\n", out: "server:\n  maxclients: 7\n"},
		{args: "config show - --changed --format redis", stdin: "maxclients 7\n", out: "maxclients 7\n"},
		{args: "config import -", stdin: "# why\nmaxclients 7\nsentinel x\n", status: 3, out: "server:\n  # why\n  maxclients: 7\n", bad: "left out: Reading the configuration file standard input, at line 3"},
	} {
		got := runIn(t, dir, c.stdin, nil, strings.Fields(c.args)...)
		if got.status != c.status || !strings.Contains(got.out, c.out) || !strings.Contains(got.bad, c.bad) || (c.bad == "") != (got.bad == "") {
			t.Errorf("reredis %s: status %d\n%s\n%s", c.args, got.status, got.out, got.bad)
		}
	}
}
