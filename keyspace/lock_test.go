package keyspace

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// countSink is a Sink that only counts.
type countSink struct{ n int }

func (c *countSink) Effect(int, uint16, [][]byte) { c.n++ }

// retry calls lock until it succeeds, waiting for the end of phases as a loop
// does that parks a command.
func retry(s *Space, lock func() bool) {
	for !lock() {
		opened := make(chan struct{})
		if s.Opened(func() { close(opened) }) {
			<-opened
		} else {
			runtime.Gosched()
		}
	}
}

// watch fails the test if done is not closed in time. It is for the detection of deadlocks only.
func watch(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		buf := make([]byte, 1<<20)
		t.Fatalf("deadlock:\n%s", buf[:runtime.Stack(buf, true)])
	}
}

// TestRace proves K1 under the race detector (heap mode): goroutines set, get,
// delete, scan, expire and flush at once, beside readers that take no lock.
func TestRace(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 3, Arena: Heap})
	const workers = 8
	steps := 4000
	if testing.Short() {
		steps = 1000
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 7))
			tx := s.NewTx()
			tx.Sink = &countSink{}
			for i := range steps {
				tx.Now++
				tx.DB = r.IntN(3)
				worker(t, s, tx, r, i)
			}
		})
	}
	stop := make(chan struct{})
	readers := make(chan struct{})
	go func() {
		defer close(readers)
		tx := s.NewTx()
		for {
			select {
			case <-stop:
				return
			default:
				st := s.Stats()
				if st.UsedMemory < 0 || st.Keys < 0 {
					t.Errorf("stats %+v", st)
				}
				s.UsedMemory()
				tx.Counts(1)
				runtime.Gosched()
			}
		}
	}()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(t, done)
	close(stop)
	watch(t, readers)
	checked(t, s)
}

func worker(t *testing.T, s *Space, tx *Tx, r *rand.Rand, i int) {
	key := fmt.Appendf(nil, "key%d", r.IntN(300))
	switch n := r.IntN(100); {
	case n < 40:
		retry(s, func() bool { return tx.LockKey(key) })
		defer tx.Unlock()
		ttl := NoTTL
		if n < 10 {
			ttl = At(tx.Now + int64(r.IntN(200)))
		}
		if err := tx.SetBytes(key, key[:r.IntN(len(key))], ttl); err != nil {
			t.Error(err)
		}
	case n < 60:
		retry(s, func() bool { return tx.LockKey(key) })
		defer tx.Unlock()
		if it, ok := tx.Look(key); ok {
			it.Bytes(make([]byte, 0, 20))
		}
	case n < 70:
		retry(s, func() bool { return tx.LockKey(key) })
		defer tx.Unlock()
		tx.Delete(key)
	case n < 85:
		keys := make([][]byte, 1+r.IntN(6))
		for j := range keys {
			keys[j] = fmt.Appendf(nil, "key%d", r.IntN(300))
		}
		retry(s, func() bool { return tx.LockKeys(keys) })
		defer tx.Unlock()
		for _, k := range keys {
			if _, err := tx.Append(k, k); err != nil {
				t.Error(err)
			}
		}
		if _, err := tx.Rename(keys[0], keys[len(keys)-1]); err != nil {
			t.Error(err)
		}
	case n < 92:
		for cursor := uint64(0); ; {
			next, err := tx.Scan(cursor, 20, AnySlot, func([]byte, Item) {})
			if err == nil {
				if cursor = next; cursor == 0 {
					break
				}
			}
		}
		if _, _, err := tx.RandomKey(nil); err != nil && !errors.Is(err, ErrExclusive) {
			t.Error(err)
		}
	case n < 98:
		s.Tick(tx, i%2, 2, time.Millisecond)
	default:
		retry(s, func() bool {
			return tx.Exclusive(func() {
				switch r.IntN(3) {
				case 0:
					tx.SwapDB(0, 1)
				case 1:
					tx.FlushDB()
				default:
					tx.FlushAll()
				}
			})
		})
	}
}

// TestFlushBeside: regions go from flushed arenas to others while their memory is
// given back by several goroutines; nobody ever reads another key's value.
func TestFlushBeside(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4})
	const workers = 4
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			tx := s.NewTx()
			val := make([]byte, 0, 8192)
			for i := range rounds * 100 {
				key := fmt.Appendf(nil, "key%d-%d", w, i%300)
				val = val[:0]
				for len(val) < 1+i*37%8000 {
					val = append(val, key...)
				}
				retry(s, func() bool { return tx.LockKey(key) })
				if it, ok := tx.Look(key); ok {
					if b := it.Bytes(nil); !bytes.HasPrefix(b, key) || !bytes.HasSuffix(b, key) {
						t.Errorf("%s has %.40q", key, b)
					}
				}
				if err := tx.SetBytes(key, val, NoTTL); err != nil {
					t.Error(err)
				}
				tx.Unlock()
				if i%5 == 0 {
					s.Tick(tx, w, workers, 100*time.Microsecond)
				}
				if i%100 == w*25 {
					retry(s, func() bool { return tx.Exclusive(tx.FlushAll) })
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(t, done)
	checked(t, s)
	tx := s.NewTx()
	tx.Exclusive(tx.FlushAll)
	for s.Tick(tx, 0, 1, time.Millisecond) {
	}
	if o := s.Stats(); o.MappedBytes != 0 || o.LazyFreePending != 0 {
		t.Errorf("%d bytes mapped, %d keys pending", o.MappedBytes, o.LazyFreePending)
	}
}

// TestFlushStorm: FLUSHALL of few keys, again and again without Tick between,
// takes no more memory than one.
func TestFlushStorm(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4})
	if s.src.heap {
		t.Skip("no mmap")
	}
	tx := s.NewTx()
	for range 200 {
		for i := range 50 {
			set(t, tx, fmt.Sprint("key", i), "value", NoTTL)
		}
		tx.Exclusive(tx.FlushAll)
		if o := s.Stats(); o.MappedBytes != 0 || o.LazyFreePending != 0 {
			t.Fatalf("%d bytes mapped, %d keys pending", o.MappedBytes, o.LazyFreePending)
		}
	}
	if n := len(s.src.ranges); n > 4 {
		t.Errorf("%d regions for four stripes", n)
	}
	if o := s.Stats(); o.LazyFreed != 200*50 {
		t.Errorf("%d keys were freed", o.LazyFreed)
	}
	checked(t, s)
}

// TestExclusiveTakesTurns proves K1 and that nobody starves: lockers of random
// stripe sets, ticks and walks beside a stream of exclusive requests, each with
// a fixed amount of work. An exclusive request sees nobody else at work.
func TestExclusiveTakesTurns(t *testing.T) {
	s := newSpace(t, Options{Stripes: 8, Arena: Heap})
	var inside atomic.Int32 // handlers at work
	var alone atomic.Bool
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			tx := s.NewTx()
			for range 3000 {
				keys := make([][]byte, 1+r.IntN(8))
				for j := range keys {
					keys[j] = fmt.Appendf(nil, "key%d", r.IntN(1000))
				}
				if len(keys) == 1 {
					retry(s, func() bool { return tx.LockKey(keys[0]) })
				} else {
					retry(s, func() bool { return tx.LockKeys(keys) })
				}
				inside.Add(1)
				if alone.Load() {
					t.Error("a handler runs in an exclusive phase (K1)")
				}
				inside.Add(-1)
				tx.Unlock()
				if r.IntN(50) == 0 {
					s.Tick(tx, 0, 1, 0)
					_, _ = tx.Scan(0, 10, AnySlot, func([]byte, Item) {})
				}
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			tx := s.NewTx()
			for range 2000 {
				retry(s, func() bool {
					return tx.Exclusive(func() {
						alone.Store(true)
						if inside.Load() != 0 {
							t.Error("an exclusive phase meets a handler (K1)")
						}
						alone.Store(false)
					})
				})
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(t, done)
}

// TestExclusiveDoesNotStarve: a command that waits for a phase runs although
// exclusive requests never stop until it has.
func TestExclusiveDoesNotStarve(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Arena: Heap})
	var served atomic.Bool
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			tx := s.NewTx()
			for !served.Load() {
				tx.Exclusive(func() {})
			}
		})
	}
	wg.Go(func() {
		defer served.Store(true)
		tx := s.NewTx()
		for range 200 {
			retry(s, func() bool { return tx.LockKey([]byte("k")) })
			tx.Unlock()
		}
	})
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(t, done)
}

// TestGraceEnds: after a phase that somebody waited for, and who then never
// comes back, an exclusive request gets its turn after a few refusals.
func TestGraceEnds(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Arena: Heap})
	tx, other := s.NewTx(), s.NewTx()
	woken := 0
	tx.Exclusive(func() {
		if other.LockKey([]byte("k")) {
			t.Fatal("locked in an exclusive phase (K1)")
		}
		if _, err := other.Scan(1<<40, 1, AnySlot, nil); err != nil {
			t.Fatal("an empty database needs no lock")
		}
		if other.Exclusive(func() {}) {
			t.Fatal("two exclusive phases")
		}
		for range 5 {
			if !s.Opened(func() { woken++ }) {
				t.Fatal("Opened: no phase is active")
			}
		}
	})
	if woken != 5 {
		t.Fatalf("%d of 5 woken", woken)
	}
	if s.Opened(func() {}) {
		t.Fatal("Opened: a phase is active")
	}
	refused := 0
	for !other.Exclusive(func() {}) {
		if refused++; refused > 10 {
			t.Fatal("exclusive requests are refused for ever")
		}
	}
	if refused == 0 {
		t.Fatal("the commands that waited had no turn")
	}
	if !other.LockKey([]byte("k")) {
		t.Fatal("not open")
	}
	other.Unlock()
}

// TestExclusiveReads: inside Exclusive the reads of the whole keyspace and all key methods work without locks.
func TestExclusiveReads(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Arena: Heap})
	tx := s.NewTx()
	for i := range 100 {
		set(t, tx, fmt.Sprint("k", i), "v", NoTTL)
	}
	ok := tx.Exclusive(func() {
		n := 0
		if err := tx.Keys(AnySlot, func([]byte, Item) { n++ }); err != nil || n != 100 {
			t.Errorf("%d keys, %v", n, err)
		}
		if _, ok, err := tx.RandomKey(nil); !ok || err != nil {
			t.Error(ok, err)
		}
		key := []byte("k1")
		if !tx.LockKey(key) {
			t.Error("LockKey fails inside Exclusive")
		}
		if _, ok := tx.Look(key); !ok {
			t.Error("a key is missing")
		}
		tx.Unlock()
		if s.Stats().Keys != 100 {
			t.Error("wrong Stats")
		}
	})
	if !ok {
		t.Fatal("refused")
	}
}
