package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// RecoverOptions says how to recover.
type RecoverOptions struct {
	// Workers is how many goroutines apply; 0 is 1. A slot always comes by the worker slot % Workers.
	Workers int
	// HashKey is that of the keyspace; a snapshot of another is refused.
	HashKey [16]byte
	// Progress is called now and then, by the goroutine that called Recover.
	Progress func(Progress)

	// Ways to be wrong, with which tests see whether they would notice.
	noGuard bool // the tail is applied whatever the ranges contain
	noFlush bool // flushes in the tail do not concern ranges
}

// Recovered says what was recovered.
type Recovered struct {
	Snapshot SnapInfo // ID 0: none
	Damaged  []DamagedSnapshot
	Keys     int64 // in the snapshot
	Entries  int64 // of the log and of the snapshot's tail
	Last     LSN   // the state is that after this entry
}

// DamagedSnapshot is a snapshot that was passed over.
type DamagedSnapshot struct {
	Info SnapInfo
	Err  error
}

// ApplyError is an applier's error: what is stored is whole, but can not be applied.
type ApplyError struct{ Err error }

// Error tells the applier's error.
func (e *ApplyError) Error() string { return "wal: " + e.Err.Error() }

// Unwrap returns it.
func (e *ApplyError) Unwrap() error { return e.Err }

// Recover brings an applier, which has nothing yet, to the state of what a backend holds: the newest snapshot that verifies
// and the log behind it, or the older one and more of the log, if there was one. The error wraps ErrCorrupt if what
// was durable is damaged or missing; nothing is ever skipped (W7). After an error the state is good for nothing.
func Recover(ctx context.Context, s SnapStore, info Info, a Applier, o RecoverOptions) (Recovered, error) {
	r := &recovery{ctx: ctx, s: s, a: a, o: o, p: newPipe(a, max(1, o.Workers))}
	defer r.p.close()
	for _, snap := range slices.Backward(info.Snapshots) {
		if info.Last < snap.MaxL {
			return r.done, fmt.Errorf("%w: the log ends with LSN %d, but snapshot %d was made of it up to LSN %d",
				ErrCorrupt, info.Last, snap.ID, snap.MaxL)
		}
		if info.First > snap.MaxL+1 {
			break // this one and all that are older
		}
		err := r.snapshot(snap)
		if err == nil {
			r.done.Snapshot, r.done.Last = snap, snap.MaxL
			break
		}
		if failed := (*ApplyError)(nil); errors.As(err, &failed) || ctx.Err() != nil {
			return r.done, err
		}
		r.done.Damaged = append(r.done.Damaged, DamagedSnapshot{snap, err})
		if snap.ID <= info.Base {
			break // older ones are older data
		}
		if err := r.reset(); err != nil {
			return r.done, err
		}
	}
	if r.done.Snapshot.ID == 0 && (info.Base > 0 || len(info.Snapshots) > 0 && info.First > 1) {
		return r.done, r.refuse(info)
	}
	if info.First > r.done.Last+1 {
		return r.done, fmt.Errorf("%w: the log begins with LSN %d, and there is no snapshot", ErrCorrupt, info.First)
	}
	return r.done, r.log(info.Last)
}

// refuse says why no snapshot will do.
func (r *recovery) refuse(info Info) error {
	err := fmt.Errorf("%w: no snapshot can be used, and the log begins with LSN %d", ErrCorrupt, info.First)
	if info.Base > 0 {
		err = fmt.Errorf("%w: no snapshot can be used, and nothing else holds the data: there was no log up to snapshot %d", ErrCorrupt, info.Base)
	}
	for _, d := range r.done.Damaged {
		err = fmt.Errorf("%w; snapshot %d: %w", err, d.Info.ID, d.Err)
	}
	return err
}

// recovery is one call of Recover.
type recovery struct {
	ctx  context.Context
	s    SnapStore
	a    Applier
	o    RecoverOptions
	p    *pipe
	done Recovered
	prog Progress
}

// errFlushed is returned by load if the tail empties databases: then their ranges from
// before that must not be loaded.
var errFlushed = errors.New("wal: a flush in the tail")

// snapshot applies a snapshot.
func (r *recovery) snapshot(info SnapInfo) error {
	var flushed flushes
	err := r.load(info, &flushed)
	if errors.Is(err, errFlushed) {
		if err = r.reset(); err == nil {
			err = r.load(info, &flushed)
		}
	}
	return err
}

// reset makes the applier forget everything.
func (r *recovery) reset() error {
	_ = r.p.idle() // what was applied is forgotten, and so is what went wrong
	r.p.forget()
	r.done.Keys, r.done.Entries = 0, 0
	if err := r.a.Reset(); err != nil {
		return &ApplyError{err}
	}
	return nil
}

// load reads a snapshot once. flushed are the flushes of its tail if they are known already; otherwise load
// finds them.
func (r *recovery) load(info SnapInfo, flushed *flushes) (err error) {
	scan, err := openScan(r.s, info.ID)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scan.in.Close()) }()
	if h := scan.in.Header(); h.HashKey != r.o.HashKey {
		return &ApplyError{fmt.Errorf("snapshot %d belongs to another hash key", info.ID)}
	}
	known := flushed.all > 0 || len(flushed.dbs) > 0
	again := false
	scan.guard.flushed = *flushed
	r.prog = Progress{Phase: "snapshot", Total: info.Bytes}
	for {
		if err := r.alive(); err != nil {
			return err
		}
		f, raw, err := scan.frame(r.p.buffer())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r.prog.Bytes, r.prog.Keys, r.prog.LSN = scan.bytes, scan.keys, f.L
		if f.Kind == SnapRange {
			if f.L >= flushed.of(f.DB) {
				r.p.send(&task{raw: raw, scan: scan, off: scan.bytes - int64(len(raw)), number: scan.number - 1}, int(f.Slot))
			} else {
				r.p.recycle(raw)
			}
			r.report()
			continue
		}
		r.prog.Phase = "tail"
		r.prog.Entries += int64(f.Keys)
		if !known && !r.o.noFlush && f.flushes(flushed) {
			again = true // what comes can not be applied, but there may be more flushes
		}
		if !again {
			err = r.entries(f.L, f.Data, &scan.guard)
		}
		r.p.recycle(raw)
		if err != nil {
			return err
		}
		r.report()
	}
	if err := r.p.idle(); err != nil {
		return err
	}
	if again {
		return errFlushed
	}
	if f := scan.in.Footer(); f.MaxL != info.MaxL || f.Keys != info.Keys {
		return fmt.Errorf("%w: snapshot %d ends with LSN %d and %d keys, not %d and %d",
			ErrCorrupt, info.ID, f.MaxL, f.Keys, info.MaxL, info.Keys)
	}
	r.done.Keys, r.done.Entries = scan.keys, r.prog.Entries
	return nil
}

// flushes notes the flushes in a frame of the tail and says whether there are any.
func (f *SnapFrame) flushes(to *flushes) (any bool) {
	b := f.Data
	for lsn := f.L; len(b) > 0; lsn++ {
		e, rest, ok := nextEntry(b)
		if !ok {
			break
		}
		if e.Slot == BarrierSlot && to.note(lsn, &e) {
			any = true
		}
		b = rest
	}
	return any
}

// scanner is a store that checks what it reads on several cores.
type scanner interface {
	Scan(from LSN, workers int, fn func(fs []Frame) error) error
}

// log applies the log from behind what is there up to its end.
func (r *recovery) log(last LSN) error {
	r.prog = Progress{Phase: "log", Keys: r.done.Keys}
	next := r.done.Last + 1
	if next > last {
		return nil
	}
	take := func(f Frame) error { return r.frame(f, &next) }
	var err error
	if s, ok := r.s.(scanner); ok {
		err = s.Scan(next, len(r.p.workers), func(fs []Frame) error {
			for _, f := range fs {
				if err := take(f); err != nil {
					return err
				}
			}
			return nil
		})
	} else {
		err = r.s.Read(next, take)
	}
	if err != nil {
		return err
	}
	if err := r.p.idle(); err != nil {
		return err
	}
	if next != last+1 {
		return fmt.Errorf("%w: the log ends with LSN %d, not %d", ErrCorrupt, next-1, last)
	}
	r.done.Entries += r.prog.Entries
	r.done.Last = last
	return nil
}

// frame applies a frame of the log from entry next on.
func (r *recovery) frame(f Frame, next *LSN) error {
	if err := r.alive(); err != nil {
		return err
	}
	if f.Base > *next || f.Last() < *next {
		return fmt.Errorf("%w: the log goes on with LSN %d, not %d", ErrCorrupt, f.Base, *next)
	}
	b := f.Entries()
	for lsn := f.Base; lsn < *next; lsn++ { // before the snapshot's end
		_, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("%w: the entry of LSN %d is cut", ErrCorrupt, lsn)
		}
		b = rest
	}
	r.prog.Bytes += int64(len(b))
	r.prog.Entries += int64(f.Last() + 1 - *next)
	r.prog.LSN = f.Last()
	if err := r.entries(*next, b, nil); err != nil {
		return err
	}
	*next = f.Last() + 1
	r.report()
	return nil
}

// entries applies entries in their order: those of one slot by one worker, a barrier while all others rest. g is
// the guard of a snapshot's tail.
func (r *recovery) entries(first LSN, b []byte, g *guard) error {
	if r.o.noGuard && g != nil {
		g = nil
	}
	start, from, lsn := b, first, first
	for len(b) > 0 {
		e, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("%w: the entry of LSN %d is cut", ErrCorrupt, lsn)
		}
		if e.Slot == BarrierSlot {
			r.p.add(from, start[:len(start)-len(b)], g)
			if err := r.barrier(lsn, &e, g); err != nil {
				return err
			}
			start, from = rest, lsn+1
		}
		b, lsn = rest, lsn+1
	}
	r.p.add(from, start, g)
	return nil
}

func (r *recovery) barrier(lsn LSN, e *Entry, g *guard) error {
	if err := r.p.idle(); err != nil {
		return err
	}
	if g != nil {
		switch barrierOf(e) {
		case barrierFlushAll, barrierFlushDB:
			return nil // the guard knows
		case barrierSwap:
			return fmt.Errorf("%w: databases are swapped in the tail of a snapshot", ErrCorrupt)
		}
	}
	if err := r.a.Apply(0, lsn, *e); err != nil {
		return &ApplyError{fmt.Errorf("entry %d: %w", lsn, err)}
	}
	return nil
}

// alive returns the reason why recovery can not go on.
func (r *recovery) alive() error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	return r.p.failed()
}

func (r *recovery) report() {
	if r.o.Progress != nil {
		r.o.Progress(r.prog)
	}
}
