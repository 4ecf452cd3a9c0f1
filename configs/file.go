package configs

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
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
	".yaml": yaml.Parser(), ".yml": yaml.Parser(), ".toml": toml.Parser(), ".json": exactJSON{json.Parser()},
}

func isRedisConf(name string) bool { return parsers[strings.ToLower(filepath.Ext(name))] == nil }

// path loads a file, or a directory: its files with the extensions of
// dirFiles, in the order of their names.
func (l *loader) path(name string) {
	if !isDir(name) {
		l.file(name)
		return
	}
	names, err := listDir(name)
	l.seen.dir(name, names, err)
	switch {
	case err != nil:
		l.problem(Problem{Where: Origin{Layer: LayerFile, Name: name}, Text: bare(err).Error(), unreadable: true})
	case len(names) == 0:
		l.warnings = append(l.warnings, name+": nothing is read from this directory: it has no *"+strings.Join(dirFiles, ", *"))
	}
	for _, n := range names {
		l.added = nil
		l.file(n)
		l.seen.list(n, true)
	}
}

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// dirFiles are the extensions of the files that are read in a directory.
var dirFiles = []string{".yaml", ".yml", ".toml", ".json", ".conf"}

// listDir returns the files of a directory that are read, in the order of their names.
func listDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") && slices.Contains(dirFiles, strings.ToLower(filepath.Ext(e.Name()))) {
			names = append(names, filepath.Join(dir, e.Name()))
		}
	}
	return names, err
}

// file loads one file of any syntax.
func (l *loader) file(name string) {
	where := Origin{Layer: LayerFile, Name: name}
	b, err := l.read(name)
	if err != nil {
		p := Problem{Where: where, Text: err.Error(), unreadable: true}
		if name == l.cmd.mainFile && errors.Is(err, fs.ErrNotExist) && isName(name) && filepath.Ext(name) == "" {
			p.Hint = notACommand(name)
		}
		l.problem(p)
		return
	}
	l.given = map[*Param]given{}
	if isRedisConf(name) {
		l.redisConf(name, string(b))
		return
	}
	l.tree(name, b)
}

// read is readFile of what a reload has to look at again. What is no regular file, such as a pipe,
// is read once and then kept.
func (l *loader) read(name string) ([]byte, error) {
	if b, ok := l.src.pipes[name]; ok {
		return b, nil
	}
	b, err := readFile(name)
	if st, e := os.Stat(name); err == nil && e == nil && !st.Mode().IsRegular() {
		if l.src.pipes == nil {
			l.src.pipes = map[string][]byte{}
		}
		l.src.pipes[name] = b
		return b, nil
	}
	l.seen.file(name, b, err)
	return b, err
}

var errTooLarge = fmt.Errorf("larger than %s", formatSize(maxFile))

// readFile reads at most maxFile bytes; its errors do not repeat the name.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer func() { _ = f.Close() }() // only read
	return readAll(f)
}

// readAll reads at most maxFile bytes.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(b) > maxFile {
		return nil, errTooLarge
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
	if p, ok := notUTF8(name, b); ok {
		l.problem(p)
		return
	}
	b = bytes.TrimPrefix(b, []byte(byteOrderMark))
	if p, ok := bomb(ext, name, b); ok {
		l.problem(p)
		return
	}
	k := koanf.New(".")
	if err := k.Load(rawbytes.Provider(b), parsers[ext]); err != nil {
		l.problems = append(l.problems, syntaxProblems(name, b, err)...)
		return
	}
	before := len(l.problems)
	at, problems := positions(ext, name, b, l.table)
	l.problems = append(l.problems, problems...)
	l.walk("", k.Raw(), func(path string) Origin {
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

// inOrder returns the keys of a tree in the order of their places.
func inOrder(prefix string, tree map[string]any, at func(path string) Origin) []string {
	return slices.SortedFunc(maps.Keys(tree), func(a, b string) int {
		p, q := at(join(prefix, a)), at(join(prefix, b))
		return cmp.Or(p.Line-q.Line, p.Column-q.Column, strings.Compare(a, b))
	})
}

// join is the path of a key in the section prefix, "" for the outermost.
func join(prefix, key string) string {
	if prefix == "" {
		return key
	}
	return prefix + "." + key
}

// walk sets the leaves of a tree, in the order in which they are written. Keys that are no
// parameter and no section are problems.
func (l *loader) walk(prefix string, tree map[string]any, at func(path string) Origin) {
	for _, key := range inOrder(prefix, tree, at) {
		path, raw := join(prefix, key), tree[key]
		where := at(path)
		p := l.table.byPath[path]
		sub, isTree := raw.(map[string]any)
		switch {
		case strings.Contains(key, "."):
			l.problem(Problem{Where: where, Name: path, Text: "a key must not contain a dot; nest it instead"})
		case p != nil && !p.Flags.Has(Composite):
			l.set(p, where, path, p.setFile(l.cfg, raw))
		case l.table.secretFile(path) != nil:
			if _, both := tree[strings.TrimSuffix(key, fileSuffix)]; both {
				l.problem(Problem{Where: where, Name: path, Text: "the secret itself is set too; leave one of them out"})
			}
			l.setSecret(l.table.secretFile(path), where, path, raw)
		case l.table.isSection(path) && isTree:
			l.walk(path, sub, at)
		case l.table.isSection(path):
			if raw != nil { // "server:" with nothing below it is an empty section
				l.problem(Problem{Where: where, Name: path, Text: describe(raw) + ": this is a section, it has parts"})
			}
		default:
			suggest := l.table.suggestPath
			if isTree {
				suggest = l.table.suggestSection
			}
			l.problem(Problem{Where: where, Name: path, Text: "unknown parameter", Hint: l.hint(suggest, path)})
		}
	}
}
