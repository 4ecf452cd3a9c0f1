package waltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/wal"
)

// patience is how long a mark may take that a backend moves by itself.
const patience = 10 * time.Second

// log is what a backend must hold, and the backend.
type log struct {
	testing.TB
	s     Store
	b     wal.Backend
	moved chan struct{} // of one element: a mark has been told

	want  []string // effects, the first has LSN 1
	bases []wal.LSN
	first wal.LSN
	marks wal.Marks
	kept  []wal.Frame // those that are not durable, and others
	lives int
	info  wal.Info
}

// open opens the store and checks that it holds what it must.
func open(tb testing.TB, s Store) *log {
	tb.Helper()
	l := &log{TB: tb, s: s, first: 1}
	l.open()
	l.check(0)
	return l
}

func (l *log) open() {
	l.Helper()
	l.lives++
	l.b, l.moved = l.s.Backend(), make(chan struct{}, 1)
	moved := l.moved
	info, err := l.b.Open(context.Background(), func(wal.Marks, error) {
		select {
		case moved <- struct{}{}:
		default:
		}
	})
	if err != nil {
		l.Fatalf("Open: %v", err)
	}
	l.info = info
	l.must(l.b.Prepare(1))
}

// check compares what the opened store holds with what was written; at least up to an LSN it must be there.
func (l *log) check(least wal.LSN) {
	l.Helper()
	last := wal.LSN(len(l.want))
	switch info := l.info; {
	case info.First < 1 || info.First > info.Last+1:
		l.Fatalf("opened with LSN %d to %d", info.First, info.Last)
	case info.First > l.first:
		l.Fatalf("the log begins with LSN %d; it was trimmed up to %d only", info.First, l.first-1)
	case info.Last > last:
		l.Fatalf("the log ends with LSN %d; only %d were appended", info.Last, last)
	case info.Last < least:
		l.Fatalf("the log ends with LSN %d; up to %d it was durable", info.Last, least)
	case info.Last < last && !slices.Contains(l.bases, info.Last+1):
		l.Fatalf("the log ends with LSN %d, within a frame", info.Last)
	}
	l.want = l.want[:l.info.Last]
	l.bases = slices.DeleteFunc(l.bases, func(b wal.LSN) bool { return b > l.info.Last })
	l.marks, l.kept = wal.Marks{Written: l.info.Last, Durable: l.info.Last}, nil
	l.readFrom(l.info.First)
}

// reopen closes the store, opens it and checks it.
func (l *log) reopen(clean bool) {
	l.Helper()
	l.must(l.b.Close(clean))
	least := l.marks.Written // nothing but a power cut takes it back
	l.open()
	l.check(least)
}

// crash cuts the power, opens the store and checks it.
func (l *log) crash(rng *rand.Rand) {
	l.Helper()
	l.s.(Crasher).Crash(rng)
	least := l.marks.Durable
	l.open()
	l.check(least)
}

func (l *log) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// frame makes the next frame, of groups of one or two entries, and notes it.
func (l *log) frame(groups, size int) wal.Frame {
	base := wal.LSN(len(l.want)) + 1
	l.bases = append(l.bases, base)
	var all [][]wal.Entry
	for i := range groups {
		var g []wal.Entry
		for range 1 + i%2 {
			effect := fmt.Sprintf("%d/%d/%s", l.lives, len(l.want)+1, strings.Repeat("x", size))
			g = append(g, wal.Entry{Slot: uint16(len(l.want)), DB: uint16(i), Effect: []byte(effect)})
			l.want = append(l.want, effect)
		}
		all = append(all, g)
	}
	f := wal.NewFrame(base, l.marks.Durable, int64(base)*1000, all...)
	l.kept = append(l.kept, f)
	return f
}

// give gives frames to the backend, as wal.Log does.
func (l *log) give(fs []wal.Frame, sync bool) error {
	l.Helper()
	m, err := l.b.Append(fs, sync)
	if errors.Is(err, wal.ErrRotate) {
		r, ok := l.b.(wal.Rotator)
		if !ok {
			l.Fatal("ErrRotate of a backend without Rotate")
		}
		if err = r.Rotate(); err == nil {
			m, err = l.b.Append(fs, sync)
		}
	}
	if err == nil {
		l.take(m)
	}
	return err
}

// append appends frames that must be taken.
func (l *log) append(sync bool, fs ...wal.Frame) {
	l.Helper()
	if err := l.give(fs, sync); err != nil {
		l.Fatalf("Append: %v", err)
	}
	if last := fs[len(fs)-1].Last(); sync {
		l.durable(last)
	}
}

// take takes marks over.
func (l *log) take(m wal.Marks) {
	l.Helper()
	switch {
	case m.Durable > m.Written || m.Written > wal.LSN(len(l.want)):
		l.Fatalf("marks %+v of a log of %d entries", m, len(l.want))
	case m.Written < l.marks.Written || m.Durable < l.marks.Durable:
		l.Fatalf("marks went back from %+v to %+v", l.marks, m)
	}
	l.marks = m
	l.kept = slices.DeleteFunc(l.kept, func(f wal.Frame) bool { return f.Last() <= m.Durable })
}

// durable waits until an LSN is.
func (l *log) durable(lsn wal.LSN) {
	l.Helper()
	late := time.After(patience)
	for l.marks.Durable < lsn {
		m, err := l.b.Sync()
		l.must(err)
		if l.take(m); l.marks.Durable >= lsn {
			return
		}
		select {
		case <-l.moved:
		case <-late:
			l.Fatalf("LSN %d does not become durable; the marks are %+v", lsn, l.marks)
		}
	}
}

// readFrom reads from an LSN to the end and checks all frames.
func (l *log) readFrom(from wal.LSN) {
	l.Helper()
	next := wal.LSN(0)
	err := l.b.Read(from, func(f wal.Frame) error {
		if next == 0 {
			if next = f.Base; f.Base > from || f.Last() < from {
				return fmt.Errorf("read from LSN %d: the first frame has %d to %d", from, f.Base, f.Last())
			}
		}
		if f.Base != next {
			return fmt.Errorf("read: LSN %d behind %d", f.Base, next-1)
		}
		err := l.same(&f)
		next = f.Last() + 1
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	if last := wal.LSN(len(l.want)); from <= last && next != last+1 {
		l.Fatalf("read from LSN %d: it ends with %d of %d", from, next-1, last)
	}
}

// same compares a frame with what was appended.
func (l *log) same(f *wal.Frame) error {
	if f.Millis() != int64(f.Base)*1000 || !slices.Contains(l.bases, f.Base) {
		return fmt.Errorf("the frame of LSN %d is another one", f.Base)
	}
	lsn := f.Base
	return f.Groups(func(first wal.LSN, g []wal.Entry) error {
		for _, e := range g {
			if int(lsn) > len(l.want) || !bytes.Equal(e.Effect, []byte(l.want[lsn-1])) {
				return fmt.Errorf("LSN %d is %.40q", lsn, e.Effect)
			}
			if e.Slot != uint16(lsn-1) {
				return fmt.Errorf("LSN %d has slot %d", lsn, e.Slot)
			}
			lsn++
		}
		return nil
	})
}
