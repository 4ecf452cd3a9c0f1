package configs

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the generated files")

// TestRowsAndLeaves: every leaf of Config has exactly one row, every row a leaf.
func TestRowsAndLeaves(t *testing.T) {
	c := &Config{}
	leaves := map[any]string{}
	var walk func(v reflect.Value, path string)
	walk = func(v reflect.Value, path string) {
		if v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[Compat]() {
			for i := range v.NumField() {
				walk(v.Field(i), path+"."+v.Type().Field(i).Name)
			}
			return
		}
		if v.CanInterface() && v.Type() != reflect.TypeFor[Compat]() {
			leaves[v.Addr().Interface()] = path
		}
	}
	walk(reflect.ValueOf(c).Elem(), "Config")
	rows := theTable().rows
	for i := range rows {
		p := &rows[i]
		if p.Flags.Has(CompatOnly) || p.Flags.Has(Composite) {
			continue
		}
		field := p.field(c)
		if leaves[field] == "" {
			t.Errorf("%s: its field is no leaf, or the field of another row", p.Path)
		}
		delete(leaves, field)
	}
	for _, path := range leaves {
		t.Errorf("%s has no row", path)
	}
}

// TestRows: names are well formed, every row is documented, and each notation
// of the default is read back as it was written.
func TestRows(t *testing.T) {
	rows := theTable().rows
	def := Default()
	for i := range rows {
		p := &rows[i]
		if p.Path != strings.ToLower(p.Path) || !strings.Contains(p.Path, ".") || strings.ContainsAny(p.Path, "- ") {
			t.Errorf("%s: not a path", p.Path)
		}
		if p.Type == "" {
			t.Errorf("%s: no type", p.Path)
		}
		switch {
		case p.Flags.Has(CompatOnly):
			if p.Why == "" {
				t.Errorf("%s: does not say why it has no effect", p.Redis)
			}
		case p.Doc == "" || strings.HasSuffix(p.Doc, "."):
			t.Errorf("%s: documentation %q", p.Path, p.Doc)
		default:
			if first, _, _ := strings.Cut(p.Doc, ". "); len(first) > 110 {
				t.Errorf("%s: first sentence has %d characters", p.Path, len(first))
			}
		}
		if !p.Flags.Has(Composite) {
			c := &Config{}
			if err := p.setText(c, p.text(def)); err != nil || !p.same(c, def) {
				t.Errorf("%s: native text %q is read back as %q, %v", p.Path, p.text(def), p.text(c), err)
			}
			c = &Config{}
			if err := p.setFile(c, p.native(def)); err != nil || !p.same(c, def) {
				t.Errorf("%s: file value %v is read back as %v, %v", p.Path, p.native(def), p.native(c), err)
			}
		}
		if p.Redis != "" && p.Redis != "replicaof" {
			c := *def
			if err := setAtRuntime(&c, p, KV{p.Redis, p.redis(def)}); err != nil || !p.same(&c, def) {
				t.Errorf("%s: Redis value %q is read back as %q, %v", p.Redis, p.redis(def), p.redis(&c), err)
			}
		}
	}
}

// TestReferenceIsFresh: what is generated from the table is what lies in the repository.
func TestReferenceIsFresh(t *testing.T) {
	for file, want := range map[string][]byte{
		"../docs/reference/configuration.md":   Doc(),
		"../docs/reference/configuration.json": Schema(),
		"reredis.yaml":                         Example("yaml"),
		"reredis.toml":                         Example("toml"),
	} {
		if *update {
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b, want) {
			t.Errorf("%s is stale: go test ./configs -run Reference -update", file)
		}
	}
}

// TestExamples: the example files load to the defaults and hold every
// parameter of ours.
func TestExamples(t *testing.T) {
	for _, file := range []string{"reredis.yaml", "reredis.toml"} {
		t.Run(file, func(t *testing.T) {
			s := mustLoad(t, []string{"--config", file}, nil)
			want := mustLoad(t, nil, nil).Current()
			if !reflect.DeepEqual(s.Current(), want) {
				t.Errorf("got  %+v\nwant %+v", s.Current(), want)
			}
			for _, p := range theTable().rows {
				if at := s.Origin(p.Path); !p.Flags.Has(CompatOnly) && !p.Flags.Has(Composite) && (at.Name != file || at.Line == 0) {
					t.Errorf("%s is not set, or its line not known: %v", p.Path, at)
				}
			}
			if len(s.Warnings()) > 0 {
				t.Errorf("warnings: %q", s.Warnings())
			}
		})
	}
}

func mustLoad(t *testing.T, args, env []string) *Store {
	t.Helper()
	s, err := Load(args, env)
	if err != nil {
		t.Fatalf("Load(%q): %v", args, err)
	}
	return s
}
