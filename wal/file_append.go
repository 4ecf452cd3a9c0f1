package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Append writes frames into the present segment, and with sync returns when they are durable. A
// single frame costs one write and no allocation.
func (b *FileBackend) Append(fs []Frame, sync bool) (Marks, error) {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	s, off, err := b.ready(fs)
	if err != nil {
		return b.Marks(), err
	}
	for i := range fs {
		f := &fs[i]
		b.seal(s, f)
		if _, err := s.file.WriteAt(f.Bytes, off); err != nil {
			return b.Marks(), fmt.Errorf("wal: %s, offset %d: %w", s.name, off, cause(err))
		}
		off += int64(len(f.Bytes))
	}
	m := b.wrote(s, fs)
	if sync {
		return b.Sync()
	}
	return m, nil
}

// ready returns the present segment, if it has room for the frames, and the offset where they go. appendMu must be held.
func (b *FileBackend) ready(fs []Frame) (*segment, int64, error) {
	var bytes int64
	for i := range fs {
		bytes += int64(len(fs[i].Bytes))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch s := b.cur; {
	case b.failed != nil:
		return nil, 0, &SyncError{b.failed}
	case len(fs) > 0 && fs[0].Base != b.marks.Written+1:
		return nil, 0, fmt.Errorf("wal: a frame that begins with LSN %d behind LSN %d", fs[0].Base, b.marks.Written)
	case s == nil || s.end+bytes > s.size:
		b.want = bytes
		return nil, 0, ErrRotate
	default:
		return s, s.end, nil
	}
}

// seal binds a frame to a segment.
func (b *FileBackend) seal(s *segment, f *Frame) {
	if b.broken.noKeys {
		f.seal(0, 0)
		return
	}
	f.seal(s.id, s.salt)
}

// wrote moves the written mark over frames that are in s.
func (b *FileBackend) wrote(s *segment, fs []Frame) Marks {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := s.mostly()
	s.add(fs)
	if !was && s.mostly() {
		b.filling.Store(true)
	}
	b.marks.Written = max(b.marks.Written, s.last)
	return b.marks
}

// Filling says, once for each segment, that the present one has become three quarters full: time for Prepare.
func (b *FileBackend) Filling() bool { return b.filling.Load() && b.filling.Swap(false) }

// mostly says whether three quarters of a segment are full.
func (s *segment) mostly() bool { return 4*(s.end-segHeaderSize) > 3*(s.size-segHeaderSize) }

// add notes frames behind those that a segment has.
func (s *segment) add(fs []Frame) {
	for i := range fs {
		s.note(fs[i].Base, s.end)
		s.end += int64(len(fs[i].Bytes))
		s.last = fs[i].Last()
	}
}

// Sync makes durable all that was written before it was called, the oldest segment first.
func (b *FileBackend) Sync() (Marks, error) {
	b.mu.Lock()
	target := b.marks.Written
	b.mu.Unlock()
	for {
		s, m, err := b.toSync(target)
		if s == nil {
			return m, err
		}
		if err := b.syncSegment(s); err != nil {
			return b.Marks(), err
		}
	}
}

// toSync returns the oldest segment that is not durable, if target is not.
func (b *FileBackend) toSync(target LSN) (*segment, Marks, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.failed != nil:
		return nil, b.marks, &SyncError{b.failed}
	case b.marks.Durable >= target || len(b.unsynced) == 0:
		return nil, b.marks, nil
	}
	return b.unsynced[0], b.marks, nil
}

// syncSegment syncs the oldest segment that is not durable. Syncs of one file never overlap: the system reports a failure to
// one of them only.
func (b *FileBackend) syncSegment(s *segment) error {
	s.syncMu.Lock()
	defer s.syncMu.Unlock()
	b.mu.Lock()
	file, last, failed := s.file, s.last, b.failed
	done := s.left || s == b.cur && s.synced == last
	b.mu.Unlock()
	switch {
	case failed != nil:
		return &SyncError{failed}
	case done: // another Sync was faster
		return nil
	}
	err := file.Sync()
	if err != nil && b.broken.trustSync {
		err = file.Sync()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.left { // the log has gone on elsewhere meanwhile
		return nil
	}
	if err != nil {
		b.failed = fmt.Errorf("%s: %w", s.name, cause(err))
		return &SyncError{b.failed}
	}
	s.synced = last
	b.marks.Durable = max(b.marks.Durable, last)
	if s != b.cur && s.last == last {
		b.leave(s)
	}
	return nil
}

// leave takes a segment from those that have to be synced; b.mu must be held. Nothing is written to it any more.
func (b *FileBackend) leave(s *segment) {
	s.left = true
	b.unsynced = slices.DeleteFunc(b.unsynced, func(u *segment) bool { return u == s })
	_ = s.close() // its data is durable, or lives elsewhere
}

// fail makes an error the one that only Rehome mends, unless there is one.
func (b *FileBackend) fail(err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failed == nil {
		b.failed = err
	}
	return err
}

// cause is the system's error without the name by which the file was opened: it was a spare's then.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
