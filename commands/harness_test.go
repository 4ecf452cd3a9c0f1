package commands_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// startOfTime is the clock of every server in process; the scripts and the random
// tests use deadlines far before or far behind it and the wall clock.
const startOfTime = 1_700_000_000_000

// server is something that answers commands: ours in process, or a real redis-server.
type server interface {
	do(args ...string) resp.Value
}

// local is a bus over a keyspace of its own, with one client.
type local struct {
	t      testing.TB
	space  *keyspace.Space
	bus    *bus.Bus
	c      *bus.Ctx
	client *bus.Client
	raw    []byte
	out    []byte
	parser resp.Parser
}

// dataCommands are the commands on strings and keys.
func dataCommands() []bus.Spec {
	return slices.Concat(commands.Strings(), commands.Bits(), commands.Keys())
}

// newLocal starts an empty server with the data commands; log takes its effects if
// it is not nil.
func newLocal(t testing.TB, log bus.Log) *local {
	t.Helper()
	space := newSpace(t)
	b := bus.New(space, bus.Stats(), bus.Lock(), bus.Logging(func() bus.Log { return log }))
	if err := b.Register(dataCommands()...); err != nil {
		t.Fatal(err)
	}
	l := &local{t: t, space: space, bus: b, c: b.NewCtx(), client: &bus.Client{Proto: 2}}
	l.c.Client = l.client
	l.c.SetNow(startOfTime)
	return l
}

// newSpace makes a keyspace that the test's end closes and checks.
func newSpace(t testing.TB) *keyspace.Space {
	t.Helper()
	space, err := keyspace.New(keyspace.Options{
		Arena:   arenaMode,
		Stripes: 4,
		Now:     func() int64 { return startOfTime },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := space.Check(); err != nil {
			t.Errorf("keyspace after the test: %v", err)
		}
		if err := space.Close(); err != nil {
			t.Error(err)
		}
	})
	return space
}

// do runs a command as a driver would, from its bytes. SELECT, HELLO 3 and HELLO 2 are the
// harness's own, for they are no data commands; CLOCK n sets the time forward.
func (l *local) do(args ...string) resp.Value {
	switch strings.ToUpper(args[0]) {
	case "SELECT":
		l.client.DB, _ = strconv.Atoi(args[1])
		return resp.Value{Kind: resp.KindStatus, Str: []byte("OK")}
	case "HELLO":
		l.client.Proto, _ = strconv.Atoi(args[1])
		return resp.Value{Kind: resp.KindStatus, Str: []byte("OK")}
	case "CLOCK":
		ms, _ := strconv.ParseInt(args[1], 10, 64)
		l.c.SetNow(l.c.Now() + ms)
		return resp.Value{Kind: resp.KindStatus, Str: []byte("OK")}
	}
	l.raw = resp.AppendCommand(l.raw[:0], args...)
	var ok bool
	var err error
	l.c.Args, l.c.Raw, _, _, ok, err = l.parser.Next(l.raw, nil, l.c.Args)
	if !ok || err != nil {
		l.t.Fatalf("%q does not parse: %v", args, err)
	}
	l.c.Reply.Begin(l.out[:0], l.client.Proto)
	if l.bus.Do(l.c) != bus.Done {
		l.t.Fatalf("%q was parked", args)
	}
	l.out = l.c.Reply.End()
	l.c.EndTick()
	return readReply(l.t, l.out, args)
}

// readReply reads the one reply that b holds.
func readReply(t testing.TB, b []byte, args []string) resp.Value {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(b))
	v, err := resp.ReadReply(r)
	if err != nil {
		t.Fatalf("%q answers %q: %v", args, b, err)
	}
	if r.Buffered() > 0 {
		t.Fatalf("%q answers %q: more than one reply", args, b)
	}
	return v
}

// remote is a connection to a redis-server that the test started.
type remote struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

// redisVersion is the version whose replies are the contract.
const redisVersion = "7.0.15"

// newRemote starts redis-server and connects to it. The test is skipped where
// there is none of the right version.
func newRemote(t testing.TB) *remote {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server in PATH to compare with")
	}
	version, err := exec.Command(path, "--version").Output()
	if err != nil || !bytes.Contains(version, []byte("v="+redisVersion+" ")) {
		t.Skipf("the installed redis-server is not %s: %s", redisVersion, version)
	}
	port := freePort(t)
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "",
		"--appendonly", "no", "--dir", t.TempDir(), "--enable-debug-command", "yes")
	if err := cmd.Start(); err != nil {
		t.Skipf("redis-server does not start: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	conn := dial(t, "127.0.0.1:"+port)
	t.Cleanup(func() { _ = conn.Close() })
	return &remote{t: t, conn: conn, r: bufio.NewReader(conn)}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// dial connects as soon as the server listens.
func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond) // polls: the port opens when it opens
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return conn
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("redis-server does not listen: %v", err)
		}
	}
}

func (s *remote) do(args ...string) resp.Value {
	s.t.Helper()
	if _, err := s.conn.Write(resp.AppendCommand(nil, args...)); err != nil {
		s.t.Fatal(err)
	}
	v, err := resp.ReadReply(s.r)
	if err != nil {
		s.t.Fatalf("%q: %v", args, err)
	}
	if strings.EqualFold(args[0], "hello") {
		return resp.Value{Kind: resp.KindStatus, Str: []byte("OK")}
	}
	return v
}

// show writes a reply in one line: +status, -error, integer, "bulk", nil, [array],
// {map}, and other types with the byte that introduces them.
func show(v resp.Value) string {
	switch v.Kind {
	case resp.KindStatus, resp.KindError:
		return string(rune(v.Kind)) + string(v.Str)
	case resp.KindInt:
		return strconv.FormatInt(v.Int, 10)
	case resp.KindBulk:
		return fmt.Sprintf("%q", v.Str)
	case resp.KindNull:
		return "nil"
	case resp.KindArray:
		return "[" + strings.Join(showAll(v.Elems), " ") + "]"
	case resp.KindMap:
		return "{" + strings.Join(showAll(v.Elems), " ") + "}"
	default:
		return fmt.Sprintf("%c%q%v", v.Kind, v.Str, showAll(v.Elems))
	}
}

func showAll(vs []resp.Value) []string {
	texts := make([]string, len(vs))
	for i, v := range vs {
		texts[i] = show(v)
	}
	return texts
}

// showSorted is show with the elements of an array, and of arrays in it, in order.
func showSorted(v resp.Value) string {
	if v.Kind != resp.KindArray {
		return show(v)
	}
	texts := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		texts[i] = showSorted(e)
	}
	sort.Strings(texts)
	return "[" + strings.Join(texts, " ") + "]"
}
