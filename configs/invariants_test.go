package configs

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaves are the rows that have a value of their own.
func leaves() []*Param { return theTable().leaves() }

// TestInvariant1EveryRowIsReachable: by file, environment, flag, show, schema and reference.
func TestInvariant1EveryRowIsReachable(t *testing.T) {
	here(t)
	def := Default()
	var lines []line
	var env, args []string
	for _, p := range leaves() {
		lines = append(lines, line{p: p, value: p.native(def)})
		env = append(env, variable(p.Path)+"="+p.text(def))
		args = append(args, "--"+p.Path+"="+p.text(def))
	}
	for name, format := range formats {
		var b bytes.Buffer
		mustDo(t, format(&b, lines), os.WriteFile("all."+name, b.Bytes(), 0o600))
	}
	schema, reference := string(Schema()), string(Doc())
	for layer, s := range map[string]*Store{
		"yaml": mustLoad(t, []string{"--config", "all.yaml"}, nil), "toml": mustLoad(t, []string{"--config", "all.toml"}, nil),
		"json": mustLoad(t, []string{"--config", "all.json"}, nil), "environment": mustLoad(t, nil, env), "flags": mustLoad(t, args, nil),
	} {
		var shown strings.Builder
		mustDo(t, s.show(&shown, showOptions{format: "yaml", origin: true}))
		for _, p := range leaves() {
			if s.Origin(p.Path).IsDefault() || !p.same(s.Current(), def) && p.Path != "server.dir" {
				t.Errorf("%s: %s is %q from %v", layer, p.Path, p.text(s.Current()), s.Origin(p.Path))
			}
			if !p.Flags.Has(Hidden) && !strings.Contains(shown.String(), " "+lastSegment(p.Path)+": ") {
				t.Errorf("%s is not shown", p.Path)
			}
		}
	}
	for _, p := range leaves() {
		name := p.Path
		if p.Flags.Has(CompatOnly) {
			name = p.Redis
		}
		if !strings.Contains(reference, "`"+name+"`") || !strings.Contains(schema, `"`+lastSegment(p.Path)+`": {`) {
			t.Errorf("%s: not in the reference or the schema", p.Path)
		}
	}
}

// tree is the content and time of every file below the working directory.
func tree(t *testing.T) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		st, err := d.Info()
		m[path] = fmt.Sprint(string(b), st.ModTime(), st.Mode())
		return err
	})
	mustDo(t, err)
	return m
}

// TestInvariant3FailuresLeaveNoTrace: what fails leaves neither another file nor another configuration.
func TestInvariant3FailuresLeaveNoTrace(t *testing.T) {
	here(t, "a.yaml", "server: {maxclients: 5}\n", "b.conf", "timeout 1\n")
	args := []string{"--config", "a.yaml", "--config", "b.conf", "--dir", "data"}
	s := mustLoad(t, args, nil)
	s.mustSet(t, "timeout", "2")
	before, config := tree(t), s.Current()
	if err := s.Set([]KV{{"timeout", "3"}, {"maxclients", "0"}}, "default", true); err == nil {
		t.Error("a wrong SET succeeds")
	}
	if err := s.Unset([]string{"timeout", "nope"}, true); err == nil {
		t.Error("a wrong UNSET succeeds")
	}
	if _, err := Load(append(args, "--prot", "1"), nil); err == nil {
		t.Error("a wrong start succeeds")
	}
	if got := tree(t); !mapsEqual(got, before) || s.Current() != config {
		t.Errorf("files %q, were %q", got, before)
	}
	write(t, "a.yaml", "server: {maxclient: 5}\n")
	before = tree(t)
	if _, err := s.Reload(); err == nil {
		t.Error("a wrong reload succeeds")
	}
	if got := tree(t); !mapsEqual(got, before) || s.Current() != config {
		t.Errorf("files %q, were %q", got, before)
	}
}

func mapsEqual(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestInvariant4UserFilesAreNotWritten: whatever is asked for, the files of a user stay as they are.
func TestInvariant4UserFilesAreNotWritten(t *testing.T) {
	here(t, "reredis.yaml", "server: {maxclients: 5}\n", "redis.conf", "timeout 1\n", "pw", "x")
	before := tree(t)
	s := mustLoad(t, []string{"--config", "reredis.yaml", "--config", "redis.conf", "--server.auth.password_file", "pw"}, nil)
	s.mustSet(t, "maxclients", "6", "timeout", "7", "requirepass", "y")
	mustDo(t, s.Rewrite(), s.Unset([]string{"timeout"}, true), s.Rewrite())
	if _, err := s.Reload(); err != nil {
		t.Error(err)
	}
	var out, bad bytes.Buffer
	for _, args := range [][]string{
		{"check"}, {"show"}, {"import", "redis.conf", "-o", "reredis.yaml"}, {"import", "redis.conf"},
	} {
		mainWith(args, nil, &out, &bad)
	}
	got := tree(t)
	for name := range got {
		if filepath.Base(name) == OverlayName {
			delete(got, name)
		}
	}
	if !mapsEqual(got, before) {
		t.Errorf("files %q, were %q", got, before)
	}
}

// TestInvariant5NothingPassesSilently: in every layer an unknown, a doubled and a mistyped key is an error, or a warning where
// Redis lets the last of two count. What is said, the golden archives have word for word.
func TestInvariant5NothingPassesSilently(t *testing.T) {
	for layer, texts := range map[string][3]string{ // unknown, doubled, mistyped
		"a.yaml": {"x: 1", "server: {port: 1, port: 2}", "server: {port: x}"},
		"a.toml": {"x = 1", "[server]\nport = 1\nport = 2", "server.port = 1.5"},
		"a.json": {`{"x": 1}`, `{"server": {"port": 1, "port": 2}}`, `{"server": {"port": "x"}}`},
		"a.conf": {"x 1", "port 1\nport 2", "port x"},
		"environment": {
			"REREDIS__X=1", "REREDIS__SERVER__PORT=1\nREREDIS__server__port=2", "REREDIS__SERVER__PORT=x",
		},
		"arguments": {"--x.y\n1", "--server.port\n1\n--port\n2", "--server.port\nx"},
	} {
		for i, text := range texts {
			here(t)
			var args, env []string
			switch lines := strings.Split(text, "\n"); layer {
			case "environment":
				env = lines
			case "arguments":
				args = lines
			default:
				write(t, layer, text)
				args = []string{"--config", layer}
			}
			s, err := Load(args, env)
			last := i == 1 && (layer == "a.conf" || layer == "arguments")
			switch {
			case err == nil != last:
				t.Errorf("%s: %q: %v", layer, text, err)
			case last && !strings.Contains(strings.Join(s.Warnings(), "\n"), "was set before"):
				t.Errorf("%s: %q: the warnings are %q", layer, text, s.Warnings())
			}
		}
	}
}

// TestInvariant10NothingChanges: a reload that changes nothing calls nobody and publishes nothing.
func TestInvariant10NothingChanges(t *testing.T) {
	here(t, "a.yaml", "server: {maxclients: 5}\n", "b.conf", "timeout 1\n")
	s := mustLoad(t, []string{"--config", "a.yaml", "--config", "b.conf"}, nil)
	s.OnChange([]string{"server", "keyspace", "log", "wal", "observe", "http", "compat"}, func(_, _ *Config) (func(), func(), error) {
		t.Error("an applier is called")
		return nil, nil, nil
	})
	before := s.Current()
	write(t, "a.yaml", "# a comment\nserver:\n  maxclients: 5\n")
	for range 3 {
		c, err := s.Reload()
		if err != nil || len(c.Changed)+len(c.Pending)+len(c.Warnings) > 0 || s.Current() != before {
			t.Errorf("%+v, %v", c, err)
		}
	}
}
