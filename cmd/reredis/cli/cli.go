package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/peterh/liner"

	"github.com/reredis/reredis/internal/version"
)

// Exit statuses of Run.
const (
	exitOK          = 0
	exitError       = 1
	exitInterrupted = 130 // as shells report a SIGINT
)

// Run is `reredis cli args...`. Without a command in args it holds a session
// with stdin, with line editing and a history if stdin is a terminal.
//
// The result is the exit status: 1 for an error reply to the command in args,
// wrong options or a server that cannot be reached. Run ends early when ctx is
// canceled; for Ctrl-C to end only the running command of a session, ctx must not
// be canceled by SIGINT. One goroutine that waits for input may outlive Run then.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case err != nil:
		fmt.Fprintln(stderr, err)
		return exitError
	case o.help:
		fmt.Fprint(stdout, usage())
		return exitOK
	case o.version:
		fmt.Fprintln(stdout, "reredis cli "+version.Get().Version)
		return exitOK
	}
	if o.onCommandLine && !o.warned && !o.askPassword {
		fmt.Fprintln(stderr, "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.")
	}
	if o.askPassword {
		if o.password, err = askPassword(); err != nil {
			fmt.Fprintln(stderr, "Error:", err)
			return exitError
		}
		o.auth = true
	}
	s := newSession(o, stdout, stderr)
	defer s.disconnect()
	if len(o.command) > 0 {
		return s.oneShot(ctx, stdin)
	}
	return s.interact(ctx, openInput(stdin, stdout))
}

// oneShot runs the command from the arguments.
func (s *session) oneShot(ctx context.Context, stdin io.Reader) int {
	args, err := commandArgs(s.o, stdin)
	if err != nil {
		fmt.Fprintln(s.errOut, err)
		return exitError
	}
	err = s.issue(ctx, args, s.o.repeat)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		return exitInterrupted
	default:
		fmt.Fprintln(s.errOut, err)
		return exitError
	}
}

// commandArgs is the command from the arguments, with what standard input adds.
func commandArgs(o *options, stdin io.Reader) ([]string, error) {
	args := append([]string(nil), o.command...)
	if o.quotedInput {
		for i, a := range args {
			var ok bool
			if args[i], ok = unquote(a); !ok {
				return nil, message("Invalid quoted string")
			}
		}
	}
	if !o.stdinLast && !o.stdinTagged {
		return args, nil
	}
	at := len(args)
	if o.stdinTagged {
		at = indexOf(args, o.stdinTag)
		if at < 0 {
			return nil, message("Using -X option but stdin tag not match.")
		}
	} else {
		args = append(args, "")
	}
	text, err := io.ReadAll(stdin)
	if err != nil {
		return nil, message("Error: reading the argument from standard input: " + err.Error())
	}
	args[at] = string(text)
	return args, nil
}

func indexOf(args []string, s string) int {
	for i, a := range args {
		if a == s {
			return i
		}
	}
	return -1
}

func askPassword() (string, error) {
	l := liner.NewLiner()
	defer l.Close() //nolint:errcheck // the terminal is gone then
	return l.PasswordPrompt("Please input password: ")
}

// isTerminal tells whether w or r is a terminal, or another device of characters.
func isTerminal(file any) bool {
	f, ok := file.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
