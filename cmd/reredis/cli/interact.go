package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// interact holds a session: it runs the lines of in until their end, or QUIT.
func (s *session) interact(ctx context.Context, in input) int {
	defer in.close()
	s.interactive = true
	if err := s.connect(ctx); err != nil {
		s.report(err)
	}
	if in.completes() && s.conn != nil {
		s.docs, _ = s.fetchDocs(ctx) // no completion then
	}
	for {
		line, err := s.nextLine(ctx, in)
		switch {
		case ctx.Err() != nil:
			return exitInterrupted
		case err != nil:
			return exitOK
		}
		if !s.line(ctx, in, line) {
			return exitOK
		}
		if ctx.Err() != nil {
			return exitInterrupted
		}
	}
}

// nextLine waits for a line, or for ctx: then the goroutine that reads stays
// behind, because nothing can take it out of its read.
func (s *session) nextLine(ctx context.Context, in input) (string, error) {
	type result struct {
		line string
		err  error
	}
	prompt, words := s.prompt(), s.completions()
	got := make(chan result, 1)
	go func() {
		line, err := in.read(prompt, words)
		got <- result{line, err}
	}()
	select {
	case r := <-got:
		return r.line, r.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// line runs a line of a session. The result is false if it was the last one.
func (s *session) line(ctx context.Context, in input, line string) (more bool) {
	split, ok := resp.SplitArgs([]byte(line), nil)
	if !ok {
		s.print([]byte("Invalid argument(s)\n"))
		in.remember(line)
		return true
	}
	if len(split) == 0 {
		return true
	}
	args := make([]string, len(split))
	for i, a := range split {
		args[i] = string(a)
	}
	repeat := int64(1)
	if n, err := strconv.ParseInt(args[0], 10, 64); len(args) > 1 && (err == nil || errors.Is(err, strconv.ErrRange)) {
		if n <= 0 || n == math.MaxInt64 {
			s.print([]byte("Invalid redis-cli repeat command option value.\n"))
			return true
		}
		repeat, args = n, args[1:]
	}
	if !isSensitive(args) {
		in.remember(line)
	}
	switch name := strings.ToLower(args[0]); {
	case name == "quit" || name == "exit":
		return false
	case name == "clear" && len(args) == 1:
		s.print([]byte("\x1b[H\x1b[2J"))
	case name == "connect" && len(args) == 3:
		s.connectTo(ctx, args[1], args[2])
	default:
		s.command(ctx, args, repeat)
	}
	return true
}

func (s *session) connectTo(ctx context.Context, host, port string) {
	n, err := number(port, math.MaxUint16)
	if err != nil {
		fmt.Fprintf(s.errOut, "port %s: %v\n", port, err)
		return
	}
	s.o.host, s.o.port, s.o.socket = host, n, ""
	s.report(s.connect(ctx))
}

// command runs a command that SIGINT ends; since its reply may still come, the
// connection is then made anew.
func (s *session) command(ctx context.Context, args []string, repeat int64) {
	interruptible, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	start := time.Now()
	err := s.issue(interruptible, args, repeat)
	if interruptible.Err() != nil {
		if ctx.Err() == nil {
			s.print([]byte("\n"))
			s.report(s.connect(ctx))
		}
		return
	}
	s.report(err)
	const slow = 500 * time.Millisecond
	if took := time.Since(start); took >= slow && s.o.output == outputTTY {
		s.print(fmt.Appendf(nil, "(%.2fs)\n", took.Seconds()))
	}
}

// sensitive is the beginnings of commands that contain a password.
var sensitive = []string{"auth", "acl setuser", "config set masterauth", "config set masteruser", "config set requirepass"}

// isSensitive tells the commands that no history may keep.
func isSensitive(args []string) bool {
	for _, words := range sensitive {
		n := strings.Count(words, " ") + 1
		if len(args) >= n && strings.EqualFold(strings.Join(args[:n], " "), words) {
			return true
		}
	}
	name := strings.ToLower(args[0])
	if name != "hello" && name != "migrate" {
		return false
	}
	for _, a := range args[1:] {
		switch {
		case strings.EqualFold(a, "auth"), strings.EqualFold(a, "auth2"):
			return true
		case strings.EqualFold(a, "keys"):
			return false
		}
	}
	return false
}

// unquote reads a string in quotes, or without, as a line of a session would.
func unquote(s string) (string, bool) {
	args, ok := resp.SplitArgs([]byte(s), nil)
	if !ok || len(args) != 1 {
		return "", false
	}
	return string(args[0]), true
}
