package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/reredis/reredis/internal/vfs"
)

// spare is a file that is ready to become a segment: as long as it will be, zeros or what an older segment
// left, and synced.
type spare struct {
	name string
	size int64
}

// fillSize is how many zeros a fresh segment is filled with at a time.
const fillSize = 1 << 20

// Prepare makes sure that the next segment is ready, or one that holds so many bytes if that is more. While the
// present segment has room for them and is not three quarters full, a failure is kept for the next time.
func (b *FileBackend) Prepare(bytes int64) error {
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	if err := b.prepare(bytes); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		if s := b.cur; s != nil && s.end+bytes <= s.size && !s.mostly() {
			return nil
		}
		return err
	}
	return nil
}

// prepare makes a spare unless there is one that fits; spareMu must be held.
func (b *FileBackend) prepare(bytes int64) error {
	next, longest := b.sizes()
	size := max(next, bytes+segHeaderSize)
	longest = max(longest, size)
	if slices.ContainsFunc(b.spares, func(s spare) bool { return s.size >= size && s.size <= longest }) {
		return nil
	}
	name := b.spareName()
	if err := b.fill(name+tempSuffix, size); err != nil {
		if slices.ContainsFunc(b.spares, func(s spare) bool { return s.size > longest }) {
			return nil // it is longer than segments are to be now, and has room
		}
		return fmt.Errorf("wal: preparing a segment: %w", err)
	}
	if err := b.fs.Rename(name+tempSuffix, name); err != nil {
		return fmt.Errorf("wal: preparing a segment: %w", err)
	}
	b.spares = append(b.spares, spare{name, size})
	b.dropSpares(next, longest)
	return nil
}

// spareName returns a name that no spare has; spareMu must be held.
func (b *FileBackend) spareName() string {
	b.spareNum++
	return fmt.Sprintf("%s/%s%d%s", walDir, sparePrefix, b.spareNum, segSuffix)
}

// sizes are that of the next segment, and what segments grow to.
func (b *FileBackend) sizes() (next, longest int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	longest = b.o.SegmentSize
	next = min(b.o.FirstSegment, longest)
	if n := len(b.segs); n > 0 {
		next = max(next, min(2*b.segs[n-1].size, longest))
	}
	return next, longest
}

// fill makes a file of zeros, so that writes to it allocate nothing.
func (b *FileBackend) fill(name string, size int64) error {
	f, err := b.fs.Create(name)
	if errors.Is(err, fs.ErrExist) {
		if err = b.fs.Remove(name); err == nil {
			f, err = b.fs.Create(name)
		}
	}
	if err != nil {
		return err
	}
	zeros := make([]byte, min(size, fillSize))
	for off := int64(0); off < size && err == nil; off += int64(len(zeros)) {
		_, err = f.WriteAt(zeros[:min(int64(len(zeros)), size-off)], off)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = b.fs.Remove(name) // Open removes it otherwise
	}
	return err
}

// dropSpares removes spares that are too small for every segment to come, or too long; spareMu must be held.
func (b *FileBackend) dropSpares(next, longest int64) {
	b.spares = slices.DeleteFunc(b.spares, func(s spare) bool {
		useless := s.size < next || s.size > longest
		if useless {
			_ = b.fs.Remove(s.name) // Open removes what there is too much
		}
		return useless
	})
}

// takeSpare takes the smallest spare that has room for so many bytes of frames, and makes one if need be. spareMu must be held.
func (b *FileBackend) takeSpare(bytes int64) (spare, error) {
	best := func() int {
		at := -1
		for i, s := range b.spares {
			if s.size >= bytes+segHeaderSize && (at < 0 || s.size < b.spares[at].size) {
				at = i
			}
		}
		return at
	}
	at := best()
	if at < 0 {
		if err := b.prepare(bytes); err != nil {
			return spare{}, err
		}
		at = best()
	}
	s := b.spares[at]
	b.spares = slices.Delete(b.spares, at, at+1)
	return s, nil
}

// newSegment makes a segment of a spare, without its final name and not synced yet. appendMu and spareMu must
// be held. Unless the segment is published it is given to discard.
func (b *FileBackend) newSegment(first LSN, bytes int64) (*segment, error) {
	sp, err := b.takeSpare(bytes)
	if err != nil {
		return nil, err
	}
	f, err := b.fs.Open(sp.name)
	if err != nil {
		return nil, fmt.Errorf("wal: the next segment: %w", err)
	}
	b.mu.Lock()
	h := segHeader{id: b.nextID, salt: b.o.Salt(), epoch: b.epoch, first: first, created: b.o.Now(), durable: min(b.marks.Durable, first-1)}
	b.nextID++
	b.mu.Unlock()
	s := &segment{
		segHeader: h, name: sp.name, size: sp.size, file: f, end: segHeaderSize, last: first - 1, synced: first - 1,
		marks: make([]place, 0, sp.size/placeEvery+1),
	}
	if _, err := f.WriteAt(h.encode(), 0); err != nil {
		b.discard(s)
		return nil, fmt.Errorf("wal: the header of the next segment: %w", err)
	}
	return s, nil
}

// discard removes a segment that was not published: a file is not trusted again after an error.
func (b *FileBackend) discard(s *segment) {
	_ = s.close()
	_ = b.fs.Remove(s.name) // a spare that stays is found by Open
}

// publish syncs a segment and gives it the name by which recovery finds it. If the error came after the name was given,
// named is true: it is not known then whether the log on the disk goes on in this segment, so that
// nothing may be appended to another. If there was one of that name, it is replaced.
func (b *FileBackend) publish(s *segment) (named bool, err error) {
	if err := s.file.Sync(); err != nil {
		b.discard(s)
		return false, fmt.Errorf("wal: the next segment: %w", err)
	}
	name := segName(s.first)
	if err := b.fs.Rename(s.name, name); err != nil {
		_ = s.close()
		return true, fmt.Errorf("wal: the next segment: %w", err)
	}
	s.name = name
	if err := b.fs.SyncDir(walDir); err != nil {
		_ = s.close()
		return true, fmt.Errorf("wal: the next segment: %w", err)
	}
	return true, nil
}

// Rotate begins a new segment, with room for the frames for which Append had none. What the old one holds need not
// be durable: Sync sees to it. What older ones hold is made durable first. If it fails it is called again; Append refuses until
// then.
func (b *FileBackend) Rotate() error {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	if err := b.syncAllBut1(); err != nil {
		return err
	}
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	b.mu.Lock()
	first := b.marks.Written + 1
	b.mu.Unlock()
	s, err := b.newSegment(first, b.want)
	if err != nil {
		return err
	}
	named, err := b.publish(s)
	if err != nil {
		if named {
			b.mu.Lock()
			b.cur = nil
			b.mu.Unlock()
		}
		return err
	}
	b.want = 0
	b.install(s)
	return nil
}

// syncAllBut1 syncs the segments before the present one. appendMu must be held.
func (b *FileBackend) syncAllBut1() error {
	for {
		b.mu.Lock()
		var s *segment
		if len(b.unsynced) > 1 {
			s = b.unsynced[0]
		}
		failed := b.failed
		b.mu.Unlock()
		switch {
		case failed != nil:
			return &SyncError{failed}
		case s == nil:
			return nil
		}
		if err := b.syncSegment(s); err != nil {
			return err
		}
	}
}

// install makes a published segment the present one. Segments that begin where it begins, or later, are
// no part of the log any more.
func (b *FileBackend) install(s *segment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old := b.cur
	b.cur = s
	b.unsynced = append(b.unsynced, s)
	if old != nil && old.synced == old.last {
		b.leave(old)
	}
	b.segs = slices.DeleteFunc(b.segs, func(o *segment) bool { return o.first >= s.first })
	b.segs = append(b.segs, s)
}

// Trim forgets whole segments with entries up to an LSN, but never the last one. Their files become
// spares where they are of use.
func (b *FileBackend) Trim(upTo LSN) error {
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	b.mu.Lock()
	upTo = min(upTo, b.marks.Durable)
	n := 0
	for n+1 < len(b.segs) && b.segs[n+1].first-1 <= upTo {
		n++
	}
	if n == 0 {
		b.mu.Unlock()
		return nil
	}
	old, first := slices.Clone(b.segs[:n]), b.segs[n].first
	b.mu.Unlock()
	if err := b.editManifest(func(m *manifest) {
		m.First = max(m.First, first)
		m.Cuts = slices.DeleteFunc(m.Cuts, func(c cut) bool { return c.After < first })
	}); err != nil {
		return err
	}
	b.mu.Lock()
	b.segs = slices.DeleteFunc(b.segs, func(s *segment) bool { return s.first < first })
	b.mu.Unlock()
	return b.recycle(old)
}

// recycle makes spares of files that the log does not need any more, or removes them. spareMu must be held.
func (b *FileBackend) recycle(old []*segment) error {
	size, _ := b.sizes()
	var fresh []spare
	var errs []error
	for _, s := range old {
		if s.size != size || len(b.spares)+len(fresh) >= b.o.Preallocate {
			errs = append(errs, b.fs.Remove(s.name))
			continue
		}
		sp := spare{b.spareName(), s.size}
		if err := b.fs.Rename(s.name, sp.name); err != nil {
			errs = append(errs, err)
			continue
		}
		fresh = append(fresh, sp)
	}
	// Only with its new name durable may the content of a file change.
	if err := b.fs.SyncDir(walDir); err != nil {
		return errors.Join(append(errs, err)...)
	}
	b.spares = append(b.spares, fresh...)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("wal: recycling segments: %w", err)
	}
	return nil
}

// findSpares takes over the spares of an earlier run, and removes what such a run left unfinished.
func (b *FileBackend) findSpares(names []string) error {
	for _, base := range names {
		name := walDir + "/" + base
		switch {
		case strings.HasSuffix(base, tempSuffix):
			if err := b.fs.Remove(name); err != nil {
				return err
			}
		case strings.HasPrefix(base, sparePrefix):
			var num int
			if _, err := fmt.Sscanf(base, sparePrefix+"%d"+segSuffix, &num); err == nil {
				b.spareNum = max(b.spareNum, num)
			}
			size, err := fileSize(b.fs, name)
			if err != nil {
				return err
			}
			b.spares = append(b.spares, spare{name, size})
		}
	}
	for len(b.spares) > b.o.Preallocate {
		if err := b.fs.Remove(b.spares[0].name); err != nil {
			return err
		}
		b.spares = b.spares[1:]
	}
	return nil
}

func fileSize(fsys vfs.FS, name string) (int64, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}
