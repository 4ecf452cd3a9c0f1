package wal

import (
	"errors"
	"fmt"
	"slices"
)

// Rehome goes on in a new segment after a sync has failed: it writes the frames there, which are those that are not
// durable, and returns when they are. Frames that were written and that the caller does not have any more are
// read from the failed file, which the system may still show whole. It may be called again if it fails.
func (b *FileBackend) Rehome(fs []Frame) (Marks, error) {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	m := b.Marks()
	for len(fs) > 0 && fs[0].Last() <= m.Durable {
		fs = fs[1:]
	}
	until := m.Written
	if len(fs) > 0 {
		until = min(until, fs[0].Base-1)
	}
	lost, err := b.readBack(m.Durable+1, until)
	if err != nil {
		return m, err
	}
	all := slices.Concat(lost, fs)
	for i, next := 0, m.Durable+1; i < len(all); i++ {
		if all[i].Base != next {
			return m, fmt.Errorf("wal: the frames to write anew do not follow one another: LSN %d is not %d", all[i].Base, next)
		}
		next = all[i].Last() + 1
	}
	if err := b.replace(m.Durable+1, all); err != nil {
		return m, err
	}
	return b.Marks(), nil
}

// readBack reads written frames from files that are still open. appendMu must be held.
func (b *FileBackend) readBack(from, until LSN) ([]Frame, error) {
	if from > until {
		return nil, nil
	}
	b.mu.Lock()
	segs := slices.Clone(b.unsynced)
	b.mu.Unlock()
	var fs []Frame
	for _, s := range segs {
		if s.last < from || from > until {
			continue
		}
		p := s.before(from)
		w := walk{b: b, s: s, file: s.file, off: p.off, next: p.base, end: s.end}
		for from <= until {
			chunk, why, err := w.chunk()
			if err != nil {
				return nil, err
			}
			for _, f := range chunk {
				if f.Base == from && from <= until {
					f.Bytes = slices.Clone(f.Bytes)
					fs = append(fs, f)
					from = f.Last() + 1
				}
			}
			if why != "" || len(chunk) == 0 {
				break
			}
		}
	}
	if from <= until {
		return nil, fmt.Errorf("wal: LSN %d to %d are neither in memory nor in the file that failed", from, until)
	}
	return fs, nil
}

// replace makes a new segment with the frames the end of the log, from its LSN first on, and forgets what was there. All
// before first is durable. It is one step: the rename of the new segment. appendMu must be held. When it fails
// too late to know, only another replace can mend it.
func (b *FileBackend) replace(first LSN, fs []Frame) error {
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	var bytes int64
	for i := range fs {
		bytes += int64(len(fs[i].Bytes))
	}
	s, err := b.newSegment(first, bytes)
	if err != nil {
		return err
	}
	for i := range fs {
		b.seal(s, &fs[i])
		if _, err := s.file.WriteAt(fs[i].Bytes, s.end); err != nil {
			b.discard(s)
			return fmt.Errorf("wal: the next segment: %w", err)
		}
		s.add(fs[i : i+1])
	}
	named, err := b.publish(s)
	if err != nil {
		if named {
			return b.fail(err)
		}
		return err
	}
	s.synced = s.last
	if err := b.editManifest(func(m *manifest) {
		m.Proven, m.CleanEnd = min(m.Proven, first-1), 0
		m.Cuts = append(slices.DeleteFunc(m.Cuts, func(c cut) bool { return c.After >= first-1 }), cut{first - 1, s.id})
	}); err != nil {
		_ = s.close()
		return b.fail(err)
	}
	gone := b.reinstall(s)
	for _, o := range gone {
		_ = b.fs.Remove(o.name) // no part of the log any more: Open tries again
	}
	return nil
}

// reinstall makes a segment the only one that is written, and returns those that have nothing in the log any more and whose name is
// not the new one's.
func (b *FileBackend) reinstall(s *segment) (gone []*segment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range slices.Clone(b.unsynced) {
		b.leave(o)
	}
	b.segs = slices.DeleteFunc(b.segs, func(o *segment) bool {
		if o.first < s.first {
			return false
		}
		if o.name != s.name {
			gone = append(gone, o)
		}
		return true
	})
	for _, o := range b.segs {
		if o.last >= s.first {
			o.last = s.first - 1
			o.marks = slices.DeleteFunc(o.marks, func(p place) bool { return p.base > o.last })
		}
	}
	b.segs = append(b.segs, s)
	b.cur, b.unsynced = s, []*segment{s}
	b.marks = Marks{Written: s.last, Durable: s.last}
	b.failed = nil
	return gone
}

// Truncate drops the entries after an LSN, which ends a group. It is durable when it returns.
func (b *FileBackend) Truncate(after LSN) error {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	m, err := b.Sync()
	if err != nil && !errors.Is(err, errTruncating) {
		return err
	}
	if after >= m.Written {
		return nil
	}
	// The frame that holds the cut is written anew, with fewer entries.
	first, keep := after+1, []Frame(nil)
	err = b.Read(after+1, func(f Frame) error {
		if f.Base <= after {
			head, err := f.head(int(after - f.Base + 1))
			if err != nil {
				return err
			}
			first, keep = f.Base, []Frame{head}
		}
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	// The MANIFEST must not call durable what is about to go. From here on a failure is for good.
	b.mu.Lock()
	b.failed, b.marks.Durable = errTruncating, first-1
	b.mu.Unlock()
	if err := b.editManifest(func(m *manifest) { m.Proven, m.CleanEnd = min(m.Proven, first-1), 0 }); err != nil {
		return err
	}
	return b.replace(first, keep)
}

// errTruncating is what the log answers between the beginning of Truncate and its success.
var errTruncating = errors.New("wal: the end of the log is being cut off")

// errEnough ends a Read.
var errEnough = errors.New("wal: enough")

// head returns a copy of a frame with its first n entries only.
func (f *Frame) head(n int) (Frame, error) {
	rest := f.Entries()
	var last Entry
	for range n {
		e, r, ok := nextEntry(rest)
		if !ok {
			return Frame{}, fmt.Errorf("%w: a cut entry in the batch of LSN %d", ErrCorrupt, f.Base)
		}
		last, rest = e, r
	}
	if last.Flags&More != 0 {
		return Frame{}, fmt.Errorf("wal: LSN %d is in the middle of a group", f.Base+LSN(n)-1)
	}
	b := slices.Clone(f.Bytes[:len(f.Bytes)-len(rest)])
	return newFrame(b, f.Base, n, min(f.Durable(), f.Base-1), f.Millis()), nil
}
