package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// configured starts a server with a file, and stops it when the test ends.
func configured(t testing.TB, file, text string, more ...string) *instance {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, file), text)
	port := freePort(t)
	s := spawn(t, dir, append([]string{binary, "--config", file, "--port", port, "--http-port", freePort(t)}, more...)...)
	s.port = port
	if err := s.await(); err != nil {
		t.Fatal(err)
	}
	return s
}

// put replaces a file as an editor does: a new one gets its name.
func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

func parameter(t testing.TB, c *redis.Client, name string) string {
	t.Helper()
	m, err := c.ConfigGet(t.Context(), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	return m[name]
}

// TestReloadOfProcess: a changed file, SIGHUP and CONFIG RELOAD; what was wrong is told in the log, in INFO
// and in the metrics.
func TestReloadOfProcess(t *testing.T) {
	s := configured(t, "a.yaml", "server: {maxclients: 11}\n", "--log.level", "debug")
	c := s.client(t)
	file := filepath.Join(s.dir, "a.yaml")
	put(t, file, "server: {maxclients: 12, backlog: 7}\n")
	eventually(t, "the file is loaded", func() bool { return parameter(t, c, "maxclients") == "12" })
	for _, want := range []string{
		"server.backlog", "a parameter waits for a restart", "a parameter has changed", "parameter=server.maxclients from=11 to=12",
	} {
		eventually(t, want, func() bool { return strings.Contains(s.out.String(), want) })
	}
	info, err := c.Info(t.Context(), "reredis").Result()
	if err != nil || !strings.Contains(info, "config_stale:0\r\nconfig_last_error:\r\nconfig_needs_restart:server.backlog\r\nconfig_unsaved:\r\n") {
		t.Errorf("%s, %v", info, err)
	}
	put(t, file, "server: {maxclients: 13, prot: 7}\n")
	eventually(t, "the problem is logged", func() bool {
		return strings.Contains(s.out.String(), "a.yaml:1:26: server.prot: unknown parameter; did you mean server.port? (Redis: port)")
	})
	info, err = c.Info(t.Context(), "reredis").Result()
	if err != nil || !strings.Contains(info, "config_stale:1\r\nconfig_last_error:a.yaml:1:26: server.prot: unknown parameter; did") {
		t.Errorf("%s, %v", info, err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "SIGHUP reloads", func() bool { return strings.Contains(s.out.String(), "why=SIGHUP") })
	if got := parameter(t, c, "maxclients"); got != "12" {
		t.Errorf("maxclients is %s", got)
	}
	err = c.Do(t.Context(), "CONFIG", "RELOAD").Err()
	if err == nil || !strings.HasPrefix(err.Error(), "ERR CONFIG RELOAD failed, nothing has changed - a.yaml:1:26: ") {
		t.Errorf("%v", err)
	}
	put(t, file, "server: {maxclients: 14}\n")
	if v, err := c.Do(t.Context(), "CONFIG", "RELOAD").Result(); err != nil || fmt.Sprint(v) != "map[changed:[server.maxclients] needs_restart:[]]" &&
		fmt.Sprint(v) != "map[changed:[] needs_restart:[]]" { // the watcher was faster
		t.Errorf("%v, %v", v, err)
	}
	if got := parameter(t, c, "maxclients"); got != "14" {
		t.Errorf("maxclients is %s", got)
	}
}

// TestRewriteOfProcess: CONFIG REWRITE keeps what CONFIG SET changed, and no user's file is touched.
func TestRewriteOfProcess(t *testing.T) {
	const text = "server: {maxclients: 11}\n"
	s := configured(t, "a.yaml", text, "--dir", "data")
	c := s.client(t)
	is(t, "OK")(c.ConfigSet(t.Context(), "maxclients", "12").Result())
	is(t, "OK")(c.ConfigRewrite(t.Context()).Result())
	v, err := c.Do(t.Context(), "CONFIG", "ORIGIN", "maxclients").Result()
	if m, ok := v.(map[any]any); err != nil || !ok || m["value"] != "12" || !strings.HasPrefix(fmt.Sprint(m["origin"]), "CONFIG SET by default at ") {
		t.Errorf("%v, %v", v, err)
	}
	if code := s.terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	if b, err := os.ReadFile(filepath.Join(s.dir, "a.yaml")); err != nil || string(b) != text {
		t.Errorf("the user's file is %q, %v", b, err)
	}
	again := spawn(t, s.dir, s.cmd.Args...)
	again.port = s.port
	if err := again.await(); err != nil {
		t.Fatal(err)
	}
	if got := parameter(t, again.client(t), "maxclients"); got != "12" {
		t.Errorf("maxclients is %s", got)
	}
	out := tool(t, "", binary, "--check", "--config", filepath.Join(s.dir, "a.yaml"), "--dir", filepath.Join(s.dir, "data"))
	if out != "the configuration is good\n" {
		t.Errorf("--check: %q", out)
	}
}

// TestRebindProcess moves the ports and addresses of a running server; clients that are connected stay.
func TestRebindProcess(t *testing.T) {
	s := configured(t, "a.yaml", "log: {level: info}\n")
	w := s.wire(t)
	ask := func(line, want string) {
		t.Helper()
		w.send(line + "\r\n")
		if v := w.reply(); v.String() != want {
			t.Errorf("%s: %s, want %s", line, v.String(), want)
		}
	}
	answers := func(addr string) {
		t.Helper()
		c := redis.NewClient(&redis.Options{Addr: addr})
		defer c.Close()
		is(t, "PONG")(c.Ping(t.Context()).Result())
	}
	old := s.port
	next := freePort(t)
	ask("CONFIG SET port "+next, "OK")
	answers("127.0.0.1:" + next)
	ask("CONFIG SET bind 999.999.999.999", "ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind to specified addresses.")
	ask("CONFIG SET bind '*'", "OK")
	answers("127.0.0.1:" + next)
	answers("127.0.0.2:" + next)
	taken, err := net.Listen("tcp", "127.0.0.1:"+old)
	if err != nil {
		t.Fatalf("the old port is not free: %v", err)
	}
	defer taken.Close()
	ask("CONFIG SET maxclients 77 port "+old, "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen on this port. Check server logs.")
	c := s.client(t, func(o *redis.Options) { o.Addr = "127.0.0.1:" + next })
	if got := parameter(t, c, "maxclients"); got != "10000" {
		t.Errorf("maxclients is %s after a failed CONFIG SET", got)
	}
	web := freePort(t)
	ask("CONFIG SET http.port "+web, "OK")
	if status, _ := get(t, web, "/healthz"); status != 200 {
		t.Errorf("HTTP: %d", status)
	}
	ask("CONFIG SET http.enabled no", "OK")
	ask("CONFIG SET http.enabled yes", "OK")
	status, body := get(t, web, "/metrics")
	if status != 200 || !strings.Contains(body, "reredis_config_stale 0") {
		t.Errorf("HTTP: %d", status)
	}
	put(t, filepath.Join(s.dir, "a.yaml"), "log: {level: debug}\nserver: {bind: ['127.0.0.1']}\n")
	ask("CONFIG UNSET bind", "OK")
	eventually(t, "the file's address", func() bool { return parameter(t, c, "bind") == "127.0.0.1" })
	answers("127.0.0.1:" + next)
	if nc, err := net.Dial("tcp", "127.0.0.2:"+next); err == nil {
		nc.Close()
		t.Error("still listens on every address")
	}
	info, err := c.Info(t.Context(), "server", "reredis").Result()
	if err != nil || !strings.Contains(info, "tcp_port:"+next) || !strings.Contains(info, "http_port:"+web) {
		t.Errorf("%s, %v", info, err)
	}
}

// TestRenamedCommands: a command answers to its new name only, or to none.
func TestRenamedCommands(t *testing.T) {
	s := configured(t, "a.yaml", "server: {admin: {rename_commands: {flushdb: badger, config: ''}}}\n")
	w := s.wire(t)
	for line, want := range map[string]string{
		"FLUSHDB": "ERR unknown command 'FLUSHDB', with args beginning with: ", "Badger": "OK",
		"CONFIG GET port": "ERR unknown command 'CONFIG', with args beginning with: 'GET' 'port' ",
	} {
		w.send(line + "\r\n")
		if v := w.reply(); v.String() != want {
			t.Errorf("%s: %s", line, v.String())
		}
	}
	for names, want := range map[string]string{
		"nope=x":      "there is no command nope",
		"flushdb=get": "flushdb can not become get: there is such a command",
	} {
		bad := spawn(t, t.TempDir(), binary, "--port", freePort(t), "--http-port", "0", "--server.admin.rename_commands", names)
		if code := bad.exit(); code != 1 || !strings.Contains(bad.out.String(), want) {
			t.Errorf("%s: %d %s", names, code, bad.out.String())
		}
	}
}
