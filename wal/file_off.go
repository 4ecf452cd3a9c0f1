package wal

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A log can be turned off and on again. While it is off the MANIFEST says where it ended, and what is on disk stays what
// it was, until a snapshot is published that takes the place of all that was before. To make one beside writes, entries
// are appended meanwhile, to segments that are no part of the log (logOff.Spool): the snapshot contains what it needs of
// them. A log that is turned on begins in the same way; with the first snapshot, in one edit of the MANIFEST, its
// segments become the log. So there is one state on disk at any time, and never a log with a gap.

// errUnsynced is returned by Suspend for a log whose end is not durable.
var errUnsynced = errors.New("wal: the end of the log is not durable")

// Suspend ends the log with its last entry, which is durable. What is appended from now on is no part of it; Discard
// forgets that, and Adopt keeps it. It may be called when the log is off already, or after an error again; after an error
// nothing may be appended before it has succeeded.
func (b *FileBackend) Suspend() error {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	if b.off() != nil {
		return b.settleManifest()
	}
	b.mu.Lock()
	off := logOff{Last: b.marks.Durable, Spool: b.nextID}
	if b.failed != nil || b.marks.Written != b.marks.Durable {
		b.mu.Unlock()
		return errUnsynced
	}
	for _, s := range slices.Clone(b.unsynced) {
		b.leave(s)
	}
	b.cur = nil
	b.mu.Unlock()
	return b.editManifest(func(m *manifest) { m.Off, m.CleanEnd = &off, off.Last })
}

// settleManifest makes certain which MANIFEST is in the directory.
func (b *FileBackend) settleManifest() error {
	b.manifestMu.Lock()
	unsure := b.unsure
	b.manifestMu.Unlock()
	if !unsure {
		return nil
	}
	return b.editManifest(func(*manifest) {})
}

// off tells whether the log is off.
func (b *FileBackend) off() *logOff {
	b.manifestMu.Lock()
	defer b.manifestMu.Unlock()
	return b.manifest.Off
}

// Adopt says whether the next snapshot that is published turns the log on, with what was appended since Suspend.
func (b *FileBackend) Adopt(on bool) {
	b.manifestMu.Lock()
	defer b.manifestMu.Unlock()
	b.adopting = on
}

// Continue turns the log on where it ended. The data is what is stored, and nothing has been appended since Open.
func (b *FileBackend) Continue() error {
	if b.off() == nil {
		return nil
	}
	return b.editManifest(func(m *manifest) { m.Off = nil })
}

// Discard forgets what was appended while the log is off, also what failed, and goes on behind an LSN that is larger
// than all of those.
func (b *FileBackend) Discard(last LSN) error {
	b.appendMu.Lock()
	defer b.appendMu.Unlock()
	b.spareMu.Lock()
	defer b.spareMu.Unlock()
	b.manifestMu.Lock()
	off, first := b.manifest.Off, b.manifest.First
	b.manifestMu.Unlock()
	if off == nil {
		return errors.New("wal: the log is on: nothing of it can be discarded")
	}
	settled := b.settleManifest() // it may name what was appended
	b.mu.Lock()
	failed := b.failed != nil
	for _, s := range slices.Clone(b.unsynced) {
		b.leave(s)
	}
	var gone []*segment
	b.segs = slices.DeleteFunc(b.segs, func(s *segment) bool {
		if s.id < off.Spool && s.last >= first {
			return false
		}
		gone = append(gone, s)
		return true
	})
	b.cur, b.want, b.failed = nil, 0, nil
	b.marks = Marks{Written: last, Durable: last}
	b.mu.Unlock()
	if settled != nil {
		return settled // then the files stay
	}
	if !failed {
		return b.recycle(gone)
	}
	var errs []error
	for _, s := range gone {
		errs = append(errs, b.fs.Remove(s.name)) // never trusted again (W8)
	}
	return errors.Join(append(errs, b.fs.SyncDir(walDir))...)
}

// publishSnapshot makes the MANIFEST name a snapshot whose file is durable. If the log is off, the snapshot takes the
// place of all that was before, so it is read back first.
func (b *FileBackend) publishSnapshot(info SnapInfo) error {
	off := b.off() != nil
	if off {
		if err := Verify(context.Background(), b, info.ID); err != nil {
			return fmt.Errorf("wal: reading back a new snapshot: %w", errors.Join(err, b.removeIfThere(snapName(info.ID))))
		}
	}
	return b.editManifest(func(m *manifest) {
		m.Snapshots = append(m.Snapshots, info)
		if !off {
			return
		}
		m.First, m.Base = info.MaxL+1, info.ID
		if b.adopting {
			m.Cuts = append(m.Cuts, cut{After: m.Off.Last, Below: m.Off.Spool})
			m.Off, m.CleanEnd = nil, 0
			return
		}
		m.Off.Last, m.CleanEnd = info.MaxL, info.MaxL
	})
}
