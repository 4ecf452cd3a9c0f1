package keyspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// walked is what Walk emitted.
type walked []Range

func walkAll(tb testing.TB, t *Tx, mark func() uint64) (all walked) {
	tb.Helper()
	if mark == nil {
		mark = func() uint64 { return 0 }
	}
	if err := t.Walk(context.Background(), mark, func(r *Range) error {
		c := *r
		c.Data = bytes.Clone(r.Data)
		all = append(all, c)
		return nil
	}); err != nil {
		tb.Fatal(err)
	}
	all.whole(tb, t.s)
	return all
}

// whole checks that every fragment of every slot is in exactly one Range, in order.
func (all walked) whole(tb testing.TB, s *Space) {
	tb.Helper()
	next := uint64(0) // db, slot and fragment
	const slots = Slots << 32
	for i := range all {
		r := &all[i]
		at := uint64(r.DB)*slots + uint64(r.Slot)<<32 + uint64(r.Lo)
		end := at - uint64(r.Lo) + uint64(r.Hi) + 1
		if r.Slot == AllSlots {
			at = uint64(r.DB) * slots
			end = at + slots
		}
		if at != next {
			tb.Fatalf("K8: range %d begins at db %d slot %d fragment %#x", i, r.DB, r.Slot, r.Lo)
		}
		next = end
	}
	if next != uint64(s.Databases())*slots {
		tb.Fatalf("K8: the walk ends at %#x", next)
	}
}

// load applies Ranges by several goroutines.
func (all walked) load(tb testing.TB, s *Space, workers int) {
	tb.Helper()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			t := s.NewTx()
			for i := range all {
				if r := &all[i]; int(r.Slot)%workers == w || (w == 0 && r.Slot == AllSlots) {
					if err := t.ApplyRange(r); err != nil {
						tb.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if tb.Failed() {
		tb.FailNow()
	}
}

// TestWalkApplyK5K7: what a walk emits gives the same state in another Space, with
// expired keys and encodings, whatever the clock says there.
func TestWalkApplyK5K7(t *testing.T) {
	t.Parallel()
	for name, mode := range testModes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := seed(t)
			for range effort(4) {
				d := newDriver(t, randomBytes(r, 20_000), Options{Arena: mode, Stripes: 1 << r.IntN(4)})
				d.run(0)
				all := walkAll(t, d.tx, nil)
				to := newSpace(t, Options{Databases: driverDBs, Stripes: 1 << r.IntN(4), Arena: mode})
				to.SetMaxValue(16) // what is there was allowed once
				all.load(t, to, 1+r.IntN(3))
				checked(t, to)
				tx := to.NewTx()
				tx.Now = math.MaxInt64
				for db := range driverDBs {
					if got, want := dump(tx, db), dump(d.tx, db); !maps.Equal(got, want) {
						t.Fatalf("db %d: %d keys after the walk, want %d", db, len(got), len(want))
					}
				}
			}
		})
	}
}

// TestWalkBoundsK10: a Range is at most a segment, and ends at 256 KiB.
func TestWalkBoundsK10(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Databases: 2})
	tx := s.NewTx()
	val := bytes.Repeat([]byte{'v'}, 3000)
	for i := range 30_000 {
		n := 10
		if i%3 == 0 {
			n = 3000
		}
		set(t, tx, fmt.Sprintf("{hot}%d", i), string(val[:n]), NoTTL)
	}
	set(t, tx, "large", string(bytes.Repeat(val, 1000)), NoTTL)
	keys, ranges := 0, 0
	for _, r := range walkAll(t, tx, nil) {
		keys += r.Keys
		if r.Keys > 0 {
			ranges++
		}
		if r.Keys > maxGroups*groupWords {
			t.Errorf("%d keys under one hold", r.Keys)
		}
		if most := rangeBytes + 3100; len(r.Data) > most && r.Keys > 1 {
			t.Errorf("%d bytes under one hold", len(r.Data))
		}
	}
	if keys != 30_001 || ranges < 100 {
		t.Errorf("%d keys in %d ranges", keys, ranges)
	}
}

// TestWalkSwapped: a walk does not mix databases that were swapped meanwhile.
func TestWalkSwapped(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Databases: 2, Arena: Heap})
	tx, other := s.NewTx(), s.NewTx()
	set(t, tx, "a", "b", NoTTL)
	n := 0
	err := tx.Walk(context.Background(), func() uint64 { return 0 }, func(*Range) error {
		if n++; n == 100 {
			other.Exclusive(func() { other.SwapDB(0, 1) })
		}
		return nil
	})
	if !errors.Is(err, ErrSwapped) || n != 100 {
		t.Fatalf("%v after %d ranges", err, n)
	}
	walkAll(t, tx, nil)
}

// TestWalkWaitsForPhases: a walk waits while somebody has the keyspace to himself, and gives up when told.
func TestWalkWaitsForPhases(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Databases: 1, Arena: Heap})
	tx, other := s.NewTx(), s.NewTx()
	set(t, tx, "a", "b", NoTTL)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	other.Exclusive(func() {
		walkAll(t, other, nil) // its owner need not wait
		failed := make(chan error)
		go func() {
			failed <- tx.Walk(ctx, func() uint64 { return 0 }, func(*Range) error { return errors.New("emitted") })
		}()
		for waiting := false; !waiting; runtime.Gosched() {
			s.phase.mu.Lock()
			waiting = len(s.phase.waiters) > 0
			s.phase.mu.Unlock()
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	walkAll(t, tx, nil)
}

// ledger is a Sink for several goroutines that gives out LSNs.
type ledger struct {
	mu      sync.Mutex
	effects recorder
}

func (l *ledger) Effect(db int, slot uint16, argv [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.effects.Effect(db, slot, argv)
}

func (l *ledger) last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.effects.effects))
}

// TestWalkBesideK10 walks while others write, delete, expire and flush: the Ranges, and the
// effects behind each Range's mark, give the state at the end exactly.
func TestWalkBesideK10(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 3, Arena: Heap})
	l := &ledger{}
	fill := s.NewTx()
	fill.Sink = l
	for i := range 8000 {
		fill.DB = i % 2
		set(t, fill, fmt.Sprintf("{hot}%d", i), "0123456789", NoTTL)
	}
	const walks = 3
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for n := range 3 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 11))
			tx := s.NewTx()
			tx.Sink = l
			for {
				select {
				case <-stop:
					return
				default:
				}
				tx.Now++
				tx.DB = r.IntN(3)
				walkWriter(t, s, tx, r)
			}
		})
	}
	tx := s.NewTx()
	var all [walks]walked
	for i := range walks {
		all[i] = walkAll(t, tx, l.last)
	}
	close(stop)
	wg.Wait()
	checked(t, s)
	for i := range walks {
		to := newSpace(t, Options{Stripes: 2, Databases: 3, Arena: Heap})
		l.recover(t, to, all[i])
		checked(t, to)
		tx, from := to.NewTx(), s.NewTx()
		for db := range 3 {
			if got, want := dump(tx, db), dump(from, db); !maps.Equal(got, want) {
				t.Fatalf("walk %d db %d: %d keys, want %d", i, db, len(got), len(want))
			}
		}
	}
	t.Logf("%d effects", l.last())
}

func walkWriter(t *testing.T, s *Space, tx *Tx, r *rand.Rand) {
	key := fmt.Appendf(nil, "{hot}%d", r.IntN(16000))
	if r.IntN(3) == 0 {
		key = fmt.Appendf(nil, "key%d", r.IntN(5000))
	}
	switch n := r.IntN(1000); {
	case n < 600:
		retry(s, func() bool { return tx.LockKey(key) })
		ttl := NoTTL
		if n < 100 {
			ttl = At(tx.Now + int64(r.IntN(200)))
		}
		if err := tx.SetBytes(key, key[:r.IntN(len(key))], ttl); err != nil {
			t.Error(err)
		}
		tx.Unlock()
	case n < 700:
		retry(s, func() bool { return tx.LockKey(key) })
		if _, err := tx.Append(key, []byte("+")); err != nil {
			t.Error(err)
		}
		tx.Unlock()
	case n < 940:
		retry(s, func() bool { return tx.LockKey(key) })
		tx.Delete(key)
		tx.Unlock()
	case n < 998:
		s.Tick(tx, 0, 1, time.Millisecond)
	case r.IntN(8) > 0:
	default:
		retry(s, func() bool {
			return tx.Exclusive(func() {
				if r.IntN(2) == 0 {
					tx.FlushDB()
				} else {
					tx.FlushAll()
				}
			})
		})
	}
}

// recover does what package wal does with Ranges and a log, simply.
func (l *ledger) recover(tb testing.TB, to *Space, all walked) {
	tb.Helper()
	flushed := make([]uint64, to.Databases()) // LSN of the last flush up to the last mark
	last := uint64(0)
	for i := range all {
		last = max(last, all[i].Mark)
	}
	for i, e := range l.effects.effects[:last] {
		if e.slot != BarrierSlot {
			continue
		}
		for db := range flushed {
			if db == e.db || string(e.argv[0]) == "FLUSHALL" {
				flushed[db] = uint64(i + 1)
			}
		}
	}
	marks := make([]map[uint16]walked, to.Databases())
	kept := make(walked, 0, len(all))
	for i := range all {
		r := all[i]
		if r.Mark < flushed[r.DB] {
			r.Mark, r.Keys, r.Data = flushed[r.DB], 0, nil
		}
		if marks[r.DB] == nil {
			marks[r.DB] = map[uint16]walked{}
		}
		marks[r.DB][r.Slot] = append(marks[r.DB][r.Slot], r)
		kept = append(kept, r)
	}
	kept.load(tb, to, 2)
	tx := to.NewTx()
	for i, e := range l.effects.effects {
		lsn := uint64(i + 1)
		var effect []byte
		effect = fmt.Appendf(effect, "*%d\r\n", len(e.argv))
		for _, a := range e.argv {
			effect = appendWord(effect, a)
		}
		if lsn <= last {
			if e.slot == BarrierSlot {
				continue
			}
			ranges := marks[e.db][e.slot]
			if len(ranges) == 0 {
				ranges = marks[e.db][AllSlots]
			}
			frag := tx.Fragment(effect)
			at, _ := slices.BinarySearchFunc(ranges, frag, func(r Range, frag uint32) int {
				if r.Hi < frag {
					return -1
				}
				return 1
			})
			if lsn <= ranges[at].Mark {
				continue
			}
		}
		if err := tx.ApplyEntry(e.db, e.slot, effect); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestApplyRefuses: what is no Range or no effect is an error, not a panic.
func TestApplyRefuses(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Databases: 2, Arena: Heap})
	tx := s.NewTx()
	set(t, tx, "foo", "bar", At(5))
	slot := Slot([]byte("foo"))
	var good Range
	for _, r := range walkAll(t, tx, nil) {
		if r.Keys > 0 {
			good = r
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for i := range 20_000 {
		bad := good
		bad.Data = bytes.Clone(good.Data)
		if bad.Data = bad.Data[:r.IntN(len(bad.Data)+1)]; len(bad.Data) > 0 && i%2 == 0 {
			bad.Data = bytes.Clone(good.Data)
			bad.Data[r.IntN(len(bad.Data))] ^= 1 << r.IntN(8)
		}
		to := s
		_ = to.NewTx().ApplyRange(&bad)
		_ = tx.ApplyEntry(0, slot, bad.Data)
	}
	for _, e := range []string{
		"", "*", "*1\r\n", "*0\r\n", "*1\r\n$3\r\nDEL", "*-1\r\n", "*2\r\n$3\r\nDEL\r\n$9\r\nfoo\r\n",
		"*2\r\n$3\r\nDEL\r\n$3\r\nfoo\r\n+", "*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n", "*99999999999999999999\r\n",
	} {
		if err := tx.ApplyEntry(0, slot, []byte(e)); !errors.Is(err, ErrEffect) {
			t.Errorf("%q: %v", e, err)
		}
	}
	if err := tx.ApplyEntry(0, slot^1, []byte("*2\r\n$3\r\nDEL\r\n$3\r\nfoo\r\n")); !errors.Is(err, ErrEffect) {
		t.Error(err)
	}
	if err := tx.ApplyEntry(2, slot, []byte("*2\r\n$3\r\nDEL\r\n$3\r\nfoo\r\n")); !errors.Is(err, ErrEffect) {
		t.Error(err)
	}
	checked(t, s)
}

func BenchmarkWalk(b *testing.B) {
	const n = 1_000_000
	s := filled(b, n)
	t := s.NewTx()
	b.ReportAllocs()
	for b.Loop() {
		keys, size := 0, 0
		if err := t.Walk(context.Background(), func() uint64 { return 0 }, func(r *Range) error {
			keys += r.Keys
			size += len(r.Data)
			return nil
		}); err != nil || keys != n {
			b.Fatal(keys, err)
		}
		b.SetBytes(int64(size))
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "keys/s")
}

func BenchmarkApply(b *testing.B) {
	const n = 1_000_000
	from := filled(b, n)
	tx := from.NewTx()
	all := walkAll(b, tx, nil)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("ranges/%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				s, err := New(Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				all.load(b, s, workers)
				b.StopTimer()
				if got := s.NewTx().Count(); got != n {
					b.Fatal(got)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "keys/s")
		})
		b.Run(fmt.Sprintf("effects/%d", workers), func(b *testing.B) {
			type effect struct {
				slot uint16
				b    []byte
			}
			effects := make([]effect, n)
			r := rand.New(rand.NewPCG(1, 2))
			for i, k := range r.Perm(n) {
				key := make([]byte, 16)
				benchKey(key, k)
				e := []byte("*3\r\n$3\r\nSET\r\n")
				effects[i] = effect{Slot(key), appendWord(appendWord(e, key), bytes.Repeat([]byte{'x'}, 64))}
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				s, err := New(Options{})
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				var wg sync.WaitGroup
				for w := range workers {
					wg.Go(func() {
						t := s.NewTx()
						for i := range effects {
							if e := &effects[i]; int(e.slot)%workers == w {
								if err := t.ApplyEntry(0, e.slot, e.b); err != nil {
									b.Error(err)
									return
								}
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "keys/s")
		})
	}
}
