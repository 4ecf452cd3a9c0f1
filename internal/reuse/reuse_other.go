//go:build !unix

package reuse

import (
	"net"
	"syscall"
)

// Allow does nothing: addresses that overlap cannot be bound at once here.
func Allow(*net.ListenConfig, ...syscall.RawConn) (end func()) { return func() {} }

// Forbid does nothing.
func Forbid(...syscall.RawConn) {}
