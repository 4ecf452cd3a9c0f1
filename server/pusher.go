package server

import (
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
)

// pusher writes what is pushed to a connection of the goroutine driver, on a goroutine that lives while
// there is something.
type pusher struct {
	// out is held from the first command of a piece of input until its replies are written, and for
	// each write of pushes. It comes before conn.mu.
	out sync.Mutex

	queued atomic.Bool   // whether queue has any
	class  atomic.Uint32 // of the client, bus.Class, as it was at the end of its last piece of input

	mu        sync.Mutex // before it may come any lock, after it none
	queue     []*bus.Message
	size      int64 // bytes pushed and not written
	softSince int64 // unix ms since when size is above the soft limit, 0: it is not
	busy      bool  // the goroutine is there
	closed    bool
}

// lock takes what guards the connection while commands run and their replies are written.
func (c *conn) lock() {
	c.push.out.Lock()
	c.mu.Lock()
}

func (c *conn) unlock() {
	c.mu.Unlock()
	c.push.out.Unlock()
}

// Push queues m with the connections.
func (d *goroutines) Push(to []*bus.Client, m *bus.Message) {
	for _, cl := range to {
		d.push(cl.Conn.(*conn), m)
	}
}

// push queues m. A connection whose queue is beyond the limits of its class is closed.
func (d *goroutines) push(c *conn, m *bus.Message) {
	p := c.push
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.queue = append(p.queue, m)
	p.queued.Store(true)
	p.size += pushSize(m)
	if p.overLocked(d.srv) {
		p.closed, p.queue = true, nil
		d.srv.outputLimited.Add(1)
		d.srv.log.Warn("closing client: its output buffer is over the limit",
			"id", c.client.ID, "addr", c.client.Addr, "bytes", p.size)
		_ = c.nc.Close() // its goroutine notices; c.mu may be held by one that waits for our caller
		return
	}
	if !p.busy {
		p.busy = true
		d.wg.Go(func() { d.writePushes(c) })
	}
}

// pushSize is what m counts in the queue.
func pushSize(m *bus.Message) int64 { return int64(max(m.Size(), 64)) }

// overLocked reports whether the queue is beyond the limits.
func (p *pusher) overLocked(s *Server) bool {
	lim, now := s.settings.Load().Output[p.class.Load()], s.opts.Now()
	n := p.size - limitSlack
	if lim.Hard > 0 && n >= lim.Hard {
		return true
	}
	if lim.Soft <= 0 || n < lim.Soft {
		p.softSince = 0
		return false
	}
	if p.softSince == 0 {
		p.softSince = now
	}
	return now-p.softSince > lim.SoftFor.Milliseconds()
}

// take empties the queue. If it was empty the goroutine is no longer there.
func (p *pusher) take() []*bus.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.queue
	p.queue = nil
	p.queued.Store(false)
	if len(list) == 0 {
		p.busy = false
	}
	return list
}

// drain empties the queue for the connection's own goroutine.
func (p *pusher) drain() []*bus.Message {
	if !p.queued.Load() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.queue
	p.queue = nil
	p.queued.Store(false)
	return list
}

// written tells that messages that counted size have left.
func (p *pusher) written(size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size -= size
}

// waiting is the number of bytes in the queue.
func (p *pusher) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.size)
}

// end refuses further pushes.
func (p *pusher) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.queue = true, nil
}

// writePushes writes until the queue is empty.
func (d *goroutines) writePushes(c *conn) {
	p := c.push
	for {
		p.out.Lock()
		list := p.take()
		if len(list) == 0 {
			p.out.Unlock()
			return
		}
		b, size, lsn := c.join(list)
		if len(b) > 0 && d.safe(c, lsn) {
			n, _ := c.nc.Write(b) // the connection's reader meets the error, too
			d.pub.writes.Add(1)
			d.pub.netOut.Add(int64(n))
		}
		p.written(size)
		p.out.Unlock()
	}
}

// join puts messages behind one another; size is what they count in the queue, lsn what they wait for. What is read of the
// client here changes only with push.out held.
func (c *conn) join(list []*bus.Message) (b []byte, size int64, lsn uint64) {
	for _, m := range list {
		size += pushSize(m)
		if !c.client.CloseAfterReply && m.Wanted(&c.client) {
			b = append(b, m.Bytes(c.client.Proto)...)
			lsn = max(lsn, m.Gate())
		}
	}
	return b, size, lsn
}

// leadPushes puts what was pushed before a command came in front of its reply. It returns what that counts in the
// queue. c is locked.
func (c *conn) leadPushes() (size int64) {
	list := c.push.drain()
	if len(list) == 0 {
		return 0
	}
	b, size, lsn := c.join(list)
	if len(b) > 0 {
		c.seg, c.segOwned, c.gate = b, true, max(c.gate, lsn)
	}
	return size
}
