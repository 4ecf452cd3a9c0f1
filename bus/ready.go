package bus

import (
	"bytes"

	"github.com/reredis/reredis/bus/wait"
	"github.com/reredis/reredis/keyspace"
)

// late is what is to be done when the locks of a command or EXEC are released, before the connection's next
// command.
type late struct {
	ready []readyKey // in the order in which they became so
	index map[wait.Key]int
	calls []func()
}

// readyKey is a key that somebody waits for.
type readyKey struct {
	key wait.Key
	had wait.Types // when it became ready
}

// Ready says that a key, whose stripe is locked, was given a value or more of it, or that it has gone:
// whoever waits for it is tried when the command or EXEC has released its locks and before the
// connection's next command. Every handler that gives a key a value of a type that can be waited for
// calls it. It costs nothing while nobody waits.
func (c *Ctx) Ready(key []byte) { c.ReadyIn(c.Tx.DB, key) }

// ReadyIn is Ready for a key of another database.
func (c *Ctx) ReadyIn(db int, key []byte) {
	if t := c.bus.waits; t.Any() && t.Waited(db, key) {
		c.noteReady(wait.Key{DB: db, Name: string(key)}, key)
	}
}

// ReadyDB is Ready for all keys of a database (SWAPDB, FLUSHALL), in exclusive mode.
func (c *Ctx) ReadyDB(db int) {
	t := c.bus.waits
	if !t.Any() {
		return
	}
	for _, k := range t.Keys(db) {
		c.noteReady(k, []byte(k.Name))
	}
}

func (c *Ctx) noteReady(k wait.Key, key []byte) {
	db := c.Tx.DB
	c.Tx.DB = k.DB
	typ := keyspace.TypeNone
	if it, ok := c.Tx.Peek(key); ok {
		typ = it.Type()
	}
	c.Tx.DB = db
	l := c.later()
	if i, ok := l.index[k]; ok {
		l.ready[i].had |= 1 << typ
		return
	}
	if l.index == nil {
		l.index = map[wait.Key]int{}
	}
	l.index[k] = len(l.ready)
	l.ready = append(l.ready, readyKey{k, 1 << typ})
}

// later is where the Ctx that drives the connection notes what is to be done.
func (c *Ctx) later() *late {
	for c.driver != nil {
		c = c.driver
	}
	if c.late == nil {
		c.late = &late{}
	}
	return c.late
}

// AfterUnlock has f called when the command or EXEC has released its locks, before the waiters are served.
func (c *Ctx) AfterUnlock(f func()) {
	l := c.later()
	l.calls = append(l.calls, f)
}

// settle does what a command left for after its locks; r is what became of it, its reply begins at mark.
func (b *Bus) settle(c *Ctx, mark int, r Result) Result {
	var rest []readyKey
	for l := c.late; len(rest) == 0 && len(l.calls)+len(l.ready) > 0; {
		calls := l.calls
		l.calls = nil
		for _, f := range calls {
			f()
		}
		rest = b.serve(c)
	}
	c.late = nil
	switch {
	case len(rest) == 0:
	case r == Parked:
		b.serveLater(rest, func() {})
	default:
		// An exclusive phase began. The connection's next command has to wait for the end of the
		// serving, and so has this reply.
		done := &settled{reply: bytes.Clone(c.Reply.buf[mark:]), gate: c.gate}
		c.Reply.Truncate(mark)
		_ = c.Park(func(wake func(any)) { b.serveLater(rest, func() { wake(done) }) })
		return Parked
	}
	return r
}

// settled wakes a connection whose command was done but for the serving of others.
type settled struct {
	reply []byte
	gate  uint64 // what that waits for
}

// serve serves the keys that the last command of c made ready, and those that this makes ready, until none is
// left, or an exclusive phase begins: then it returns what is left.
func (b *Bus) serve(c *Ctx) (rest []readyKey) {
	l := c.late
	if len(l.ready) == 0 {
		return nil
	}
	s := c.servant()
	s.SetNow(c.Now())
	for i := 0; i < len(l.ready); i++ { //nolint:intrange // serving makes the list longer
		r := l.ready[i]
		delete(l.index, r.key)
		if !b.waits.Serve(r.key, r.had, s.serveOne) {
			rest = l.ready[i:]
			break
		}
	}
	l.ready, l.index = nil, nil
	s.EndTick()
	return rest
}

// serveLater goes on serving when the exclusive phase is over, then calls done. It does not wait.
func (b *Bus) serveLater(rest []readyKey, done func()) {
	for len(rest) > 0 {
		if b.space.Opened(func() { b.serveLater(b.serveRest(rest), done) }) {
			return
		}
		rest = b.serveRest(rest)
	}
	done()
}

// serveRest is serve for keys whose command is over.
func (b *Bus) serveRest(ready []readyKey) (rest []readyKey) {
	c := b.NewCtx()
	c.late = &late{ready: ready}
	return b.serve(c)
}

// keepServed is the size up to which the buffer for the replies of served commands is kept.
const keepServed = 64 << 10

// servant is the Ctx that runs the commands of served clients.
func (c *Ctx) servant() *Ctx {
	if c.serves == nil {
		c.serves = c.bus.NewCtx()
		c.serves.driver = c
	}
	return c.serves
}

// serveOne runs the command of a waiter.
func (c *Ctx) serveOne(w *wait.Waiter, name []byte) (any, wait.Outcome) {
	call := w.Data.(*waiting)
	c.Client, c.Args, c.Raw, c.woken = &call.client, call.args, nil, nil
	c.serving, c.began = name, call.client.began
	c.Reply.Begin(c.served[:0], call.client.Proto)
	r := c.bus.do(c)
	buf, gate := c.Reply.End(), c.TakeGate()
	if c.served = buf[:0]; cap(buf) > keepServed {
		c.served = nil
	}
	c.serving, c.Client, c.Args = nil, nil, nil
	switch {
	case r == Done:
		return &ending{reply: append(make([]byte, 0, len(buf)), buf...), gate: gate}, wait.Served
	case c.TakePark() != nil:
		return nil, wait.Closed
	}
	return nil, wait.Nothing
}
