package wal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

var (
	// ErrRestart is returned by a Walker when what it has emitted is of no use, because
	// databases were swapped meanwhile: the snapshot begins anew.
	ErrRestart = errors.New("wal: databases were swapped")
	// ErrBusy is returned while another snapshot is being made.
	ErrBusy = errors.New("wal: a snapshot is being made")
)

const (
	keepSnapshots = 2
	swapRestarts  = 2         // then swaps are held up
	tailFrame     = 256 << 10 // bytes of entries in a frame of the tail
)

// Progress is how far a snapshot, or recovery, has come.
type Progress struct {
	Phase   string // "snapshot", "tail" or "log"
	Bytes   int64  // read or written
	Total   int64  // of Bytes, 0 if not known
	Keys    int64
	Entries int64 // of the log
	LSN     LSN
}

// SnapLog is what a snapshot needs of the log.
type SnapLog interface {
	// Appended is the last LSN that was given out.
	Appended() LSN
	// WaitDurable returns once an LSN is durable, whatever the policy.
	WaitDurable(ctx context.Context, lsn LSN) error
}

// SnapStore is what it needs of a backend.
type SnapStore interface {
	Snaps
	Read(from LSN, fn func(Frame) error) error
}

// SnapOptions is what a Snapshotter is made of.
type SnapOptions struct {
	HashKey  [16]byte // of the keyspace
	Compress bool     // with s2, frame by frame
	Rate     int64    // bytes a second; 0: as fast as it goes
	Beside   bool     // others need the processors: rest as long as it works, every half millisecond
	Keep     int      // snapshots that are kept; 0 is 2
	Epoch    uint64
	// Hold is called with true when swaps of databases have made a snapshot begin anew twice: they
	// have to wait until it is called with false. nil: there is no end to beginning anew.
	Hold func(on bool)
	// Progress is called now and then, by the goroutine that makes the snapshot.
	Progress func(Progress)
	// Now is the time in unix milliseconds, nil: the wall clock.
	Now func() int64
}

// Snapshotter makes snapshots beside writes. Any goroutine may call it.
type Snapshotter struct {
	o     SnapOptions
	store SnapStore
	log   SnapLog

	busy   sync.Mutex // held while a snapshot is being made
	lastID SnapID     // of those that were begun; under busy

	mu    sync.Mutex // guards what follows, and Compress, Rate, Beside and Keep of o
	snaps []SnapInfo // oldest first
}

// NewSnapshotter returns a Snapshotter for a log and its backend, which has the snapshots of info.
func NewSnapshotter(o SnapOptions, store SnapStore, log SnapLog, info Info) *Snapshotter {
	if o.Keep <= 0 {
		o.Keep = keepSnapshots
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixMilli() }
	}
	s := &Snapshotter{o: o, store: store, log: log, snaps: slices.Clone(info.Snapshots)}
	for _, i := range s.snaps {
		s.lastID = max(s.lastID, i.ID)
	}
	return s
}

// Tune changes the options of these names for snapshots to come.
func (s *Snapshotter) Tune(compress bool, rate int64, beside bool, keep int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Compress, s.o.Rate, s.o.Beside, s.o.Keep = compress, rate, beside, max(1, keep)
}

// Snapshots returns the snapshots that there are, oldest first.
func (s *Snapshotter) Snapshots() []SnapInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.snaps)
}

// Needed is the last LSN that no snapshot needs the log for: it may be trimmed up to there, as far
// as they are concerned (W10). 0 if there is no snapshot.
func (s *Snapshotter) Needed() LSN {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.snaps) == 0 {
		return 0
	}
	return s.snaps[0].MaxL
}

// Make makes a snapshot, reads it back, and drops those that are too many. After an error
// all is as before, but that files may be left which nobody reads. It returns ErrBusy if another one is being made.
func (s *Snapshotter) Make(ctx context.Context, w Walker) (info SnapInfo, err error) {
	if !s.busy.TryLock() {
		return info, ErrBusy
	}
	defer s.busy.Unlock()
	for try := 0; ; try++ {
		if try == swapRestarts && s.o.Hold != nil {
			s.o.Hold(true)
			defer s.o.Hold(false)
		}
		if info, err = s.once(ctx, w); !errors.Is(err, ErrRestart) {
			break
		}
	}
	if err != nil {
		return info, err
	}
	s.mu.Lock()
	p := pace{on: s.o.Beside, since: time.Now()}
	s.mu.Unlock()
	if err := verify(ctx, s.store, info.ID, &p); err != nil {
		return info, errors.Join(fmt.Errorf("wal: reading back a new snapshot: %w", err), s.store.DropSnapshot(info.ID))
	}
	s.mu.Lock()
	s.snaps = append(s.snaps, info)
	drop := slices.Clone(s.snaps[:max(0, len(s.snaps)-s.o.Keep)])
	s.mu.Unlock()
	for _, old := range drop {
		if err := s.store.DropSnapshot(old.ID); err != nil {
			return info, fmt.Errorf("wal: the new snapshot is good, but an old one stays: %w", err)
		}
		s.mu.Lock()
		s.snaps = slices.DeleteFunc(s.snaps, func(i SnapInfo) bool { return i.ID == old.ID })
		s.mu.Unlock()
	}
	return info, nil
}

// once makes a snapshot unless it has to begin anew.
func (s *Snapshotter) once(ctx context.Context, w Walker) (info SnapInfo, err error) {
	s.mu.Lock()
	m := &making{
		s: s, ctx: ctx, enc: snapEncoder{compress: s.o.Compress}, rate: throttle{rate: s.o.Rate, start: time.Now()},
		pace: pace{on: s.o.Beside, since: time.Now()},
	}
	s.mu.Unlock()
	defer func() {
		if err != nil && m.out != nil {
			err = errors.Join(err, m.out.Abort())
		}
	}()
	if err := w.Walk(ctx, s.log.Appended, m.take); err != nil {
		return info, err
	}
	if err := m.endDB(); err != nil {
		return info, err
	}
	if m.out == nil {
		return info, errors.New("wal: the walk was empty")
	}
	// Only then may the snapshot be known, and the tail is where all can read it (W6).
	if err := s.log.WaitDurable(ctx, m.maxL); err != nil {
		return info, err
	}
	if err := m.tail(); err != nil {
		return info, err
	}
	if err := m.out.Publish(SnapFooter{Frames: int64(m.enc.number), Keys: m.keys, MaxL: m.maxL}); err != nil {
		return info, err
	}
	return SnapInfo{
		ID: m.enc.id, MinL: m.head.MinL, MaxL: m.maxL, Keys: m.keys, Bytes: m.bytes, Millis: m.head.Millis,
	}, nil
}

// making is a snapshot that is being made.
type making struct {
	s     *Snapshotter
	ctx   context.Context
	head  SnapHeader
	out   SnapWriter // nil before the first frame
	enc   snapEncoder
	rate  throttle
	pace  pace
	db    uint16
	table slotTable // of db
	maxL  LSN
	keys  int64
	bytes int64
}

// begin makes the file. The first frame's L is the least.
func (m *making) begin(minL LSN) (err error) {
	o := &m.s.o
	m.s.lastID++
	m.head = SnapHeader{ID: m.s.lastID, Epoch: o.Epoch, MinL: minL, HashKey: o.HashKey, Millis: o.Now()}
	m.enc.id = m.head.ID
	m.bytes = snapFileHeader + snapFooterSize
	m.out, err = m.s.store.NewSnapshot(m.head)
	return err
}

// take takes a range from the walker.
func (m *making) take(f SnapFrame) error {
	if err := m.ctx.Err(); err != nil {
		return err
	}
	if m.out == nil {
		if err := m.begin(f.L); err != nil {
			return err
		}
	}
	if f.L < m.maxL {
		return fmt.Errorf("wal: the walk went back from LSN %d to %d", m.maxL, f.L)
	}
	m.maxL = max(m.maxL, f.L)
	if f.DB != m.db {
		if err := m.endDB(); err != nil {
			return err
		}
		m.db = f.DB
	}
	if f.Keys == 0 && f.Lo == 0 && f.Hi == ^uint32(0) {
		m.table.add(f.Slot, f.L)
		return nil
	}
	f.Kind = SnapRange
	m.keys += int64(f.Keys)
	return m.write(&f)
}

// endDB writes the table of a database whose ranges are all there.
func (m *making) endDB() error {
	if len(m.table.runs) == 0 {
		return nil
	}
	f := SnapFrame{Kind: SnapTable, DB: m.db, Data: m.table.encode()}
	m.table.runs = m.table.runs[:0]
	return m.write(&f)
}

func (m *making) write(f *SnapFrame) error {
	b, err := m.enc.encode(f)
	if err != nil {
		return err
	}
	m.bytes += int64(len(b))
	if err := m.out.Chunk(b); err != nil {
		return err
	}
	if p := m.s.o.Progress; p != nil {
		phase := "snapshot"
		if f.Kind == SnapTail {
			phase = "tail"
		}
		p(Progress{Phase: phase, Bytes: m.bytes, Keys: m.keys, LSN: f.L})
	}
	m.pace.rest()
	return m.rate.wait(m.ctx, m.bytes)
}

// tail writes the entries behind minL up to maxL, so that the snapshot needs no log before its end.
func (m *making) tail() error {
	next := m.head.MinL + 1
	if next > m.maxL {
		return nil
	}
	f := SnapFrame{Kind: SnapTail, L: next}
	flush := func() error {
		if f.Keys == 0 {
			return nil
		}
		err := m.write(&f)
		f.L, f.Keys, f.Data = next, 0, f.Data[:0]
		return err
	}
	enough := errors.New("enough")
	err := m.s.store.Read(next, func(frame Frame) error {
		b := frame.Entries()
		for lsn := frame.Base; len(b) > 0; lsn++ {
			if lsn > m.maxL {
				return enough
			}
			e, rest, ok := nextEntry(b)
			if !ok || lsn > next {
				return fmt.Errorf("%w: the log has no whole entry %d", ErrCorrupt, next)
			}
			size := len(b) - len(rest)
			if lsn == next {
				if e.Slot == BarrierSlot && barrierOf(&e) == barrierSwap {
					return ErrRestart
				}
				f.Data = append(f.Data, b[:size]...)
				f.Keys++
				next++
				if len(f.Data) >= tailFrame {
					if err := flush(); err != nil {
						return err
					}
				}
			}
			b = rest
		}
		if next > m.maxL {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return err
	}
	if next <= m.maxL {
		return fmt.Errorf("%w: the log has no entry %d, which is durable", ErrCorrupt, next)
	}
	return flush()
}
