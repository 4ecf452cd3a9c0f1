// Command reredis is the server, its line client and its tools in one binary.
//
// It joins the packages to one another: each of them declares the two or three
// methods that it needs of others, and the adapters here provide them. Nothing
// else may import this package.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/reredis/reredis/cmd/reredis/cli"
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/version"
)

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), stdio{os.Stdin, os.Stdout, os.Stderr}))
}

// stdio are the streams of the process.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// subcommands are the words that may stand first. Anything else starts the server.
var subcommands = map[string]func(args, env []string, std stdio) int{
	"cli": func(args, _ []string, std stdio) int {
		return cli.Run(context.Background(), args, std.in, std.out, std.err)
	},
	"config":    func(args, _ []string, std stdio) int { return configs.Main(args, std.out, std.err) },
	"wal":       walMain,
	"version":   printVersion,
	"-v":        printVersion,
	"--version": printVersion,
	"help":      printUsage,
	"-h":        printUsage,
	"--help":    printUsage,
}

// run is main with everything handed in; it returns the exit status.
func run(args, env []string, std stdio) int {
	if len(args) > 0 {
		if sub, ok := subcommands[args[0]]; ok {
			return sub(args[1:], env, std)
		}
	}
	return serve(args, env, std)
}

func printVersion(_, _ []string, std stdio) int {
	fmt.Fprintln(std.out, version.Get())
	return 0
}

// printUsage prints the help, or that of a command.
func printUsage(args, env []string, std stdio) int {
	if len(args) == 0 {
		fmt.Fprint(std.out, configs.Usage)
		return 0
	}
	help := map[string]func(args, env []string, std stdio) int{
		"cli": func(_, _ []string, std stdio) int {
			return cli.Run(context.Background(), []string{"--help"}, std.in, std.out, std.err)
		},
		"config": func(args, _ []string, std stdio) int {
			return configs.Main(append([]string{"help"}, args...), std.out, std.err)
		},
		"wal": func(_, env []string, std stdio) int { return walMain([]string{"help"}, env, std) },
	}
	if sub := help[args[0]]; sub != nil {
		return sub(args[1:], env, std)
	}
	fmt.Fprintf(std.err, "reredis help: there is no command %s\n\n%s", args[0], configs.Usage)
	return 2
}
