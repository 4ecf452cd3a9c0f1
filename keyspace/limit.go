package keyspace

import (
	"math"
	"time"
)

// Policy says which keys may go to make room, and in which order.
type Policy uint8

// The policies, with Redis' names.
const (
	NoEviction     Policy = iota
	AllKeysLRU            // least recently used
	AllKeysLFU            // least frequently used
	AllKeysRandom         // any
	VolatileLRU           // of those with a deadline
	VolatileLFU           //
	VolatileRandom        //
	VolatileTTL           // the nearest deadline
)

var policyNames = [...]string{
	"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
	"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
}

// ParsePolicy returns the policy of a name.
func ParsePolicy(name string) (Policy, bool) {
	for i, n := range policyNames {
		if n == name {
			return Policy(i), true
		}
	}
	return NoEviction, false
}

// String returns Redis' name.
func (p Policy) String() string { return policyNames[p] }

// LRU says whether the policy orders keys by their last use.
func (p Policy) LRU() bool { return p == AllKeysLRU || p == VolatileLRU }

// LFU says whether it orders them by how often they are used.
func (p Policy) LFU() bool { return p == AllKeysLFU || p == VolatileLFU }

func (p Policy) volatile() bool { return p >= VolatileLRU }

func (p Policy) random() bool { return p == AllKeysRandom || p == VolatileRandom }

// Limit is how much memory keys may take, and what happens beyond.
type Limit struct {
	Max    int64 // bytes, 0: no limit
	Policy Policy
	// Samples is how many keys are looked at to remove one; 0 means 5, more than
	// maxSamples are not taken.
	Samples int
	// Budget is how long one command may make room for; 0 means 500 us.
	Budget time.Duration
	// LFULogFactor and LFUDecayMinutes set the counters of the LFU policies: how
	// much harder each step is than the one before, and after how many minutes
	// without use one is lost, 0 for never.
	LFULogFactor, LFUDecayMinutes int
}

const maxSamples = 64

// limit is a Limit as it is used.
type limit struct {
	Limit
	max    int64 // Max, math.MaxInt64 if there is none, -1 if no key fits
	counts *lfu  // nil unless the policy is an LFU one
}

// SetLimit sets the limit, at any time: who is above it makes room from then on.
// What the keys' bits about their use mean follows the policy; the bits stay.
func (s *Space) SetLimit(l Limit) {
	n := &limit{Limit: l, max: l.Max}
	switch {
	case l.Max <= 0:
		n.max = math.MaxInt64
	case l.Max < s.tableBytes():
		n.max = -1 // also before the tables are there
	}
	if l.Samples <= 0 {
		n.Samples = 5
	}
	n.Samples = min(n.Samples, maxSamples)
	if l.Budget <= 0 {
		n.Budget = 500 * time.Microsecond
	}
	if l.Policy.LFU() {
		n.counts = &lfu{logFactor: l.LFULogFactor, decay: int64(l.LFUDecayMinutes)}
	}
	s.lfu.Store(n.counts)
	s.total.quantum.Store(min(maxQuantum, max(0, n.max)/1024/int64(len(s.stripes))))
	s.limit.Store(n)
	for i := range s.stripes {
		st := &s.stripes[i]
		if !st.mu.TryLock() {
			continue // who has it counts what changed
		}
		if s.phase.state.Load() != phaseActive { // nobody works here without the mutex
			st.publishAll()
		}
		st.mu.Unlock()
	}
}

// Limit returns the limit in force.
func (s *Space) Limit() Limit { return s.limit.Load().Limit }
