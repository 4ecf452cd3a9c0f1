package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/reredis/reredis/internal/reuse"
)

// listener is one listening socket.
type listener struct {
	net.Listener
	srv    *Server
	driver driver
	raw    syscall.RawConn
	file   *os.File // a duplicate that can be waited for, if the driver accepts by descriptor
	unix   string   // path of a unix socket
	bind   bound    // what was asked for, of TCP
	done   chan struct{}

	// spare is a descriptor that is given up to refuse a connection when none is
	// left; of the acceptor.
	spare  *os.File
	warned int64 // unix ms of the last warning, of the acceptor
}

// bound is an address as it was asked for.
type bound struct {
	host, network string
	port          int // never 0
}

// listen binds all addresses of the options.
func (s *Server) listen() error {
	list, err := s.listenTCPs(s.opts.Bind, s.opts.Port, nil)
	s.listeners = list
	if err != nil {
		return err
	}
	if s.opts.UnixSocket != "" {
		if err := s.listenUnix(s.opts.UnixSocket, s.opts.UnixSocketPerm); err != nil {
			return fmt.Errorf("Failed opening Unix socket: %w", err)
		}
	}
	return nil
}

// listenTCPs binds addresses; those of keep that are among them already are taken over. What has
// been bound is returned with an error, too.
func (s *Server) listenTCPs(bind []BindAddr, port int, keep []*listener) ([]*listener, error) {
	var list []*listener
	for _, a := range bind {
		if i := slices.IndexFunc(keep, func(l *listener) bool { return port != 0 && l.bind == bound{a.Host, a.Network, port} }); i >= 0 {
			list = append(list, keep[i])
			continue
		}
		l, err := s.listenTCP(a, port, keep)
		switch {
		case err == nil:
		case skip(err, a.Optional):
			s.log.Warn("not listening on an address", "host", a.Host, "port", port, "error", err)
			continue
		case errors.Is(err, syscall.EADDRINUSE):
			return list, inUse(a, port, err)
		default:
			return list, fmt.Errorf("Failed listening on port %d (TCP): %w", port, err)
		}
		list = append(list, l)
		if port == 0 {
			port = l.Addr().(*net.TCPAddr).Port
		}
	}
	if len(bind) > 0 && len(list) == 0 {
		return nil, fmt.Errorf("Failed listening on port %d (TCP): no address of the list exists here", port)
	}
	return list, nil
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

// listenTCP binds one address. Listeners of ours that are about to go are no obstacle.
func (s *Server) listenTCP(a BindAddr, port int, going []*listener) (*listener, error) {
	network := a.Network
	if network == "" {
		network = "tcp"
	}
	lc := net.ListenConfig{KeepAlive: -1}
	lc.SetMultipathTCP(false)
	var overlap []syscall.RawConn
	for _, l := range slices.Concat(going, s.leaving) {
		if l.bind.port == port {
			overlap = append(overlap, l.raw)
		}
	}
	if len(overlap) > 0 {
		defer reuse.Allow(&lc, overlap...)()
	}
	ln, err := lc.Listen(context.Background(), network, net.JoinHostPort(a.Host, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	l, err := s.newListener(ln, "")
	l.bind = bound{a.Host, a.Network, ln.Addr().(*net.TCPAddr).Port}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	reuse.Forbid(l.raw)
	return l, nil
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
	l, err := s.newListener(ln, path)
	s.listeners = append(s.listeners, l)
	return err
}

// newListener prepares ln for its acceptor; with an error what there is can be closed.
func (s *Server) newListener(ln net.Listener, path string) (*listener, error) {
	l := &listener{Listener: ln, srv: s, driver: s.drivers[0], unix: path, done: make(chan struct{})}
	raw, err := ln.(syscall.Conn).SyscallConn()
	if err != nil {
		return l, err
	}
	l.raw = raw
	l.spare, _ = os.Open(os.DevNull)
	if n := s.opts.Backlog; n > 0 {
		l.setBacklog(n)
	}
	l.setOptions(s.settings.Load())
	return l, l.driver.prepare(l)
}

// acceptAll starts the acceptors; fail hears of what they cannot go on after.
func (s *Server) acceptAll(fail func(error)) {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.abort = fail
	for _, l := range s.listeners {
		s.accept(l)
	}
}

// accept starts the acceptor of l; listening must be held and closed be false.
func (s *Server) accept(l *listener) {
	s.acceptors.Go(func() {
		if err := l.driver.accept(l); err != nil && !l.ended() {
			s.abort(err)
		}
		s.left(l)
		l.closeSpare()
	})
}

// closeListeners stops listening; connections in the queues are refused.
func (s *Server) closeListeners() error {
	s.listening.Lock()
	defer s.listening.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, l := range slices.Concat(s.listeners, s.leaving) {
		errs = append(errs, l.close())
	}
	s.leaving = nil
	return errors.Join(errs...)
}

// ended reports whether close was called.
func (l *listener) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// close ends the acceptor.
func (l *listener) close() error {
	close(l.done)
	err := l.Close()
	if l.file != nil {
		err = errors.Join(err, l.file.Close())
	}
	return err
}

// closeSpares closes what belongs to the acceptors, which have ended or were never started.
func (s *Server) closeSpares() {
	for _, l := range s.listeners {
		l.closeSpare()
	}
}

// closeSpare may be called by the acceptor, and when there is none.
func (l *listener) closeSpare() {
	if l.spare != nil {
		_ = l.spare.Close()
		l.spare = nil
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
