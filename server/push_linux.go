package server

import (
	"slices"

	"github.com/reredis/reredis/bus"
)

// sameAudience is the number of pushes at the head of list that go to the very same clients.
func sameAudience(list []message) int {
	n := 1
	for n < len(list) && list[n].kind == messagePush && len(list[n].to) == len(list[0].to) && &list[n].to[0] == &list[0].to[0] {
		n++
	}
	return n
}

// deliver hands pushes that go to the same clients to these. Everybody shares their bytes, which are
// copied only for connections that have other output.
func (l *loop) deliver(batch []message) {
	cost := int64(0)
	for i := range batch {
		cost += costOf(batch[i].to, batch[i].m)
	}
	defer l.delivered(cost)
	var joined [2][]byte // all of batch, by protocol
	var lsn uint64       // what they wait for
	for i := range batch {
		lsn = max(lsn, batch[i].m.Gate())
	}
	for _, cl := range batch[0].to {
		c := cl.Conn.(*conn)
		if c.flags&(flagDead|flagClosing|flagAbort) != 0 {
			continue
		}
		if !wantsAll(cl, batch) {
			for i := range batch {
				if m := batch[i].m; m.Wanted(cl) {
					l.output(c, m.Bytes(cl.Proto), m.Gate())
				}
			}
			continue
		}
		b := &joined[min(max(cl.Proto, 2), 3)-2]
		if *b == nil {
			*b = join(batch, cl.Proto)
		}
		l.output(c, *b, lsn)
	}
}

// deliverEarly does not leave more pushes to the end of the tick.
func (l *loop) deliverEarly() {
	l.readMail()
	l.commit()
	l.flushAll()
	l.w.used = 0
}

// wantsAll reports whether the client still wants all of the messages.
func wantsAll(cl *bus.Client, batch []message) bool {
	for i := range batch {
		if !batch[i].m.Wanted(cl) {
			return false
		}
	}
	return true
}

// join puts the messages behind one another.
func join(batch []message, proto int) []byte {
	if len(batch) == 1 {
		return batch[0].m.Bytes(proto)
	}
	n := 0
	for i := range batch {
		n += len(batch[i].m.Bytes(proto))
	}
	b := make([]byte, 0, n)
	for i := range batch {
		b = append(b, batch[i].m.Bytes(proto)...)
	}
	return b
}

// output adds b, which is shared, to what the connection sends in this tick, but not before an LSN
// is safe.
func (l *loop) output(c *conn, b []byte, lsn uint64) {
	if len(b) == 0 || c.flags&flagDead != 0 {
		return
	}
	c.gate = max(c.gate, lsn)
	l.w.gate = max(l.w.gate, lsn)
	if len(c.seg) == 0 {
		c.seg, c.segOwned = slices.Clip(b), false
	} else {
		// seg has no room beyond its end unless it is the connection's own.
		c.seg, c.segOwned = append(c.seg, b...), true
	}
	c.client.LastSeen = l.w.now
	if l.w.set.Output[c.client.Class] != (OutputLimit{}) {
		if c.checkOutput(l.w); c.flags&flagAbort != 0 {
			l.close(c)
			return
		}
	}
	l.mark(c)
}
