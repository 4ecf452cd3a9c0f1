package server

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/reredis/reredis/bus"
)

// goroutines is the driver with one goroutine for each connection, whose reads and writes
// block. A slow reader so holds its own goroutine, and nothing else piles up.
type goroutines struct {
	srv  *Server
	pub  counters
	pool workerPool
	wg   sync.WaitGroup // of the connections

	mu       sync.Mutex
	conns    map[*conn]struct{}
	draining bool
	over     bool     // the keeper has ended
	jobs     []func() // for the keeper

	bell chan struct{} // a job waits
	stop chan struct{} // closed by drain
	end  time.Time     // of the draining
}

func newGoroutines(s *Server) driver {
	d := &goroutines{srv: s, conns: map[*conn]struct{}{}, bell: make(chan struct{}, 1), stop: make(chan struct{})}
	d.pool.d = d
	return d
}

func (d *goroutines) close()                  {}
func (d *goroutines) prepare(*listener) error { return nil }
func (d *goroutines) counters() []*counters   { return []*counters{&d.pub} }

// run does what concerns all connections, and waits for them in the end.
func (d *goroutines) run() error {
	k := &keeper{d: d, start: time.Now()}
	k.run()
	ended := make(chan struct{})
	go func() {
		d.wg.Wait()
		close(ended)
	}()
	t := time.NewTimer(time.Until(d.end))
	defer t.Stop()
	for over := false; ; {
		select {
		case <-ended:
			d.mu.Lock()
			d.over = true
			d.mu.Unlock()
			d.runJobs()
			return nil
		case <-d.bell:
			d.runJobs()
		case <-t.C:
			over = true
		}
		if over {
			d.killAll()
		}
	}
}

// drain lets every connection finish what it does.
func (d *goroutines) drain(deadline time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.draining {
		return
	}
	d.draining, d.end = true, deadline
	close(d.stop)
	for c := range d.conns {
		// Reading ends, so the goroutine closes the connection when it has written.
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

func (d *goroutines) stopping() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.draining
}

func (d *goroutines) killAll() {
	for _, c := range d.all() {
		c.kill()
	}
}

// all lists the connections.
func (d *goroutines) all() []*conn {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]*conn, 0, len(d.conns))
	for c := range d.conns {
		list = append(list, c)
	}
	return list
}

// kill closes the connection under its goroutine.
func (c *conn) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killLocked()
}

func (c *conn) killLocked() {
	if c.flags&flagDead == 0 {
		c.flags |= flagDead
		close(c.gone)
		_ = c.nc.Close()
	}
}

func (d *goroutines) accept(l *listener) error {
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			d.accepted(nc, l)
		case errors.Is(err, net.ErrClosed), errors.Is(err, os.ErrDeadlineExceeded):
			return nil // it is closed, or leaves
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
			pause := l.exhausted(err, func() error {
				nc, err := l.Accept()
				if err == nil {
					err = nc.Close()
				}
				return err
			})
			if pause > 0 && !l.pause(pause) {
				return nil
			}
		default:
			// The connection was gone before it was accepted.
			if !l.pause(acceptPause) {
				return nil
			}
		}
	}
}

// accepted admits a connection and starts its goroutine.
func (d *goroutines) accepted(nc net.Conn, l *listener) {
	var p peer
	if l.unix != "" {
		p = unixPeer(l.unix)
	} else {
		remote, _ := nc.RemoteAddr().(*net.TCPAddr)
		local, _ := nc.LocalAddr().(*net.TCPAddr)
		p = tcpPeer(remote, local)
	}
	if refusal := d.srv.admit(p); refusal != "" {
		_, _ = io.WriteString(nc, refusal)
		_ = nc.Close()
		return
	}
	c := d.srv.newConn(descriptor(nc), p)
	c.nc, c.gone, c.push = nc, make(chan struct{}), &pusher{}
	c.client.Out, c.client.Conn = d, c
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.draining {
		_ = nc.Close()
		d.srv.connected.Add(-1)
		return
	}
	d.conns[c] = struct{}{}
	c.account(&d.srv.memory) // its goroutine has not begun
	d.pub.conns.Add(1)
	d.wg.Go(func() {
		d.serve(c)
		d.drop(c)
	})
}

// descriptor is the number of the connection's file, as CLIENT LIST shows it.
func descriptor(nc net.Conn) (fd int) {
	fd = -1
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			_ = raw.Control(func(f uintptr) { fd = int(f) })
		}
	}
	return fd
}

// drop forgets a connection whose goroutine ends.
func (d *goroutines) drop(c *conn) {
	c.mu.Lock()
	c.abandon(&d.pub)
	d.srv.dropped.Add(int64(connSize + cap(c.in)))
	c.in = nil
	c.killLocked()
	c.account(&d.srv.memory)
	c.mu.Unlock()
	c.push.end()
	c.lock()
	c.client.Closed()
	c.unlock()
	d.mu.Lock()
	delete(d.conns, c)
	d.mu.Unlock()
	d.pub.conns.Add(-1)
	d.srv.connected.Add(-1)
}

// Sizes of the read buffer of a connection: it is big while the client fills it.
const (
	smallRead = 4 << 10
	bigRead   = readSize
)

// serve reads and runs commands until the connection ends.
func (d *goroutines) serve(c *conn) {
	scratch := make([]byte, smallRead)
	for {
		c.mu.Lock()
		space := c.space(scratch)
		c.mu.Unlock()
		n, err := c.nc.Read(space)
		if n > 0 && !d.feed(c, scratch, n) {
			return
		}
		if err != nil {
			return
		}
		switch {
		case n == len(scratch) && len(scratch) == smallRead:
			scratch = make([]byte, bigRead)
		case n < smallRead && len(scratch) == bigRead && c.parser.Need() == 0:
			scratch = make([]byte, smallRead)
		}
	}
}

// feed runs what n bytes that were read bring, and reports whether the connection goes on.
func (d *goroutines) feed(c *conn, scratch []byte, n int) bool {
	c.lock()
	buf := c.took(scratch, n)
	pushed := c.leadPushes()
	for first := true; ; first = false {
		w := d.pool.take()
		if first {
			w.tally.reads++
			w.tally.netIn += int64(n)
			c.checkInput(w, len(buf))
		}
		k, why := 0, stopClose
		if c.flags&flagAbort == 0 {
			k, why = c.execute(w, buf)
		}
		buf = buf[k:]
		if why != stopFull {
			if why == stopClose {
				buf = nil
			}
			c.keep(w, buf)
		}
		ok := d.write(c, w)
		if pushed > 0 {
			c.push.written(pushed)
			pushed = 0
		}
		if !ok {
			return false
		}
		switch why {
		case stopDry:
			return true
		case stopClose:
			return false
		case stopParked:
			ok := d.wait(c)
			if !ok {
				return false
			}
			c.lock()
			buf = c.in
		case stopFull:
			c.lock()
		}
	}
}

// write sends the output, gives w back, and reports whether the connection goes on. c is
// locked when it is called and not when it returns.
func (d *goroutines) write(c *conn, w *worker) bool {
	w.ctx.EndTick() // who has a reply finds its command counted
	if class := uint32(c.client.Class); class != c.push.class.Load() {
		c.push.class.Store(class)
	}
	out, lsn := c.seg, c.gate
	c.seg, c.gate = nil, 0
	if len(out) >= blockSize {
		c.sending = cap(out)
	}
	d.account(c)
	ok := c.flags&(flagAbort|flagDead) == 0
	c.mu.Unlock()
	ok = ok && d.safe(c, lsn)
	if ok && len(out) > 0 {
		n, err := c.nc.Write(out)
		w.tally.writes++
		w.tally.netOut += int64(n)
		ok = err == nil
	}
	c.push.out.Unlock()
	if len(out) >= blockSize {
		c.mu.Lock()
		c.sending = 0
		d.account(c)
		c.mu.Unlock()
	}
	if c.segOwned {
		w.free.dropped += cap(out)
	}
	d.pool.give(w)
	return ok
}

// workerPool holds the workers that no connection uses.
type workerPool struct {
	d    *goroutines
	mu   sync.Mutex
	idle []*worker
}

// The goroutine driver's arenas are small: each is for one connection at a time.
const smallArena = 16 << 10

// What stays of a moment when many connections were busy at once: workers, and blocks of each.
const (
	keepWorkers = 32
	keepBlocks  = 1
)

// take returns a worker that has begun a tick.
func (p *workerPool) take() *worker {
	p.mu.Lock()
	var w *worker
	if n := len(p.idle); n > 0 {
		w = p.idle[n-1]
		p.idle = p.idle[:n-1]
	}
	p.mu.Unlock()
	if w == nil {
		w = newWorker(p.d.srv, &p.d.pub, smallArena)
	}
	w.begin(p.d.srv.opts.Now())
	return w
}

// give ends the tick and takes the worker back.
func (p *workerPool) give(w *worker) {
	w.end()
	w.free.trim(keepBlocks)
	p.d.srv.dropped.Add(int64(w.free.dropped))
	w.free.dropped = 0
	p.mu.Lock()
	if len(p.idle) < keepWorkers {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
}

// account counts a connection's memory anew; c.mu is held. If all of them together
// hold too much the keeper closes some.
func (d *goroutines) account(c *conn) {
	if c.account(&d.srv.memory) && d.srv.over() > 0 {
		d.shrink(nil)
	}
}

// shrink lets the keeper close connections.
func (d *goroutines) shrink(any) { d.job(d.closeLargest) }

// closeLargest closes connections if all of them together hold too much.
func (d *goroutines) closeLargest() {
	d.srv.closeLargest(func(visit func(c *conn) bool) {
		for _, c := range d.all() {
			c.mu.Lock()
			if c.flags&flagDead == 0 && visit(c) {
				c.killLocked()
				c.account(&d.srv.memory)
			}
			c.mu.Unlock()
		}
	})
}

func (d *goroutines) each(visit func(*bus.Client, bus.ConnState) bool, done func()) {
	d.job(func() {
		now := d.srv.opts.Now()
		for _, c := range d.all() {
			c.mu.Lock()
			if c.flags&flagDead == 0 && visit(&c.client, c.state(now)) {
				c.killLocked()
			}
			c.mu.Unlock()
		}
		done()
	})
}
