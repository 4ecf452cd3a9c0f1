package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/peterh/liner"
)

// input is where the lines of a session come from.
type input interface {
	// read returns the next line, without its end; words complete what is
	// typed. io.EOF, or another error, ends the session.
	read(prompt string, words []string) (string, error)
	// remember puts a line into the history.
	remember(line string)
	// completes tells whether read uses its words.
	completes() bool
	close()
}

// openInput edits lines in the terminal if there is one, and reads plainly otherwise.
func openInput(stdin io.Reader, stdout io.Writer) input {
	if stdin == io.Reader(os.Stdin) && isTerminal(stdin) && isTerminal(stdout) {
		if _, err := liner.TerminalMode(); err == nil && liner.TerminalSupported() {
			return openTerminal()
		}
	}
	return &plain{bufio.NewReader(stdin)}
}

// plain is lines of a file or a pipe. It shows no prompt.
type plain struct{ r *bufio.Reader }

func (p *plain) read(string, []string) (string, error) {
	line, err := p.r.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil // a last line without an end
	}
	return strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r"), err
}

func (p *plain) remember(string) {}

func (p *plain) completes() bool { return false }

func (p *plain) close() {}

// terminal is lines that a person edits.
type terminal struct {
	*liner.State
	history string // path; "" if nothing is kept
}

func openTerminal() *terminal {
	t := &terminal{State: liner.NewLiner(), history: historyPath()}
	t.SetCtrlCAborts(true)
	t.SetMultiLineMode(true)
	if f, err := os.Open(t.history); err == nil {
		_, _ = t.ReadHistory(f) // half a history is better than none
		f.Close()               //nolint:errcheck // only read
	}
	return t
}

// historyPath is where the history is kept, next to redis-cli's.
func historyPath() string {
	for _, name := range []string{"REREDIS_HISTFILE", "REDISCLI_HISTFILE"} {
		if path, ok := os.LookupEnv(name); ok {
			return path
		}
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".reredis_history")
}

func (t *terminal) read(prompt string, words []string) (string, error) {
	t.SetCompleter(func(line string) []string { return complete(line, words) })
	return t.Prompt(prompt)
}

// complete lists the words, or with "help" before it the topics, that go on
// with what is typed.
func complete(line string, words []string) (lines []string) {
	const help = "help "
	before := ""
	if len(line) >= len(help) && strings.EqualFold(line[:len(help)], help) {
		rest := strings.TrimLeft(line[len(help):], " ")
		before, line = line[:len(line)-len(rest)], rest
	}
	for _, w := range words {
		if before == "" && strings.HasPrefix(w, "@") {
			continue
		}
		if len(w) >= len(line) && strings.EqualFold(w[:len(line)], line) {
			lines = append(lines, before+w)
		}
	}
	return lines
}

// remember also writes the history, so that it survives whatever ends the session.
func (t *terminal) remember(line string) {
	t.AppendHistory(line)
	if t.history == "" {
		return
	}
	f, err := os.OpenFile(t.history, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return // a session is of use without a history
	}
	_, _ = t.WriteHistory(f)
	_ = f.Close()
}

func (t *terminal) completes() bool { return true }

func (t *terminal) close() { _ = t.Close() }
