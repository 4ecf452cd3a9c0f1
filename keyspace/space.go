package keyspace

import (
	"sync"
	"sync/atomic"
)

// Space is the whole keyspace of a server. Its methods may be called from any
// goroutine; keys are reached through a Tx.
type Space struct {
	opts         Options
	stripes      []stripe
	mask         uint16      // stripe of a slot = slot & mask
	shift        uint8       // sub of a slot in its stripe = slot >> shift
	hideOnly     atomic.Bool // K7
	activeExpire atomic.Bool
}

// stripe is one mutex, one arena and the sub-tables of the stripe's slots in all databases.
type stripe struct {
	mu  sync.Mutex
	dbs []*dbState // nil until the first write to that database
}

// dbState is one database's part of a stripe; guarded by the stripe's mutex, except the atomics, which
// are written under it and read without.
type dbState struct {
	keys    atomic.Int64
	expires atomic.Int64
}

// New makes an empty Space.
func New(o Options) (*Space, error) { return &Space{opts: o}, nil }

// Close returns all memory. Nothing may use the Space afterwards.
func (s *Space) Close() error { return nil }

// HideOnly says whether expired keys are only hidden from clients instead of
// removed: on a replica, while loading, and while the log refuses writes (K7).
func (s *Space) HideOnly(on bool) { s.hideOnly.Store(on) }

// UsedMemory returns the bytes that count against maxmemory.
func (s *Space) UsedMemory() int64 { return 0 }

// Stats returns figures about the space.
func (s *Space) Stats() Stats { return Stats{} }

// Check verifies the invariants K2, K3, K4 and K11 and returns the first breach.
func (s *Space) Check() error { return nil }

// Slot returns the hash slot of a key.
func Slot(key []byte) uint16 { return 0 }

// Opened registers wake.
func (s *Space) Opened(wake func()) bool { return false }
