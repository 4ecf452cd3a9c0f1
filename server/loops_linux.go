package server

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/bus"
)

// loops is the driver made of event loops.
type loops struct {
	srv  *Server
	list []*loop
	// behind counts the loops with too much to deliver.
	behind atomic.Int32
}

func newLoops(s *Server) (driver, error) {
	d := &loops{srv: s}
	for i := range s.opts.Loops {
		l, err := newLoop(s, i, s.opts.Loops)
		if err != nil {
			d.close()
			return nil, err
		}
		l.all = d
		d.list = append(d.list, l)
	}
	return d, nil
}

func (d *loops) close() {
	for _, l := range d.list {
		l.closeFiles()
	}
}

func (d *loops) run() error {
	var wg sync.WaitGroup
	errs := make([]error, len(d.list))
	for i, l := range d.list {
		wg.Go(func() {
			if errs[i] = l.run(); errs[i] != nil {
				d.drain(time.Now())
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (d *loops) drain(deadline time.Time) {
	for _, l := range d.list {
		l.mail.post(message{kind: messageCall, f: func() { l.drain(deadline) }})
	}
}

func (d *loops) counters() []*counters {
	list := make([]*counters, len(d.list))
	for i, l := range d.list {
		list[i] = &l.pub
	}
	return list
}

// give hands a new connection to the loop with the fewest.
func (d *loops) give(c *conn) {
	best := d.list[0]
	for _, l := range d.list[1:] {
		if l.pub.conns.Load() < best.pub.conns.Load() {
			best = l
		}
	}
	best.pub.conns.Add(1)
	c.client.Out, c.client.Conn = best, c
	if !best.mail.post(message{kind: messageAdd, c: c}) {
		best.discard(c)
	}
}

func (d *loops) each(visit func(*bus.Client, bus.ConnState) bool, done func()) {
	d.eachFrom(0, visit, done)
}

func (d *loops) eachFrom(i int, visit func(*bus.Client, bus.ConnState) bool, done func()) {
	for ; i < len(d.list); i++ {
		l := d.list[i]
		if l.mail.post(message{kind: messageCall, f: func() {
			l.visit(visit)
			d.eachFrom(i+1, visit, done)
		}}) {
			return
		}
	}
	done()
}

// visit calls f for all connections of the loop.
func (l *loop) visit(f func(*bus.Client, bus.ConnState) bool) {
	for _, c := range l.conns {
		if c != nil && f(&c.client, c.state(l.w.now)) {
			l.close(c)
		}
	}
}
