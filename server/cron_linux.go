package server

import (
	"time"

	"golang.org/x/sys/unix"
)

// periodic does what is due: the upkeep, and a look at a part of the connections.
func (l *loop) periodic() {
	if l.srv.opts.Upkeep != nil && l.now >= l.upkeepAt {
		l.upkeepAt = l.now + l.upkeep.run(l.w, l.share, l.of, l.worked)
		l.worked = false
		l.w.ctx.EndTick()
	}
	if l.now < l.cronAt {
		return
	}
	l.cronAt = l.now + cronEvery
	if l.now >= l.turnAt {
		l.turnAt = l.now + turnEvery
		l.pub.turn()
	}
	l.srv.dropped.Add(int64(l.w.free.dropped))
	l.w.free.dropped = 0
	if l.count > 0 {
		l.inspect()
	}
}

// inspecting says whether connections have to be looked at.
func (l *loop) inspecting() bool {
	return l.w.set.Timeout > 0 || l.w.soft > 0
}

// inspect closes idle connections and those whose output was too big for too long, in
// a part of the connections.
func (l *loop) inspect() {
	if !l.inspecting() {
		return
	}
	set := l.w.set
	for range len(l.conns)/cronRounds + 1 {
		if l.cronNext >= len(l.conns) {
			l.cronNext = 0
		}
		c := l.conns[l.cronNext]
		l.cronNext++
		if c == nil {
			continue
		}
		if set.Timeout > 0 && c.parked == nil && c.leisurely() && c.client.LastSeen+set.Timeout.Milliseconds() < l.w.now {
			l.srv.idle.Add(1)
			l.close(c)
			continue
		}
		if c.softSince != 0 {
			if c.checkOutput(l.w); c.flags&flagAbort != 0 {
				l.close(c)
			}
		}
	}
}

// drain makes the loop finish by deadline.
func (l *loop) drain(deadline time.Time) {
	l.draining, l.deadline = true, deadline
	for _, c := range l.conns {
		switch {
		case c == nil:
		case c.parked != nil && c.parked.blocking:
			l.close(c)
		default:
			c.flags |= flagEOF | flagMuted | flagDeafened
			l.interest(c)
		}
	}
}

// drained closes what has nothing more to send and reports whether nothing is left to wait
// for.
func (l *loop) drained() bool {
	for _, c := range l.conns {
		if c != nil && c.queued() == 0 && c.flags&flagReady == 0 && c.parked == nil {
			// Unread input would make the kernel reset the connection and lose what
			// the peer has not read yet.
			_ = unix.Shutdown(c.fd, unix.SHUT_WR)
			_, _ = rawRead(c.fd, l.scratch)
			l.close(c)
		}
	}
	return l.count == 0 || !time.Now().Before(l.deadline)
}
