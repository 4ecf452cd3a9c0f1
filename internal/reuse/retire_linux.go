package reuse

import (
	"math"
	"syscall"

	"golang.org/x/sys/unix"
)

// noInterface is the index of a network interface that no system has.
const noInterface = math.MaxInt32

// Retire keeps new connections from a listening socket: they go to another one that listens on their address, or
// are refused. Those that wait to be accepted, or are half made, stay with the socket.
//
// The socket is bound to an interface that nothing comes from; Linux looks at that only when it looks for
// a listener. It takes Linux 5.7 or CAP_NET_RAW, and that the socket is bound to no interface yet.
func Retire(c syscall.RawConn) error { return option(c, unix.SO_BINDTOIFINDEX, noInterface) }
