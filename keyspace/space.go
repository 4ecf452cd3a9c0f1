package keyspace

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Space is the whole keyspace of a server. Its methods may be called from any
// goroutine; keys are reached through a Tx.
type Space struct {
	stripes []stripe
	mask    uint16 // stripe of a slot = slot & mask
	shift   uint8  // sub of a slot in its stripe = slot >> shift
	sip     sipKey
	opts    Options
	src     mapper

	phase phase         // exclusive phases; read by every locker
	swaps atomic.Uint64 // how often databases were swapped

	hideOnly     atomic.Bool // K7
	activeExpire atomic.Bool
	maxValue     atomic.Int64 // Options.MaxValue, or what SetMaxValue set
	// index is what is known of each database without a lock, nil until its first
	// write. It changes under the stripe concerned, the pointers in exclusive mode
	// or at that first write.
	index []atomic.Pointer[dbIndex]
	peak  atomic.Int64

	total   total                                           // bytes in use
	limit   atomic.Pointer[limit]                           // never nil
	lfu     atomic.Pointer[lfu]                             // nil unless the policy is an LFU one
	tables  atomic.Int64                                    // bytes that charge has counted
	charged []atomic.Bool                                   // by database
	told    atomic.Pointer[func(*Tx, int, []byte, Removal)] // OnRemoved

	added, missed atomic.Pointer[func(*Tx, int, []byte)] // OnAdded, OnMissed

	_ [64]byte // what follows is written often, what stands before is read by every command

	expiredKeys  atomic.Int64 // removed because their deadline had passed
	evictedKeys  atomic.Int64 // removed to make room
	expireNS     atomic.Int64 // spent on active expiry
	expireCapped atomic.Int64 // Ticks whose budget that used up
	exceeded     atomic.Int64 // unix ms since when the total is above the limit, 0: it is not
	exceededMs   atomic.Int64 // how long it was before that

	lazyPending atomic.Int64 // keys of flushed databases that upkeep will free
	lazyFreed   atomic.Int64 // keys freed by upkeep
}

// dbIndex is what is known of a database without a lock.
type dbIndex struct {
	nonempty slotMap  // slots with keys
	counts   []counts // by stripe
}

// slotMap is a set of slots.
type slotMap [Slots / 64]atomic.Uint64

// counts are the figures of one stripe and database.
type counts struct {
	keys    atomic.Int64
	expires atomic.Int64 // keys with a deadline
	ttlSum  atomic.Int64 // sum of ttlShare of their deadlines
	_       [40]byte     // another stripe's counts are on another cache line
}

// stripe is one mutex, one arena and the sub-tables of the stripe's slots in
// all databases. Everything but the atomics is guarded by mu (K1).
//
// The order of the fields is that of their use: a command that reads needs the first and the
// third cache line (TestStripeLines), one that writes also the second and then the arena.
type stripe struct {
	mu      sync.Mutex
	dbs     []*dbState // nil until the first write to that database in the stripe
	tables  int64      // bytes of directories in the Go heap
	hits    int64
	counted int64    // bytes of this stripe in total
	public  struct { // what can be read without mu, published at unlock and by upkeep
		used   atomic.Int64
		pages  atomic.Int64
		hits   atomic.Int64
		misses atomic.Int64
	}
	interests interests
	due       wheelDue // when the wheels of this stripe want Tick
	arena     arena

	number uint16
	misses int64
	total  *total
	scout  atomic.Pointer[scout] // for Ahead, published at unlock
	// dead are databases that were flushed; upkeep frees them in slices.
	dead []*dbState

	_ [40]byte // so that the next stripe begins a line
}

// dbState is one database's part of a stripe, guarded by the stripe's mutex.
type dbState struct {
	subs    []sub    // by slot >> Space.shift
	fenwick []uint32 // sums of the subs' counts
	wheel   wheel    // deadlines

	dirs      []directory // of subs with more than one segment
	spareDirs []uint32

	freeing int // after a flush: the sub to be freed next

	*counts           // where they can be read without the mutex
	nonempty *slotMap // of the database
}

// New makes an empty Space. It takes no memory from the system before the first
// write and starts no goroutine.
func New(o Options) (*Space, error) {
	if o.Databases == 0 {
		o.Databases = 16
	}
	if o.Databases < 1 || o.Databases > 1<<14 {
		return nil, fmt.Errorf("keyspace: %d databases, want 1 to 16384", o.Databases)
	}
	if o.Stripes == 0 {
		o.Stripes = 1 << bits.Len(uint(8*runtime.GOMAXPROCS(0)-1))
	}
	if o.Stripes < 1 || o.Stripes > Slots || o.Stripes&(o.Stripes-1) != 0 {
		return nil, fmt.Errorf("keyspace: %d stripes, want a power of two up to 16384", o.Stripes)
	}
	if o.MaxValue == 0 {
		o.MaxValue = 512 << 20
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if !debug && o.Arena&^Heap != 0 {
		return nil, fmt.Errorf("keyspace: arena mode %#x needs the build tag invariants", o.Arena)
	}
	if !canMap {
		o.Arena |= Heap
	}
	s := &Space{
		stripes: make([]stripe, o.Stripes),
		mask:    uint16(o.Stripes - 1),
		shift:   uint8(bits.Len(uint(o.Stripes - 1))),
		sip:     newSipKey(o.HashKey),
		opts:    o,
		index:   make([]atomic.Pointer[dbIndex], o.Databases),
		charged: make([]atomic.Bool, o.Databases),
	}
	s.src.heap = o.Arena&Heap != 0
	s.src.huge.wake = make(chan struct{}, 1)
	s.maxValue.Store(o.MaxValue)
	s.activeExpire.Store(true)
	s.SetLimit(Limit{})
	for i := range s.stripes {
		st := &s.stripes[i]
		st.number = uint16(i)
		st.arena = newArena(&s.src, o.Arena)
		st.total = &s.total
		st.dbs = make([]*dbState, o.Databases)
	}
	return s, nil
}

// Close returns all memory. Nothing may use the Space afterwards.
func (s *Space) Close() error {
	for i := range s.stripes {
		st := &s.stripes[i]
		st.mu.Lock()
		for _, m := range st.arena.release() {
			s.src.give(m)
		}
		clear(st.dbs)
		st.dead = nil
		st.mu.Unlock()
	}
	for more := true; more; {
		_, more = s.src.digest()
	}
	s.src.close()
	return nil
}

// HideOnly says whether expired keys are only hidden from clients instead of
// removed: on a replica, while loading, and while the log refuses writes (K7).
func (s *Space) HideOnly(on bool) { s.hideOnly.Store(on) }

// HashKey returns Options.HashKey.
func (s *Space) HashKey() [16]byte { return s.opts.HashKey }

// Databases returns the number of databases.
func (s *Space) Databases() int { return s.opts.Databases }

// MaxValue returns the largest size of a string value in bytes.
func (s *Space) MaxValue() int64 { return s.maxValue.Load() }

// SetMaxValue sets the largest size of a string value in bytes, at any time.
// Values that are longer stay as they are.
func (s *Space) SetMaxValue(n int64) { s.maxValue.Store(n) }

// db returns a database's part of a stripe, made at the first write.
func (s *Space) db(st *stripe, db int) *dbState {
	if d := st.dbs[db]; d != nil {
		return d
	}
	x := s.index[db].Load()
	if x == nil {
		s.index[db].CompareAndSwap(nil, &dbIndex{counts: make([]counts, len(s.stripes))})
		x = s.index[db].Load()
	}
	n := Slots >> s.shift
	d := &dbState{
		subs:     make([]sub, n),
		fenwick:  make([]uint32, n+1),
		counts:   &x.counts[st.number],
		nonempty: &x.nonempty,
	}
	st.dbs[db] = d
	st.arena.moved = true
	if !s.charged[db].Load() && s.charged[db].CompareAndSwap(false, true) {
		s.charge(1)
	}
	return d
}

// tableBytes returns the size of the tables that a database comes to have in all stripes:
// sub-tables, Fenwick trees, wheels.
func (s *Space) tableBytes() int64 { return Slots*(16+4) + int64(len(s.stripes))*(4+wheelBytes) }

// charge counts the tables of n databases as used. That happens once, at the first write to
// a database, for all its stripes and whether it holds keys later or not: a limit on
// memory that meant different things before and after a few keys would be of no use.
func (s *Space) charge(n int64) {
	s.tables.Add(n * s.tableBytes())
	s.total.bytes.Add(n * s.tableBytes())
}

// keepCharged is how many databases stay charged when all are empty.
const keepCharged = 16

// uncharge takes back what charge counted, after FlushAll, if it is much.
func (s *Space) uncharge() {
	if s.tables.Load() <= keepCharged*s.tableBytes() {
		return
	}
	for db := range s.charged {
		if s.charged[db].Swap(false) {
			s.charge(-1)
		}
	}
}

// addCount follows the insertion (1) or removal (-1) of a key: it keeps K3.
func (s *Space) addCount(d *dbState, slot uint16, sb *sub, delta int32) {
	was := sb.count
	sb.count += uint32(delta)
	for i := int(slot>>s.shift) + 1; i < len(d.fenwick); i += i & -i {
		d.fenwick[i] += uint32(delta)
	}
	d.keys.Add(int64(delta))
	if was == 0 {
		d.nonempty.set(slot)
	} else if sb.count == 0 {
		d.nonempty.clear(slot)
	}
}

func (m *slotMap) set(slot uint16)   { m[slot>>6].Or(1 << (slot & 63)) }
func (m *slotMap) clear(slot uint16) { m[slot>>6].And(^(uint64(1) << (slot & 63))) }

func (m *slotMap) has(slot uint16) bool { return m[slot>>6].Load()>>(slot&63)&1 != 0 }

// next returns the first slot of the set from slot on, or Slots.
func (m *slotMap) next(slot int) int {
	for i := slot >> 6; i < len(m); i++ {
		w := m[i].Load()
		if i == slot>>6 {
			w &= ^uint64(0) << (slot & 63)
		}
		if w != 0 {
			return i<<6 + bits.TrailingZeros64(w)
		}
	}
	return Slots
}
