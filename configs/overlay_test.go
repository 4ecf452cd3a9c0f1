package configs

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// here makes an empty working directory with some files.
func here(t *testing.T, files ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for i := 0; i+1 < len(files); i += 2 {
		write(t, files[i], files[i+1])
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *Store) mustSet(t *testing.T, kv ...string) {
	t.Helper()
	var pairs []KV
	for i := 0; i+1 < len(kv); i += 2 {
		pairs = append(pairs, KV{kv[i], kv[i+1]})
	}
	if err := s.Set(pairs, "default", true); err != nil {
		t.Fatalf("SET %q: %v", kv, err)
	}
}

// value is what CONFIG GET returns for one name.
func (s *Store) value(name string) string {
	for _, kv := range s.Get([]string{name}) {
		return kv.Value
	}
	return "(nothing)"
}

// TestRewrite: what CONFIG SET changed is there after a restart, above all other layers, and
// only after CONFIG REWRITE.
func TestRewrite(t *testing.T) {
	here(t, "a.yaml", "keyspace: {maxmemory: 1GiB}\nserver: {port: 7001}\n")
	args := []string{"a.yaml", "--timeout", "9"}
	s := mustLoad(t, args, nil)
	s.mustSet(t, "maxmemory", "2gb", "timeout", "7", "save", "60 1", "hz", "20",
		"client-output-buffer-limit", "pubsub 1mb 2mb 3", "requirepass", "secret\n\"x\"", "bind", s.value("bind"))
	if again := mustLoad(t, args, nil); again.value("maxmemory") != "1073741824" {
		t.Error("kept without CONFIG REWRITE")
	}
	if err := s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("reredis-data", "7001", OverlayName)
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	again := mustLoad(t, args, nil)
	if !reflect.DeepEqual(again.Current(), s.Current()) {
		t.Errorf("got  %+v\nwant %+v", again.Current(), s.Current())
	}
	if !reflect.DeepEqual(again.origins, s.origins) || again.Origin("keyspace.maxmemory").Layer != LayerRuntime || again.Origin("server.bind").Layer != LayerDefault {
		t.Errorf("origins\ngot  %v\nwant %v", again.origins, s.origins)
	}
	without := mustLoad(t, append(args, "--no-overlay"), nil)
	if without.value("maxmemory") != "1073741824" || without.value("timeout") != "9" {
		t.Error("--no-overlay does not ignore the overlay")
	}
	// The file below says something else now.
	write(t, "a.yaml", "keyspace: {maxmemory: 3GiB}\nserver: {port: 7001}\n")
	const warning = `keyspace.maxmemory: the configuration says "3GiB" now, "1GiB" when CONFIG SET made it "2GiB", which still counts; CONFIG UNSET keyspace.maxmemory gives way to the configuration`
	c, err := again.Reload()
	if err != nil || !slices.Equal(c.Warnings, []string{warning}) || again.value("maxmemory") != "2147483648" {
		t.Errorf("%+v, %v", c, err)
	}
	if s := mustLoad(t, args, nil); !slices.Contains(s.Warnings(), warning) || s.value("maxmemory") != "2147483648" {
		t.Errorf("%q", s.Warnings())
	}
	// And the overlay gives way.
	if err := again.Unset([]string{"MAXMEMORY", "save", "client-output-buffer-limit", "server.auth.password", "maxclients"}, false); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"maxmemory": "3221225472", "save": "", "server.output_limits.pubsub.soft": "8MiB", "requirepass": "", "timeout": "7"} {
		if got := again.value(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if err := again.Rewrite(); err != nil {
		t.Fatal(err)
	}
	if s := mustLoad(t, args, nil); !reflect.DeepEqual(s.Current(), again.Current()) {
		t.Error("CONFIG UNSET is not kept")
	}
	for _, c := range []struct{ name, want string }{
		{"nope", "ERR Unknown option or number of arguments for CONFIG UNSET - 'nope'"},
		{"dir", "ERR CONFIG UNSET failed (possibly related to argument 'dir') - can't set protected config"},
	} {
		if err := again.Unset([]string{"timeout", c.name}, false); err == nil || err.Error() != c.want || again.value("timeout") != "7" {
			t.Errorf("%v", err)
		}
	}
}

// TestPortInOverlay: an unset directory follows the port of the files, so that the overlay is found again.
func TestPortInOverlay(t *testing.T) {
	here(t)
	s := mustLoad(t, nil, nil)
	s.OnChange([]string{"server.port"}, func(_, _ *Config) (func(), func(), error) { return nil, nil, nil })
	s.mustSet(t, "port", "7002")
	if err := s.Rewrite(); err != nil {
		t.Fatal(err)
	}
	again := mustLoad(t, nil, nil)
	if again.value("port") != "7002" || filepath.Base(again.Current().Server.Dir) != "6379" {
		t.Errorf("%s, %s", again.value("port"), again.Current().Server.Dir)
	}
}

// TestSecretFiles: a secret may come from a file, and is read again at each reload.
func TestSecretFiles(t *testing.T) {
	here(t, "pw", "from a file\n", "a.yaml", "server: {auth: {password_file: pw}}\n")
	if err := os.Chmod("pw", 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustLoad(t, []string{"a.yaml"}, nil)
	if s.value("requirepass") != "from a file" || len(s.Warnings()) > 0 {
		t.Errorf("%q, %q", s.value("requirepass"), s.Warnings())
	}
	write(t, "pw", "another\r\n")
	if _, err := s.Reload(); err != nil || s.value("requirepass") != "another" {
		t.Errorf("%q, %v", s.value("requirepass"), err)
	}
	if err := os.Chmod("pw", 0o644); err != nil {
		t.Fatal(err)
	}
	s = mustLoad(t, nil, []string{"REREDIS__SERVER__AUTH__PASSWORD_FILE=pw"})
	if want := "env REREDIS__SERVER__AUTH__PASSWORD_FILE: everybody on this machine can read pw, which holds a secret: chmod o-r"; s.value("requirepass") != "another" || !slices.Equal(s.Warnings(), []string{want}) {
		t.Errorf("%q, %q", s.value("requirepass"), s.Warnings())
	}
	if s = mustLoad(t, []string{"--server.auth.password_file", "pw"}, nil); s.value("requirepass") != "another" {
		t.Errorf("%q", s.value("requirepass"))
	}
}
