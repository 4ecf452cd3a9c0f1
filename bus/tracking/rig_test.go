package tracking

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// rig is a bus with a few commands and a tracker. It is its own Clients.
type rig struct {
	t     testing.TB
	space *keyspace.Space
	bus   *bus.Bus
	track *Tracker
	log   *memoryLog // nil: none

	mu      sync.Mutex
	clients []*client
}

// memoryLog counts groups.
type memoryLog struct{ last atomic.Uint64 }

func (l *memoryLog) Append([]bus.Effect) uint64 { return l.last.Add(1) }
func (l *memoryLog) Gate(int, uint16) uint64    { return 0 }
func (l *memoryLog) Appended() uint64           { return l.last.Load() }

// client is one connection; one goroutine uses it at a time, and Each another.
type client struct {
	r   *rig
	c   *bus.Ctx
	cl  *bus.Client
	mu  sync.Mutex // held while a command runs or the client is visited
	box struct {
		sync.Mutex
		list []*bus.Message
	}
}

// Push keeps m until the client looks.
func (c *client) Push(_ []*bus.Client, m *bus.Message) {
	c.box.Lock()
	defer c.box.Unlock()
	c.box.list = append(c.box.list, m)
}

func newRig(t testing.TB, log *memoryLog) *rig {
	t.Helper()
	space, err := keyspace.New(keyspace.Options{Arena: keyspace.Heap, Stripes: 4})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, space: space, track: New(), log: log}
	t.Cleanup(func() {
		r.track.Wait()
		if err := space.Close(); err != nil {
			t.Error(err)
		}
	})
	r.bus = bus.New(space, yield(), bus.Lock(), r.track.Layer(), yield(), bus.Logging(func() bus.Log {
		if log == nil {
			return nil
		}
		return log
	}))
	r.track.Space, r.track.Changed = space, r.bus.Recompose
	r.track.Appended = func() uint64 {
		if log == nil {
			return 0
		}
		return log.Appended()
	}
	if err := r.bus.Register(
		bus.Spec{Name: "get", Arity: 2, Flags: bus.ReadOnly, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRO)}, Run: func(c *bus.Ctx) error {
			if it, ok := c.Tx.Look(c.Args[1]); ok {
				c.Reply.Bulk(it.Bytes(nil))
			} else {
				c.Reply.Null()
			}
			return nil
		}},
		bus.Spec{Name: "set", Arity: -3, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyOW)}, Run: func(c *bus.Ctx) error {
			ttl := keyspace.NoTTL
			if len(c.Args) > 3 {
				ttl = keyspace.At(c.Tx.Now + 10)
			}
			c.Reply.OK()
			return c.Tx.SetBytes(c.Args[1], c.Args[2], ttl)
		}},
		bus.Spec{Name: "del", Arity: 2, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRM)}, Run: func(c *bus.Ctx) error {
			c.Tx.Delete(c.Args[1])
			c.Reply.OK()
			return nil
		}},
		bus.Spec{Name: "flushall", Arity: 1, Flags: bus.Write, Lock: bus.LockExclusive, Run: func(c *bus.Ctx) error {
			c.Tx.FlushAll()
			c.Reply.OK()
			return nil
		}},
		bus.Spec{Name: "ping", Arity: 1, Run: func(c *bus.Ctx) error { c.Reply.OK(); return nil }},
		bus.Spec{Name: "multi", Arity: 1, Immediate: true, Run: func(c *bus.Ctx) error { return c.Begin() }},
		bus.Spec{
			Name: "exec", Arity: 1, Immediate: true, Lock: bus.LockPlan, Plan: bus.ExecPlan,
			Run: func(c *bus.Ctx) error { return c.Exec() },
		},
	); err != nil {
		t.Fatal(err)
	}
	return r
}

// yield is a layer that lets others run now and then, between other layers, where races would hide.
func yield() bus.Layer {
	return bus.Layer{Name: "yield", Wrap: func(_ *bus.Spec, next bus.Handler) bus.Handler {
		return func(c *bus.Ctx) error {
			err := next(c)
			if rand.IntN(4) == 0 {
				runtime.Gosched()
			}
			return err
		}
	}}
}

// connect adds a client of RESP3.
func (r *rig) connect() *client {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &client{r: r, c: r.bus.NewCtx(), cl: &bus.Client{ID: int64(len(r.clients) + 1), Proto: 3}}
	c.cl.Out, c.c.Client = c, c.cl
	r.clients = append(r.clients, c)
	return c
}

// Each visits all clients on a goroutine of its own.
func (r *rig) Each(visit func(c *bus.Client, st bus.ConnState) bool, done func()) {
	go func() {
		r.mu.Lock()
		list := r.clients
		r.mu.Unlock()
		for _, c := range list {
			c.mu.Lock()
			visit(c.cl, bus.ConnState{})
			c.mu.Unlock()
		}
		done()
	}()
}

// prepare waits until the tracker is ready and has looked for a client.
func (r *rig) prepare(id int64) *Target {
	ch := make(chan *Target, 1)
	r.track.Prepare(r, id, func(x *Target) { ch <- x })
	return <-ch
}

// enable makes the client track.
func (c *client) enable(o Options) {
	for {
		c.mu.Lock()
		ok := c.r.track.Enable(c.cl, o)
		c.mu.Unlock()
		if ok {
			return
		}
		c.r.prepare(0)
	}
}

func (c *client) disable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.r.track.Disable(c.cl)
}

// do runs a command, written with blanks, and returns the bytes of its reply.
func (c *client) do(line string) string {
	for {
		c.mu.Lock()
		c.c.Args, c.c.Raw = c.c.Args[:0], nil
		for word := range strings.FieldsSeq(line) {
			c.c.Args = append(c.c.Args, []byte(word))
		}
		c.c.Reply.Begin(nil, c.cl.Proto)
		res := c.r.bus.Do(c.c)
		out := string(c.c.Reply.End())
		start := c.c.TakePark()
		c.mu.Unlock()
		if res == bus.Done {
			return out
		}
		woken := make(chan any, 1)
		start(func(v any) { woken <- v })
		<-woken
	}
}

// messages takes what was pushed to the client.
func (c *client) messages() (list []*bus.Message) {
	c.box.Lock()
	defer c.box.Unlock()
	list, c.box.list = c.box.list, nil
	return list
}

// heard takes what was pushed, as words: keys of an invalidation, * for all, and the LSN that it waits for if there is a
// log.
func (c *client) heard() string {
	c.r.t.Helper()
	var words []string
	for _, m := range c.messages() {
		if !m.Wanted(c.cl) || m.Bytes(c.cl.Proto) == nil {
			continue
		}
		v, err := resp.ReadReply(bufio.NewReader(bytes.NewReader(m.Bytes(c.cl.Proto))))
		if err != nil {
			c.r.t.Fatal(err)
		}
		word := keysOf(v)
		if c.r.log != nil {
			word = fmt.Sprintf("%s@%d", word, m.Gate())
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// keysOf is what a message tells.
func keysOf(v resp.Value) string {
	last := v.Elems[len(v.Elems)-1]
	switch last.Kind {
	case resp.KindArray:
		var keys []string
		for _, e := range last.Elems {
			keys = append(keys, string(e.Str))
		}
		return strings.Join(keys, "+")
	case resp.KindInt:
		return fmt.Sprintf("broken:%d", last.Int)
	}
	return "*"
}
