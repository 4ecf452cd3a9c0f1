//go:build !linux

package reuse

import (
	"errors"
	"syscall"
)

// Retire keeps new connections from a listening socket, which can be done on Linux only.
func Retire(syscall.RawConn) error { return errors.ErrUnsupported }
