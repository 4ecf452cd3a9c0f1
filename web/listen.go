package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/reuse"
)

const (
	portTries      = 100 // ports after a busy one that are tried
	maxConnections = 512 // at once; more are closed, so that HTTP cannot take the clients' descriptors
)

// listen opens every address on one port: the one asked for or, unless it is
// fixed and if it is busy, the next free one.
func listen(bind []configs.BindAddr, port int, fixed bool) ([]*limited, int, error) {
	for try := 0; ; try++ {
		lns, err := listenOn(bind, port+try, nil, nil)
		if err == nil {
			return lns, lns[0].Addr().(*net.TCPAddr).Port, nil
		}
		if fixed || !errors.Is(err, syscall.EADDRINUSE) || try == portTries || port+try >= 65535 {
			return nil, 0, err
		}
	}
}

// listenOn opens every address on this port, or none. Port 0 is one that the
// system picks, the same for all. Those of old that are asked for again are taken over, and the others are
// no obstacle, nor are those that go.
func listenOn(bind []configs.BindAddr, port int, old, goes []*limited) ([]*limited, error) {
	var lns []*limited
	var skipped error
	for _, a := range bind {
		if i := slices.IndexFunc(old, func(l *limited) bool { return port != 0 && l.bind == a && l.port() == port }); i >= 0 {
			lns = append(lns, old[i])
			continue
		}
		ln, err := listenAt(a, port, slices.Concat(old, goes))
		switch {
		case err == nil:
			port = ln.port()
			lns = append(lns, ln)
		case a.Optional && !errors.Is(err, syscall.EADDRINUSE):
			skipped = err
		default:
			closeAll(without(lns, old))
			return nil, err
		}
	}
	if len(lns) == 0 {
		return nil, fmt.Errorf("no address to serve HTTP on: %w", errors.Join(errNoAddress, skipped))
	}
	return lns, nil
}

// listenAt opens one address.
func listenAt(a configs.BindAddr, port int, old []*limited) (*limited, error) {
	var lc net.ListenConfig
	var overlap []syscall.RawConn
	for _, l := range old {
		if l.port() == port {
			overlap = append(overlap, l.raw())
		}
	}
	if len(overlap) > 0 {
		defer reuse.Allow(&lc, overlap...)()
	}
	ln, err := lc.Listen(context.Background(), a.Network, net.JoinHostPort(a.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	l := &limited{Listener: ln, bind: a, free: make(chan struct{}, maxConnections)}
	if len(overlap) > 0 {
		reuse.Forbid(l.raw())
	}
	return l, nil
}

// without is list without those that are in the other.
func without(list, other []*limited) []*limited {
	return slices.DeleteFunc(slices.Clone(list), func(l *limited) bool { return slices.Contains(other, l) })
}

var errNoAddress = errors.New("http.bind is empty or none of it can be listened on")

func closeAll(lns []*limited) {
	for _, ln := range lns {
		ln.closing.Store(true)
		_ = ln.Close() // nobody wants it any more
	}
}

// limited closes connections beyond its capacity as soon as they come.
type limited struct {
	net.Listener
	bind configs.BindAddr // what was asked for
	free chan struct{}    // holds one element for each open connection

	closing atomic.Bool // the end of it is meant
}

func (l *limited) port() int { return l.Addr().(*net.TCPAddr).Port }

// raw is the socket; a TCP listener always has one.
func (l *limited) raw() syscall.RawConn {
	c, _ := l.Listener.(*net.TCPListener).SyscallConn()
	return c
}

// Accept returns the next connection that there is room for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.free <- struct{}{}:
			return &counted{Conn: c, done: func() { <-l.free }}, nil
		default:
			_ = c.Close() // refused
		}
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once sync.Once
	done func()
}

// Close closes the connection.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.once.Do(c.done)
	return err
}
