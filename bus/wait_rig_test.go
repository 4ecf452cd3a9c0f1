package bus_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/waittest"
	"github.com/reredis/reredis/keyspace"
)

// rig is a bus with the commands of waittest, and loops that drive its clients as package server does.
type rig struct {
	t     testing.TB
	space *keyspace.Space
	bus   *bus.Bus
	pause *bus.Pause
	loops []*loop
	log   effects
}

// effects is a log that keeps the groups.
type effects struct {
	mu     sync.Mutex
	groups []string
}

// Append keeps the words of the effects.
func (l *effects) Append(list []bus.Effect) uint64 {
	var words []string
	for _, e := range list {
		for i, w := range strings.Split(strings.TrimSpace(string(e.RESP)), "\r\n") {
			if i > 0 && i%2 == 0 {
				words = append(words, w)
			}
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = append(l.groups, strings.Join(words, " "))
	return uint64(len(l.groups))
}

func (l *effects) Gate(int, uint16) uint64 { return 0 }

func (l *effects) Appended() uint64 { return 0 }

func (l *effects) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.groups
	l.groups = nil
	return g
}

// newRig starts n loops; stop ends them.
func newRig(t testing.TB, n int, logging bool) (r *rig, stop func()) {
	t.Helper()
	space, err := keyspace.New(keyspace.Options{Databases: 4, Stripes: 8, Arena: keyspace.Heap})
	if err != nil {
		t.Fatal(err)
	}
	r = &rig{t: t, space: space, pause: &bus.Pause{}}
	r.bus = bus.New(space, bus.Stats(), bus.Admit(&bus.Admission{Paused: r.pause}), bus.Lock(), bus.Logging(func() bus.Log {
		if !logging {
			return nil
		}
		return &r.log
	}))
	r.pause.Changed = func(bus.PauseMode) { r.bus.Recompose() }
	tokens := &waittest.Tokens{}
	if err := r.bus.Register(tokens.Commands()...); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range n {
		l := &loop{r: r, c: r.bus.NewCtx()}
		l.some = sync.NewCond(&l.mu)
		r.loops = append(r.loops, l)
		wg.Go(l.run)
	}
	return r, func() {
		for _, l := range r.loops {
			l.post(nil)
		}
		wg.Wait()
		if err := space.Check(); err != nil {
			t.Error(err)
		}
		if err := space.Close(); err != nil {
			t.Error(err)
		}
	}
}

// loop runs what is posted, in order.
type loop struct {
	r    *rig
	c    *bus.Ctx
	mu   sync.Mutex
	some *sync.Cond
	jobs []func()
}

func (l *loop) post(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.jobs = append(l.jobs, f)
	l.some.Signal()
}

func (l *loop) run() {
	for {
		l.mu.Lock()
		for len(l.jobs) == 0 {
			l.some.Wait()
		}
		jobs := l.jobs
		l.jobs = nil
		l.mu.Unlock()
		for _, f := range jobs {
			if f == nil {
				return
			}
			f()
		}
	}
}

// client is a connection of a loop; everything in it but replies belongs to the loop.
type client struct {
	l       *loop
	client  bus.Client
	args    [][]byte
	parked  bool
	seq     int
	cancel  func()
	closed  bool
	pending [][]byte // of the commands behind the one that waits: words separated by blanks

	mu      sync.Mutex
	replies []string
	gates   []uint64 // of the replies
	ended   func(reply string)
}

func (r *rig) client(id int, l *loop) *client {
	return &client{l: l, client: bus.Client{ID: int64(id), Proto: 2}}
}

// send lets the loop run commands, one behind the other.
func (c *client) send(lines ...string) {
	c.l.post(func() {
		for _, line := range lines {
			c.pending = append(c.pending, []byte(line))
		}
		c.next()
	})
}

// next runs commands until one waits.
func (c *client) next() {
	for len(c.pending) > 0 && !c.parked && !c.closed {
		var args [][]byte
		for w := range strings.FieldsSeq(string(c.pending[0])) {
			args = append(args, []byte(w))
		}
		c.pending = c.pending[1:]
		c.args = args
		ctx := c.l.c
		ctx.Client, ctx.Args = &c.client, args
		ctx.Reply.Begin(nil, c.client.Proto)
		c.after(c.l.r.bus.Do(ctx))
		ctx.EndTick()
	}
}

// after handles what became of a command.
func (c *client) after(res bus.Result) {
	ctx := c.l.c
	reply := string(ctx.Reply.End())
	if res == bus.Done {
		c.parked, c.cancel = false, nil
		c.mu.Lock()
		c.replies = append(c.replies, reply)
		c.gates = append(c.gates, ctx.TakeGate())
		f := c.ended
		c.mu.Unlock()
		if f != nil {
			f(reply)
		}
		return
	}
	if reply != "" {
		c.l.r.t.Errorf("client %d: parked with the reply %q", c.client.ID, reply)
	}
	c.seq++
	seq := c.seq
	c.parked, c.cancel = true, ctx.TakeCancel()
	ctx.TakePark()(func(v any) {
		c.l.post(func() { c.wake(seq, v) })
	})
}

func (c *client) wake(seq int, v any) {
	if c.closed {
		return
	}
	if !c.parked || seq != c.seq {
		c.l.r.t.Errorf("client %d: woken twice", c.client.ID)
		return
	}
	ctx := c.l.c
	ctx.Client, ctx.Args = &c.client, c.args
	ctx.Reply.Begin(nil, c.client.Proto)
	c.after(c.l.r.bus.Resume(ctx, v))
	ctx.EndTick()
	c.next()
}

// kill closes the connection.
func (c *client) kill() {
	c.l.post(func() {
		if c.closed {
			return
		}
		c.closed = true
		if c.parked && c.cancel != nil {
			c.cancel()
		}
		c.client.Closed()
	})
}

// got takes the replies so far, one line each.
func (c *client) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.replies
	c.replies = nil
	for i, s := range list {
		list[i] = strings.TrimSuffix(strings.ReplaceAll(s, "\r\n", " "), " ")
	}
	return list
}

// expect compares the replies so far.
func (c *client) expect(want ...string) {
	c.l.r.t.Helper()
	if got := c.got(); fmt.Sprint(got) != fmt.Sprint(want) {
		c.l.r.t.Errorf("client %d got %q, want %q", c.client.ID, got, want)
	}
}
