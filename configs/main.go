package configs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const configUsage = `Usage: reredis config <command> [files and options as for the server]

  check    load everything and print every problem and warning; --against
           HOST:PORT lists what differs from a running server
  show     print the configuration in force; --origin says where each value
           comes from, --changed leaves defaults out, --format yaml|toml|json|redis
  import   turn a redis.conf into YAML: import redis.conf [-o FILE.yaml|FILE.toml]
  example  print every parameter with its default, --format yaml|toml|json
  schema   print the JSON Schema of configuration files, for editors
  doc      print docs/reference/configuration.md

check and show read what the server would read: files, environment, options.
Status: 0 good, 1 a problem, 2 wrong usage or a file that cannot be read,
3 import left something out.
`

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
	run, ok := mains[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "reredis config: unknown command %q\n\n%s", args[0], configUsage)
		return exitUsage
	}
	return run(args[1:], env, stdout, stderr)
}

// mains are the subcommands.
var mains = map[string]func(args, env []string, stdout, stderr io.Writer) int{
	"check": mainCheck, "show": mainShow, "import": mainImport,
	"example": mainExample, "schema": mainSchema, "doc": mainDoc,
	"help": mainHelp, "--help": mainHelp, "-h": mainHelp,
}

func mainHelp(_, _ []string, stdout, _ io.Writer) int {
	fmt.Fprint(stdout, configUsage)
	return exitGood
}

// put writes a text and returns the status to exit with.
func put(stdout, stderr io.Writer, b []byte) int {
	if _, err := stdout.Write(b); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	return exitGood
}

func mainDoc(_, _ []string, stdout, stderr io.Writer) int { return put(stdout, stderr, Doc()) }

func mainSchema(_, _ []string, stdout, stderr io.Writer) int { return put(stdout, stderr, Schema()) }

func mainExample(args, _ []string, stdout, stderr io.Writer) int {
	o := takeOptions(args, nil, "--format")
	format := cmp.Or(o.values["--format"], "yaml")
	if len(o.rest) > 0 || formats[format] == nil {
		fmt.Fprint(stderr, configUsage)
		return exitUsage
	}
	return put(stdout, stderr, Example(format))
}

// options are a command line with what a subcommand itself takes picked out.
type options struct {
	flags  map[string]bool
	values map[string]string
	rest   []string
}

// takeOptions picks flags and options with values ("--format yaml", "--format=yaml").
func takeOptions(args, flags []string, withValue ...string) options {
	o := options{flags: map[string]bool{}, values: map[string]string{}}
	for i := 0; i < len(args); i++ {
		name, value, assigned := strings.Cut(args[i], "=")
		switch {
		case slices.Contains(flags, args[i]):
			o.flags[args[i]] = true
		case slices.Contains(withValue, name) && assigned:
			o.values[name] = value
		case slices.Contains(withValue, args[i]) && i+1 < len(args):
			i++
			o.values[name] = args[i]
		default:
			o.rest = append(o.rest, args[i])
		}
	}
	return o
}

// loadFor loads what args name, or prints the problems and returns the status to exit with.
func loadFor(args, env []string, stderr io.Writer) (s *Store, status int) {
	s, err := Load(args, env)
	if err == nil {
		return s, exitGood
	}
	fmt.Fprintln(stderr, err)
	load, ok := errors.AsType[*LoadError](err)
	if ok && slices.ContainsFunc(load.Problems, func(p Problem) bool { return p.unreadable }) {
		return nil, exitUsage
	}
	return nil, exitProblem
}

func mainCheck(args, env []string, stdout, stderr io.Writer) int {
	o := takeOptions(args, nil, "--against")
	s, status := loadFor(o.rest, env, stderr)
	if s == nil {
		return status
	}
	s.Report(stdout)
	if addr := o.values["--against"]; addr != "" {
		return s.against(addr, env, stdout, stderr)
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

func mainShow(args, env []string, stdout, stderr io.Writer) int {
	o := takeOptions(args, []string{"--origin", "--changed", "--redis"}, "--format")
	format := cmp.Or(o.values["--format"], "yaml")
	if o.flags["--redis"] {
		format = "redis"
	}
	if formats[format] == nil && format != "redis" {
		fmt.Fprint(stderr, configUsage)
		return exitUsage
	}
	s, status := loadFor(o.rest, env, stderr)
	if s == nil {
		return status
	}
	if err := s.show(stdout, showOptions{origin: o.flags["--origin"], changed: o.flags["--changed"], format: format}); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	return exitGood
}
