package waltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/wal"
)

func empty(tb testing.TB, s Store) {
	l := open(tb, s)
	if i := l.info; i.First != 1 || i.Last != 0 || len(i.Snapshots) > 0 {
		tb.Fatalf("%+v", i)
	}
	l.reopen(true)
	if i := l.info; i.First != 1 || i.Last != 0 {
		tb.Fatalf("opened a second time: %+v", i)
	}
	l.must(l.b.Close(true))
}

func frames(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(1, 10))
	l.append(false, l.frame(4, 0), l.frame(2, 300), l.frame(1, 5))
	l.append(true, l.frame(7, 50))
	for from := range len(l.want) {
		l.readFrom(wal.LSN(from + 1))
	}
	l.readFrom(wal.LSN(len(l.want) + 1)) // nothing
	f := l.frame(3, 20)
	given := append([]byte{}, f.Bytes...)
	l.append(true, f)
	err := l.b.Read(f.Base, func(got wal.Frame) error {
		if string(got.Entries()) != string(given[wal.FrameHeader:]) || got.Count != f.Count || got.Durable() != f.Durable() {
			return fmt.Errorf("LSN %d to %d came back changed", got.Base, got.Last())
		}
		return nil
	})
	l.must(err)
	l.must(l.b.Close(true))
}

func readError(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(1, 10), l.frame(1, 10), l.frame(1, 10))
	mine, calls := errors.New("enough"), 0
	err := l.b.Read(1, func(wal.Frame) error { calls++; return mine })
	if !errors.Is(err, mine) || calls != 1 {
		tb.Fatalf("%v after %d calls", err, calls)
	}
	l.must(l.b.Close(true))
}

func marks(tb testing.TB, s Store) {
	l := open(tb, s)
	for i := range 30 {
		f := l.frame(2, 100)
		l.append(i%3 == 0, f)
		if i%3 == 1 {
			l.durable(f.Last())
		}
	}
	m, err := l.b.Sync()
	l.must(err)
	l.take(m)
	l.durable(wal.LSN(len(l.want)))
	l.must(l.b.Close(true))
}

func order(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(2, 10))
	last := wal.LSN(len(l.want))
	for _, base := range []wal.LSN{last, last + 2} {
		f := wal.NewFrame(base, 0, 1, []wal.Entry{{Effect: []byte("astray")}})
		if _, err := l.b.Append([]wal.Frame{f}, true); err == nil {
			tb.Fatalf("a frame of LSN %d was taken behind LSN %d", base, last)
		}
	}
	l.readFrom(1)
	l.append(true, l.frame(1, 10))
	l.reopen(false)
	l.must(l.b.Close(true))
}

func reopen(tb testing.TB, s Store) {
	l := open(tb, s)
	for i := range 6 {
		l.append(true, l.frame(3, 100))
		l.append(false, l.frame(1, 10), l.frame(2, 10))
		l.reopen(i%2 == 0)
	}
	l.must(l.b.Close(true))
}

func large(tb testing.TB, s Store) {
	l := open(tb, s)
	for _, size := range []int{100, 3 << 20, 10, 200 << 10} {
		l.append(true, l.frame(1, size))
		l.must(l.b.Prepare(int64(size)))
	}
	for range 100 {
		l.append(false, l.frame(1, 1000), l.frame(1, 3000))
	}
	l.readFrom(1)
	l.reopen(true)
	l.append(true, l.frame(1, 10))
	l.readFrom(3)
	l.must(l.b.Close(true))
}

// enough is how often something is done beside something else.
const enough = 5

func beside(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(1, 10))
	var all sync.WaitGroup
	stop := make(chan struct{})
	run := func(f func() error) *atomic.Int64 {
		times := new(atomic.Int64)
		all.Go(func() {
			for ; ; times.Add(1) {
				select {
				case <-stop:
					return
				default:
				}
				if err := f(); err != nil {
					tb.Error(err)
					times.Store(enough)
					return
				}
			}
		})
		return times
	}
	syncs := run(func() error { _, err := l.b.Sync(); return err })
	b := l.b
	reads := run(func() error {
		next := wal.LSN(1)
		err := b.Read(1, func(f wal.Frame) error {
			if f.Base != next {
				return fmt.Errorf("read: LSN %d behind %d", f.Base, next-1)
			}
			next = f.Last() + 1
			return f.Groups(func(wal.LSN, []wal.Entry) error { return nil })
		})
		return err
	})
	for i := 0; i < 100 || i < 5000 && min(syncs.Load(), reads.Load()) < enough; i++ {
		l.append(i%10 == 0, l.frame(2, 50))
		runtime.Gosched() // with one processor the others need their turn
	}
	close(stop)
	all.Wait()
	l.reopen(true)
	l.must(l.b.Close(true))
}

func trim(tb testing.TB, s Store) {
	l := open(tb, s)
	for round := range 4 {
		for range 30 {
			l.append(true, l.frame(2, 200))
		}
		upTo := l.bases[len(l.bases)-2] - 1
		l.must(l.b.Trim(upTo))
		l.first = upTo + 1
		l.readFrom(upTo + 1)
		seen := wal.LSN(0)
		err := l.b.Read(1, func(f wal.Frame) error {
			if seen == 0 && f.Base != 1 {
				return fmt.Errorf("read from LSN 1 begins with %d", f.Base)
			}
			seen = f.Last()
			return nil
		})
		if err != nil && !errors.Is(err, wal.ErrTrimmed) || err == nil && seen != wal.LSN(len(l.want)) {
			tb.Fatalf("a read of what was trimmed ends with LSN %d: %v", seen, err)
		}
		l.reopen(round%2 == 0)
	}
	l.must(l.b.Trim(wal.LSN(len(l.want))))
	l.first = wal.LSN(len(l.want)) + 1
	l.append(true, l.frame(1, 10))
	l.reopen(true)
	if l.info.Last != wal.LSN(len(l.want)) {
		tb.Fatalf("everything was trimmed, and LSN %d is the last one of %d", l.info.Last, len(l.want))
	}
	l.must(l.b.Close(true))
}

// cut truncates the log behind its frame number n.
func (l *log) cut(n int) {
	l.Helper()
	after := l.bases[n] - 1
	if err := l.b.Truncate(after); err != nil {
		l.Fatalf("Truncate: %v", err)
	}
	l.want, l.bases = l.want[:after], l.bases[:n]
	l.marks, l.kept = wal.Marks{Written: after, Durable: after}, nil
	l.lives++ // what comes has another content
}

func truncate(tb testing.TB, s Store) {
	l := open(tb, s)
	for round := range 3 {
		for range 20 {
			l.append(round == 1, l.frame(2, 150))
		}
		l.cut(len(l.bases) - 7)
		l.readFrom(1)
		if round > 0 {
			l.reopen(round == 1)
		}
		l.append(true, l.frame(3, 150))
		l.readFrom(1)
		l.reopen(round == 0)
	}
	l.must(l.b.Close(true))
}

func lock(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(1, 10))
	second := s.Backend()
	if _, err := second.Open(context.Background(), func(wal.Marks, error) {}); err == nil {
		tb.Fatal("two backends have the store open")
	}
	l.append(true, l.frame(1, 10)) // the first one does not mind
	l.reopen(true)
	l.must(l.b.Close(true))
}

func snapshot(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(9, 30))
	a := l.snapshot(5)
	l.append(true, l.frame(9, 30))
	b := l.snapshot(900)
	for range 2 {
		l.snapshots(a, b)
		l.reopen(true)
	}
	l.must(l.b.Close(true))
}

func abort(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(9, 30))
	a := l.snapshot(5)
	id := a.info.ID + 1
	w, err := l.b.NewSnapshot(wal.SnapHeader{ID: id, MinL: 1})
	l.must(err)
	if _, err := l.b.OpenSnapshot(id); err == nil {
		tb.Fatal("a snapshot that is being written can be read")
	}
	l.must(w.Abort())
	l.snapshots(a)
	w, err = l.b.NewSnapshot(wal.SnapHeader{ID: id + 1, MinL: 1})
	l.must(err)
	l.reopen(false) // without Abort
	l.snapshots(a)
	_ = w.Abort() // the backend is closed: it may fail
	l.snapshots(a)
	if r, err := l.b.OpenSnapshot(id + 1); err == nil {
		l.must(r.Close())
		tb.Fatal("a snapshot that was not published can be read")
	}
	l.must(l.b.Close(true))
}

func drop(tb testing.TB, s Store) {
	l := open(tb, s)
	l.append(true, l.frame(9, 30))
	a := l.snapshot(5)
	l.append(true, l.frame(9, 30))
	b := l.snapshot(6)
	l.must(l.b.DropSnapshot(a.info.ID))
	if r, err := l.b.OpenSnapshot(a.info.ID); err == nil {
		l.must(r.Close())
		tb.Fatal("a dropped snapshot can be read")
	}
	l.reopen(true)
	l.snapshots(b)
	l.must(l.b.Close(true))
}

// isEnd says whether a snapshot has been read.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
