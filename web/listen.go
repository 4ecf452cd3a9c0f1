package web

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"
	"syscall"

	"github.com/reredis/reredis/configs"
)

const (
	portTries      = 100 // ports after a busy one that are tried
	maxConnections = 512 // at once; more are closed, so that HTTP cannot take the clients' descriptors
)

// listen opens every address on one port: the one asked for or, unless it is
// fixed and if it is busy, the next free one.
func listen(bind []configs.BindAddr, port int, fixed bool) ([]net.Listener, int, error) {
	for try := 0; ; try++ {
		lns, err := listenOn(bind, port+try)
		if err == nil {
			return lns, lns[0].Addr().(*net.TCPAddr).Port, nil
		}
		if fixed || !errors.Is(err, syscall.EADDRINUSE) || try == portTries || port+try >= 65535 {
			return nil, 0, err
		}
	}
}

// listenOn opens every address on this port, or none. Port 0 is one that the
// system picks, the same for all.
func listenOn(bind []configs.BindAddr, port int) ([]net.Listener, error) {
	var lns []net.Listener
	var skipped error
	for _, a := range bind {
		ln, err := net.Listen(a.Network, net.JoinHostPort(a.Host, strconv.Itoa(port)))
		switch {
		case err == nil:
			if port == 0 {
				port = ln.Addr().(*net.TCPAddr).Port
			}
			lns = append(lns, &limited{Listener: ln, free: make(chan struct{}, maxConnections)})
		case a.Optional && !errors.Is(err, syscall.EADDRINUSE):
			skipped = err
		default:
			closeAll(lns)
			return nil, err
		}
	}
	if len(lns) == 0 {
		return nil, fmt.Errorf("no address to serve HTTP on: %w", errors.Join(errNoAddress, skipped))
	}
	return lns, nil
}

var errNoAddress = errors.New("http.bind is empty or none of it can be listened on")

func closeAll(lns []net.Listener) {
	for _, ln := range lns {
		_ = ln.Close() // nothing was served on it
	}
}

// limited closes connections beyond its capacity as soon as they come.
type limited struct {
	net.Listener
	free chan struct{} // holds one element for each open connection
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
