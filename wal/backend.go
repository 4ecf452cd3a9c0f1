package wal

import "context"

// Backend stores the log and its snapshots. The one on files is built in; a plugin can be
// another. After any crash the stored log is a prefix of what was appended, at least up to
// the last durable mark that the backend reported; frames are kept byte for byte but for
// what seals them.
type Backend interface {
	// Open makes the backend ready and tells what it holds. notify is called, from any
	// goroutine, when marks move after the call that caused it has returned, and with an
	// error that the backend will not recover from.
	Open(ctx context.Context, notify func(Marks, error)) (Info, error)
	Logs
	Snaps
	// Close ends it. clean says that all that was appended is durable and nothing more
	// will be, so that the next start can tell a lost tail from a clean end.
	Close(clean bool) error
}

// Info is what a backend found when it was opened.
type Info struct {
	First, Last LSN // of the log; Last is First-1 if it is empty
	Epoch       uint64
	Snapshots   []SnapInfo // oldest first
	// Base is the newest snapshot that was made while the log was off, 0 if there was none: older ones, and the log, do
	// not hold what it holds, even if it was dropped since.
	Base SnapID
	// TornBytes is how much of an unacknowledged tail was cut off, and TornKept where its
	// bytes were kept.
	TornBytes int64
	TornKept  []string
	// Off says that the log was turned off: what is stored is all that there was then.
	Off bool
}

// Logs is the log of a backend. One goroutine at a time calls it, but for Sync and Read,
// which may run beside Append.
type Logs interface {
	// Append takes frames in the order of their LSNs. With sync they are durable, or on
	// their way to it, when it returns the marks reached. After an error nothing of fs
	// counts as written, and the same frames are given again.
	Append(fs []Frame, sync bool) (Marks, error)
	// Sync makes durable what was written before it was called.
	Sync() (Marks, error)
	// Prepare makes room for a batch of that many bytes and returns the error that such a
	// batch would meet: a full disk shows here first.
	Prepare(bytes int64) error
	// Read calls fn for the frames from the one that holds from, until the end of what is written or
	// fn's error. The frame is valid during the call.
	Read(from LSN, fn func(Frame) error) error
	// Truncate drops all entries after an LSN; durable when it returns.
	Truncate(after LSN) error
	// Trim may forget all entries up to an LSN.
	Trim(upTo LSN) error
}

// Snaps is the snapshots of a backend.
type Snaps interface {
	NewSnapshot(h SnapHeader) (SnapWriter, error)
	OpenSnapshot(id SnapID) (SnapReader, error)
	DropSnapshot(id SnapID) error
}

// SnapID names a snapshot.
type SnapID uint64

// SnapInfo is a published snapshot.
type SnapInfo struct {
	ID         SnapID
	MinL, MaxL LSN // replay begins behind MinL; the snapshot's own tail reaches up to MaxL
	Keys       int64
	Bytes      int64
	Millis     int64 // when it was published, unix ms
}

// SnapHeader begins a snapshot.
type SnapHeader struct {
	ID      SnapID
	Epoch   uint64
	MinL    LSN
	HashKey [16]byte // of the keyspace whose fragments the ranges are in
	Millis  int64    // unix ms
}

// SnapFooter ends a snapshot.
type SnapFooter struct {
	Frames int64
	Keys   int64
	MaxL   LSN
}

// SnapWriter takes a snapshot's frames, already encoded and checksummed.
type SnapWriter interface {
	Chunk(b []byte) error
	// Publish makes the snapshot durable and known, atomically.
	Publish(f SnapFooter) error
	Abort() error
}

// SnapReader gives them back.
type SnapReader interface {
	Header() SnapHeader
	// Next returns the next frame in buf's memory if that is large enough, io.EOF after
	// the last, when the footer has been found complete.
	Next(buf []byte) ([]byte, error)
	Footer() SnapFooter // after io.EOF
	Close() error
}

// Applier takes what recovery finds. Calls for different workers run at the same time, those for one worker one
// after the other; a slot always comes by the same worker, slot % workers. Effects are self-contained, so the
// entries of a group may come by several workers; nobody sees the state before all are applied.
type Applier interface {
	// Range applies a range of a snapshot, whose keys are not there yet. f.Data is valid during the call.
	Range(worker int, f SnapFrame) error
	// Apply applies one entry. An entry of BarrierSlot comes by worker 0 while the others
	// rest. The effect is valid during the call.
	Apply(worker int, lsn LSN, e Entry) error
	// Fragment returns the fragment of the key of an entry, as it is in SnapFrame.
	Fragment(worker int, e Entry) uint32
	// Reset forgets all that was applied; all workers rest.
	Reset() error
}

// Walker walks the data for a snapshot, in the order of database, slot and fragment: every fragment of every slot of
// every database once, also if it is empty. appended is asked under the lock under which the range is
// read, and the range's L is its answer; emit is called without. It returns ErrRestart when databases were swapped
// meanwhile.
type Walker interface {
	Walk(ctx context.Context, appended func() LSN, emit func(SnapFrame) error) error
}

// SnapFrame is a part of a snapshot.
type SnapFrame struct {
	Kind   SnapKind
	DB     uint16
	Slot   uint16 // AllSlots: of a database without keys
	Lo, Hi uint32 // fragments Lo..Hi, both included
	Keys   uint32
	L      LSN    // the entries up to here are contained
	Data   []byte // entries as in the log; valid during the call
}

// SnapKind says what a frame of a snapshot holds.
type SnapKind uint8

// The kinds.
const (
	SnapRange SnapKind = 1 + iota // keys of a range of a slot
	SnapTable                     // L of the slots of a database that were empty
	SnapTail                      // entries MinL+1..MaxL of the log
)
