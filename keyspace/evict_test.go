package keyspace

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var allPolicies = []Policy{
	NoEviction, AllKeysLRU, AllKeysLFU, AllKeysRandom, VolatileLRU, VolatileLFU, VolatileRandom, VolatileTTL,
}

// limited returns a Space whose limit is more bytes above what it uses when it
// holds the tables of databases 0 and 1.
func limited(t testing.TB, more int64, l Limit) (*Space, *Tx) {
	t.Helper()
	mode := Heap
	if debug {
		mode |= Poison | Canary | ViewCopy
	}
	s := newSpace(t, Options{Stripes: 4, Databases: 3, Arena: mode})
	tx := s.NewTx()
	for i := range 200 {
		for db := range 2 {
			tx.DB = db
			k := "warm:" + strconv.Itoa(i)
			set(t, tx, k, "x", At(tx.Now+1<<40))
			del(tx, k)
		}
	}
	tx.DB = 0
	l.Max = s.UsedMemory() + more
	s.SetLimit(l)
	return s, tx
}

func has(tx *Tx, key string) bool {
	k := []byte(key)
	tx.LockKey(k)
	defer tx.Unlock()
	_, ok := tx.Peek(k)
	return ok
}

// write is SET as the bus does it: room first, then the lock.
func write(s *Space, tx *Tx, key string, val []byte, ttl TTL) error {
	if err := s.MakeRoom(tx); err != nil {
		return err
	}
	k := []byte(key)
	tx.LockKey(k)
	defer tx.Unlock()
	return tx.SetBytes(k, val, ttl)
}

// TestMakeRoom proves K9 for each policy: a write finds room or is refused before
// it executes, the memory in use never exceeds the limit by more than one write,
// only keys that may go do, each with its effect (K5), and the hook is told.
func TestMakeRoom(t *testing.T) {
	for _, policy := range allPolicies {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			const room = 300 << 10
			s, tx := limited(t, room, Limit{Policy: policy, LFULogFactor: 10, LFUDecayMinutes: 1, Budget: time.Hour})
			sink := &recorder{}
			tx.Sink = sink
			told := map[string]bool{}
			s.OnRemoved(func(_ *Tx, db int, key []byte, why Removal) {
				if why != Evicted {
					t.Errorf("%q was removed for reason %d", key, why)
				}
				told[fmt.Sprintf("%d %s", db, key)] = true
			})
			r := rand.New(rand.NewPCG(uint64(policy), 1))
			kept := map[string]bool{} // "db key" of those without a deadline
			refused, stored := 0, 0
			for i := range 8000 {
				tx.DB, tx.Now = i&1, tx.Now+10
				key, ttl := fmt.Sprintf("k:%d", i), NoTTL
				if i%3 != 0 && (policy != VolatileLRU || i%30 == 1) { // volatile-lru draws from the wheel
					ttl = At(tx.Now + 1_000_000 + int64(r.IntN(1e6)))
				}
				if refused > 0 && ttl == NoTTL {
					continue
				}
				val := bytes.Repeat([]byte{'v'}, r.IntN(300))
				err := write(s, tx, key, val, ttl)
				switch {
				case errors.Is(err, ErrOOM):
					refused++
					if has(tx, key) {
						t.Fatal("a refused write was executed")
					}
				case err != nil:
					t.Fatal(err)
				default:
					stored++
					if ttl == NoTTL {
						kept[fmt.Sprintf("%d %s", tx.DB, key)] = true
					}
				}
				if used, most := s.used(), s.Limit().Max+16<<10; used > most {
					t.Fatalf("write %d: %d bytes are used, the limit is %d", i, used, s.Limit().Max)
				}
			}
			checked(t, s)
			st := s.Stats()
			switch {
			case policy == NoEviction && (refused == 0 || st.EvictedKeys > 0):
				t.Errorf("%d writes were refused, %d keys went", refused, st.EvictedKeys)
			case policy != NoEviction && (st.EvictedKeys == 0 || st.EvictedKeys != int64(len(told))):
				t.Errorf("%d keys went, %d were told", st.EvictedKeys, len(told))
			case !policy.volatile() && policy != NoEviction && refused > 0:
				t.Errorf("%d writes were refused", refused)
			case st.Keys+st.EvictedKeys != int64(stored):
				t.Errorf("%d keys stored, %d there, %d went", stored, st.Keys, st.EvictedKeys)
			}
			for k := range told {
				if policy.volatile() && kept[k] {
					t.Errorf("%s has no deadline and went", k)
				}
			}
			other := newSpace(t, Options{Databases: 3, Arena: Heap})
			to := other.NewTx()
			if err := sink.replay(to); err != nil {
				t.Fatal(err)
			}
			for db := range 2 {
				if !maps.Equal(dump(tx, db), dump(to, db)) {
					t.Errorf("database %d differs after the replay of the effects", db)
				}
			}
		})
	}
}

// TestMakeRoomRefuses: nothing may go, or nothing is left.
func TestMakeRoomRefuses(t *testing.T) {
	for _, policy := range allPolicies {
		s, tx := limited(t, 50<<10, Limit{Policy: policy, Budget: time.Hour})
		val := make([]byte, 1000)
		n := 0
		var err error
		for ; n < 1000 && err == nil; n++ {
			err = write(s, tx, fmt.Sprint(n), val, NoTTL)
		}
		if refuses := policy.volatile() || policy == NoEviction; refuses != errors.Is(err, ErrOOM) {
			t.Errorf("%s: after %d keys without deadline: %v", policy, n, err)
		}
		if policy.volatile() {
			for i := range 10 {
				set(t, tx, fmt.Sprintf("due:%d", i), strings.Repeat("x", 1000), At(tx.Now+int64(1000*i)+60_000))
			}
			if err := s.MakeRoom(tx); !errors.Is(err, ErrOOM) || s.Stats().EvictedKeys != 10 {
				t.Errorf("%s: %v, %d keys went of 10 that may", policy, err, s.Stats().EvictedKeys)
			}
		}
		tx.LockKey([]byte("held"))
		if err := s.MakeRoom(tx); err != nil {
			t.Errorf("%s: with a stripe held: %v", policy, err)
		}
		tx.Unlock()
		s.HideOnly(true)
		if err := s.MakeRoom(tx); err != nil {
			t.Errorf("%s: while keys may only be hidden: %v", policy, err)
		}
		s.HideOnly(false)
		s.SetLimit(Limit{Policy: policy})
		if err := s.MakeRoom(tx); err != nil {
			t.Errorf("%s: without a limit: %v", policy, err)
		}
		checked(t, s)
	}
}

// TestMakeRoomMapFailure: with memory that cannot be had now and then, a write
// still finds room, is refused or fails having changed nothing (K9, K4).
func TestMakeRoomMapFailure(t *testing.T) {
	for _, policy := range allPolicies {
		t.Run(policy.String(), func(t *testing.T) {
			t.Parallel()
			s, tx := limited(t, 6<<20, Limit{Policy: policy, Budget: time.Hour})
			r := rand.New(rand.NewPCG(uint64(policy), 2))
			failing := false
			s.src.failForTest = func() error {
				if failing = r.IntN(3) == 0; failing {
					return syscall.ENOMEM
				}
				return nil
			}
			sizes := []int{10, 1000, 5000, 100_000, 1 << 20, 3 << 20}
			for i := range 1500 {
				tx.Now += 100
				failing = false
				key, size := fmt.Sprintf("k:%d", r.IntN(200)), sizes[r.IntN(len(sizes))]
				keys, had := tx.Count(), has(tx, key)
				evicted := s.Stats().EvictedKeys
				err := write(s, tx, key, make([]byte, size), At(tx.Now+int64(1e6+r.IntN(1e6))))
				switch {
				case err == nil:
				case errors.Is(err, ErrOOM), errors.Is(err, syscall.ENOMEM) && failing:
					if gone := s.Stats().EvictedKeys - evicted; tx.Count() != keys-gone || !had && has(tx, key) {
						t.Fatalf("write %d of %d bytes failed (%v) and changed something", i, size, err)
					}
				default:
					t.Fatal(err)
				}
				if used := s.used(); used > s.Limit().Max+6<<20 {
					t.Fatalf("write %d: %d bytes are used, the limit is %d", i, used, s.Limit().Max)
				}
			}
			checked(t, s)
		})
	}
}

// ages returns the mean percentile of what goes first when keys were used, or are
// due, or are used so often, in the order of their numbers: 0 is perfect.
func ages(t *testing.T, policy Policy, samples, every int) float64 {
	t.Helper()
	keys := 20_000
	if every > 20 {
		keys = 4000
	}
	s := newSpace(t, Options{Stripes: 4, Arena: Heap})
	tx := s.NewTx()
	tx.Now = 1_700_000_000_000
	start := tx.Now
	for i := range keys {
		tx.Now = start + int64(i)*1000
		for j := range every {
			ttl := NoTTL
			if j == 0 {
				ttl = At(start + 1e9 + int64(i)*1000)
			}
			set(t, tx, fmt.Sprintf("%d:%d", i, j), "12345678901234567890", ttl)
		}
	}
	now := tx.Now + 1000
	if policy.LFU() {
		s.SetLimit(Limit{Policy: policy, LFULogFactor: 10})
		for i := range keys {
			k := fmt.Appendf(nil, "%d:0", i)
			tx.LockKey(k)
			tx.SetUse(k, -1, 1+i*250/keys)
			tx.Unlock()
		}
	}
	tx.Now = now
	sum, n := 0.0, 0
	s.OnRemoved(func(_ *Tx, _ int, key []byte, _ Removal) {
		number, _, _ := strings.Cut(string(key), ":")
		i, _ := strconv.Atoi(number)
		sum += float64(i) / float64(keys)
		n++
	})
	used := s.UsedMemory()
	s.SetLimit(Limit{Policy: policy, Max: used - int64(keys)*2, Samples: samples, LFULogFactor: 10, Budget: time.Hour})
	if err := s.MakeRoom(tx); err != nil {
		t.Fatal(err)
	}
	if n < keys/100 {
		t.Fatalf("%s: only %d keys went", policy, n)
	}
	return sum / float64(n)
}

// TestEvictionQuality: which keys go, as a mean percentile of their age. By lot it
// would be 0.5; the 16-entry pool of Redis gives 0.05 to 0.1 with 5 samples.
func TestEvictionQuality(t *testing.T) {
	for _, c := range []struct {
		policy  Policy
		samples int
		every   int // one of so many keys has a deadline
		most    float64
	}{
		{AllKeysLRU, 5, 1, 0.13},
		{AllKeysLRU, 10, 1, 0.09},
		{AllKeysLFU, 5, 1, 0.13},
		{VolatileLRU, 5, 2, 0.13},
		{VolatileLRU, 5, 20, 0.13},
		{VolatileLRU, 5, 80, 0.13}, // from the wheel
		{VolatileTTL, 5, 2, 0.13},
		{VolatileTTL, 5, 80, 0.13},
	} {
		got := ages(t, c.policy, c.samples, c.every)
		t.Logf("%s, %d samples, one of %d keys: %.3f", c.policy, c.samples, c.every, got)
		if got > c.most {
			t.Errorf("%s, %d samples, one of %d keys: mean age %.3f, want at most %.2f", c.policy, c.samples, c.every, got, c.most)
		}
	}
	for _, policy := range []Policy{AllKeysRandom, VolatileRandom} {
		if got := ages(t, policy, 5, 1); got < 0.4 || got > 0.6 {
			t.Errorf("%s: mean age %.3f is not random", policy, got)
		}
	}
}

// TestUsedLater: a candidate that was used after it was drawn does not go.
func TestUsedLater(t *testing.T) {
	s, tx := limited(t, 1<<20, Limit{Policy: AllKeysLRU})
	for i := range 100 {
		set(t, tx, fmt.Sprint(i), "v", NoTTL)
	}
	tx.Now += 100_000
	pool := tx.evictPool(s.limit.Load())
	for i := range s.stripes {
		st := &s.stripes[i]
		st.mu.Lock()
		tx.draw(st, 0, pool, 20)
		st.mu.Unlock()
	}
	for i := range 100 {
		k := []byte(fmt.Sprint(i))
		tx.LockKey(k)
		tx.Look(k)
		tx.Unlock()
	}
	for i := range pool.found {
		c := &pool.found[i]
		st := &s.stripes[uint16(c.order>>32)&s.mask]
		st.mu.Lock()
		if e := tx.evictKey(st, c, s.limit.Load()); e != missed {
			t.Errorf("candidate %d went", i)
		}
		st.mu.Unlock()
	}
	if n := tx.Count(); n != 100 {
		t.Errorf("%d keys are left of 100", n)
	}
}

// TestTickMakesRoom: a limit set below what is in use is reached in the
// background, and the time above it is counted.
func TestTickMakesRoom(t *testing.T) {
	s, tx := limited(t, 1<<30, Limit{Policy: AllKeysLRU})
	for i := range 20_000 {
		set(t, tx, fmt.Sprint(i), "0123456789", NoTTL)
	}
	l := s.Limit()
	l.Max = s.UsedMemory() - 200<<10
	s.SetLimit(l)
	ticks := 0
	for more := true; more; ticks++ {
		tx.Now += 8
		more = s.Tick(tx, 0, 1, 40*time.Microsecond)
	}
	tx.Now += 8
	s.Tick(tx, 0, 1, 0)
	if used := s.UsedMemory(); used > l.Max {
		t.Errorf("%d bytes are used, the limit is %d", used, l.Max)
	}
	st := s.Stats()
	if st.EvictedKeys == 0 || ticks < 2 {
		t.Errorf("%d keys went in %d ticks", st.EvictedKeys, ticks)
	}
	if st.ExceededNowMs != 0 || st.ExceededMs != int64(8*(ticks-1)) && st.ExceededMs != int64(8*ticks) {
		t.Errorf("above the limit for %d ms, now %d; there were %d ticks of 8 ms", st.ExceededMs, st.ExceededNowMs, ticks)
	}
	checked(t, s)
}

// TestEvictionBudget: one call stops when its time is up, and says that it is fine.
func TestEvictionBudget(t *testing.T) {
	s, tx := limited(t, 1<<30, Limit{Policy: AllKeysRandom})
	for i := range 5000 {
		set(t, tx, fmt.Sprint(i), "0123456789", NoTTL)
	}
	s.SetLimit(Limit{Policy: AllKeysRandom, Max: 1, Budget: 1})
	if err := s.MakeRoom(tx); err != nil {
		t.Fatal(err)
	}
	if n := s.Stats().EvictedKeys; n != clockEvery {
		t.Errorf("%d keys went, want %d", n, clockEvery)
	}
}

// TestEvictLargeValues: memory of large values does not pile up while it waits to
// be given back (K10).
func TestEvictLargeValues(t *testing.T) {
	s, tx := limited(t, 64<<20, Limit{Policy: AllKeysLRU, Budget: time.Hour})
	val := make([]byte, 8<<20)
	most := int64(0)
	for i := range 60 {
		tx.Now += 1000
		if err := write(s, tx, fmt.Sprint(i), val, NoTTL); err != nil {
			t.Fatal(err)
		}
		most = max(most, s.src.buried.Load())
	}
	if most > 40<<20 {
		t.Errorf("%d bytes waited", most)
	}
	for s.returnMemory(time.Hour) {
	}
	if n := s.src.buried.Load(); n != 0 {
		t.Errorf("%d bytes are said to wait", n)
	}
	checked(t, s)
}

// TestTotal proves K4 for the total that MakeRoom reads: it is off by a quantum a
// stripe at most.
func TestTotal(t *testing.T) {
	s, tx := limited(t, 10<<20, Limit{Policy: AllKeysLRU})
	r := rand.New(rand.NewPCG(3, 3))
	for i := range 5000 {
		k := fmt.Sprint(r.IntN(3000))
		switch r.IntN(4) {
		case 0:
			if has(tx, k) {
				del(tx, k)
			}
		default:
			set(t, tx, k, strings.Repeat("x", r.IntN(2000)), NoTTL)
		}
		if i == 3000 {
			s.SetLimit(Limit{Max: 1 << 40})
		}
		if d, most := s.total.bytes.Load()-s.used(), s.total.quantum.Load()*int64(len(s.stripes)); d > most || d < -most {
			t.Fatalf("the total is off by %d, at most %d", d, most)
		}
	}
	tx.Exclusive(tx.FlushAll)
	s.SetLimit(Limit{})
	if d := s.total.bytes.Load() - s.used(); d != 0 {
		t.Errorf("after FLUSHALL the total is off by %d", d)
	}
}

// TestCharge: a database's tables count from its first write on, all of them and once;
// FLUSHALL takes them back only from many.
func TestCharge(t *testing.T) {
	s := newSpace(t, Options{Databases: 100, Stripes: 4, Arena: Heap})
	tx := s.NewTx()
	charged := func(databases int64) {
		t.Helper()
		if n := s.tables.Load(); n != databases*s.tableBytes() {
			t.Errorf("%d bytes are charged, want those of %d databases", n, databases)
		}
		if total, used := s.total.bytes.Load(), s.used(); total-used > 4*maxQuantum || used-total > 4*maxQuantum {
			t.Errorf("the total is %d, %d are used", total, used)
		}
		if st := s.Stats(); st.UsedMemory != s.used() || s.UsedMemory() != s.used() {
			t.Errorf("%d and %d bytes are said to be used of %d", st.UsedMemory, s.UsedMemory(), s.used())
		}
	}
	set(t, tx, "a", "v", NoTTL)
	charged(1)
	for i := range 100 {
		set(t, tx, fmt.Sprint(i), "v", NoTTL)
	}
	tx.DB = 1
	set(t, tx, "a", "v", NoTTL)
	charged(2)
	tx.Exclusive(func() { tx.SwapDB(0, 1) })
	tx.Exclusive(tx.FlushDB)
	set(t, tx, "b", "v", NoTTL)
	tx.Exclusive(tx.FlushAll)
	charged(2)
	for db := range 50 {
		tx.DB = db
		set(t, tx, "a", "v", NoTTL)
	}
	charged(50)
	tx.Exclusive(tx.FlushAll)
	charged(0)
	set(t, tx, "a", "v", NoTTL)
	charged(1)
	checked(t, s)
}

// TestEvictionRace proves K1 under the race detector (heap mode): goroutines write
// above the limit, read, expire, flush, change the limit and tick at once.
func TestEvictionRace(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 2, Arena: Heap})
	steps := 4000
	if testing.Short() {
		steps = 1000
	}
	s.SetLimit(Limit{Max: 1 << 20, Policy: AllKeysLRU})
	var removals sync.Map
	s.OnRemoved(func(_ *Tx, db int, key []byte, why Removal) { removals.Store(fmt.Sprint(db, why, len(key)), true) })
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			tx := s.NewTx()
			tx.Sink = &countSink{}
			for i := range steps {
				tx.Now += 5
				tx.DB = r.IntN(2)
				k := fmt.Appendf(nil, "k:%d", r.IntN(4000))
				switch op := r.IntN(20); {
				case op < 11:
					_ = s.MakeRoom(tx)
					ttl := NoTTL
					if op&1 == 0 {
						ttl = At(tx.Now + int64(r.IntN(10_000)))
					}
					retry(s, func() bool { return tx.LockKey(k) })
					_ = tx.SetBytes(k, make([]byte, r.IntN(800)), ttl)
					tx.Unlock()
				case op < 16:
					retry(s, func() bool { return tx.LockKey(k) })
					tx.Look(k)
					tx.Unlock()
				case op < 18:
					s.Tick(tx, r.IntN(2), 2, 50*time.Microsecond)
				case op == 18:
					s.SetLimit(Limit{Max: int64(500+r.IntN(1000)) << 10, Policy: allPolicies[r.IntN(len(allPolicies))], LFULogFactor: 10, LFUDecayMinutes: 1})
				case i%100 == 0:
					for !tx.Exclusive(tx.FlushAll) {
						runtime.Gosched()
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	watch(t, done)
	checked(t, s)
}

// BenchmarkEvict is a write to a full keyspace: room, then SET of a new key.
func BenchmarkEvict(b *testing.B) {
	for _, policy := range []Policy{AllKeysLRU, AllKeysLFU, AllKeysRandom} {
		b.Run(policy.String(), func(b *testing.B) {
			const keys = 1_000_000
			s := filled(b, keys)
			tx := s.NewTx()
			s.SetLimit(Limit{Max: s.UsedMemory(), Policy: policy, LFULogFactor: 10, LFUDecayMinutes: 1})
			key, val := make([]byte, 16), make([]byte, 64)
			i := keys
			for b.Loop() {
				i++
				benchKey(key, i)
				if err := s.MakeRoom(tx); err != nil {
					b.Fatal(err)
				}
				tx.LockKey(key)
				_ = tx.SetBytes(key, val, NoTTL)
				tx.Unlock()
			}
		})
	}
}
