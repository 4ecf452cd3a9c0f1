//go:build linux || darwin || netbsd || openbsd

package server

import "golang.org/x/sys/unix"

// reservedFiles are descriptors that are not for clients.
const reservedFiles = 32

// raiseFileLimit makes room for clients connections below the limit of open files, and returns
// how many there is room for.
func (s *Server) raiseFileLimit(clients int) int {
	want := uint64(clients) + reservedFiles
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil || clients <= 0 || lim.Cur >= want {
		return clients
	}
	// Only a privileged process may raise the upper limit.
	more := unix.Rlimit{Cur: want, Max: max(want, lim.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &more) != nil {
		more = unix.Rlimit{Cur: min(want, lim.Max), Max: lim.Max}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &more) != nil {
			more = lim
		}
	}
	if more.Cur < want {
		fit := max(1, int(more.Cur)-reservedFiles)
		s.log.Warn("maxclients has been reduced: the limit of open files is too low, increase 'ulimit -n'",
			"wanted", clients, "maxclients", fit, "files", more.Cur)
		return fit
	}
	s.log.Info("increased the maximum number of open files", "to", more.Cur, "from", lim.Cur)
	return clients
}
