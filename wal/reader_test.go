package wal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

// runLog runs a log on files with small segments.
func runLog(t *testing.T, o Options) (*Log, *FileBackend, func()) {
	t.Helper()
	b, info := openFiles(t, memfs.New(1), FileOptions{})
	o.Databases = 1
	l := New(o, b, info)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop := func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return l, b, stop
}

// writeAll writes entries of their own groups and waits for each.
func writeAll(t *testing.T, l *Log, from, to int) {
	t.Helper()
	for _, e := range numbers(from, to) {
		if err := l.Wait(l.Append([]Entry{entry(1, e)}), nil); err != nil {
			t.Fatal(err)
		}
	}
}

// mustRead reads up to an LSN and checks what comes.
func mustRead(t *testing.T, r *Reader, from, to int) {
	t.Helper()
	want := numbers(from, to)
	for len(want) > 0 {
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = b.Groups(func(first LSN, g []Entry) error {
			if string(g[0].Effect) != want[0] {
				return fmt.Errorf("LSN %d is %q, not %q", first, g[0].Effect, want[0])
			}
			want = want[1:]
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func openReader(t *testing.T, l *Log, o ReaderOptions) *Reader {
	t.Helper()
	r, err := l.Reader(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestReaderFromSegmentsAndMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, stop := runLog(t, Options{})
		defer stop()
		writeAll(t, l, 1, 200) // several segments, nothing in memory
		old := openReader(t, l, ReaderOptions{From: 1})
		from := openReader(t, l, ReaderOptions{From: 150})
		now := openReader(t, l, ReaderOptions{})
		mustRead(t, old, 1, 200)
		writeAll(t, l, 201, 260)
		mustRead(t, old, 201, 260)
		mustRead(t, from, 150, 260)
		mustRead(t, now, 201, 260)
		now.Seek(10)
		mustRead(t, now, 10, 260)
		if got := l.Readers(); len(got) != 3 || got[0].Next != 201 && got[0].Next > 261 {
			t.Errorf("%+v", got)
		}
	})
}

// TestReaderWaits: a reader at the end sleeps until it is told, by what ends the wait.
func TestReaderWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _, stop := runLog(t, Options{})
		r := openReader(t, l, ReaderOptions{})
		type result struct {
			b   Batch
			err error
		}
		got := make(chan result, 1)
		next := func(ctx context.Context) {
			go func() {
				b, err := r.Next(ctx)
				got <- result{b, err}
			}()
			synctest.Wait()
			select {
			case res := <-got:
				t.Fatalf("nothing was there: %+v", res)
			default:
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		next(ctx)
		cancel()
		if res := <-got; !errors.Is(res.err, context.Canceled) {
			t.Error(res.err)
		}
		next(t.Context())
		writeAll(t, l, 1, 1)
		if res := <-got; res.err != nil || res.b.First != 1 || res.b.Millis == 0 {
			t.Errorf("%+v", res)
		}
		next(t.Context())
		r.Close()
		if res := <-got; !errors.Is(res.err, ErrClosed) {
			t.Error(res.err)
		}
		r = openReader(t, l, ReaderOptions{})
		next(t.Context())
		l.Append([]Entry{entry(1, numbers(2, 2)[0])}) // the log's last commit writes it
		stop()
		if res := <-got; res.err != nil || res.b.First != 2 {
			t.Errorf("%+v", res)
		}
		if _, err := r.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		old := &Reader{l: l, next: 1, closed: make(chan struct{}), bell: make(chan struct{}, 1)}
		if _, err := old.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("the log is closed: %v", err)
		}
	})
}

// TestReaderLevels: nothing is given before it is as safe as the reader wants it.
func TestReaderLevels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &tape{gate: make(chan struct{})}
		l, _ := start(t, b, Options{Policy: EverySec})
		at := map[Level]LSN{}
		for _, level := range []Level{Acknowledged, Durable, Written} {
			r := openReader(t, l, ReaderOptions{Level: level})
			go func() {
				for {
					got, err := r.Next(t.Context())
					if err != nil {
						return
					}
					at[level] = got.Last()
				}
			}()
		}
		l.SetCommit(0)
		expect := func(acknowledged, durable, written LSN) {
			t.Helper()
			synctest.Wait()
			if at[Acknowledged] != acknowledged || at[Durable] != durable || at[Written] != written {
				t.Errorf("%v", at)
			}
		}
		w := l.Register(func() {})
		l.Append([]Entry{entry(1, "a")})
		expect(0, 0, 0)
		l.Append([]Entry{entry(1, "b"), entry(2, "c")})
		l.Append([]Entry{entry(1, "d")})
		w.Commit(4)
		expect(0, 0, 4)
		l.SetCommit(2) // within a group
		expect(1, 0, 4)
		l.SetCommit(3)
		expect(3, 0, 4)
		close(b.gate)
		if err := l.WaitDurable(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		expect(3, 4, 4)
		l.SetCommit(9)
		expect(4, 4, 4)
	})
}

// TestW10Retention: a trim passes no reader within its bound, and goes on when the reader has.
func TestW10Retention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, b, stop := runLog(t, Options{})
		defer stop()
		l.readers.window = 1
		writeAll(t, l, 1, 200)
		all := openReader(t, l, ReaderOptions{From: 1, Retain: HoldAll, Name: "all"})
		some := openReader(t, l, ReaderOptions{From: 1, Retain: 2000, Name: "some"})
		none := openReader(t, l, ReaderOptions{From: 1, Name: "none"})
		first := func() LSN {
			b.mu.Lock()
			defer b.mu.Unlock()
			return b.segs[0].first
		}
		trim := func(upTo LSN) {
			t.Helper()
			if err := l.Trim(upTo); err != nil {
				t.Fatal(err)
			}
		}
		trim(190)
		if first() != 1 {
			t.Fatalf("the log begins with LSN %d, but a reader holds all of it", first())
		}
		mustRead(t, all, 1, 200)
		mustRead(t, all, 1, 0)
		all.Seek(180) // it holds from there on
		s := syncer{l: l}
		s.trim() // as Run does from time to time
		if n := first(); n <= 100 || n > 180 {
			t.Errorf("the log begins with LSN %d", n)
		}
		for _, r := range []*Reader{some, none} {
			if _, err := r.Next(t.Context()); !errors.Is(err, ErrTrimmed) || !strings.Contains(err.Error(), r.o.Name) {
				t.Errorf("%s: %v", r.o.Name, err)
			}
		}
		if n := l.Stats().LostReaders; n != 2 {
			t.Errorf("%d readers lost their place", n)
		}
		if _, err := l.Reader(ReaderOptions{From: 1}); !errors.Is(err, ErrTrimmed) {
			t.Error(err)
		}
		mustRead(t, all, 180, 200)
		near := openReader(t, l, ReaderOptions{From: 195, Retain: 20000})
		all.Close()
		writeAll(t, l, 201, 300)
		trim(300)
		if n := first(); n > 195 {
			t.Errorf("LSN 195 is held, but the log begins with LSN %d", n)
		}
		mustRead(t, near, 195, 300)
		near.Seek(196)
		l.st.refuse(stateNoSegment, syscall.ENOSPC) // the disk is full: writers come first
		s.trim()
		if n := first(); n <= 196 {
			t.Errorf("the log begins with LSN %d still", n)
		}
		l.st.clear(stateNoSegment)
	})
}

// TestReaderCostsNothingUnused: who appends and commits pays for readers only while there is one.
func TestReaderCostsNothingUnused(t *testing.T) {
	l := New(Options{Policy: No, Now: func() int64 { return 0 }}, &sink{}, Info{First: 1})
	w := l.Register(func() {})
	group := []Entry{entry(1, "abc")}
	if n := testing.AllocsPerRun(200, func() { w.Commit(l.Append(group)) }); n > 1 { // the list of batches
		t.Errorf("%v allocations", n)
	}
	r := openReader(t, l, ReaderOptions{})
	if n := testing.AllocsPerRun(200, func() { w.Commit(l.Append(group)) }); n > 2 {
		t.Errorf("%v allocations beside a reader", n)
	}
	r.Close()
	if l.readers.feed.Load() != nil {
		t.Error("there is a window for nobody")
	}
}

// TestWindow: what is in memory has no gaps, is found by any of its LSNs, and goes oldest first.
func TestWindow(t *testing.T) {
	w := window{limit: 1000}
	w.add([]Frame{frameOf(5, 0, "a", "b"), frameOf(7, 0, "c")})
	w.add([]Frame{frameOf(5, 0, "a", "b"), frameOf(7, 0, "c"), frameOf(8, 0, "d")}) // two of them once more
	for lsn, want := range map[LSN]LSN{4: 0, 5: 5, 6: 5, 7: 7, 8: 8, 9: 0} {
		var first LSN
		if got := w.take(nil, lsn); len(got) > 0 {
			first = got[0].First
		}
		if first != want {
			t.Errorf("LSN %d: the batch of LSN %d", lsn, first)
		}
	}
	w.add([]Frame{frameOf(10, 0, "x")})
	if len(w.take(nil, 8)) > 0 || len(w.take(nil, 10)) != 1 {
		t.Error("a gap is in the window")
	}
	for lsn := LSN(11); lsn < 100; lsn++ {
		w.add([]Frame{frameOf(lsn, 0, strings.Repeat("x", 100))})
	}
	if n := len(w.pieces); len(w.take(nil, 11)) > 0 || len(w.take(nil, 99)) != 1 || w.bytes > 2000 || n > 3 {
		t.Errorf("%d pieces, %d bytes", n, w.bytes)
	}
}
