package server

import (
	"slices"
	"time"

	"github.com/reredis/reredis/internal/reuse"
)

// leaveAfter is how long a listener that is no longer asked for takes the connections that were on their way to it: until a
// lost packet of theirs was sent again.
const leaveAfter = 1500 * time.Millisecond

// leave closes l, which has an acceptor if accepts says so. If its port stays in use, new connections go to another
// listener from now on, and those that l has been sent already are accepted; to close it at once
// would reset them. listening must be held.
func (s *Server) leave(l *listener, accepts bool) {
	stays := slices.ContainsFunc(s.listeners, func(o *listener) bool { return o.unix == "" && o.bind.port == l.bind.port })
	switch {
	case !accepts:
		_ = l.close() // nobody was accepted
		l.closeSpare()
	case stays && reuse.Retire(l.raw) == nil && l.acceptUntil(time.Now().Add(leaveAfter)) == nil:
		s.leaving = append(s.leaving, l)
	default:
		_ = l.close() // the acceptor takes no more
	}
}

// left closes l if it was about to leave; its acceptor has ended.
func (s *Server) left(l *listener) {
	s.listening.Lock()
	defer s.listening.Unlock()
	if i := slices.Index(s.leaving, l); i >= 0 {
		s.leaving = slices.Delete(s.leaving, i, i+1)
		_ = l.close()
	}
}

// acceptUntil ends the acceptor at a time.
func (l *listener) acceptUntil(t time.Time) error {
	if l.file != nil {
		return l.file.SetReadDeadline(t)
	}
	return l.Listener.(interface{ SetDeadline(time.Time) error }).SetDeadline(t)
}
