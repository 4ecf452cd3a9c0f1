package wal

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/internal/vfs"
)

// FileOptions is what a FileBackend is made of. The zero value is good.
type FileOptions struct {
	SegmentSize  int64 // of large segments; 0 is 64 MiB
	FirstSegment int64 // of the first one; each is twice as large as the one before; 0 is 1 MiB
	Preallocate  int   // segments that are kept ready; 0 is 2
	// RefuseTorn makes Open fail with a *TornError where it would cut off a torn tail.
	RefuseTorn bool
	// Now is the time in unix milliseconds, nil: the wall clock.
	Now func() int64
	// Salt gives a segment its salt, nil: a random number that clients can not know.
	Salt func() uint64
}

const (
	defaultSegment = 64 << 20
	defaultFirst   = 1 << 20
	defaultSpares  = 2
)

// LockName is the file whose lock a data directory's owner holds.
const LockName = "LOCK"

// FileBackend is the backend on files: segments of the log in wal/, snapshots in snap/, and the
// MANIFEST.
//
// One goroutine at a time calls Append, Rotate and Rehome: the one that leads the log. Sync, Read, Prepare,
// Trim and editManifest may be called beside it. Append never makes, renames or syncs anything
// but the present segment: if that is full it returns ErrRotate, and Rotate has to be called, by a goroutine that
// may wait, before the same frames are given again. Prepare, called after each Rotate and from time to
// time, sees to it that Rotate finds a segment ready.
//
// Two kinds of errors of Append matter. After one of the write, nothing has happened: the frames are written again, at the
// same place. A *SyncError is for good: what the file holds beyond the durable mark is never
// trusted again (W8), Append, Sync and Rotate return it from then on, and Rehome begins another file.
type FileBackend struct {
	fs   vfs.FS
	o    FileOptions // SegmentSize under mu
	lock io.Closer

	// The order of the locks: appendMu, spareMu, manifestMu, mu.
	appendMu sync.Mutex
	want     int64 // bytes of the frames that found no room; under appendMu

	spareMu  sync.Mutex
	spares   []spare
	spareNum int // of the next spare

	manifestMu sync.Mutex
	manifest   *manifest // never changed, only replaced
	adopting   bool      // see Adopt
	unsure     bool      // the last edit failed: the directory may have it all the same

	mu       sync.Mutex
	segs     []*segment // with entries or current, in the order of ids and LSNs
	cur      *segment   // the last of segs, or nil: Rotate first
	unsynced []*segment // those with entries that are not durable, and cur; oldest first
	marks    Marks
	failed   error // of a sync; nil again after Rehome
	nextID   uint32
	epoch    uint64

	filling atomic.Bool // see Filling

	broken broken
}

// broken are ways to be wrong, with which tests see whether they would notice.
type broken struct {
	trustSync bool // a sync is tried again after it failed, and believed
	noKeys    bool // frames are not bound to their segment
	noSettle  bool // what is found at the start is believed to be durable
	noCut     bool // a torn tail stays where the log goes on
	noProof   bool // every bad frame is a torn tail
	noSpool   bool // what was appended while the log was off is the log
	noOrder   bool // a segment that was left does not end where its successor begins
}

// segment is a file of the log.
type segment struct {
	segHeader
	name   string
	size   int64
	file   vfs.File // open while entries may have to be written or synced, else nil
	syncMu sync.Mutex

	// Guarded by the backend's mu.
	end    int64 // where the next frame goes
	last   LSN   // of the last entry, first-1 if there is none
	synced LSN
	left   bool // no longer written or synced
	marks  []place
}

// place says where a frame begins.
type place struct {
	base LSN
	off  int64
}

// placeEvery is how many bytes lie between two noted places, about.
const placeEvery = 1 << 20

// note notes where a frame begins, now and then.
func (s *segment) note(base LSN, off int64) {
	if n := len(s.marks); n == 0 || off-s.marks[n-1].off >= placeEvery {
		s.marks = append(s.marks, place{base, off})
	}
}

// before returns a frame's place at or before that of an LSN.
func (s *segment) before(lsn LSN) place {
	for _, p := range slices.Backward(s.marks) {
		if p.base <= lsn {
			return p
		}
	}
	return place{s.first, segHeaderSize}
}

// NewFileBackend returns a backend on the tree fs, which is the data directory. It is used after Open.
func NewFileBackend(fs vfs.FS, o FileOptions) *FileBackend {
	if o.SegmentSize <= 0 {
		o.SegmentSize = defaultSegment
	}
	if o.FirstSegment <= 0 {
		o.FirstSegment = defaultFirst
	}
	if o.Preallocate <= 0 {
		o.Preallocate = defaultSpares
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if o.Salt == nil {
		o.Salt = randomSalt
	}
	return &FileBackend{fs: fs, o: o}
}

func randomSalt() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}

// Open takes the lock, finds where the log ends and makes that end durable. A log whose end is torn is
// cut there, or refused; a damaged one is a *CorruptError. notify is not used.
func (b *FileBackend) Open(_ context.Context, _ func(Marks, error)) (Info, error) {
	if err := b.acquire(); err != nil {
		return Info{}, err
	}
	info, err := b.open()
	if err != nil {
		return Info{}, errors.Join(err, b.release())
	}
	return info, nil
}

// acquire makes the directories and takes the lock.
func (b *FileBackend) acquire() error {
	for _, dir := range []string{rootDir, walDir, snapDir} {
		if err := b.fs.MkdirAll(dir); err != nil {
			return fmt.Errorf("wal: making the data directory: %w", err)
		}
	}
	lock, err := b.fs.Lock(LockName)
	if err != nil {
		return fmt.Errorf("wal: the data directory: %w", err)
	}
	b.lock = lock
	return nil
}

// release closes the files and the lock.
func (b *FileBackend) release() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, s := range b.segs {
		errs = append(errs, s.close())
	}
	b.segs, b.cur, b.unsynced = nil, nil, nil
	return errors.Join(append(errs, b.lock.Close())...)
}

// close closes the file, if it is open.
func (s *segment) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

// Close ends it. With clean, all that was written is synced and noted as the log's end.
func (b *FileBackend) Close(clean bool) error {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	var err error
	if clean {
		var m Marks
		if m, err = b.Sync(); err == nil {
			err = b.editManifest(func(f *manifest) { f.CleanEnd = m.Durable })
		}
	}
	return errors.Join(err, b.release())
}

// Marks say how far the log is written and durable.
func (b *FileBackend) Marks() Marks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.marks
}

// SetSegmentSize changes the size of large segments to come. One that is ready already may be used first.
func (b *FileBackend) SetSegmentSize(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.o.SegmentSize = size
}

// SetEpoch sets the epoch of segments to come.
func (b *FileBackend) SetEpoch(epoch uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch = epoch
}

func (b *FileBackend) durableMark() LSN { return b.Marks().Durable }
