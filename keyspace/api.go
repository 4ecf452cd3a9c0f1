package keyspace

import (
	"errors"
	"math"
)

// Type is the type of a value as the TYPE command names it.
type Type uint8

// The types a value can have. Strings are implemented; the others have their
// numbers so that formats that store a Type need not change.
const (
	TypeNone Type = iota
	TypeString
	TypeList
	TypeSet
	TypeZSet
	TypeHash
	TypeStream
)

var typeNames = [...]string{"none", "string", "list", "set", "zset", "hash", "stream"}

// String returns the name that the TYPE command answers, "none" for TypeNone.
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "unknown"
}

// ArenaMode says where an arena takes its memory from and, under the build tag
// invariants, which checks it makes. The zero value is production: mmap, no checks.
type ArenaMode uint8

const (
	// Mmap takes memory from the operating system, outside the Go heap. It is
	// the zero value; systems without mmap use Heap.
	Mmap ArenaMode = 0
	// Heap takes memory from the Go heap, where the race detector sees it.
	Heap ArenaMode = 1 << iota
	// Poison fills freed cells with 0xDB and checks them when they are used
	// again. It needs the build tag invariants.
	Poison
	// Canary puts 8 bytes behind each cell and checks them when it is freed and
	// in Space.Check. It needs the build tag invariants.
	Canary
	// ViewCopy lets every slice that leaves the package point to a copy, which
	// is poisoned after the next mutating call and at Unlock, so that a slice
	// used too long shows. It needs the build tag invariants.
	ViewCopy
)

// Options configures a Space.
type Options struct {
	// Databases is the number of databases, 1 to 16,384; 0 means 16.
	Databases int
	// Stripes is the number of stripes, a power of two from 1 to 16,384;
	// 0 means eight for each core, rounded up to a power of two.
	Stripes int
	// HashKey is the key of the fragment hash. It belongs to the data: SCAN
	// cursors and snapshots are in the order that it gives.
	HashKey [16]byte
	// Arena says where memory comes from.
	Arena ArenaMode
	// MaxValue is the largest string value in bytes (proto-max-bulk-len);
	// 0 means 512 MiB.
	MaxValue int64
	// Now returns the unix time in milliseconds and is called only by NewTx, to
	// give Tx.Now a first value, and by Stats; nil means the wall clock.
	Now func() int64
}

// The errors that a client may see; their texts are its replies.
var (
	// ErrWrongType is returned when a command meets a value of another type.
	ErrWrongType = errors.New("WRONGTYPE Operation against a key holding the wrong kind of value")
	// ErrTooLong is returned when a string would exceed Space.MaxValue.
	ErrTooLong = errors.New("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	// ErrFull is returned when a stripe's address space of 32 GiB, or a sub-table, is full.
	ErrFull = errors.New("OOM keyspace stripe is full")
	// ErrOOM is returned by MakeRoom if there is no room and none can be made.
	ErrOOM = errors.New("OOM command not allowed when used memory > 'maxmemory'.")
	// ErrExclusive is returned by reads of the whole keyspace while an exclusive
	// phase is active: the caller parks the command (Space.Opened) and retries it.
	ErrExclusive = errors.New("BUSY keyspace is in an exclusive phase")
	// ErrEffect is returned by Tx.Apply for an argument vector that is no effect.
	ErrEffect = errors.New("ERR not an effect")
)

// BarrierSlot is the slot of effects that concern a whole database or all of
// them: FLUSHALL, FLUSHDB, SWAPDB.
const BarrierSlot uint16 = 0xFFFF

// Sink takes the effects of a Tx: the log layer.
type Sink interface {
	// Effect is called under the stripe's lock by each mutating method before it
	// changes anything. An effect is a self-contained change of one key with
	// absolute times. argv and what it points to are only valid during the call.
	// argv == nil: the command as received is its own effect (Tx.Raw).
	Effect(db int, slot uint16, argv [][]byte)
}

// TTL is what a mutating method does about a key's deadline. The zero value is NoTTL.
type TTL struct {
	ms   int64
	kind ttlKind
}

type ttlKind uint8

const (
	ttlNone ttlKind = iota
	ttlKeep
	ttlAt
)

var (
	// NoTTL removes a deadline.
	NoTTL = TTL{}
	// KeepTTL keeps the deadline that the key has, or has not.
	KeepTTL = TTL{kind: ttlKeep}
)

// At sets the deadline to a unix time in milliseconds.
func At(ms int64) TTL { return TTL{ms: ms, kind: ttlAt} }

// ScanHint narrows a walk over the keyspace.
type ScanHint struct {
	// Slot is the only slot to walk, -1 for all.
	Slot int
}

// AnySlot walks all slots.
var AnySlot = ScanHint{Slot: -1}

// Stats are figures about a Space, each correct by itself but not all from one instant.
type Stats struct {
	UsedMemory  int64 // bytes of live cells, page runs, maps and tables (maxmemory is compared with this)
	PeakMemory  int64 // the largest UsedMemory seen
	MaxMemory   int64 // Limit.Max
	MappedBytes int64 // address space taken from the operating system
	PageBytes   int64 // bytes of pages in use, live cells or not
	HugeBytes   int64 // bytes of huge pages, see MergePages
	Keys        int64
	Expires     int64 // keys with a deadline
	Hits        int64 // look-ups of reading commands (Look) that found a key
	Misses      int64

	EvictedKeys   int64 // keys removed to make room
	ExceededMs    int64 // how long UsedMemory was above MaxMemory, all in all
	ExceededNowMs int64 // and without a break until now, 0 if it is not

	ExpiredKeys     int64 // keys removed because their deadline had passed
	ExpireLagP50Ms  int64 // lateness of active expiry in the last seconds in which keys expired: median,
	ExpireLagMs     int64 // 99th percentile
	ExpireLagMaxMs  int64 // and maximum, in milliseconds
	ExpireMs        int64 // time spent on active expiry, by all who call Tick
	ExpireCapped    int64 // how often a Tick's budget was used up by it
	LazyFreePending int64 // keys whose memory waits to be freed
	LazyFreed       int64 // keys whose memory was freed in slices
}

// noDeadline stands where there is no deadline: none is later. It is a legal
// deadline too, so it does not say that there is none.
const noDeadline int64 = math.MaxInt64
