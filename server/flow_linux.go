package server

import (
	"sync/atomic"

	"github.com/reredis/reredis/bus"
)

// A loop can take pushes faster than it can deliver them: one PUBLISH of a hundred nanoseconds may be a
// thousand writes of another loop. Redis, with one thread, is slowed down by its own deliveries; here
// the connections that publish are not read while a loop is behind. Nobody else waits.

// The limits of what waits to be delivered by one loop. A push costs, for each client that it goes to,
// its bytes and pushCost.
const (
	pushCost  = 128
	pushEarly = 4 << 20  // a loop delivers before the end of its tick
	pushMost  = 16 << 20 // connections that publish are held back
	pushLeast = 8 << 20  // and read again
)

// backlog is what waits to be delivered by one loop.
type backlog struct {
	cost   atomic.Int64
	behind atomic.Bool // cost went above pushMost and not yet below pushLeast
}

// costOf is what a push costs the loop that delivers it.
func costOf(to []*bus.Client, m *bus.Message) int64 { return int64(len(to) * (m.Size() + pushCost)) }

// Push posts m to the loop; it is delivered in this tick or the next, before the tick's flush.
func (l *loop) Push(to []*bus.Client, m *bus.Message) {
	if len(to) == 0 {
		return
	}
	cost := l.backlog.cost.Add(costOf(to, m))
	if cost > pushMost && l.backlog.behind.CompareAndSwap(false, true) {
		l.all.behind.Add(1)
	}
	if !l.mail.post(message{kind: messagePush, to: to, m: m}) {
		l.delivered(costOf(to, m))
	}
}

// delivered tells that pushes have left the mailbox.
func (l *loop) delivered(cost int64) {
	if l.backlog.cost.Add(-cost) > pushLeast || !l.backlog.behind.CompareAndSwap(true, false) || l.all.behind.Add(-1) > 0 {
		return
	}
	for _, o := range l.all.list {
		if o.holding.Load() {
			o.mail.post(message{kind: messageCommit}) // anything: it looks when it wakes
		}
	}
}

// hold stops reading a connection that publishes until no loop is behind.
func (l *loop) hold(c *conn) {
	c.flags |= flagHeld
	l.heldBack = append(l.heldBack, c)
	l.holding.Store(true)
}

// letGo reads the connections again that were held back, once no loop is behind.
func (l *loop) letGo() {
	if l.all.behind.Load() > 0 {
		return
	}
	list := l.heldBack
	l.heldBack = nil
	l.holding.Store(false)
	for _, c := range list {
		c.flags &^= flagHeld
		if c.flags&flagDead != 0 {
			continue
		}
		if c.flags&flagMuted != 0 && c.flags&flagEOF == 0 {
			c.flags &^= flagMuted | flagDeafened
			l.interest(c)
		}
		if len(c.in) > 0 {
			l.later(c)
		}
	}
}
