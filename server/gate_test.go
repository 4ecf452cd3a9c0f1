package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
)

// fakeWAL is a log whose watermark the test moves.
type fakeWAL struct {
	watermark atomic.Uint64
	lost      atomic.Bool
	mu        sync.Mutex
	moved     *sync.Cond
	loops     []func()
}

func newFakeWAL() *fakeWAL {
	w := &fakeWAL{}
	w.moved = sync.NewCond(&w.mu)
	return w
}

func (w *fakeWAL) Register(wake func()) Committer {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loops = append(w.loops, wake)
	return w
}

func (w *fakeWAL) Commit(uint64) uint64 { return w.watermark.Load() }

func (w *fakeWAL) Lost() bool { return w.lost.Load() }

func (w *fakeWAL) Wait(gate uint64, gone <-chan struct{}) error {
	over := false
	go func() {
		<-gone
		w.mu.Lock()
		defer w.mu.Unlock()
		over = true
		w.moved.Broadcast()
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.watermark.Load() < gate {
		if over || w.lost.Load() {
			return errors.New("gone")
		}
		w.moved.Wait()
	}
	return nil
}

// raise moves the watermark.
func (w *fakeWAL) raise(to uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watermark.Store(to)
	w.moved.Broadcast()
	for _, wake := range w.loops {
		wake()
	}
}

// startGated runs a server with the command WRITE lsn size, whose reply of that size waits for the LSN.
func startGated(t *testing.T, d Driver, grace time.Duration) (*rig, *fakeWAL) {
	w := newFakeWAL()
	r := start(t, d, func(o *Options) {
		o.WAL, o.ShutdownGrace = w, grace
		if err := o.Bus.Register(bus.Spec{Name: "write", Arity: 3, Run: func(c *bus.Ctx) error {
			lsn, _ := strconv.ParseUint(string(c.Args[1]), 10, 64)
			n, _ := strconv.Atoi(string(c.Args[2]))
			c.After(lsn)
			c.Reply.BulkString(fmt.Sprintf("%d %s", lsn, strings.Repeat("x", n)))
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
	})
	return r, w
}

// TestW3NothingLeavesBeforeItsGate: whatever connections do, each reply that arrives had its LSN behind the
// watermark, in order and complete.
func TestW3NothingLeavesBeforeItsGate(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, w := startGated(t, d, patience)
		const conns, each = 8, 200
		var next [conns]atomic.Uint64 // LSN of the reply that each waits for, 0: it has all
		var wg sync.WaitGroup
		for n := range conns {
			nc := r.dial().Conn
			rng := rand.New(rand.NewPCG(uint64(n), 7))
			lsns := make([]uint64, each)
			var text strings.Builder
			for i := range lsns {
				lsns[i] = uint64(1 + i*10 + rng.IntN(30))
				size := rng.IntN(100)
				if rng.IntN(20) == 0 {
					size = rng.IntN(300 << 10)
				}
				fmt.Fprintf(&text, "WRITE %d %d\r\n", lsns[i], size)
			}
			wg.Go(func() { _, _ = io.WriteString(nc, text.String()) })
			wg.Go(func() {
				defer next[n].Store(0)
				in := bufio.NewReader(nc)
				for _, lsn := range lsns {
					next[n].Store(lsn)
					head, err := in.ReadString('\n')
					if err != nil {
						t.Error(err)
						return
					}
					size, _ := strconv.Atoi(strings.TrimSpace(head[1:]))
					body := make([]byte, size+2)
					if _, err := io.ReadFull(in, body); err != nil {
						t.Error(err)
						return
					}
					got, _, _ := strings.Cut(string(body), " ")
					if got != strconv.FormatUint(lsn, 10) {
						t.Errorf("reply %.20q, not %d", body, lsn)
						return
					}
					if now := w.watermark.Load(); now < lsn {
						t.Errorf("the reply of LSN %d left at watermark %d (W3)", lsn, now)
						return
					}
				}
			})
		}
		all := make(chan struct{})
		go func() {
			wg.Wait()
			close(all)
		}()
		for still, last := 0, uint64(0); ; still++ {
			select {
			case <-all:
				return
			default:
			}
			sum := uint64(0)
			for i := range next {
				sum += next[i].Load()
			}
			if sum != last {
				still, last = 0, sum
			}
			if still >= 20 { // what could leave has left, or soon will
				still = 0
				w.raise(w.watermark.Load() + 5)
			}
			runtime.Gosched()
		}
	})
}

// TestGatedConnectionsEnd: those whose replies wait forever go away with the server and with their peers.
func TestGatedConnectionsEnd(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, _ := startGated(t, d, 10*time.Millisecond)
		for range 4 {
			nc := r.dial().Conn
			if _, err := io.WriteString(nc, "WRITE 1000 10\r\nPING\r\n"); err != nil {
				t.Fatal(err)
			}
			if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
		}
		other := r.dial().Conn
		if _, err := io.WriteString(other, "PING\r\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(other).ReadString('\n'); err != nil || line != "+PONG\r\n" {
			t.Fatalf("%q %v: others wait too", line, err)
		}
	})
}

// TestLostRepliesEndTheConnection: when the log has failed for good, those who wait for it are told nothing and closed;
// the others go on.
func TestLostRepliesEndTheConnection(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, w := startGated(t, d, patience)
		w.raise(5)
		other, waiting := r.dial(), r.dial().Conn
		if _, err := io.WriteString(waiting, "WRITE 3 10\r\nWRITE 1000 10\r\nPING\r\n"); err != nil {
			t.Fatal(err)
		}
		other.do("PING")
		w.lost.Store(true)
		w.raise(6)
		rest, err := io.ReadAll(waiting)
		if err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		if strings.Contains(string(rest), "1000") || strings.Contains(string(rest), "PONG") {
			t.Errorf("%q left (W3)", rest)
		}
		other.do("PING")
		// Whoever meets such a gate from now on is closed too.
		late := r.dial().Conn
		if _, err := io.WriteString(late, "WRITE 1001 10\r\n"); err != nil {
			t.Fatal(err)
		}
		if rest, _ := io.ReadAll(late); len(rest) > 0 {
			t.Errorf("%q left (W3)", rest)
		}
	})
}

// TestW3MessagesWait: a message that waits for an LSN reaches no subscriber before that is safe, and messages
// stay in order, with those between them that wait for nothing.
func TestW3MessagesWait(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		w := newFakeWAL()
		var mu sync.Mutex
		members := map[bus.Outlet][]*bus.Client{}
		r := start(t, d, func(o *Options) {
			o.WAL = w
			if err := o.Bus.Register(
				bus.Spec{Name: "join", Arity: 1, Run: func(c *bus.Ctx) error {
					mu.Lock()
					defer mu.Unlock()
					members[c.Client.Out] = append(members[c.Client.Out], c.Client)
					c.Reply.OK()
					return nil
				}},
				bus.Spec{Name: "say", Arity: 2, Run: func(c *bus.Ctx) error {
					lsn, _ := strconv.ParseUint(string(c.Args[1]), 10, 64)
					m := bus.NewPush(fmt.Appendf(nil, "*1\r\n$%d\r\n%d\r\n", len(c.Args[1]), lsn)).After(lsn)
					mu.Lock()
					defer mu.Unlock()
					for out, list := range members {
						out.Push(list, m)
					}
					c.Reply.OK()
					return nil
				}},
			); err != nil {
				t.Fatal(err)
			}
		})
		const each, step = 60, 3
		const last = each * step
		var wg sync.WaitGroup
		for range 4 {
			c := r.dial()
			c.do("JOIN")
			wg.Go(func() {
				for n := range each + 1 {
					want := n * step
					c.want(fmt.Sprintf("*1\r\n$%d\r\n%d\r\n", len(strconv.Itoa(want)), want))
					if now := w.watermark.Load(); now < uint64(want) {
						t.Errorf("the message of LSN %d left at watermark %d (W3)", want, now)
						return
					}
				}
			})
		}
		sayer := r.dial()
		for n := range each + 1 {
			sayer.do("SAY", strconv.Itoa(n*step)) // the first waits for nothing
			if n%7 == 0 {
				w.raise(uint64(max(0, (n-3)*step)))
			}
		}
		for lsn := w.watermark.Load(); lsn < last; lsn++ {
			w.raise(lsn + 1)
			runtime.Gosched()
		}
		wg.Wait()
	})
}
