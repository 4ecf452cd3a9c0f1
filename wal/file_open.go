package wal

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/reredis/reredis/internal/vfs"
)

// open does what Open does once it has the lock.
func (b *FileBackend) open() (Info, error) {
	m, err := b.firstManifest()
	if err != nil {
		return Info{}, err
	}
	b.manifest = m
	v, err := b.survey(m, m.snapshotEnd()+1, noLimit)
	if err != nil {
		return Info{}, err
	}
	if err := b.judge(v); err != nil {
		return Info{}, err
	}
	if v.torn > 0 && b.o.RefuseTorn {
		return Info{}, &TornError{File: v.end.file(v), Offset: v.end.off, After: v.end.next - 1, Bytes: v.torn, Why: v.end.why}
	}
	kept, err := b.cutTail(v)
	if err != nil {
		return Info{}, fmt.Errorf("wal: cutting off a torn tail: %w", err)
	}
	if err := b.settle(v); err != nil {
		return Info{}, fmt.Errorf("wal: making the end of the log durable: %w", err)
	}
	if err := b.adopt(v); err != nil {
		return Info{}, err
	}
	if err := b.sweepSnapshots(); err != nil {
		return Info{}, fmt.Errorf("wal: removing what is left of unfinished snapshots: %w", err)
	}
	info := b.Info()
	info.TornBytes, info.TornKept = v.torn, kept
	return info, nil
}

// Info tells what the backend holds now.
func (b *FileBackend) Info() Info {
	b.manifestMu.Lock()
	m := b.manifest
	b.manifestMu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	info := Info{
		First: max(m.snapshotEnd()+1, m.First, 1), Last: b.marks.Written,
		Epoch: b.epoch, Snapshots: slices.Clone(m.Snapshots), Base: m.Base, Off: m.Off != nil,
	}
	if m.Off != nil {
		info.Last = m.Off.Last
	}
	if len(b.segs) > 0 {
		info.First = min(info.First, max(m.First, b.segs[0].first))
	}
	return info
}

// firstManifest reads the MANIFEST, and makes one in a directory that has never been used.
func (b *FileBackend) firstManifest() (*manifest, error) {
	m, err := readManifest(b.fs)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	for _, dir := range []string{walDir, snapDir} {
		names, err := b.fs.List(dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if _, ok := parseSegName(name); ok || dir == snapDir {
				return nil, fmt.Errorf("%w: %s/%s is there, but no %s: restore it, or the whole directory, from a backup", ErrCorrupt, dir, name, manifestName)
			}
		}
	}
	m = &manifest{First: 1}
	return m, writeManifest(b.fs, m)
}

// cutTail takes what follows the end out of the log, and keeps its bytes beside. In the segment itself they stay: it is
// cut, by the MANIFEST, and the log goes on in another. (To overwrite them with zeros is not safe: if that fails to
// sync, the next process sees zeros, and the one after a power cut the old bytes.) What it has not finished when the power
// goes, the next start does.
func (b *FileBackend) cutTail(v *survey) (kept []string, err error) {
	later := slices.Clone(v.bad)
	for _, s := range slices.Backward(v.segs[v.end.at+1:]) {
		later = append(later, s.name)
	}
	for _, old := range later {
		name, err := b.freeName(old)
		if err != nil {
			return nil, err
		}
		if err := b.fs.Rename(old, name); err != nil {
			return nil, err
		}
		kept = append(kept, name)
	}
	v.segs = v.segs[:v.end.at+1]
	if len(kept) > 0 {
		if err := b.fs.SyncDir(walDir); err != nil {
			return nil, err
		}
	}
	if v.end.at < 0 || b.broken.noCut {
		return kept, nil
	}
	s := v.segs[v.end.at]
	rel, err := b.relics(s, v.end.off, v.end.next)
	if err != nil || rel.end == v.end.off {
		return kept, err
	}
	name, err := b.keep(s.segment, v.end.off, rel.end)
	if err != nil {
		return nil, err
	}
	s.limit = v.end.next - 1
	return append(kept, name), nil
}

// freeName returns a name for what is kept of a file.
func (b *FileBackend) freeName(name string) (string, error) {
	for i := 1; ; i++ {
		free := name + tornSuffix
		if i > 1 {
			free = fmt.Sprintf("%s.%d%s", name, i, tornSuffix)
		}
		f, err := b.fs.Open(free)
		if errors.Is(err, fs.ErrNotExist) {
			return free, nil
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return "", err
		}
	}
}

// keep copies a part of a segment to a file beside.
func (b *FileBackend) keep(s *segment, from, to int64) (string, error) {
	name, err := b.freeName(fmt.Sprintf("%s.%d", s.name, from))
	if err != nil {
		return "", err
	}
	f, err := b.fs.Open(s.name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	buf := make([]byte, to-from)
	if err := readFull(f, buf, from); err != nil {
		return "", err
	}
	if err := vfs.WriteFile(b.fs, name, buf); err != nil {
		return "", err
	}
	return name, b.fs.SyncDir(walDir)
}

// settle makes durable the frames of which nothing proves that they are. They are written again, not only
// synced: a sync may have failed in an earlier process, and then the system shows them but will not write them (W8).
func (b *FileBackend) settle(v *survey) error {
	if b.broken.noSettle {
		return nil
	}
	for _, s := range v.segs {
		if s.last <= v.proof || s.last < s.first {
			continue
		}
		if err := b.rewrite(s.segment, v.proof+1); err != nil {
			return err
		}
	}
	return b.fs.SyncDir(walDir)
}

// rewrite writes the frames of a segment from an LSN on once more, and syncs them.
func (b *FileBackend) rewrite(s *segment, from LSN) error {
	f, err := b.fs.Open(s.name)
	if err != nil {
		return err
	}
	p := s.before(from)
	w := walk{b: b, s: s, file: f, off: p.off, next: p.base, end: s.end}
	for w.off < s.end && err == nil {
		err = w.rewriteChunk(f, from)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (w *walk) rewriteChunk(f vfs.File, from LSN) error {
	off := w.off
	fs, why, err := w.chunk()
	if err != nil {
		return err
	}
	for _, fr := range fs {
		if fr.Last() >= from {
			if _, err := f.WriteAt(fr.Bytes, off); err != nil {
				return err
			}
		}
		off += int64(len(fr.Bytes))
	}
	if why != "" && w.off < w.end {
		return &CorruptError{File: w.s.name, Offset: w.off, First: w.next, Last: w.s.last, Why: why + " (it was good a moment ago)"}
	}
	return nil
}

// adopt makes what the survey found the state of the backend, and notes in the MANIFEST that it is durable.
func (b *FileBackend) adopt(v *survey) error {
	if err := b.findSpares(v.names); err != nil {
		return err
	}
	last := max(v.end.next, v.need) - 1
	b.mu.Lock()
	b.nextID, b.marks = v.nextID, Marks{Written: last, Durable: last}
	for _, s := range v.segs {
		s.synced, s.left = s.last, true
		b.segs = append(b.segs, s.segment)
		b.epoch = max(b.epoch, s.epoch)
	}
	for _, e := range v.m.Epochs {
		b.epoch = max(b.epoch, e.Epoch)
	}
	b.mu.Unlock()
	if n := len(v.segs); n > 0 {
		if s := v.segs[n-1]; s.limit == noLimit && s.last == last && s.end+FrameHeader < s.size {
			f, err := b.fs.Open(s.name)
			if err != nil {
				return err
			}
			s.file, s.left = f, false
			b.cur, b.unsynced = s.segment, []*segment{s.segment}
		}
	}
	err := b.editManifest(func(m *manifest) {
		m.CleanEnd = 0
		m.Cuts = slices.DeleteFunc(m.Cuts, func(c cut) bool {
			return len(v.useless) == 0 && (c.After >= last || !slices.ContainsFunc(v.segs, func(s *found) bool { return s.id < c.Below }))
		})
		if n := len(v.segs); n > 0 && v.segs[n-1].limit != noLimit {
			m.Cuts = append(m.Cuts, cut{last, v.nextID})
		}
	})
	if err != nil {
		return err
	}
	for _, name := range v.useless { // as a durable MANIFEST says now
		if err := b.fs.Remove(name); err != nil {
			return err
		}
	}
	if len(v.useless) > 0 { // a later MANIFEST may not say so any more
		return b.fs.SyncDir(walDir)
	}
	return nil
}
