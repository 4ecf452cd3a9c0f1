package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// session is what lasts between two commands.
type session struct {
	o          *options
	format     formatter
	showPushes bool
	out        *bufio.Writer // flushed after each reply
	errOut     io.Writer

	interactive bool // errors are shown like replies, and the connection is made anew
	conn        *conn
	proto       int
	wantDB      int  // database to select after connecting
	db          int  // selected database
	multi       bool // between MULTI and EXEC
	outerDB     int  // db before MULTI
	docs        []doc
}

// newSession prepares a session that is not connected. Whether stdout is a
// terminal decides what the options leave open.
func newSession(o *options, stdout, stderr io.Writer) *session {
	onTerminal := isTerminal(stdout)
	if o.output == outputAuto {
		o.output = outputRaw
		if onTerminal {
			o.output = outputTTY
		}
	}
	return &session{
		o:          o,
		format:     formatter{output: o.output, delimiter: o.delimiter, terminator: o.terminator},
		showPushes: o.pushes == "yes" || o.pushes == "" && onTerminal,
		out:        bufio.NewWriter(stdout),
		errOut:     stderr,
		wantDB:     o.db,
	}
}

// message is an error that is shown as it is, mostly in redis-cli's words.
type message string

// Error returns the text.
func (m message) Error() string { return string(m) }

// connect makes the connection, authenticates, selects the database and
// switches the protocol. Only a connection that fails is an error: a refused
// password, for instance, is shown, and the server will say more.
func (s *session) connect(ctx context.Context) error {
	s.disconnect()
	network, address := s.o.address()
	c, err := dial(ctx, network, address)
	switch {
	case ctx.Err() != nil:
		if err == nil {
			c.close()
		}
		return ctx.Err()
	case err != nil:
		return message(fmt.Sprintf("Could not connect to Redis at %s: %s", address, reason(err)))
	}
	s.conn, s.proto = c, 2
	if s.o.auth {
		args := []string{"AUTH", s.o.password}
		if s.o.user != "" {
			args = []string{"AUTH", s.o.user, s.o.password}
		}
		if _, err := s.setUp(ctx, "AUTH", args...); err != nil {
			return err
		}
	}
	if err := s.selectWanted(ctx); err != nil {
		return err
	}
	if s.o.resp3 || s.o.output == outputJSON && !s.o.resp2 {
		ok, err := s.setUp(ctx, "HELLO 3", "HELLO", "3")
		if err != nil {
			return err
		}
		if ok {
			s.proto = 3
		}
	}
	return nil
}

func (s *session) selectWanted(ctx context.Context) error {
	if s.db == s.wantDB {
		return nil
	}
	n := strconv.Itoa(s.wantDB)
	ok, err := s.setUp(ctx, "SELECT "+n, "SELECT", n)
	if ok {
		s.db = s.wantDB
	}
	return err
}

// setUp sends a command whose reply is of no interest unless it is an error.
func (s *session) setUp(ctx context.Context, name string, args ...string) (ok bool, err error) {
	v, err := s.roundTrip(ctx, args)
	if err != nil {
		return false, err
	}
	if v.IsError() {
		fmt.Fprintf(s.errOut, "%s failed: %s\n", name, v.String())
	}
	return !v.IsError(), nil
}

// disconnect closes the connection, and with it forgets what was selected and begun.
func (s *session) disconnect() {
	if s.conn != nil {
		s.conn.close()
	}
	s.conn, s.db, s.multi = nil, 0, false
}

// broken closes the connection after an error on it.
func (s *session) broken(ctx context.Context, err error) error {
	s.disconnect()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return message("Error: " + reason(err))
}

// roundTrip sends a command and returns its reply.
func (s *session) roundTrip(ctx context.Context, args []string) (resp.Value, error) {
	if err := s.conn.send(args...); err != nil {
		return resp.Value{}, s.broken(ctx, err)
	}
	return s.reply(ctx, false)
}

// reply reads the next reply, showing the pushes before it. takePush is for
// commands that are answered by pushes.
func (s *session) reply(ctx context.Context, takePush bool) (resp.Value, error) {
	for {
		v, err := s.conn.read(ctx)
		if err != nil {
			return v, s.broken(ctx, err)
		}
		if v.Kind != resp.KindPush || takePush {
			return v, nil
		}
		if text, ok := invalidation(v); ok && s.o.output == outputTTY && s.showPushes {
			s.print([]byte(text))
		} else if s.showPushes {
			s.print(s.format.append(nil, v, false))
		}
	}
}

func (s *session) print(text []byte) {
	_, _ = s.out.Write(text) // a reader that has gone ends the program with SIGPIPE
	_ = s.out.Flush()
}

// issue runs a command, connecting first if need be, repeat times, for ever if
// that is negative. The error is a message (in interactive mode never an error
// reply, which is shown) or ctx's.
func (s *session) issue(ctx context.Context, args []string, repeat int64) error {
	if isHelp(args[0]) {
		return s.help(ctx, args[1:])
	}
	for repeat != 0 {
		if repeat > 0 {
			repeat--
		}
		if s.conn == nil {
			if err := s.connect(ctx); err != nil {
				return err
			}
		}
		if err := s.run(ctx, args); err != nil {
			return err
		}
		if repeat != 0 {
			if err := wait(ctx, s.o.interval); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait lets time pass.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run sends a command and shows its reply, or its replies if it begins a stream.
func (s *session) run(ctx context.Context, args []string) error {
	name := strings.ToLower(args[0])
	if err := s.conn.send(args...); err != nil {
		return s.broken(ctx, err)
	}
	stream := isStream(name)
	if stream && name != "monitor" && s.o.output != outputRaw {
		s.print([]byte("Reading messages... (press Ctrl-C to quit)\n"))
	}
	verbatim := isVerbatim(args)
	for {
		v, err := s.reply(ctx, stream || answeredByPush(name))
		if err != nil {
			if name == "shutdown" && ctx.Err() == nil {
				return nil
			}
			return err
		}
		if v.IsError() && !s.interactive {
			return message(v.String())
		}
		s.print(s.format.append(nil, v, verbatim))
		if !stream {
			return s.note(ctx, name, args, v)
		}
		if v.IsError() {
			return nil
		}
	}
}

// note keeps track of what a command did to the connection.
func (s *session) note(ctx context.Context, name string, args []string, v resp.Value) error {
	switch ok := !v.IsError(); {
	case name == "select" && len(args) == 2 && ok:
		if n, err := strconv.Atoi(args[1]); err == nil {
			s.db, s.wantDB = n, n
		}
	case name == "auth" && ok:
		return s.selectWanted(ctx)
	case name == "hello" && len(args) > 1 && ok:
		s.proto, _ = strconv.Atoi(args[1])
	case name == "multi" && ok:
		s.multi, s.outerDB = true, s.db
	case name == "exec" && s.multi:
		s.multi = false
		if !ok || v.IsNull() {
			s.db, s.wantDB = s.outerDB, s.outerDB
		}
	case name == "discard" && s.multi && ok:
		s.multi, s.db, s.wantDB = false, s.outerDB, s.outerDB
	case name == "reset" && ok:
		s.multi, s.db, s.wantDB, s.proto = false, 0, 0, 2
	case name == "quit":
		s.disconnect()
	}
	return nil
}

// isStream tells the commands after which messages come until the connection ends.
func isStream(name string) bool {
	switch name {
	case "subscribe", "psubscribe", "ssubscribe", "monitor":
		return true
	}
	return false
}

// answeredByPush tells the commands whose reply is a push in version 3.
func answeredByPush(name string) bool {
	switch name {
	case "unsubscribe", "punsubscribe", "sunsubscribe":
		return true
	}
	return false
}

// verbatim is the commands whose reply is a text for people: the words that
// they begin with, and whether nothing may follow.
var verbatim = []struct {
	words string
	alone bool
}{
	{"info", false},
	{"lolwut", false},
	{"debug htstats", false},
	{"debug htstats-key", false},
	{"debug client-eviction", false},
	{"memory malloc-stats", false},
	{"memory doctor", false},
	{"cluster nodes", true},
	{"cluster info", true},
	{"client list", false},
	{"client info", false},
	{"latency doctor", true},
	{"latency graph", false},
}

func isVerbatim(args []string) bool {
	for _, row := range verbatim {
		words := strings.Fields(row.words)
		if len(args) < len(words) || row.alone && len(args) > len(words) {
			continue
		}
		if strings.EqualFold(strings.Join(args[:len(words)], " "), row.words) {
			return true
		}
	}
	return false
}

// prompt is what a session's line begins with.
func (s *session) prompt() string {
	if s.conn == nil {
		return "not connected> "
	}
	var b strings.Builder
	if s.o.socket != "" {
		b.WriteString("redis " + s.o.socket)
	} else {
		b.WriteString(s.o.hostPort())
	}
	if s.db != 0 {
		fmt.Fprintf(&b, "[%d]", s.db)
	}
	if s.multi {
		b.WriteString("(TX)")
	}
	return b.String() + "> "
}

// report shows what went wrong with a command of a session.
func (s *session) report(err error) {
	if m, ok := errors.AsType[message](err); ok {
		fmt.Fprintln(s.errOut, m)
	}
}
