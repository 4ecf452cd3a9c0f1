package server

import (
	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// parking is a command that waits, with copies of its arguments.
type parking struct {
	args [][]byte
	raw  []byte
	seq  uint64 // tells a wake-up from that of an earlier wait
	// start is what the command wants to be called; the driver does, once.
	start bus.ParkFunc
	// cancel is called if the connection goes away before the wake; it may be nil.
	cancel func()
	// blocking says that the command waits for other clients: a peer that goes away
	// meanwhile is not owed its reply.
	blocking bool
}

// park keeps the command in w.ctx.
func (c *conn) park(w *worker) {
	ctx := w.ctx
	p := &parking{}
	if ctx.Raw != nil {
		p.raw = append([]byte(nil), ctx.Raw...)
		var parser resp.Parser
		p.args, _, _, _, _, _ = parser.Next(p.raw, &resp.Limits{MaxBulk: int64(len(p.raw))}, make([][]byte, 0, len(ctx.Args)))
	} else {
		p.args = make([][]byte, len(ctx.Args))
		for i, a := range ctx.Args {
			p.args[i] = append([]byte(nil), a...)
		}
	}
	c.parked = p
	w.pub.parked.Add(1)
	c.parkAgain(w)
}

// parkAgain lets the parked command wait (once more).
func (c *conn) parkAgain(w *worker) {
	c.parkSeq++
	p, ctx := c.parked, w.ctx
	p.seq = c.parkSeq
	p.start, p.cancel = ctx.TakePark(), ctx.TakeCancel()
	p.blocking = c.client.Blocked || ctx.Spec != nil && ctx.Spec.Flags&bus.Blocking != 0
}

// unpark forgets the parked command, which is done.
func (c *conn) unpark(pub *counters) {
	c.parked = nil
	pub.parked.Add(-1)
}

// abandon forgets the parked command, if there is one, because the connection ends.
func (c *conn) abandon(pub *counters) {
	p := c.parked
	if p == nil {
		return
	}
	c.unpark(pub)
	if p.cancel != nil {
		p.cancel()
	}
}

func (p *parking) size() int {
	n := len(p.raw)
	for _, a := range p.args {
		n += len(a)
	}
	return n
}
