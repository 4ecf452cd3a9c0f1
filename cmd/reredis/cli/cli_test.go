package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOneShot(t *testing.T) {
	f := startFake(t, answers(map[string]string{
		"GET a":          bulk("x"),
		"SET a \n":       "+OK\r\n",
		"SET a in\n":     "+OK\r\n",
		"SET in\n b":     "+OK\r\n",
		"INCR a":         ":1\r\n",
		"INFO":           bulk("# Server\r\nx:1\r\n"),
		"MGET a b":       "*2\r\n" + bulk("1") + "$-1\r\n",
		"SELECT 3":       "+OK\r\n",
		"AUTH secret":    "+OK\r\n",
		"AUTH u secret":  "+OK\r\n",
		"AUTH wrong":     "-WRONGPASS invalid\r\n",
		"HELLO 3":        "%1\r\n+proto\r\n:3\r\n",
		"CONFIG GET x":   "%1\r\n" + bulk("x") + bulk("y"),
		"UNSUBSCRIBE":    ">3\r\n" + bulk("unsubscribe") + "_\r\n:0\r\n",
		"EXISTS pushed":  ">2\r\n" + bulk("invalidate") + "*2\r\n" + bulk("a") + bulk("b") + ">1\r\n+x\r\n:1\r\n",
		"BROKEN":         "",
		"SHUTDOWN":       "",
		"GIBBERISH":      "what\r\n",
		"SHUTDOWN wrong": "-ERR no\r\n",
	}))
	for _, c := range []struct {
		line  string // arguments
		stdin string
		want  result
		sent  string // "" if it is the line's command
	}{
		{"GET a", "", result{"x\n", "", 0}, ""},
		{"--no-raw GET a", "", result{"\"x\"\n", "", 0}, "GET a"},
		{"--json GET a", "", result{"\"x\"\n", "", 0}, "HELLO 3; GET a"},
		{"--json -2 GET a", "", result{"\"x\"\n", "", 0}, "GET a"},
		{"MGET a b", "", result{"1\n\n", "", 0}, ""},
		{"-d , -D ; MGET a b", "", result{"1,;", "", 0}, "MGET a b"},
		{"--no-raw MGET a b", "", result{"1) \"1\"\n2) (nil)\n", "", 0}, "MGET a b"},
		{"INFO", "", result{"# Server\r\nx:1\r\n", "", 0}, ""},
		{"--no-raw INFO", "", result{"# Server\r\nx:1\r\n", "", 0}, "INFO"},
		{"NOPE", "", result{"", "ERR unknown command 'NOPE'\n", 1}, ""},
		{"-e --no-raw NOPE", "", result{"", "ERR unknown command 'NOPE'\n", 1}, "NOPE"},
		{"-x SET a", "in\n", result{"OK\n", "", 0}, "SET a in\n"},
		{"-X tag SET tag b", "in\n", result{"OK\n", "", 0}, "SET in\n b"},
		{"-X tag SET a b", "in\n", result{"", "Using -X option but stdin tag not match.\n", 1}, "-"},
		{`--quoted-input SET 'a' "\n"`, "", result{"OK\n", "", 0}, "SET a \n"},
		{`--quoted-input SET 'a`, "", result{"", "Invalid quoted string\n", 1}, "-"},
		{"-r 3 INCR a", "", result{"1\n1\n1\n", "", 0}, "INCR a; INCR a; INCR a"},
		{"-r 2 -i 0.001 INCR a", "", result{"1\n1\n", "", 0}, "INCR a; INCR a"},
		{"-r 0 INCR a", "", result{"", "", 0}, "-"},
		{"-r 3 NOPE", "", result{"", "ERR unknown command 'NOPE'\n", 1}, "NOPE"},
		{"-n 3 GET a", "", result{"x\n", "", 0}, "SELECT 3; GET a"},
		{"-n 9 GET a", "", result{"x\n", "SELECT 9 failed: ERR unknown command 'SELECT'\n", 0}, "SELECT 9; GET a"},
		{"--no-auth-warning -a secret GET a", "", result{"x\n", "", 0}, "AUTH secret; GET a"},
		{"--no-auth-warning -a secret --user u -n 3 GET a", "", result{"x\n", "", 0}, "AUTH u secret; SELECT 3; GET a"},
		{"-a wrong GET a", "", result{"x\n", "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\nAUTH failed: WRONGPASS invalid\n", 0}, "AUTH wrong; GET a"},
		{"-3 --no-raw CONFIG GET x", "", result{"1# \"x\" => \"y\"\n", "", 0}, "HELLO 3; CONFIG GET x"},
		{"-3 UNSUBSCRIBE", "", result{"unsubscribe\n\n0\n", "", 0}, "HELLO 3; UNSUBSCRIBE"},
		{"-3 EXISTS pushed", "", result{"1\n", "", 0}, "HELLO 3; EXISTS pushed"},
		{"-3 --no-raw --show-pushes yes EXISTS pushed", "", result{"-> invalidate: 'a', 'b'\n1) x\n(integer) 1\n", "", 0}, "HELLO 3; EXISTS pushed"},
		{"BROKEN", "", result{"", "Error: Server closed the connection\n", 1}, ""},
		{"GIBBERISH", "", result{"", "Error: invalid reply: type 'w'\n", 1}, ""},
		{"SHUTDOWN", "", result{"", "", 0}, ""},
		{"SHUTDOWN wrong", "", result{"", "ERR no\n", 1}, ""},
		{"help", "", result{generalHelp, "", 0}, "-"},
	} {
		before := f.commands()
		run(t, c.stdin, append(f.address(), strings.Fields(c.line)...)...).check(t, c.want)
		switch c.sent {
		case "":
			c.sent = c.line
		case "-":
			c.sent = ""
		}
		if sent := strings.TrimPrefix(strings.TrimPrefix(f.commands(), before), "; "); sent != c.sent {
			t.Errorf("%s: sent %q, want %q", c.line, sent, c.sent)
		}
	}
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	want := fmt.Sprintf("Could not connect to Redis at %s:%s: Connection refused\n", host, port)
	run(t, "", "-h", host, "-p", port, "PING").check(t, result{"", want, 1})
	run(t, "PING\nhelp get\n", "-h", host, "-p", port).check(t, result{"", want + want + want, 0})

	missing := filepath.Join(t.TempDir(), "s")
	run(t, "", "-s", missing, "PING").check(t, result{"", "Could not connect to Redis at " + missing + ": No such file or directory\n", 1})
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if c, err := l.Accept(); err == nil {
			(&fake{answer: answers(map[string]string{"PING": "+PONG\r\n"})}).serve(c)
		}
	}()
	run(t, "", "-s", path, "PING").check(t, result{"PONG\n", "", 0})
	l.Close()
	<-served
}

// docsReply is COMMAND DOCS of a server with three commands.
const docsReply = "*6\r\n" +
	"$3\r\nget\r\n*6\r\n$7\r\nsummary\r\n$4\r\nGets\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n$5\r\ngroup\r\n$6\r\nstring\r\n" +
	"$3\r\nset\r\n%3\r\n$7\r\nsummary\r\n$4\r\nSets\r\n$5\r\ngroup\r\n$6\r\nstring\r\n$9\r\narguments\r\n*4\r\n" +
	"%2\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n" +
	"%4\r\n$4\r\nname\r\n$1\r\nc\r\n$4\r\ntype\r\n$5\r\noneof\r\n$5\r\nflags\r\n*1\r\n+optional\r\n$9\r\narguments\r\n*2\r\n" +
	"%3\r\n$4\r\nname\r\n$2\r\nnx\r\n$4\r\ntype\r\n$10\r\npure-token\r\n$5\r\ntoken\r\n$2\r\nNX\r\n" +
	"%3\r\n$4\r\nname\r\n$7\r\nseconds\r\n$4\r\ntype\r\n$7\r\ninteger\r\n$5\r\ntoken\r\n$2\r\nEX\r\n" +
	"%4\r\n$4\r\nname\r\n$1\r\nb\r\n$4\r\ntype\r\n$5\r\nblock\r\n$5\r\nflags\r\n*1\r\n+multiple\r\n$9\r\narguments\r\n*2\r\n" +
	"%2\r\n$4\r\nname\r\n$1\r\nf\r\n$4\r\ntype\r\n$6\r\nstring\r\n%2\r\n$4\r\nname\r\n$1\r\nv\r\n$4\r\ntype\r\n$6\r\nstring\r\n" +
	"%4\r\n$4\r\nname\r\n$1\r\np\r\n$4\r\ntype\r\n$7\r\npattern\r\n$5\r\ntoken\r\n$3\r\nGET\r\n$5\r\nflags\r\n*3\r\n+optional\r\n+multiple\r\n+multiple_token\r\n" +
	"$6\r\nconfig\r\n%3\r\n$7\r\nsummary\r\n$9\r\nContainer\r\n$5\r\ngroup\r\n$6\r\nserver\r\n$11\r\nsubcommands\r\n*2\r\n" +
	"$10\r\nconfig|get\r\n%2\r\n$7\r\nsummary\r\n$5\r\nShows\r\n$5\r\ngroup\r\n$6\r\nserver\r\n"

func TestHelp(t *testing.T) {
	f := startFake(t, answers(map[string]string{"COMMAND DOCS": docsReply}))
	const (
		get       = "\n  GET\n  summary: Gets\n  since: 1.0.0\n"
		set       = "\n  SET key [NX|EX seconds] f v [f v ...] [GET p [GET p ...]]\n  summary: Sets\n"
		config    = "\n  CONFIG\n  summary: Container\n"
		configGet = "\n  CONFIG GET\n  summary: Shows\n"
		ofString  = "  group: string\n"
		ofServer  = "  group: server\n"
	)
	for topic, want := range map[string]string{
		"get":           get + ofString + "\n",
		"SET":           set + ofString + "\n",
		"config":        config + ofServer + configGet + ofServer + "\n",
		"CONFIG  get":   configGet + ofServer + "\n",
		"@string":       get + set + "\n",
		"nothing":       "No help on nothing.\n",
		"con":           "No help on con.\n",
		"get something": "No help on get something.\n",
	} {
		run(t, "help "+topic+"\n", f.address()...).check(t, result{want, "", 0})
	}
	run(t, "", append(f.address(), "--no-raw", "help", "get")...).check(t, result{
		"\n  \x1b[1mGET\x1b[0m\n  \x1b[33msummary:\x1b[0m Gets\n  \x1b[33msince:\x1b[0m 1.0.0\n  \x1b[33mgroup:\x1b[0m string\n\n", "", 0,
	})
	old := startFake(t, answers(nil))
	run(t, "", append(old.address(), "help", "get")...).check(t, result{"", "Error: COMMAND DOCS: ERR unknown command 'COMMAND'\n", 1})
}

func TestComplete(t *testing.T) {
	words := []string{"CONFIG GET", "CONFIG SET", "GET", "@generic"}
	for line, want := range map[string]string{
		"co": "CONFIG GET,CONFIG SET", "config s": "CONFIG SET", "": "CONFIG GET,CONFIG SET,GET", "x": "",
		"help c": "help CONFIG GET,help CONFIG SET", "HELP  @": "HELP  @generic", "@": "",
	} {
		if got := strings.Join(complete(line, words), ","); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestSession(t *testing.T) {
	f := startFake(t, answers(map[string]string{
		"SET a b c":    "+OK\r\n",
		"SELECT 3":     "+OK\r\n",
		"INCR a":       ":1\r\n",
		"BROKEN":       "",
		"PING":         "+PONG\r\n",
		"RESET":        "+RESET\r\n",
		"COMMAND DOCS": docsReply,
	}))
	in := "SET a \"b c\"\r\n\n  \nNOPE\n\"\nSELECT 3\n2 INCR a\n0 INCR a\n99999999999999999999 INCR a\nBROKEN\nPING\nRESET\nQuit\nPING\n"
	run(t, in, append(f.address(), "--no-raw")...).check(t, result{
		"OK\n(error) ERR unknown command 'NOPE'\nInvalid argument(s)\nOK\n(integer) 1\n(integer) 1\n" +
			strings.Repeat("Invalid redis-cli repeat command option value.\n", 2) + "PONG\nRESET\n",
		"Error: Server closed the connection\n", 0,
	})
	want := "SET a b c; NOPE; SELECT 3; INCR a; INCR a; BROKEN; SELECT 3; PING; RESET"
	if got := f.commands(); got != want {
		t.Errorf("sent %q, want %q", got, want)
	}
	if got := run(t, "PING", f.address()...); got != (result{"PONG\n", "", 0}) {
		t.Errorf("without a last line end: %+v", got)
	}
	run(t, "clear\nexit", f.address()...).check(t, result{"\x1b[H\x1b[2J", "", 0})
}

func TestSessionConnect(t *testing.T) {
	one := startFake(t, answers(map[string]string{"PING": "+ONE\r\n"}))
	two := startFake(t, answers(map[string]string{"PING": "+TWO\r\n"}))
	host, port, _ := net.SplitHostPort(two.addr)
	in := "PING\nconnect " + host + " " + port + "\nPING\nconnect x 99999\nPING\n"
	run(t, in, one.address()...).check(t, result{"ONE\nTWO\nTWO\n", "port 99999: not a number from 0 to 65535\n", 0})
}

// script is an input that a test writes line by line, seeing each prompt.
type script struct {
	lines   []string
	prompts []string
	history []string
}

func (s *script) read(prompt string, _ []string) (string, error) {
	s.prompts = append(s.prompts, prompt)
	if len(s.lines) == 0 {
		return "", io.EOF
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	return line, nil
}

func (s *script) remember(line string) { s.history = append(s.history, line) }

func (s *script) completes() bool { return true }

func (s *script) close() {}

func TestPromptAndHistory(t *testing.T) {
	f := startFake(t, func(args []string) []byte {
		switch strings.Join(args, " ") {
		case "EXEC":
			return []byte("*-1\r\n")
		case "BROKEN":
			return []byte{}
		case "QUIT":
			return []byte("+OK\r\n")
		}
		return []byte("+OK\r\n")
	})
	o, err := parseOptions(f.address())
	if err != nil {
		t.Fatal(err)
	}
	in := &script{lines: []string{
		"PING", "SELECT 2", "MULTI", "SELECT 3", "EXEC", "MULTI", "SELECT 4", "DISCARD", "AUTH secret", "config set requirepass x", "BROKEN", "PING", "RESET",
		"HELLO 3 AUTH a b", "2 PING",
	}}
	s := newSession(o, io.Discard, io.Discard)
	if status := s.interact(t.Context(), in); status != 0 {
		t.Error(status)
	}
	s.disconnect()
	at := f.addr
	want := []string{
		at + "> ", at + "> ", at + "[2]> ", at + "[2](TX)> ", at + "[3](TX)> ", at + "[2]> ", at + "[2](TX)> ", at + "[4](TX)> ", at + "[2]> ", at + "[2]> ", at + "[2]> ",
		"not connected> ", at + "[2]> ", at + "> ", at + "> ", at + "> ",
	}
	if got := strings.Join(in.prompts, "|"); got != strings.Join(want, "|") {
		t.Errorf("prompts\n%s\nwant\n%s", got, strings.Join(want, "|"))
	}
	if got := strings.Join(in.history, "|"); got != "PING|SELECT 2|MULTI|SELECT 3|EXEC|MULTI|SELECT 4|DISCARD|BROKEN|PING|RESET|2 PING" {
		t.Errorf("history %s", got)
	}
	s.o.host = "::1"
	if s.o.hostPort() != fmt.Sprintf("[::1]:%d", s.o.port) {
		t.Error(s.o.hostPort())
	}
	s.conn, s.o.socket = &conn{}, "/s"
	if s.prompt() != "redis /s> " {
		t.Error(s.prompt())
	}
}

func TestSubscribe(t *testing.T) {
	message := func(kind string) string { return "*3\r\n" + bulk(kind) + bulk("c") }
	f := startFake(t, answers(map[string]string{
		"SUBSCRIBE c":    message("subscribe") + ":1\r\n" + message("message") + bulk("hi") + "-ERR end\r\n",
		"SUBSCRIBE push": ">3\r\n" + bulk("subscribe") + bulk("c") + ":1\r\n-ERR end\r\n",
		"MONITOR":        "+OK\r\n+1.0 [0] \"PING\"\r\n-ERR end\r\n",
		"PING":           "+PONG\r\n",
	}))
	const reading = "Reading messages... (press Ctrl-C to quit)\n"
	run(t, "", append(f.address(), "SUBSCRIBE", "c")...).check(t, result{"subscribe\nc\n1\nmessage\nc\nhi\n", "ERR end\n", 1})
	run(t, "SUBSCRIBE push\nMONITOR\nPING\n", append(f.address(), "--no-raw")...).check(t, result{
		reading + "1) \"subscribe\"\n2) \"c\"\n3) (integer) 1\n(error) ERR end\n" + "OK\n1.0 [0] \"PING\"\n(error) ERR end\nPONG\n", "", 0,
	})
}

// TestInterrupt ends a command that waits, once by the context, then by SIGINT,
// after which the session goes on with a new connection.
func TestInterrupt(t *testing.T) {
	var onWait func()
	f := startFake(t, func(args []string) []byte {
		if args[0] == "WAIT" {
			onWait()
			return nil
		}
		return []byte("+PONG\r\n")
	})
	ctx, cancel := context.WithCancel(t.Context())
	onWait = cancel
	if r := runContext(t, ctx, strings.NewReader(""), append(f.address(), "WAIT")...); r != (result{"", "", exitInterrupted}) {
		t.Errorf("%+v", r)
	}
	ctx, cancel = context.WithCancel(t.Context())
	onWait = cancel
	if r := runContext(t, ctx, strings.NewReader("WAIT\nPING\n"), f.address()...); r != (result{"", "", exitInterrupted}) {
		t.Errorf("%+v", r)
	}
	onWait = func() {
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Signal(os.Interrupt)
		}
	}
	if r := run(t, "WAIT\nPING\n", f.address()...); r != (result{"\nPONG\n", "", 0}) {
		t.Errorf("%+v", r)
	}
}

// TestInterruptedInput ends a session that waits for a line.
func TestInterruptedInput(t *testing.T) {
	f := startFake(t, answers(nil))
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if got := runContext(t, ctx, r, f.address()...); got != (result{"", "", exitInterrupted}) {
		t.Errorf("%+v", got)
	}
	w.Close() // lets the reading goroutine go
}

func TestReason(t *testing.T) {
	for want, err := range map[string]error{
		"Server closed the connection": io.ErrUnexpectedEOF,
		"Connection reset by peer":     &net.OpError{Err: os.NewSyscallError("read", syscall.ECONNRESET)},
		"No such host":                 &net.OpError{Err: &net.DNSError{Err: "no such host"}},
		"Connection timed out":         os.ErrDeadlineExceeded,
		"something":                    errors.New("something"),
	} {
		if got := reason(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestWait(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
