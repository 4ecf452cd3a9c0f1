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
	p.blocking = ctx.Spec != nil && ctx.Spec.Flags&bus.Blocking != 0
	c.parked = p
	w.pub.parked.Add(1)
	c.parkAgain(w)
}

// parkAgain lets the parked command wait (once more).
func (c *conn) parkAgain(w *worker) {
	c.parkSeq++
	c.parked.seq = c.parkSeq
	c.parked.start = w.ctx.TakePark()
}

// unpark forgets the parked command.
func (c *conn) unpark(w *worker) {
	c.parked = nil
	w.pub.parked.Add(-1)
}

func (p *parking) size() int {
	n := len(p.raw)
	for _, a := range p.args {
		n += len(a)
	}
	return n
}
