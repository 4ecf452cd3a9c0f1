package wal

import (
	"errors"
	"fmt"

	"github.com/reredis/reredis/internal/vfs"
)

// Repair makes the log end with an LSN, which ends a group: what follows, good or damaged, is given up, and its
// files are kept beside under names that end in .torn. It is for a log that Open refuses. No entry that a snapshot
// holds can be given up, and nothing changes if the log is damaged before the cut.
func Repair(fs vfs.FS, o FileOptions, cutAt LSN) (Info, error) {
	b := NewFileBackend(fs, o)
	m, err := readManifest(fs)
	if err != nil {
		return Info{}, err
	}
	if err := b.acquire(); err != nil {
		return Info{}, err
	}
	info, err := b.repair(m, cutAt)
	if err != nil {
		return Info{}, errors.Join(err, b.release())
	}
	return info, b.Close(true)
}

func (b *FileBackend) repair(m *manifest, cutAt LSN) (Info, error) {
	switch {
	case cutAt+1 < m.First:
		return Info{}, fmt.Errorf("wal: LSN %d is before the log, which begins with %d", cutAt, m.First)
	case cutAt < m.snapshotEnd():
		return Info{}, fmt.Errorf("wal: a snapshot holds the entries up to LSN %d, so the log can not end with %d", m.snapshotEnd(), cutAt)
	}
	v, err := b.survey(m, m.snapshotEnd()+1, cutAt)
	if err != nil {
		return Info{}, err
	}
	last := max(v.end.next, v.need) - 1
	if last < cutAt {
		return Info{}, fmt.Errorf("wal: the log is good up to LSN %d only (%s, offset %d: %s), so it can not end with %d",
			last, v.end.file(v), v.end.off, v.end.why, cutAt)
	}
	if err := b.endsGroup(v, cutAt); err != nil {
		return Info{}, err
	}
	kept, err := b.cutTail(v)
	if err != nil {
		return Info{}, err
	}
	if v.end.at >= 0 {
		v.segs[v.end.at].limit = v.end.next - 1
	}
	b.manifest = m.clone()
	b.manifest.Proven = min(m.Proven, last)
	if err := b.settle(v); err != nil {
		return Info{}, err
	}
	if err := b.adopt(v); err != nil {
		return Info{}, err
	}
	if err := b.Truncate(cutAt); err != nil {
		return Info{}, err
	}
	return Info{First: m.First, Last: b.Marks().Written, Epoch: b.epoch, Snapshots: m.Snapshots, TornKept: kept}, nil
}

// endsGroup checks that an LSN, which the good part of the log holds, ends a group.
func (b *FileBackend) endsGroup(v *survey, lsn LSN) error {
	if v.end.next == lsn+1 || v.end.at < 0 {
		return nil // frames end groups
	}
	s := v.segs[v.end.at]
	file, err := b.fs.Open(s.name)
	if err != nil {
		return err
	}
	defer file.Close()
	p := s.before(lsn)
	w := walk{b: b, s: s.segment, file: file, off: p.off, next: p.base, end: s.end}
	for w.next <= lsn {
		fs, why, err := w.chunk()
		if err != nil {
			return err
		}
		for i := range fs {
			if f := &fs[i]; f.Base <= lsn && lsn < f.Last() {
				_, err := f.head(int(lsn - f.Base + 1))
				return err
			}
		}
		if why != "" && w.next <= lsn {
			return &CorruptError{File: s.name, Offset: w.off, First: w.next, Last: lsn, Why: why}
		}
	}
	return nil
}
