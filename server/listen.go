package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// listener is one listening socket.
type listener struct {
	net.Listener
	srv    *Server
	driver driver
	raw    syscall.RawConn
	file   *os.File // a duplicate that can be waited for, if the driver accepts by descriptor
	unix   string   // path of a unix socket
	done   chan struct{}

	// spare is a descriptor that is given up to refuse a connection when none is
	// left; of the acceptor.
	spare  *os.File
	warned int64 // unix ms of the last warning, of the acceptor
}

// listen binds all addresses of the options.
func (s *Server) listen() error {
	port := s.opts.Port
	for _, a := range s.opts.Bind {
		ln, err := s.listenTCP(a, port)
		switch {
		case err == nil:
		case skip(err, a.Optional):
			s.log.Warn("not listening on an address", "host", a.Host, "port", port, "error", err)
			continue
		case errors.Is(err, syscall.EADDRINUSE):
			return inUse(a, port, err)
		default:
			return fmt.Errorf("Failed listening on port %d (TCP): %w", port, err) //nolint:staticcheck // Redis' words
		}
		if port == 0 {
			port = ln.Addr().(*net.TCPAddr).Port
		}
	}
	if len(s.opts.Bind) > 0 && len(s.listeners) == 0 {
		return fmt.Errorf("Failed listening on port %d (TCP): no address of the list exists here", port) //nolint:staticcheck // Redis' words
	}
	if s.opts.UnixSocket != "" {
		if err := s.listenUnix(s.opts.UnixSocket, s.opts.UnixSocketPerm); err != nil {
			return fmt.Errorf("Failed opening Unix socket: %w", err) //nolint:staticcheck // Redis' words
		}
	}
	return nil
}

// skip reports whether an address that failed is left out.
func skip(err error, optional bool) bool {
	if optional && errors.Is(err, syscall.EADDRNOTAVAIL) {
		return true
	}
	for _, e := range []error{syscall.ENOPROTOOPT, syscall.EPROTONOSUPPORT, syscall.ESOCKTNOSUPPORT, syscall.EPFNOSUPPORT, syscall.EAFNOSUPPORT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (s *Server) listenTCP(a BindAddr, port int) (net.Listener, error) {
	network := a.Network
	if network == "" {
		network = "tcp"
	}
	lc := net.ListenConfig{KeepAlive: -1}
	lc.SetMultipathTCP(false)
	ln, err := lc.Listen(context.Background(), network, net.JoinHostPort(a.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return ln, s.addListener(ln, "")
}

// listenUnix binds the unix socket; one that a dead server left is removed.
func (s *Server) listenUnix(path string, perm fs.FileMode) error {
	if st, err := os.Lstat(path); err == nil && st.Mode()&fs.ModeSocket != 0 {
		_ = os.Remove(path)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if perm != 0 {
		if err := os.Chmod(path, perm); err != nil {
			return errors.Join(err, ln.Close())
		}
	}
	return s.addListener(ln, path)
}

func (s *Server) addListener(ln net.Listener, path string) error {
	l := &listener{Listener: ln, srv: s, driver: s.drivers[0], unix: path, done: make(chan struct{})}
	s.listeners = append(s.listeners, l)
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return err
	}
	l.raw = raw
	l.spare, _ = os.Open(os.DevNull)
	if n := s.opts.Backlog; n > 0 {
		l.setBacklog(n)
	}
	l.setOptions(s.settings.Load())
	return l.driver.prepare(l)
}

// closeListeners stops listening; connections in the queues are refused.
func (s *Server) closeListeners() error {
	var errs []error
	s.unlisten.Do(func() {
		for _, l := range s.listeners {
			close(l.done)
			errs = append(errs, l.Close())
			if l.file != nil {
				errs = append(errs, l.file.Close())
			}
		}
	})
	return errors.Join(errs...)
}

// closeSpares closes what belongs to the acceptors, which have ended or were never started.
func (s *Server) closeSpares() {
	for _, l := range s.listeners {
		if l.spare != nil {
			_ = l.spare.Close()
			l.spare = nil
		}
	}
}

// The pauses of an acceptor when the system lacks resources, and between warnings about it.
const (
	acceptPause = 20 * time.Millisecond
	warnEvery   = 5000 // ms
)

// exhausted is called when a connection can not be accepted for lack of descriptors or
// memory. With the spare descriptor it is accepted and closed at once, so that
// its client learns of it and it does not wake us for ever. The result is how long to wait.
func (l *listener) exhausted(cause error, refuse func() error) (pause time.Duration) {
	l.srv.rejected.Add(1)
	if now := l.srv.opts.Now(); now-l.warned > warnEvery {
		l.warned = now
		l.srv.log.Warn("Accepting client connection", "error", cause)
	}
	if l.spare == nil {
		return acceptPause
	}
	_ = l.spare.Close()
	err := refuse()
	l.spare, _ = os.Open(os.DevNull)
	if err != nil {
		return acceptPause
	}
	return 0
}

// pause waits and reports whether the listener is still open.
func (l *listener) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.done:
		return false
	}
}
