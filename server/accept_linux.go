package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptBatch is how many connections are taken before the listener is looked at anew.
const acceptBatch = 64

// prepare makes a pollable duplicate of the listener's descriptor, because package net
// waits on its own only to accept.
func (d *loops) prepare(l *listener) (err error) {
	f, ok := l.Listener.(interface{ File() (*os.File, error) })
	if !ok {
		return fmt.Errorf("listener %T has no descriptor", l.Listener)
	}
	l.file, err = f.File()
	return err
}

// accept takes connections on the listener's descriptor itself, so that theirs
// never enter Go's poller.
func (d *loops) accept(l *listener) error {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return err
	}
	for {
		var pause time.Duration
		err := raw.Read(func(fd uintptr) bool {
			var again bool
			again, pause = d.acceptSome(int(fd), l)
			return again
		})
		if errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil // it is closed, or leaves
		}
		if err != nil {
			return err
		}
		if pause > 0 && !l.pause(pause) {
			return nil
		}
	}
}

// acceptSome takes what is in the queue of the listening socket fd. again is false if it is empty
// now; a pause is asked for when the system lacks resources.
func (d *loops) acceptSome(fd int, l *listener) (again bool, pause time.Duration) {
	for range acceptBatch {
		nfd, sa, err := unix.Accept4(fd, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		switch {
		case err == nil:
			d.accepted(nfd, sa, l)
		case errors.Is(err, syscall.EAGAIN):
			return false, 0
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
			return true, l.exhausted(err, func() error {
				nfd, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
				if err == nil {
					_ = unix.Close(nfd)
				}
				return err
			})
		default:
			// The connection is gone already, or a signal came; a closed listener is
			// noticed by its poller.
			if errors.Is(err, syscall.EBADF) || errors.Is(err, syscall.EINVAL) {
				return true, 0
			}
		}
	}
	return true, 0
}

// accepted admits a connection and gives it to a loop.
func (d *loops) accepted(fd int, sa unix.Sockaddr, l *listener) {
	var p peer
	if l.unix != "" {
		p = unixPeer(l.unix)
	} else {
		local, _ := unix.Getsockname(fd)
		p = tcpPeer(tcpAddr(sa), tcpAddr(local))
	}
	if refusal := d.srv.admit(p); refusal != "" {
		_, _ = unix.Write(fd, []byte(refusal))
		_ = unix.Close(fd)
		return
	}
	d.give(d.srv.newConn(fd, p))
}

func tcpAddr(sa unix.Sockaddr) *net.TCPAddr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}
	}
	return nil
}
