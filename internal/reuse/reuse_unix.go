//go:build unix

package reuse

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// Allow lets lc bind addresses that overlap with those of old, until the result is called. What
// lc has bound meanwhile needs a Forbid of its own.
func Allow(lc *net.ListenConfig, old ...syscall.RawConn) (end func()) {
	for _, c := range old {
		_ = set(c, 1) // then binding fails, and says so
	}
	lc.Control = func(_, _ string, c syscall.RawConn) error { return set(c, 1) }
	return func() { Forbid(old...) }
}

// Forbid takes the ports of the sockets for this process alone.
func Forbid(sockets ...syscall.RawConn) {
	for _, c := range sockets {
		_ = set(c, 0) // it is closed
	}
}

func set(c syscall.RawConn, value int) error { return option(c, unix.SO_REUSEPORT, value) }

func option(c syscall.RawConn, name, value int) (err error) {
	if e := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, name, value) }); e != nil {
		return e
	}
	return err
}
