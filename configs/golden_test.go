package configs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestGolden runs every case of testdata/golden/*.txtar; -update writes what they want anew. An archive holds
// cases, each a folder with the files of a working directory, and beside them
//
//	args   the command line, quoted as in redis.conf; without it every configuration file gets a --config
//	env    the environment, a variable a line
//	stdin  standard input
//	do     what happens afterwards, a step a line (see steps)
//	run    commands of "reredis config" instead of a start, a line each
//	want   what comes out
//
// x.quoted holds x as Go strings, one a line, "text"*1000 many times; x.link is a symbolic link; x.copy names the file
// beside the archives that x is a copy of.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no archives", err)
	}
	for _, file := range files {
		file, err := filepath.Abs(file)
		mustDo(t, err)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a := readArchive(t, file)
			for _, c := range a.cases() {
				t.Run(c.name, func(t *testing.T) { c.check(t, c.result(t)) })
			}
			a.save(t, file)
		})
	}
}

// archive is a text of sections, each behind a line "-- name --", in the form of golang.org/x/tools/txtar.
type archive struct {
	dir      string
	head     string
	sections []*section
}

type section struct{ name, text string }

func readArchive(t *testing.T, file string) *archive {
	t.Helper()
	b, err := os.ReadFile(file)
	mustDo(t, err)
	dir, err := filepath.Abs(filepath.Dir(file))
	mustDo(t, err)
	a := &archive{dir: dir}
	into := &a.head
	for line := range strings.Lines(string(b)) {
		name, begins := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "-- ")
		if name, ends := strings.CutSuffix(name, " --"); begins && ends {
			a.sections = append(a.sections, &section{name: name})
			into = &a.sections[len(a.sections)-1].text
			continue
		}
		*into += line
	}
	return a
}

// save writes the archive if -update asks for it.
func (a *archive) save(t *testing.T, file string) {
	t.Helper()
	if !*update {
		return
	}
	b := bytes.NewBufferString(a.head)
	for _, s := range a.sections {
		fmt.Fprintf(b, "-- %s --\n%s", s.name, s.text)
	}
	mustDo(t, os.WriteFile(file, b.Bytes(), 0o644))
}

// cases are the folders of the archive; each gets a section for what it wants.
func (a *archive) cases() []*goldenCase {
	var out []*goldenCase
	var all []*section
	for _, s := range a.sections {
		name, part, _ := strings.Cut(s.name, "/")
		if n := len(out); n == 0 || out[n-1].name != name {
			out = append(out, &goldenCase{name: name, dir: a.dir})
		}
		c := out[len(out)-1]
		if part == "want" {
			c.want = s
			continue
		}
		c.parts = append(c.parts, section{part, s.text})
	}
	for _, c := range out {
		for _, p := range c.parts {
			all = append(all, &section{c.name + "/" + p.name, p.text})
		}
		if c.want == nil {
			c.want = &section{name: c.name + "/want"}
		}
		all = append(all, c.want)
	}
	a.sections = all
	return out
}

// goldenCase is one start, or one run of "reredis config".
type goldenCase struct {
	name  string
	dir   string // of the archive
	parts []section
	want  *section
}

// part is the text of a part, "" if it is not there.
func (c *goldenCase) part(name string) string {
	for _, p := range c.parts {
		if p.name == name {
			return p.text
		}
	}
	return ""
}

func (c *goldenCase) check(t *testing.T, got string) {
	t.Helper()
	if *update {
		c.want.text = got
	}
	if got != c.want.text {
		t.Errorf("got\n%s\nwant\n%s", got, c.want.text)
	}
}

// goldenParts are the names of parts that are no files.
var goldenParts = []string{"args", "env", "stdin", "do", "run", "want"}

// place writes the files of the case into a new working directory and returns their names.
func (c *goldenCase) place(t *testing.T) (names []string) {
	t.Helper()
	here(t)
	for _, p := range c.parts {
		name, quoted := strings.CutSuffix(p.name, ".quoted")
		text := p.text
		if quoted {
			text = unquoted(t, text)
		}
		if of, copied := strings.CutSuffix(name, ".copy"); copied {
			b, err := os.ReadFile(filepath.Join(c.dir, strings.TrimSpace(text)))
			mustDo(t, err)
			name, text = of, string(b)
		}
		switch target, isLink := strings.CutSuffix(name, ".link"); {
		case slices.Contains(goldenParts, name):
			continue
		case isLink:
			name = target
			mustDo(t, os.Symlink(strings.TrimSpace(text), name))
		case strings.HasSuffix(name, "/"):
			mustDo(t, os.MkdirAll(name, 0o755))
			continue
		default:
			write(t, name, text)
		}
		names = append(names, name)
	}
	return names
}

// unquoted joins strings in Go's notation, one a line, each perhaps many times.
func unquoted(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		lit, err := strconv.QuotedPrefix(line)
		mustDo(t, err)
		s, err := strconv.Unquote(lit)
		mustDo(t, err)
		n := 1
		if times, ok := strings.CutPrefix(line[len(lit):], "*"); ok {
			n, err = strconv.Atoi(times)
			mustDo(t, err)
		}
		b.WriteString(strings.Repeat(s, n))
	}
	return b.String()
}

// words cuts a text as a shell would.
func words(t *testing.T, text string) []string {
	t.Helper()
	list, err := splitLine(strings.ReplaceAll(text, "\n", " "))
	mustDo(t, err)
	return list
}

// inputs are the command line, environment and standard input of a case whose files are there.
func (c *goldenCase) inputs(t *testing.T, names []string) Inputs {
	t.Helper()
	in := Inputs{
		Args: words(t, c.part("args")), Env: strings.Split(strings.TrimSuffix(c.part("env"), "\n"), "\n"),
		Stdin: strings.NewReader(c.part("stdin") + unquoted(t, c.part("stdin.quoted"))),
	}
	if slices.ContainsFunc(c.parts, func(p section) bool { return p.name == "args" }) {
		return in
	}
	for _, name := range names {
		if slices.Contains(dirFiles, filepath.Ext(name)) && !strings.Contains(name, "/") {
			in.Args = append(in.Args, "--config", name)
		}
	}
	return in
}

// result runs the case.
func (c *goldenCase) result(t *testing.T) string {
	t.Helper()
	in := c.inputs(t, c.place(t))
	var b strings.Builder
	if run := c.part("run"); run != "" {
		for line := range strings.Lines(run) {
			var out, bad bytes.Buffer
			fmt.Fprintf(&b, "> %s", line)
			status := mainWith(words(t, line), in.Env, &out, &bad)
			fmt.Fprintf(&b, "%s%sstatus %d\n", &out, &bad, status)
		}
		return masked(b.String())
	}
	start := time.Now().Add(-time.Second)
	s, err := LoadFrom(in)
	if err != nil {
		return masked(err.Error() + "\n")
	}
	writeState(&b, s)
	for line := range strings.Lines(c.part("do")) {
		fmt.Fprintf(&b, "> %s", line)
		args := words(t, line)
		step := steps[args[0]]
		if step == nil {
			t.Fatalf("%s is no step", args[0])
		}
		step(&b, s, args[1:])
	}
	return regexp.MustCompile(`(at|time:) 20\d\d-\d\d-\d\dT[\d:]+(Z|[+-]\d\d:\d\d)`).ReplaceAllStringFunc(masked(b.String()), func(at string) string {
		if when, err := time.Parse(time.RFC3339, at[strings.IndexByte(at, ' ')+1:]); err == nil && when.After(start) {
			return at[:strings.IndexByte(at, ' ')] + " NOW"
		}
		return at
	})
}

// masked hides what differs between machines: the working directory, and shares of their memory.
func masked(s string) string {
	dir, _ := os.Getwd()
	s = strings.ReplaceAll(s, dir, "$WORK")
	for _, share := range []int64{50, 75} {
		s = strings.ReplaceAll(s, formatSize(TotalMemory()/100*share), fmt.Sprintf("(%d%% of the memory)", share))
	}
	return s
}

// writeState writes what is not as it is by default: values, where they come from, what waits for a restart, warnings.
func writeState(b *strings.Builder, s *Store) {
	def, c := Default(), s.Current()
	for _, p := range leaves() {
		if at := s.Origin(p.Path); !at.IsDefault() || !p.same(c, def) && p.Path != "server.dir" {
			fmt.Fprintf(b, "%s: %s  # %s\n", p.Path, flow(p.text(c), ""), at)
		}
	}
	for _, d := range s.Pending() {
		fmt.Fprintf(b, "after a restart: %s: %q, not %q\n", d.Path, d.New, d.Old)
	}
	if paths := s.State().Unsaved; len(paths) > 0 {
		fmt.Fprintln(b, "unsaved:", strings.Join(paths, ", "))
	}
	for _, w := range s.Warnings() {
		fmt.Fprintln(b, "warning:", w)
	}
}

// steps are what can happen to a running server.
var steps = map[string]func(b *strings.Builder, s *Store, args []string){
	// CONFIG SET, UNSET, GET, REWRITE, RELOAD, ORIGIN.
	"set": func(b *strings.Builder, s *Store, args []string) {
		var pairs []KV
		for i := 0; i+1 < len(args); i += 2 {
			pairs = append(pairs, KV{args[i], args[i+1]})
		}
		answer(b, s.Set(pairs, "default", false))
	},
	"unset":   func(b *strings.Builder, s *Store, args []string) { answer(b, s.Unset(args, false)) },
	"rewrite": func(b *strings.Builder, s *Store, _ []string) { answer(b, s.Rewrite()) },
	"get": func(b *strings.Builder, s *Store, args []string) {
		for _, kv := range s.Get(args) {
			fmt.Fprintf(b, "%s: %s\n", kv.Name, flow(kv.Value, ""))
		}
	},
	"origin": func(b *strings.Builder, s *Store, args []string) {
		for _, name := range args {
			list, one := s.Where(name)
			fmt.Fprintf(b, "%s: %d, one: %v\n", name, len(list), one)
			for _, w := range list {
				fmt.Fprintf(b, "%s: %q from %s, %v %q\n", w.Path, w.Value, w.Origin, w.Pending, w.AfterRestart)
			}
		}
	},
	"reload": func(b *strings.Builder, s *Store, _ []string) {
		c, err := s.Reload()
		for _, d := range c.Changed {
			fmt.Fprintf(b, "changed: %s: %q, was %q\n", d.Path, d.New, d.Old)
		}
		for _, d := range c.Pending {
			fmt.Fprintf(b, "after a restart: %s: %q, not %q\n", d.Path, d.New, d.Old)
		}
		for _, w := range c.Warnings {
			fmt.Fprintln(b, "warning:", w)
		}
		answer(b, err)
	},
	// What the world does: a file is written or removed, appliers are there or fail.
	"write": func(b *strings.Builder, _ *Store, args []string) {
		answer(b, os.WriteFile(args[0], []byte(args[1]), 0o644))
	},
	"rm": func(b *strings.Builder, _ *Store, args []string) { answer(b, os.RemoveAll(args[0])) },
	"follow": func(b *strings.Builder, s *Store, args []string) {
		s.OnChange(args, func(_, _ *Config) (func(), func(), error) { return nil, nil, nil })
	},
	"refuse": func(b *strings.Builder, s *Store, args []string) {
		s.OnChange(args[:1], func(_, _ *Config) (func(), func(), error) { return nil, nil, errors.New(args[1]) })
	},
	"state": func(b *strings.Builder, s *Store, _ []string) { writeState(b, s) },
	"overlay": func(b *strings.Builder, s *Store, _ []string) {
		text, err := os.ReadFile(s.overlayFile)
		b.Write(text)
		answer(b, err)
	},
}

func answer(b *strings.Builder, err error) {
	if err == nil {
		fmt.Fprintln(b, "OK")
		return
	}
	fmt.Fprintln(b, err)
}
