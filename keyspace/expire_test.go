package keyspace

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func expireModes() []ArenaMode {
	if debug {
		return []ArenaMode{Heap | Poison | Canary | ViewCopy}
	}
	return []ArenaMode{Heap}
}

func newExpireSpace(t testing.TB, o Options) *Space {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// delSink collects the keys of DEL effects.
type delSink struct{ keys []modelKey }

func (d *delSink) Effect(db int, _ uint16, argv [][]byte) {
	if string(argv[0]) == "DEL" {
		d.keys = append(d.keys, modelKey{db, string(argv[1])})
	}
}

// expireModel is a Space beside a naive map, with a clock of its own.
type expireModel struct {
	t     testing.TB
	s     *Space
	tx    *Tx
	rnd   *rand.Rand
	sink  delSink
	want  map[modelKey]int64 // deadline, noDeadline for none
	dbs   int
	keys  int
	hides bool
	off   bool
}

type modelKey struct {
	db  int
	key string
}

func (m *expireModel) held(key string, f func(k []byte)) {
	k := []byte(key)
	if !m.tx.LockKey(k) {
		m.t.Fatal("LockKey failed without an exclusive phase")
	}
	f(k)
	m.tx.Unlock()
}

// live says whether the model has a key that clients see.
func (m *expireModel) live(k modelKey) bool {
	ms, ok := m.want[k]
	return ok && ms >= m.tx.Now
}

func (m *expireModel) distance() int64 {
	d := distances[m.rnd.IntN(len(distances))]
	return d + m.rnd.Int64N(min(d, 5000)+1)
}

func (m *expireModel) step() {
	k := modelKey{m.rnd.IntN(m.dbs), fmt.Sprintf("k%d", m.rnd.IntN(m.keys))}
	to := modelKey{m.rnd.IntN(m.dbs), k.key}
	at := m.tx.Now + m.distance()
	was, live, free := m.want[k], m.live(k), !m.live(to)
	m.tx.DB = k.db
	switch m.rnd.IntN(20) {
	case 0, 1, 2:
		m.held(k.key, func(b []byte) {
			m.must(m.tx.SetBytes(b, []byte("v"), At(at)))
		})
		m.want[k] = at
	case 3:
		ttl, ms := NoTTL, noDeadline
		if m.rnd.IntN(2) == 0 {
			if ttl = KeepTTL; live {
				ms = was
			}
		}
		m.held(k.key, func(b []byte) {
			m.must(m.tx.SetBytes(b, []byte("a longer value than before"), ttl))
		})
		m.want[k] = ms
	case 4, 5, 6:
		m.held(k.key, func(b []byte) { m.agree("ExpireAt", m.tx.ExpireAt(b, at), live) })
		if live {
			m.want[k] = at
		}
	case 7: // alternate
		m.held(k.key, func(b []byte) {
			for range m.rnd.IntN(60) {
				m.agree("ExpireAt", m.tx.ExpireAt(b, at+1_000_000), live)
				m.agree("ExpireAt", m.tx.ExpireAt(b, at), live)
			}
			m.agree("ExpireAt", m.tx.ExpireAt(b, at), live)
		})
		if live {
			m.want[k] = at
		}
	case 8:
		live = live && was != noDeadline
		m.held(k.key, func(b []byte) { m.agree("Persist", m.tx.Persist(b), live) })
		if live {
			m.want[k] = noDeadline
		}
	case 9:
		m.held(k.key, func(b []byte) { m.agree("Delete", m.tx.Delete(b), live) })
		if live {
			delete(m.want, k)
		}
	case 10:
		m.held(k.key, func(b []byte) {
			_, ok := m.tx.Look(b)
			m.agree("Look", ok, live)
		})
	case 11:
		live = live && free && to != k
		m.held(k.key, func(b []byte) {
			ok, err := m.tx.Move(b, to.db)
			m.must(err)
			m.agree("Move", ok, live)
		})
		if live {
			m.want[to] = was
			delete(m.want, k)
		}
	case 12:
		m.tx.Now += int64(m.rnd.IntN(50))
	case 13:
		m.tx.Now += min(m.distance(), 60_000)
	case 14:
		m.tx.Now += m.distance()
	case 15:
		m.tx.Now = max(0, m.tx.Now-m.distance())
	case 16:
		if m.rnd.IntN(4) == 0 {
			m.hides = m.rnd.IntN(2) == 0
			m.s.HideOnly(m.hides)
			m.off = m.rnd.IntN(2) == 0
			m.s.SetActiveExpire(!m.off)
		}
	case 17:
		m.s.Tick(m.tx, m.rnd.IntN(2), 2, 0) // a slice
	default:
		m.finish()
	}
	m.removed()
}

func (m *expireModel) must(err error) {
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m *expireModel) agree(what string, got, want bool) {
	if got != want {
		m.t.Fatalf("%s = %v", what, got)
	}
}

// removed takes the keys of DEL effects out of the model, which must have their
// deadlines behind them.
func (m *expireModel) removed() {
	for _, k := range m.sink.keys {
		if ms, ok := m.want[k]; ok && ms < m.tx.Now {
			delete(m.want, k)
		}
	}
	m.sink.keys = m.sink.keys[:0]
}

// finish calls Tick until it has nothing to do and checks what it left.
func (m *expireModel) finish() {
	before := m.s.Stats().ExpiredKeys
	m.removed()
	// The first round follows a clock that was set back; then what is due fires.
	for range 2 {
		for share := range 2 {
			for m.s.Tick(m.tx, share, 2, time.Hour) {
			}
		}
		m.tx.Now += (rewindSlack + 2) << tickShift
	}
	m.tx.Now -= (rewindSlack + 2) << tickShift
	removed := m.s.Stats().ExpiredKeys - before
	if removed != int64(len(m.sink.keys)) {
		m.t.Fatalf("K5: %d keys removed, %d DEL effects", removed, len(m.sink.keys))
	}
	if m.hides || m.off {
		if removed != 0 {
			m.t.Fatalf("K7: %d keys removed", removed)
		}
	}
	for i := range m.s.stripes {
		for _, d := range m.s.stripes[i].dbs {
			if d == nil {
				continue
			}
			if d.wheel.overfull() {
				m.t.Fatalf("K11: %d entries for %d keys", d.wheel.s.entries, d.wheel.s.keys)
			}
			if d.wheel.s != nil && !m.hides && !m.off && tickOf(m.tx.Now) > 0 && d.wheel.s.next < tickOf(m.tx.Now) {
				m.t.Fatalf("a wheel is due at %d, it is %d", d.wheel.s.next, tickOf(m.tx.Now))
			}
		}
	}
	m.removed()
	if m.hides || m.off {
		return
	}
	for db := range m.dbs {
		keys, expires, _ := m.tx.Counts(db)
		var wantKeys, wantExpires int64
		for k, ms := range m.want {
			if k.db == db && tickOf(ms) >= tickOf(m.tx.Now) {
				wantKeys++
				if ms != noDeadline {
					wantExpires++
				}
			}
		}
		if keys != wantKeys || expires != wantExpires {
			m.t.Fatalf("db %d: %d keys and %d expires, want %d and %d", db, keys, expires, wantKeys, wantExpires)
		}
	}
}

// TestK7K11Space drives a Space and a naive map at random with a virtual clock.
func TestK7K11Space(t *testing.T) {
	t.Parallel()
	const steps = 600
	for i := range effort(16) {
		seed := rand.Uint64()
		every := 30 // a check of the whole space takes as long as hundreds of steps
		if i == 0 {
			every = 1
		}
		for _, mode := range expireModes() {
			ok := t.Run(fmt.Sprintf("%d/%d", seed, mode), func(t *testing.T) {
				s := newExpireSpace(t, Options{Databases: 3, Stripes: 1 << (i % 3), Arena: mode})
				m := &expireModel{
					t: t, s: s, tx: s.NewTx(), rnd: rand.New(rand.NewPCG(seed, 0)),
					want: map[modelKey]int64{}, dbs: 3, keys: 5 + i*20,
				}
				m.tx.Now = 1_700_000_000_000
				m.tx.Sink = &m.sink
				for i := range steps {
					m.step()
					if i%every == 0 || i == steps-1 {
						m.must(s.Check())
					}
				}
			})
			if !ok {
				return
			}
		}
	}
}

// TestExpireClockSetBack: the first Tick after the clock was set back sees how far,
// also if nothing is due then, and if it was within the slack at first.
func TestExpireClockSetBack(t *testing.T) {
	const tick = 1 << tickShift
	for _, back := range [][]int64{{rewindSlack + 6}, {rewindSlack - 2, rewindSlack - 2}} {
		s := newExpireSpace(t, Options{Stripes: 1, Arena: Heap})
		tx := s.NewTx()
		tx.Now = 1_700_000_000_000
		set := func(key string, ms int64) {
			tx.LockKey([]byte(key))
			if err := tx.SetBytes([]byte(key), nil, At(ms)); err != nil {
				t.Fatal(err)
			}
			tx.Unlock()
		}
		turn := func() {
			for s.Tick(tx, 0, 1, time.Hour) {
			}
		}
		set("later", tx.Now+1_000_000)
		turn()
		deadline := tx.Now - (rewindSlack-1)*tick
		for _, ticks := range back {
			tx.Now -= ticks * tick
			set("k", deadline)
			turn()
		}
		tx.Now = deadline + 2*tick
		turn()
		if n := tx.Count(); n != 1 {
			t.Errorf("clock set back by %d ticks: %d keys left", back, n)
		}
	}
}

// TestK7HideOnly: expired keys are not removed while they may only be hidden.
func TestK7HideOnly(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 2, Arena: Heap})
	tx := s.NewTx()
	sink := &delSink{}
	tx.Sink = sink
	tx.Now = 1000
	set := func(key string, ttl TTL) {
		tx.LockKey([]byte(key))
		if err := tx.SetBytes([]byte(key), []byte("v"), ttl); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	for i := range 1000 {
		set(fmt.Sprint(i), At(2000))
	}
	s.HideOnly(true)
	tx.Now = 100_000
	for range 3 {
		if s.Tick(tx, 0, 1, time.Hour) {
			t.Fatal("Tick has more to do while it may do nothing")
		}
	}
	tx.LockKey([]byte("1"))
	if _, ok := tx.Look([]byte("1")); ok {
		t.Error("an expired key was found")
	}
	tx.Unlock()
	if len(sink.keys) != 0 || tx.Count() != 1000 {
		t.Fatalf("%d DEL effects, %d keys", len(sink.keys), tx.Count())
	}
	s.HideOnly(false)
	for s.Tick(tx, 0, 1, time.Hour) {
	}
	distinct := map[modelKey]bool{}
	for _, k := range sink.keys {
		distinct[k] = true
	}
	if n := len(distinct); n != 1000 || len(sink.keys) != n || tx.Count() != 0 {
		t.Fatalf("%d DEL effects, %d keys", n, tx.Count())
	}
	if p50, p99, most := s.expireLag(); p50 != 98_000 || p99 != 98_000 || most != 98_000 {
		t.Errorf("lag %d %d %d", p50, p99, most)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// TestK7HiddenMeanwhile: when hiding begins in the middle of a slice, the key
// whose turn it is stays, and so does its entry.
func TestK7HiddenMeanwhile(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 1, Arena: Heap})
	tx := s.NewTx()
	tx.Now = 1000
	for i := range 100 {
		key := []byte(fmt.Sprint(i))
		tx.LockKey(key)
		if err := tx.SetBytes(key, key, At(2000)); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	n := 0
	tx.Sink = sinkFunc(func() {
		if n++; n == 40 {
			s.HideOnly(true)
		}
	})
	tx.Now = 3000
	s.Tick(tx, 0, 1, time.Hour)
	if got := tx.Count(); got < 59 || got > 60 {
		t.Errorf("%d keys left after 40 of 100", got)
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	s.HideOnly(false)
	for s.Tick(tx, 0, 1, time.Hour) {
	}
	tx.Now += 16
	for s.Tick(tx, 0, 1, time.Hour) {
	}
	if got := tx.Count(); got != 0 {
		t.Errorf("%d keys left", got)
	}
}

type sinkFunc func()

func (f sinkFunc) Effect(int, uint16, [][]byte) { f() }

// TestK10Slices: one lock hold handles a bounded number of entries, fired,
// cascaded or cleaned.
func TestK10Slices(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 1, Arena: Heap})
	tx := s.NewTx()
	sink := &delSink{}
	tx.Sink = sink
	tx.Now = 1_700_000_000_000
	const keys = 20_000
	for i := range keys {
		key := []byte(fmt.Sprint(i))
		tx.LockKey(key)
		if err := tx.SetBytes(key, key, At(tx.Now+60_000+int64(i%1000))); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 { // entries to be cleaned
			tx.ExpireAt(key, tx.Now+50_000)
		}
		tx.Unlock()
	}
	st := &s.stripes[0]
	tx.wheels.t = tx
	for tick := range int64(70) {
		tx.Now = 1_700_000_000_000 + tick*1000
		for more := true; more; {
			before := len(sink.keys)
			st.mu.Lock()
			var did int
			did, more = s.tickStripe(st, &tx.wheels)
			st.mu.Unlock()
			if did > tickSlice || len(sink.keys)-before > did {
				t.Fatalf("a slice handled %d entries and removed %d keys", did, len(sink.keys)-before)
			}
		}
	}
	if tx.Count() != 0 {
		t.Errorf("%d keys left", tx.Count())
	}
}

// TestTickExclusive: Tick keeps out of an exclusive phase.
func TestTickExclusive(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 2, Arena: Heap})
	a, b := s.NewTx(), s.NewTx()
	a.Now, b.Now = 1000, 10_000
	key := []byte("k")
	a.LockKey(key)
	if err := a.SetBytes(key, key, At(2000)); err != nil {
		t.Fatal(err)
	}
	a.Unlock()
	a.Exclusive(func() {
		if b.s.Tick(b, 0, 1, time.Hour) {
			t.Error("Tick wants more in an exclusive phase")
		}
		if a.Count() != 1 {
			t.Error("Tick removed a key in an exclusive phase")
		}
	})
	s.Tick(b, 0, 1, time.Hour)
	if a.Count() != 0 {
		t.Error("the key is still there")
	}
}

// TestTickSkipsIdleStripes: a stripe with nothing due is not locked.
func TestTickSkipsIdleStripes(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 4, Arena: Heap})
	tx := s.NewTx()
	tx.Now = 8 * 4000
	for i := range 1000 {
		key := []byte(fmt.Sprint(i))
		tx.LockKey(key)
		if err := tx.SetBytes(key, key, At(tx.Now+100_000)); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	s.Tick(tx, 0, 1, time.Hour) // learns what is due
	turn := int(tickOf(tx.Now) % 4)
	for i := range s.stripes {
		if i != turn {
			s.stripes[i].mu.Lock()
		}
	}
	s.Tick(tx, 0, 1, time.Hour) // would wait for ever
	for i := range s.stripes {
		if i != turn {
			s.stripes[i].mu.Unlock()
		}
	}
}

// TestExpireCollision: keys with the same order key, but other deadlines.
func TestExpireCollision(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 1, Arena: Heap})
	seen := map[uint32]string{}
	var pairs [][2]string
	for i := 0; len(pairs) < 2; i++ {
		key := fmt.Sprintf("{a}%d", i)
		f := uint32(s.sip.sum([]byte(key)) >> 32)
		if was, ok := seen[f]; ok {
			pairs = append(pairs, [2]string{was, key})
		}
		seen[f] = key
	}
	tx := s.NewTx()
	sink := &delSink{}
	tx.Sink = sink
	set := func(key string, at int64) {
		tx.LockKey([]byte(key))
		if err := tx.SetBytes([]byte(key), []byte("v"), At(at)); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	tick := func(now int64) {
		tx.Now = now
		for s.Tick(tx, 0, 1, time.Hour) {
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pairs {
		tx.Now = 1000
		for _, at := range [][2]int64{{2000, 9000}, {9000, 2000}, {2000, 2001}, {5000, 5000}} {
			sink.keys = nil
			tx.Now = 1000
			tick(1000)
			set(p[0], at[0])
			set(p[1], at[1])
			tick(1500)
			if tx.Count() != 2 {
				t.Fatalf("%v: %d keys", at, tx.Count())
			}
			tick(3000)
			want := 0
			for _, ms := range at {
				if ms > 3000 {
					want++
				}
			}
			if int(tx.Count()) != want {
				t.Fatalf("%v: %d keys at 3000, want %d", at, tx.Count(), want)
			}
			tick(10_000)
			if tx.Count() != 0 || len(sink.keys) != 2 {
				t.Fatalf("%v: %d keys, DEL %v", at, tx.Count(), sink.keys)
			}
		}
	}
}

func TestLagBuckets(t *testing.T) {
	for ms := range int64(1_000_000) {
		b := lagBucket(ms)
		if lagOf(b) < ms || b > 0 && lagOf(b-1) >= ms {
			t.Fatalf("%d ms in bucket %d, which ends at %d", ms, b, lagOf(b))
		}
		if float64(lagOf(b)) > float64(ms)*1.13+1 {
			t.Fatalf("%d ms counts as %d", ms, lagOf(b))
		}
	}
	s := newExpireSpace(t, Options{Stripes: 2, Arena: Heap})
	for i := range int64(1000) {
		s.stripes[i%2].due.noteLag(50_000+i, 50_000)
	}
	if p50, p99, most := s.expireLag(); p50 < 490 || p50 > 570 || p99 < 980 || p99 > 999 || most != 999 {
		t.Errorf("lag %d %d %d", p50, p99, most)
	}
	s.stripes[0].due.noteLag(1_000_000, 999_993)
	if p50, p99, most := s.expireLag(); p50 != 7 || p99 != 7 || most != 7 {
		t.Errorf("lag %d %d %d after a while", p50, p99, most)
	}
}

// TestExpireConcurrent: writers, loops that Tick, exclusive phases and hiding at
// the same time; run it with -race.
func TestExpireConcurrent(t *testing.T) {
	s := newExpireSpace(t, Options{Stripes: 4, Databases: 2, Arena: Heap})
	var now atomic.Int64
	now.Store(1_700_000_000_000)
	var wg sync.WaitGroup
	var left atomic.Int32
	const writers = 3
	left.Store(writers)
	for w := range writers {
		wg.Go(func() {
			defer left.Add(-1)
			tx := s.NewTx()
			rnd := rand.New(rand.NewPCG(uint64(w), 1))
			for i := range 6_000 {
				key := []byte(fmt.Sprint(rnd.IntN(2000)))
				tx.Now, tx.DB = now.Load(), rnd.IntN(2)
				for !tx.LockKey(key) {
				}
				switch rnd.IntN(5) {
				case 0:
					tx.ExpireAt(key, tx.Now+rnd.Int64N(5000))
				case 1:
					tx.Persist(key)
				case 2:
					tx.Delete(key)
				default:
					if err := tx.SetBytes(key, key, At(tx.Now+rnd.Int64N(2000))); err != nil {
						t.Error(err)
					}
				}
				tx.Unlock()
				if i%16 == 0 {
					now.Add(1)
				}
				if i%1000 == 0 {
					s.HideOnly(i%3000 == 0)
					tx.Exclusive(func() { tx.SwapDB(0, 1) })
				}
			}
			s.HideOnly(false)
		})
	}
	for share := range 2 {
		wg.Go(func() {
			tx := s.NewTx()
			for left.Load() > 0 {
				tx.Now = now.Load()
				s.Tick(tx, share, 2, time.Millisecond)
				s.expireLag()
				s.Stats()
			}
		})
	}
	wg.Wait()
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	s.HideOnly(false)
	tx := s.NewTx()
	tx.Now = now.Load() + 10_000
	for share := range 2 {
		for s.Tick(tx, share, 2, time.Hour) {
		}
	}
	for db := range 2 {
		if _, expires, _ := tx.Counts(db); expires != 0 {
			t.Errorf("db %d: %d keys with a deadline left", db, expires)
		}
	}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
}

// TestMeasureExpire prints how fast and how late keys are removed by two loops
// that tick every 8 ms, spend at most half of their time on it, and read other
// keys in between. Run it with REREDIS_MEASURE=1.
func TestMeasureExpire(t *testing.T) {
	if os.Getenv("REREDIS_MEASURE") == "" {
		t.Skip("REREDIS_MEASURE is not set")
	}
	const keys = 1_000_000
	for _, c := range []struct {
		name   string
		spread int64
		ttl    bool
	}{{"no deadlines", 1, false}, {"over one second", 1000, true}, {"one millisecond", 1, true}} {
		t.Run(c.name, func(t *testing.T) { measureExpire(t, keys, c.spread, c.ttl) })
	}
}

func measureExpire(t *testing.T, keys int, spread int64, ttl bool) {
	const others = 500_000
	s := newExpireSpace(t, Options{})
	tx := s.NewTx()
	value := make([]byte, 64)
	set := func(key []byte, ttl TTL) {
		tx.LockKey(key)
		if err := tx.SetBytes(key, value, ttl); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	for i := range others {
		set(fmt.Appendf(nil, "other:%010d", i), NoTTL)
	}
	plain := s.UsedMemory()
	begin := time.Now().UnixMilli() + 4000
	tx.Now = time.Now().UnixMilli()
	loaded := time.Now()
	for i := range keys {
		d := NoTTL
		if ttl {
			d = At(begin + int64(i)%spread)
		}
		set(fmt.Appendf(nil, "key:%012d", i), d)
	}
	load := time.Since(loaded)
	perKey := float64(s.UsedMemory()-plain) / float64(keys)

	var wg sync.WaitGroup
	var done atomic.Int64
	var reads [2][]time.Duration
	var busy [2]time.Duration
	end := begin + max(spread, 1000) + 1500
	for share := range 2 {
		wg.Go(func() {
			tx := s.NewTx()
			tx.Sink = &discard{}
			rnd := rand.New(rand.NewPCG(uint64(share), 1))
			key := make([]byte, 0, 32)
			next := time.Now()
			for more := false; ; {
				now := time.Now()
				tx.Now = now.UnixMilli()
				if tx.Now >= end {
					return
				}
				if more || !now.Before(next) {
					more = s.Tick(tx, share, 2, 500*time.Microsecond)
					took := time.Since(now)
					busy[share] += took
					next = now.Add(8 * time.Millisecond)
					if tx.Count() == others && done.Load() == 0 && ttl {
						done.Store(time.Now().UnixMilli())
					}
				}
				for read := time.Now(); time.Since(read) < 500*time.Microsecond; {
					key = fmt.Appendf(key[:0], "other:%010d", rnd.IntN(others))
					from := time.Now()
					for !tx.LockKey(key) {
					}
					if _, ok := tx.Look(key); !ok {
						t.Error("key lost")
						return
					}
					tx.Unlock()
					if tx.Now >= begin && tx.Now < begin+max(spread, 1000) {
						reads[share] = append(reads[share], time.Since(from))
					}
				}
			}
		})
	}
	wg.Wait()
	p50, p99, most := s.expireLag()
	all := slices.Concat(reads[0], reads[1])
	slices.Sort(all)
	at := func(q float64) time.Duration { return all[min(len(all)-1, int(q*float64(len(all))))] }
	t.Logf("load %.0f ns and %.1f B a key; expired %d; all gone %d ms after the last deadline; lag p50 %d, p99 %d, max %d ms; tick time %v and %v",
		float64(load.Nanoseconds())/float64(keys), perKey, s.Stats().ExpiredKeys, done.Load()-begin-spread+1, p50, p99, most, busy[0], busy[1])
	t.Logf("GET of other keys during that second: %d, p50 %v, p99 %v, p99.9 %v, max %v", len(all), at(0.5), at(0.99), at(0.999), at(1))
	if ttl && s.Stats().ExpiredKeys != int64(keys) {
		t.Errorf("%d keys left", int64(keys)-s.Stats().ExpiredKeys)
	}
}

type discard struct{ n int }

func (d *discard) Effect(_ int, _ uint16, argv [][]byte) {
	for _, a := range argv {
		d.n += len(a)
	}
}
