package server

import (
	"context"
	"runtime/debug"
	"time"
)

// The janitor looks every second whether buffers of at least janitorWork bytes were left to
// the collector.
const (
	janitorEvery = time.Second
	janitorWork  = 4 << 20
)

// janitor gives memory back to the system after bursts: big buffers and thousands of
// connections become garbage, and a server that is idle again allocates nothing, so it would
// not collect for minutes. It acts when nothing was dropped for a second.
func (s *Server) janitor(ctx context.Context) {
	tick := time.NewTicker(janitorEvery)
	defer tick.Stop()
	var seen int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n := s.dropped.Load()
		if n >= janitorWork && n == seen {
			s.dropped.Add(-n)
			seen = 0
			debug.FreeOSMemory()
			continue
		}
		seen = n
	}
}
