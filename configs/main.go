package configs

import (
	"fmt"
	"io"
	"os"
	"slices"
)

const configUsage = `Usage: reredis config <command> [files and options as for the server]

  check   load everything and print every problem and warning
  show    print the configuration in force; --origin says where each value
          comes from, --changed leaves defaults out, --redis prints redis.conf
  doc     print docs/reference/configuration.md

check and show read what the server would read: files, environment, options.
Status: 0 good, 1 a problem, 2 wrong usage.
`

// The results of Main.
const (
	exitGood = iota
	exitProblem
	exitUsage
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
	run, ok := map[string]func([]string, []string, io.Writer, io.Writer) int{
		"check": mainCheck, "show": mainShow, "doc": mainDoc, "help": mainHelp, "--help": mainHelp, "-h": mainHelp,
	}[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "reredis config: unknown command %q\n\n%s", args[0], configUsage)
		return exitUsage
	}
	return run(args[1:], env, stdout, stderr)
}

func mainHelp(_, _ []string, stdout, _ io.Writer) int {
	fmt.Fprint(stdout, configUsage)
	return exitGood
}

func mainDoc(_, _ []string, stdout, stderr io.Writer) int {
	if _, err := stdout.Write(Doc()); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	return exitGood
}

func mainCheck(args, env []string, stdout, stderr io.Writer) int {
	s, err := Load(args, env)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	s.Report(stdout)
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
	var o showOptions
	own := map[string]*bool{"--origin": &o.origin, "--changed": &o.changed, "--redis": &o.redis}
	args = slices.DeleteFunc(slices.Clone(args), func(a string) bool {
		if own[a] != nil {
			*own[a] = true
		}
		return own[a] != nil
	})
	s, err := Load(args, env)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	if err := s.show(stdout, o); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	return exitGood
}
