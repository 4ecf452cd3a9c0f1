package server

import "sync/atomic"

// Stats are the server's figures since its start or the last ResetStats, those that are not
// a present state.
type Stats struct {
	Connected int64 // clients now
	Parked    int64 // of them, waiting for something
	Received  int64 // connections accepted
	Rejected  int64 // connections refused: maxclients, protected mode, no descriptors
	Idle      int64 // closed by the timeout

	NetIn, NetOut int64 // bytes
	Reads, Writes int64 // system calls

	OutputLimited int64 // closed by an output buffer limit
	QueryLimited  int64 // closed by the query buffer limit
	Evicted       int64 // closed because all together held too much memory
	Memory        int64 // bytes that clients hold now

	// The longest buffers of any client in the last seconds, in bytes.
	RecentMaxInput, RecentMaxOutput int64
}

// tally is what a worker counts in a tick, without atomic operations.
type tally struct {
	netIn, netOut int64
	reads, writes int64
	maxIn, maxOut int64
}

// counters are the published figures of one loop, or of the goroutine driver.
type counters struct {
	netIn, netOut atomic.Int64
	reads, writes atomic.Int64
	parked        atomic.Int64
	conns         atomic.Int64
	maxIn, maxOut [2]atomic.Int64 // [0] of this window, [1] of the one before
	_             [64]byte
}

// add publishes t and clears it.
func (c *counters) add(t *tally) {
	if t.reads != 0 {
		c.reads.Add(t.reads)
		c.netIn.Add(t.netIn)
	}
	if t.writes != 0 {
		c.writes.Add(t.writes)
		c.netOut.Add(t.netOut)
	}
	raise(&c.maxIn[0], t.maxIn)
	raise(&c.maxOut[0], t.maxOut)
	*t = tally{}
}

// turn begins a new window of the maxima.
func (c *counters) turn() {
	c.maxIn[1].Store(c.maxIn[0].Swap(0))
	c.maxOut[1].Store(c.maxOut[0].Swap(0))
}

func raise(a *atomic.Int64, v int64) {
	for old := a.Load(); v > old && !a.CompareAndSwap(old, v); old = a.Load() {
	}
}

// Stats returns the figures; each is exact, all of them not of one moment.
func (s *Server) Stats() Stats {
	st := Stats{
		Connected: s.connected.Load(),
		Received:  s.received.Load(), Rejected: s.rejected.Load(), Idle: s.idle.Load(),
		OutputLimited: s.outputLimited.Load(), QueryLimited: s.queryLimited.Load(),
		Evicted: s.memory.evicted.Load(), Memory: s.memory.total.Load(),
	}
	for _, d := range s.drivers {
		for _, c := range d.counters() {
			st.Parked += c.parked.Load()
			st.NetIn += c.netIn.Load()
			st.NetOut += c.netOut.Load()
			st.Reads += c.reads.Load()
			st.Writes += c.writes.Load()
			st.RecentMaxInput = max(st.RecentMaxInput, c.maxIn[0].Load(), c.maxIn[1].Load())
			st.RecentMaxOutput = max(st.RecentMaxOutput, c.maxOut[0].Load(), c.maxOut[1].Load())
		}
	}
	return st
}

// ResetStats sets the sums to zero (CONFIG RESETSTAT).
func (s *Server) ResetStats() {
	for _, a := range []*atomic.Int64{&s.received, &s.rejected, &s.idle, &s.outputLimited, &s.queryLimited, &s.memory.evicted} {
		a.Store(0)
	}
	for _, d := range s.drivers {
		for _, c := range d.counters() {
			for _, a := range []*atomic.Int64{&c.netIn, &c.netOut, &c.reads, &c.writes} {
				a.Store(0)
			}
		}
	}
}
