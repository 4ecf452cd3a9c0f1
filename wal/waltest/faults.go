package waltest

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/reredis/reredis/wal"
)

// rounds is how often a rule with chance in it tries.
const rounds = 60

func crasher(tb testing.TB, s Store) Crasher {
	tb.Helper()
	c, ok := s.(Crasher)
	if !ok {
		tb.Skip("the store can not cut its power (waltest.Crasher)")
	}
	return c
}

func failer(tb testing.TB, s Store) Failer {
	tb.Helper()
	f, ok := s.(Failer)
	if !ok {
		tb.Skip("the store can not be made to fail (waltest.Failer)")
	}
	return f
}

func crash(tb testing.TB, s Store) {
	crasher(tb, s)
	l := open(tb, s)
	rng := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		for range rng.IntN(12) {
			fs := []wal.Frame{l.frame(1+rng.IntN(3), rng.IntN(300))}
			if rng.IntN(3) == 0 {
				fs = append(fs, l.frame(1, rng.IntN(2000)))
			}
			l.append(rng.IntN(2) == 0, fs...)
			if rng.IntN(5) == 0 {
				l.durable(wal.LSN(len(l.want)))
			}
		}
		l.crash(rng)
		if rng.IntN(3) == 0 { // a start changes nothing that a second one would notice
			l.crash(rng)
		}
	}
	l.must(l.b.Close(true))
}

func crashTruncate(tb testing.TB, s Store) {
	crasher(tb, s)
	l := open(tb, s)
	rng := rand.New(rand.NewPCG(2, 1))
	for range rounds {
		for range 3 + rng.IntN(5) {
			l.append(rng.IntN(2) == 0, l.frame(1+rng.IntN(3), rng.IntN(300)))
		}
		l.cut(len(l.bases) - 1 - rng.IntN(3))
		if rng.IntN(2) == 0 {
			l.append(false, l.frame(1, rng.IntN(300)))
		}
		l.crash(rng)
	}
	l.must(l.b.Close(true))
}

// crashSnapshot needs a Failer to stop a snapshot anywhere.
func crashSnapshot(tb testing.TB, s Store) {
	crasher(tb, s)
	f := failer(tb, s)
	l := open(tb, s)
	rng := rand.New(rand.NewPCG(3, 1))
	l.append(true, l.frame(2, 20))
	have := []snap{l.snapshot(2)}
	for at := 1; ; at++ {
		l.append(true, l.frame(2, 20))
		f.Fail(at, syscall.EIO)
		made, err := l.try(3 + at)
		failed := f.Failed()
		f.Fail(0, nil)
		if err == nil {
			have = append(have, made)
		}
		l.crash(rng)
		if n := len(have); err != nil && len(l.info.Snapshots) == n+1 { // published all the same
			made = snap{info: l.info.Snapshots[n], keys: map[string]bool{}}
			if verr := wal.Verify(context.Background(), l.b, made.info.ID); verr != nil {
				tb.Fatalf("a snapshot is known that is not whole: %v", verr)
			}
			l.must(l.b.DropSnapshot(made.info.ID))
			l.info.Snapshots = l.info.Snapshots[:n]
		}
		l.snapshots(have...)
		if !failed {
			break
		}
	}
	l.must(l.b.Close(true))
}

// failures lets each operation of a small history fail once.
func failures(tb testing.TB, s Store) {
	f := failer(tb, s)
	l := open(tb, s)
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for at := 1; at < rounds; at++ {
			f.Fail(at, cause)
			for i := range 4 {
				l.insist(i%2 == 0, []wal.Frame{l.frame(2, 400), l.frame(1, 100)})
			}
			_ = l.b.Prepare(1) // it may say so or try again
			if _, err := l.b.Sync(); err != nil {
				l.mend(err)
			}
			f.Fail(0, nil)
			l.readFrom(l.info.First)
			if at%5 == 0 {
				l.reopen(at%2 == 0)
			}
		}
	}
	l.must(l.b.Close(true))
}

// insist gives frames until they are taken.
func (l *log) insist(sync bool, fs []wal.Frame) {
	l.Helper()
	err := l.give(fs, sync)
	for try := 0; err != nil; try++ {
		if try == 5 {
			l.Fatalf("one fault, and the same frames are refused again and again: %v", err)
		}
		l.mend(err)
		if l.marks.Written >= fs[len(fs)-1].Last() {
			return
		}
		err = l.give(fs, sync)
	}
}

// mend goes on after an error, in another place if a sync has failed.
func (l *log) mend(err error) {
	l.Helper()
	failed := (*wal.SyncError)(nil)
	if !errors.As(err, &failed) {
		return
	}
	r, ok := l.b.(wal.Rehomer)
	if !ok {
		l.Fatal("a *SyncError of a backend without Rehome")
	}
	for range 3 {
		var m wal.Marks
		if m, err = r.Rehome(slices.Clone(l.kept)); err == nil {
			l.take(m)
			return
		}
	}
	l.Fatalf("one fault, and Rehome goes on failing: %v", err)
}

// failedSync cuts the power after a sync that failed, with nothing done about it.
func failedSync(tb testing.TB, s Store) {
	crasher(tb, s)
	f := failer(tb, s)
	rng := rand.New(rand.NewPCG(4, 1))
	l := open(tb, s)
	for range rounds {
		l.append(true, l.frame(1, 50))
		l.append(false, l.frame(1, 300), l.frame(2, 700))
		f.Fail(1, syscall.EIO)
		_, err := l.b.Sync()
		if f.Failed() && err == nil {
			tb.Fatal("a sync failed, and Sync says nothing")
		}
		f.Fail(0, nil)
		for range 2 { // however often it is asked
			if m, err := l.b.Sync(); err == nil {
				l.take(m)
			}
		}
		l.crash(rng)
	}
	l.must(l.b.Close(true))
}
