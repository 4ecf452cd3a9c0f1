package server

import (
	"errors"
	"io"
	"time"
)

// extraInput is what a client may send while its command waits; more stays in the socket.
const extraInput = 64 << 10

// wait starts the wait of the parked command, runs it again when it wakes, and so on until it
// is done. It reports whether the connection goes on. c is not locked.
func (d *goroutines) wait(c *conn) bool {
	for {
		woken := make(chan any, 1)
		c.mu.Lock()
		start := c.parked.start
		c.parked.start = nil
		c.mu.Unlock()
		start(func(v any) { woken <- v })
		v, ok := d.sleep(c, woken)
		if !ok {
			return false
		}
		c.lock()
		if c.flags&flagDead != 0 {
			c.unlock()
			return false
		}
		pushed := c.leadPushes()
		w := d.pool.take()
		why := c.resume(w, v)
		ok = d.write(c, w)
		if pushed > 0 {
			c.push.written(pushed)
		}
		if !ok || why == stopClose {
			return false
		}
		if why != stopParked {
			return true
		}
	}
}

// sleep waits for the wake-up, and watches the peer meanwhile.
func (d *goroutines) sleep(c *conn, woken <-chan any) (v any, ok bool) {
	select {
	case v = <-woken:
		return v, true
	default:
	}
	c.mu.Lock()
	blocking := c.parked.blocking
	c.mu.Unlock()
	watch := watchPeer(c)
	defer func() {
		watch.end(c)
		if d.stopping() {
			_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // as drain has asked
		}
	}()
	stop := d.stop
	for {
		select {
		case v = <-woken:
			return v, true
		case <-c.gone:
			return nil, false
		case <-stop:
			if blocking {
				return nil, false
			}
			stop = nil // the reply is owed; Run's deadline ends it otherwise
		case <-watch.closed:
			if blocking || watch.broken {
				return nil, false
			}
			watch.closed = nil // it may still read the reply
		}
	}
}

// watch reads what a client sends while its command waits, in order to learn that it went
// away.
type watch struct {
	ended  chan struct{} // its goroutine has ended
	closed chan struct{} // the peer sends nothing more
	broken bool          // nor does it receive; valid once closed is
	extra  []byte        // what it sent; of the goroutine until ended
}

func watchPeer(c *conn) *watch {
	w := &watch{ended: make(chan struct{}), closed: make(chan struct{})}
	closed := w.closed
	go func() {
		defer close(w.ended)
		buf := make([]byte, smallRead)
		for len(w.extra) < extraInput {
			n, err := c.nc.Read(buf)
			w.extra = append(w.extra, buf[:n]...)
			if err != nil {
				if !isTimeout(err) {
					w.broken = !errors.Is(err, io.EOF)
					close(closed)
				}
				return
			}
		}
	}()
	return w
}

// end stops watching and adds what came to the connection's input.
func (w *watch) end(c *conn) {
	_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	<-w.ended
	_ = c.nc.SetReadDeadline(time.Time{})
	c.mu.Lock()
	c.in = append(c.in, w.extra...)
	c.mu.Unlock()
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}
