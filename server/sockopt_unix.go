//go:build unix

package server

import (
	"time"

	"golang.org/x/sys/unix"
)

// setBacklog sets the length of the listen queue, which package net does not let one choose.
func (l *listener) setBacklog(n int) {
	_ = l.raw.Control(func(fd uintptr) { _ = unix.Listen(int(fd), n) })
}

// setOptions sets what accepted connections inherit: TCP_NODELAY, and probes of idle
// connections as Redis sends them.
func (l *listener) setOptions(set *Settings) {
	if l.unix != "" {
		return
	}
	_ = l.raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
		setKeepalive(int(fd), set.Keepalive)
	})
}

func setKeepalive(fd int, every time.Duration) {
	secs := int((every + time.Second - 1) / time.Second)
	if secs <= 0 {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 0)
		return
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	setKeepaliveTimes(fd, secs)
}
