package configs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The results of Main.
const (
	exitGood = iota
	exitProblem
	exitUsage
	exitRefused
)

// Main is the subcommand "reredis config": args are what follows "config". It
// returns the status to exit with.
func Main(args []string, stdout, stderr io.Writer) int {
	return mainWith(args, os.Environ(), stdout, stderr)
}

func mainWith(args, env []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, configUsage)
		return exitUsage
	}
	if isHelp(args[0]) {
		if len(args) > 1 && mains[args[1]].run != nil {
			args = []string{args[1], "--help"}
		} else {
			fmt.Fprint(stdout, configUsage)
			return exitGood
		}
	}
	m := mains[args[0]]
	if m.run == nil {
		hint := ""
		if near := nearest(args[0], slices.Sorted(maps.Keys(mains))); near != "" {
			hint = "; did you mean " + near + "?"
		}
		fmt.Fprintf(stderr, "reredis config: unknown command %q%s\n\n%s", args[0], hint, configUsage)
		return exitUsage
	}
	c := &call{name: args[0], env: env, stdout: stdout, stderr: stderr}
	for _, arg := range args[1:] {
		if isHelp(arg) && arg != "help" {
			fmt.Fprint(stdout, m.usage)
			return exitGood
		}
	}
	if err := c.take(args[1:], m); err != nil {
		return c.wrong(err)
	}
	return m.run(c)
}

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" || arg == "help" }

// mainCommand is a subcommand: what it does, its help, its own options without and with values.
type mainCommand struct {
	run           func(*call) int
	usage         string
	flags, values []string
	loads         bool // what else is given is for the server
}

// mains are the subcommands.
var mains = map[string]mainCommand{
	"check":   {run: mainCheck, usage: checkUsage, values: []string{"--against"}, loads: true},
	"show":    {run: mainShow, usage: showUsage, flags: []string{"--origin", "--changed", "--redis"}, values: []string{"--format"}, loads: true},
	"import":  {run: mainImport, usage: importUsage, values: []string{"-o", "--format"}},
	"example": {run: mainExample, usage: exampleUsage, values: []string{"--format"}},
	"schema":  {run: func(c *call) int { return c.alone(Schema) }, usage: schemaUsage},
	"doc":     {run: func(c *call) int { return c.alone(Doc) }, usage: docUsage},
}

// call is one call of a subcommand: its options picked out of the arguments, and the rest of these.
type call struct {
	name           string
	env            []string
	stdout, stderr io.Writer
	flags          map[string]bool
	values         map[string]string
	rest           []string
}

// take picks the command's options from the arguments ("--format yaml", "--format=yaml").
func (c *call) take(args []string, m mainCommand) error {
	c.flags, c.values = map[string]bool{}, map[string]string{}
	for i := 0; i < len(args); i++ {
		name, value, assigned := strings.Cut(args[i], "=")
		switch {
		case slices.Contains(m.flags, args[i]):
			c.flags[args[i]] = true
		case slices.Contains(m.values, name) && assigned:
			c.values[name] = value
		case slices.Contains(m.values, args[i]):
			if i++; i == len(args) {
				return fmt.Errorf("%s needs a value", name)
			}
			c.values[name] = args[i]
		default:
			if err := m.unknown(name); err != nil {
				return err
			}
			c.rest = append(c.rest, args[i])
		}
	}
	return nil
}

// unknown is what is wrong with an argument that is no option of the command: it may be one of the server's.
func (m mainCommand) unknown(name string) error {
	if !strings.HasPrefix(name, "-") || name == "-" {
		return nil
	}
	t, bare := theTable(), strings.ToLower(strings.TrimLeft(name, "-"))
	p, _ := t.lookup(bare)
	known := p != nil || t.byFlag[bare] != nil || bare == "config" || bare == "no-overlay" || bare == "check"
	near := nearest(name, slices.Concat(m.flags, m.values))
	switch {
	case m.loads && (known || near == ""):
		return nil // the load tells
	case near != "":
		return fmt.Errorf("unknown option %s; did you mean %s?", name, near)
	}
	return fmt.Errorf("unknown option %s", name)
}

// nearest is the word that may have been meant, "" if none comes near.
func nearest(word string, words []string) string {
	best, least := "", tolerance(word)+1
	for _, w := range words {
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// wrong says what is wrong with the arguments.
func (c *call) wrong(err error) int {
	fmt.Fprintf(c.stderr, "reredis config %s: %v (see reredis config %s --help)\n", c.name, err, c.name)
	return exitUsage
}

// put writes a text and returns the status to exit with.
func (c *call) put(b []byte) int {
	if _, err := c.stdout.Write(b); err != nil {
		fmt.Fprintln(c.stderr, err)
		return exitProblem
	}
	return exitGood
}

// alone prints a text for which there is nothing to say.
func (c *call) alone(text func() []byte) int {
	if len(c.rest) > 0 {
		return c.wrong(fmt.Errorf("%q is one argument too many", c.rest[0]))
	}
	return c.put(text())
}

// format is the value of --format, or what else it is. The error is for the user.
func (c *call) format(otherwise string, also ...string) (string, error) {
	format := cmp.Or(c.values["--format"], otherwise)
	if formats[format] == nil && !slices.Contains(also, format) {
		return "", fmt.Errorf("unknown format %q: there are %s", format, strings.Join(append([]string{"yaml", "toml", "json"}, also...), ", "))
	}
	return format, nil
}

func mainExample(c *call) int {
	format, err := c.format("yaml")
	if err != nil {
		return c.wrong(err)
	}
	return c.alone(func() []byte { return Example(format) })
}

// load loads what the arguments name, or prints the problems and returns the status to exit with.
func (c *call) load() (s *Store, status int) {
	s, err := Load(furtherFiles(c.rest), c.env)
	if err == nil {
		return s, exitGood
	}
	fmt.Fprintln(c.stderr, err)
	if load, ok := errors.AsType[*LoadError](err); ok && load.unreadable() {
		return nil, exitUsage
	}
	return nil, exitProblem
}

// furtherFiles are the arguments with a --config before each file behind the first, which Redis' grammar takes for
// values.
func furtherFiles(args []string) []string {
	n := 0
	for n < len(args) && !strings.HasPrefix(args[n], "-") && (n == 0 || isFile(args[n])) {
		n++
	}
	if n < 2 {
		return args
	}
	out := args[:1:1]
	for _, name := range args[1:n] {
		out = append(out, "--config", name)
	}
	return append(out, args[n:]...)
}

// isFile reports whether an argument is the name of a configuration file, by its extension or because it is there.
func isFile(arg string) bool {
	if slices.Contains(dirFiles, strings.ToLower(filepath.Ext(arg))) {
		return true
	}
	_, err := os.Stat(arg)
	return err == nil
}

func mainCheck(c *call) int {
	s, status := c.load()
	if s == nil {
		return status
	}
	s.Report(c.stdout)
	if addr, ok := c.values["--against"]; ok {
		return s.against(addr, c.env, c.stdout, c.stderr)
	}
	return exitGood
}

// Report tells of a configuration that is good: its warnings, and that it is.
func (s *Store) Report(w io.Writer) {
	for _, text := range s.Warnings() {
		fmt.Fprintln(w, "warning:", text)
	}
	fmt.Fprintln(w, "the configuration is good")
}

func mainShow(c *call) int {
	otherwise := "yaml"
	if c.flags["--redis"] {
		otherwise = "redis"
	}
	format, err := c.format(otherwise, "redis")
	if err != nil {
		return c.wrong(err)
	}
	s, status := c.load()
	if s == nil {
		return status
	}
	if err := s.show(c.stdout, showOptions{origin: c.flags["--origin"], changed: c.flags["--changed"], format: format}); err != nil {
		fmt.Fprintln(c.stderr, err)
		return exitProblem
	}
	return exitGood
}
