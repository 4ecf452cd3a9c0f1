package cli

import (
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/reredis/reredis/internal/resp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a server that answers commands with what answer returns and records
// them. An empty answer closes the connection, a nil one says nothing.
type fake struct {
	addr   string
	answer func(args []string) []byte

	mu   sync.Mutex
	seen []string
}

func startFake(t *testing.T, answer func(args []string) []byte) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{addr: l.Addr().String(), answer: answer}
	var wg sync.WaitGroup
	var conns []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			conns = append(conns, c)
			f.mu.Unlock()
			wg.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		f.mu.Unlock()
		wg.Wait()
	})
	return f
}

func (f *fake) serve(c net.Conn) {
	defer c.Close()
	var p resp.Parser
	var buf []byte
	chunk := make([]byte, 4096)
	for {
		args, _, _, n, ok, err := p.Next(buf, nil, nil)
		if err != nil {
			return
		}
		if !ok {
			buf = buf[n:]
			got, err := c.Read(chunk)
			if err != nil {
				return
			}
			buf = append(buf, chunk[:got]...)
			continue
		}
		words := make([]string, len(args))
		for i, a := range args {
			words[i] = string(a)
		}
		buf = buf[n:]
		f.mu.Lock()
		f.seen = append(f.seen, strings.Join(words, " "))
		f.mu.Unlock()
		out := f.answer(words)
		if out != nil && len(out) == 0 {
			return
		}
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// commands is what has arrived so far.
func (f *fake) commands() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.seen, "; ")
}

// address is the options that lead to the server.
func (f *fake) address() []string {
	host, port, _ := net.SplitHostPort(f.addr)
	return []string{"-h", host, "-p", port}
}

// answers is an answer function that looks replies up by the command.
func answers(m map[string]string) func([]string) []byte {
	return func(args []string) []byte {
		if r, ok := m[strings.Join(args, " ")]; ok {
			return []byte(r)
		}
		return []byte("-ERR unknown command '" + args[0] + "'\r\n")
	}
}

// result is what a call of Run left behind.
type result struct {
	out, err string
	status   int
}

func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runContext(t, t.Context(), strings.NewReader(stdin), args...)
}

func runContext(t *testing.T, ctx context.Context, stdin io.Reader, args ...string) result { //nolint:revive // t first, as everywhere
	t.Helper()
	var out, errOut bytes.Buffer
	status := Run(ctx, args, stdin, &out, &errOut)
	return result{out.String(), errOut.String(), status}
}

func (r result) check(t *testing.T, want result) {
	t.Helper()
	if r != want {
		t.Errorf("got  %q, %q, %d\nwant %q, %q, %d", r.out, r.err, r.status, want.out, want.err, want.status)
	}
}

// bulk is a bulk string.
func bulk(s string) string { return "$" + strconv.Itoa(len(s)) + "\r\n" + s + "\r\n" }
