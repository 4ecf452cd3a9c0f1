package configs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/json"
	"github.com/knadh/koanf/parsers/toml/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
)

const maxFile = 4 << 20 // bytes; no configuration is larger

// parsers are the syntaxes by file extension; any other name is a redis.conf.
var parsers = map[string]koanf.Parser{
	".yaml": yaml.Parser(), ".yml": yaml.Parser(), ".toml": toml.Parser(), ".json": json.Parser(),
}

func isRedisConf(name string) bool { return parsers[strings.ToLower(filepath.Ext(name))] == nil }

// file loads one file of any syntax.
func (l *loader) file(name string) {
	where := Origin{Layer: LayerFile, Name: name}
	b, err := readFile(name)
	if err != nil {
		l.problem(Problem{Where: where, Text: err.Error()})
		return
	}
	if isRedisConf(name) {
		l.redisConf(name, string(b))
		return
	}
	l.tree(name, b)
}

// readFile reads at most maxFile bytes; its errors do not repeat the name.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = f.Close() }() // only read
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("larger than %s", formatSize(maxFile))
	}
	return b, nil
}

func bare(err error) error {
	if p, ok := errors.AsType[*os.PathError](err); ok {
		return p.Err
	}
	return err
}

// tree loads YAML, TOML or JSON.
func (l *loader) tree(name string, b []byte) {
	ext := strings.ToLower(filepath.Ext(name))
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(b), parsers[ext]); err != nil {
		l.problems = append(l.problems, syntaxProblems(name, err)...)
		return
	}
	at, problems := positions(ext, name, b)
	l.problems = append(l.problems, problems...)
	raw := k.Raw()
	if ext == ".json" {
		raw = integers(raw).(map[string]any)
	}
	before := len(l.problems)
	l.walk("", raw, func(path string) Origin {
		o := Origin{Layer: LayerFile, Name: name}
		if p, ok := at[path]; ok {
			o.Line, o.Column = p.line, p.column
		}
		return o
	})
	slices.SortStableFunc(l.problems[before:], func(a, b Problem) int {
		return cmp.Or(a.Where.Line-b.Where.Line, a.Where.Column-b.Where.Column, strings.Compare(a.Name, b.Name))
	})
}

// walk sets the leaves of a tree. Keys that are no parameter and no section
// are problems.
func (l *loader) walk(prefix string, tree map[string]any, at func(path string) Origin) {
	for key, raw := range tree {
		path := key
		if prefix != "" {
			path = prefix + "." + key
		}
		where := at(path)
		p := l.table.byPath[path]
		sub, isTree := raw.(map[string]any)
		switch {
		case strings.Contains(key, "."):
			l.problem(Problem{Where: where, Name: path, Text: "a key must not contain a dot; nest it instead"})
		case p != nil && !p.Flags.Has(Composite):
			l.set(p, where, path, p.setFile(l.cfg, raw))
		case l.table.isSection(path) && isTree:
			l.walk(path, sub, at)
		case l.table.isSection(path):
			if raw != nil { // "server:" with nothing below it is an empty section
				l.problem(Problem{Where: where, Name: path, Text: describe(raw) + ": this is a section, it has parts"})
			}
		default:
			l.problem(Problem{Where: where, Name: path, Text: "unknown parameter", Hint: l.table.suggestPath(path)})
		}
	}
}

// integers turns the floats that JSON makes of whole numbers into integers.
func integers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = integers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = integers(e)
		}
	case float64:
		if n := int64(v); float64(n) == v && n < 1<<53 && n > -(1<<53) {
			return n
		}
	}
	return v
}
