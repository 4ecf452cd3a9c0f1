package server

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// patience bounds how long a test waits for something that must happen.
const patience = 20 * time.Second

// drivers are those that this system has.
func drivers() []Driver {
	if runtime.GOOS == "linux" {
		return []Driver{DriverLoops, DriverGoroutines}
	}
	return []Driver{DriverGoroutines}
}

// eachDriver runs the test with every driver.
func eachDriver(t *testing.T, run func(t *testing.T, d Driver)) {
	for _, d := range drivers() {
		t.Run(string(d), func(t *testing.T) { run(t, d) })
	}
}

// rig is a running server with the commands of testCommands.
type rig struct {
	t    testing.TB
	s    *Server
	stop context.CancelFunc
	end  chan struct{} // Run has returned
	err  error         // of Run, after end
	log  *logBuffer

	mu    sync.Mutex
	wakes []func(any) // of parked commands, in order
}

// logBuffer collects the server's log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes(), []byte(text))
}

// start runs a server, changed by the options.
func start(t testing.TB, d Driver, change ...func(o *Options)) *rig {
	t.Helper()
	space, err := keyspace.New(keyspace.Options{Databases: 4, Stripes: 4, Arena: keyspace.Heap})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, end: make(chan struct{}), log: &logBuffer{}}
	b := bus.New(space, bus.Stats(), bus.Lock())
	if err := b.Register(r.commands()...); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Bus: b, Driver: d, Loops: 2, Bind: []BindAddr{{Host: "127.0.0.1", Network: "tcp"}},
		Log:           slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		ShutdownGrace: 5 * time.Second,
	}
	for _, c := range change {
		c(&o)
	}
	if r.s, err = New(o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() {
		r.err = r.s.Run(ctx)
		close(r.end)
	}()
	t.Cleanup(func() {
		cancel()
		<-r.end
		if r.err != nil {
			t.Errorf("Run: %v", r.err)
		}
		if n := r.s.Stats().Connected; n != 0 {
			t.Errorf("%d connections are counted after the end", n)
		}
		if n := r.s.Stats().Memory; n != 0 {
			t.Errorf("clients are said to hold %d bytes after the end", n)
		}
		if n := r.s.Stats().Parked; n != 0 {
			t.Errorf("%d parked connections are counted after the end", n)
		}
		if err := space.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// commands are what the tests need: they touch the keyspace as little as possible.
func (r *rig) commands() []bus.Spec {
	return []bus.Spec{
		{Name: "ping", Arity: -1, Subscriber: true, Run: func(c *bus.Ctx) error {
			c.Reply.Status("PONG")
			return nil
		}},
		{Name: "echo", Arity: 2, Subscriber: true, Run: func(c *bus.Ctx) error {
			c.Reply.Bulk(c.Args[1])
			return nil
		}},
		{Name: "len", Arity: 2, Run: func(c *bus.Ctx) error {
			c.Reply.Int(int64(len(c.Args[1])))
			return nil
		}},
		{Name: "set", Arity: 3, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyOW)}, Run: func(c *bus.Ctx) error {
			if err := c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL); err != nil {
				return err
			}
			c.Reply.OK()
			return nil
		}},
		{Name: "get", Arity: 2, Flags: bus.ReadOnly, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRO)}, Run: func(c *bus.Ctx) error {
			it, ok := c.Tx.Look(c.Args[1])
			if !ok {
				c.Reply.Null()
				return nil
			}
			c.Reply.Bulk(it.Bytes(nil))
			return nil
		}},
		// big N replies with N bytes.
		{Name: "big", Arity: 2, Run: func(c *bus.Ctx) error {
			n, err := strconv.Atoi(string(c.Args[1]))
			if err != nil {
				return bus.ErrNotInteger
			}
			c.Reply.Bulk(bytes.Repeat([]byte{'b'}, n))
			return nil
		}},
		{Name: "quit", Arity: -1, Run: func(c *bus.Ctx) error {
			c.Client.CloseAfterReply = true
			c.Reply.OK()
			return nil
		}},
		{Name: "reply", Arity: 2, Run: func(c *bus.Ctx) error {
			switch string(c.Args[1]) {
			case "on":
				c.Client.Replies = bus.ReplyOn
				c.Reply.OK()
			case "off":
				c.Client.Replies = bus.ReplyOff
			case "skip":
				if c.Client.Replies != bus.ReplyOff {
					c.Client.Replies = bus.ReplySkipNext
				}
			}
			return nil
		}},
		// wait parks until the test wakes it; its argument is echoed with what it was woken with.
		{Name: "wait", Arity: 2, Run: r.wait},
		{Name: "block", Arity: 2, Flags: bus.Blocking, Run: r.wait},
		// now parks and is woken before start returns, three times over.
		{Name: "now", Arity: 2, Run: func(c *bus.Ctx) error {
			n, _ := c.Woken().(int)
			if n < 3 {
				return c.Park(func(wake func(any)) { wake(n + 1) })
			}
			c.Reply.Bulk(c.Args[1])
			return nil
		}},
		{Name: "kill", Arity: 2, Run: func(c *bus.Ctx) error {
			if n, ok := c.Woken().(int64); ok {
				c.Reply.Int(n)
				return nil
			}
			name := string(c.Args[1])
			return c.Park(func(wake func(any)) {
				var n int64
				r.s.Each(func(cl *bus.Client, _ bus.ConnState) bool {
					if cl.Name == name {
						n++
						return true
					}
					return false
				}, func() { wake(n) })
			})
		}},
		{Name: "name", Arity: 2, Run: func(c *bus.Ctx) error {
			c.Client.Name = string(c.Args[1])
			c.Reply.OK()
			return nil
		}},
		{Name: "stay", Arity: 2, Run: func(c *bus.Ctx) error {
			c.Client.NoEvict = string(c.Args[1]) == "on"
			c.Reply.OK()
			return nil
		}},
		// keep N says that N bytes are kept for the client.
		{Name: "keep", Arity: 2, Run: func(c *bus.Ctx) error {
			c.Client.Kept, _ = strconv.Atoi(string(c.Args[1]))
			c.Reply.OK()
			return nil
		}},
		{Name: "auth", Arity: 1, Run: func(c *bus.Ctx) error {
			c.Client.Authenticated = true
			c.Reply.OK()
			return nil
		}},
	}
}

func (r *rig) wait(c *bus.Ctx) error {
	if v, ok := c.Woken().(string); ok {
		c.Reply.BulkString(string(c.Args[1]) + v)
		return nil
	}
	return c.Park(func(wake func(any)) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.wakes = append(r.wakes, wake)
	})
}

// waiting takes the wakes of n parked commands.
func (r *rig) waiting(n int) []func(any) {
	r.t.Helper()
	var list []func(any)
	eventually(r.t, "parked commands", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.wakes) < n {
			return false
		}
		list, r.wakes = r.wakes, nil
		return true
	})
	return list
}

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("never came true: %s\n%s", what, buf[:runtime.Stack(buf, true)])
		}
		<-time.After(time.Millisecond)
	}
}

// client is a client of a test.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// dial connects to the rig's first address.
func (r *rig) dial() *client {
	r.t.Helper()
	return r.dialTo(r.s.Addrs()[0])
}

func (r *rig) dialTo(a net.Addr) *client {
	r.t.Helper()
	nc, err := net.Dial(a.Network(), a.String())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(3 * patience)); err != nil {
		r.t.Fatal(err)
	}
	return &client{Conn: nc, t: r.t, r: bufio.NewReader(nc)}
}

// send writes s as it is.
func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// want reads exactly s.
func (c *client) want(s string) {
	c.t.Helper()
	got := make([]byte, len(s))
	n, err := io.ReadFull(c.r, got)
	if err != nil || string(got) != s {
		c.t.Fatalf("got %.300q (%d bytes, %v), want %.300q", got[:n], n, err, s)
	}
}

// do sends a command and reads its reply.
func (c *client) do(args ...string) resp.Value {
	c.t.Helper()
	if _, err := c.Write(resp.AppendCommand(nil, args...)); err != nil {
		c.t.Fatal(err)
	}
	v, err := resp.ReadReply(c.r)
	if err != nil {
		c.t.Fatalf("%q: %v", args, err)
	}
	return v
}

// rest reads until the server closes. A reset counts as the end, too.
func (c *client) rest() string {
	c.t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(c.r); err != nil && isTimeout(err) {
		c.t.Fatalf("the server did not close; got %.300q", b.String())
	}
	return b.String()
}

// closed waits until the connection ends without a byte.
func (c *client) closed() {
	c.t.Helper()
	if got := c.rest(); got != "" {
		c.t.Fatalf("got %.300q, want the end", got)
	}
}

// files counts the descriptors of the process, -1 where it cannot be told.
func files() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	n := 0
	for _, f := range list {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", f.Name())); err == nil && len(to) > 7 && to[:7] == "socket:" {
			n++
		}
	}
	return n
}

// bulk encodes a bulk string.
func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }
