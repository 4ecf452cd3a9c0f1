package wal

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/reredis/reredis/internal/vfs"
)

// Inspection is what a data directory holds. It was made without changing anything, and holds the directory's lock
// unless InUse says who has it.
type Inspection struct {
	InUse string // the process that writes the log just now, "" if none: then the end may look torn

	First    LSN // of the log; entries before it may be gone
	Last     LSN // of its good part
	Durable  LSN // up to here it is known to have been durable
	CleanEnd LSN // not 0: the log was closed with this LSN
	Epoch    uint64

	Segments  []SegmentInfo
	Useless   []string // files of segments that hold nothing of the log any more
	Snapshots []SnapInfo
	Off       bool  // the log was turned off with its last entry; what a snapshot needed meanwhile is in Useless
	TornBytes int64 // of an unfinished end
	// Problem is why the server would not start: a *CorruptError, for instance. What is before it can be read.
	Problem error
	// Older is what is wrong with entries that the newest snapshot holds too.
	Older error

	b    *FileBackend
	lock io.Closer
}

// SegmentInfo is a segment of the log.
type SegmentInfo struct {
	File        string
	ID          uint32
	Epoch       uint64
	First, Last LSN // Last is First-1 if it is empty
	Size, Used  int64
	Created     int64 // unix ms
}

// Inspect looks at a data directory: at all of the log, from the first entry on. The error is one of reading; damage is
// Problem. The Inspection has to be closed.
func Inspect(fs vfs.FS) (*Inspection, error) {
	m, err := readManifest(fs)
	if err != nil {
		return nil, err
	}
	in := &Inspection{First: m.First, Durable: m.Proven, CleanEnd: m.CleanEnd, Snapshots: m.Snapshots, Off: m.Off != nil, b: NewFileBackend(fs, FileOptions{})}
	var locked *vfs.LockedError
	if in.lock, err = fs.Lock(LockName); errors.As(err, &locked) {
		in.InUse = locked.Owner
		if in.InUse == "" {
			in.InUse = "another process"
		}
	} else if err != nil {
		return nil, err
	}
	if err := in.look(m); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// look makes the survey: first of what the server needs, then of what is older.
func (in *Inspection) look(m *manifest) error {
	in.Last = m.First - 1
	in.b.manifest = m
	v, err := in.b.survey(m, m.snapshotEnd()+1, noLimit)
	if err == nil {
		err = in.b.judge(v)
	}
	if in.Problem = err; err != nil && !errors.Is(err, ErrCorrupt) {
		return err
	}
	if v == nil {
		return nil
	}
	in.Last, in.Durable, in.TornBytes, in.Useless = max(v.end.next, v.need)-1, max(in.Durable, v.proof), v.torn, v.useless
	in.b.marks = Marks{Written: in.Last, Durable: in.Last}
	if m.First <= m.snapshotEnd() && len(v.segs) > 0 {
		old, err := in.b.survey(m, m.First, m.snapshotEnd())
		if err != nil {
			return err
		}
		if old.end.next <= m.snapshotEnd() {
			in.Older = fmt.Errorf("LSN %d to %d can not be read (%s, offset %d: %s); they would be needed only if the newest snapshot were lost",
				old.end.next, m.snapshotEnd(), old.end.file(old), old.end.off, old.end.why)
		}
		for i := range old.end.at + 1 {
			if s := v.segs[i]; s.first <= m.snapshotEnd() && s.end == s.size {
				s.segment = old.segs[i].segment
			}
		}
	}
	for _, s := range v.segs {
		in.Epoch = max(in.Epoch, s.epoch)
		in.b.segs = append(in.b.segs, s.segment)
		in.Segments = append(in.Segments, SegmentInfo{
			File: s.name, ID: s.id, Epoch: s.epoch, First: s.first, Last: s.last, Size: s.size, Used: s.end, Created: s.created,
		})
	}
	return nil
}

// Entries calls fn for the entries of the good part from an LSN on, with the time of their batch in unix ms. The effect is
// valid during the call. An error of fn ends it and is returned.
func (in *Inspection) Entries(from LSN, fn func(lsn LSN, millis int64, e Entry) error) error {
	return in.b.Read(max(from, in.First), func(f Frame) error {
		return f.Groups(func(first LSN, g []Entry) error {
			for i, e := range g {
				if lsn := first + LSN(i); lsn >= from {
					if err := fn(lsn, f.Millis(), e); err != nil {
						return err
					}
				}
			}
			return nil
		})
	})
}

// Verify reads a snapshot as a whole.
func (in *Inspection) Verify(ctx context.Context, id SnapID) error { return Verify(ctx, in.b, id) }

// Close gives the lock back.
func (in *Inspection) Close() error {
	if in.lock == nil {
		return nil
	}
	return in.lock.Close()
}

// String is a segment in one line.
func (s SegmentInfo) String() string {
	if s.Last < s.First {
		return fmt.Sprintf("%s: id %d, empty, begins with LSN %d", s.File, s.ID, s.First)
	}
	return fmt.Sprintf("%s: id %d, LSN %d to %d, %d of %d bytes", s.File, s.ID, s.First, s.Last, s.Used, s.Size)
}
