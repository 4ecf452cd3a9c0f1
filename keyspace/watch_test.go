package keyspace

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// k13 is the key that TestK13 marks.
var k13 = []byte("k")

// step is something that happens to a Space in TestK13. Times are in milliseconds from the start.
type step func(t *testing.T, s *Space, tx *Tx)

// locked makes a step of a function that needs keys locked.
func locked(f func(tx *Tx) error, keys ...string) step {
	return func(t *testing.T, _ *Space, tx *Tx) {
		t.Helper()
		all := [][]byte{k13}
		for _, k := range keys {
			all = append(all, []byte(k))
		}
		if !tx.LockKeys(all) {
			t.Fatal("no lock")
		}
		defer tx.Unlock()
		if err := f(tx); err != nil {
			t.Fatal(err)
		}
	}
}

func alone(f func(tx *Tx)) step {
	return func(t *testing.T, _ *Space, tx *Tx) {
		t.Helper()
		if !tx.Exclusive(func() { f(tx) }) {
			t.Fatal("no phase")
		}
	}
}

func inDB(db int, st step) step {
	return func(t *testing.T, s *Space, tx *Tx) {
		t.Helper()
		was := tx.DB
		tx.DB = db
		st(t, s, tx)
		tx.DB = was
	}
}

func at(ms int64) step { return func(_ *testing.T, _ *Space, tx *Tx) { tx.Now = ms } }

func tick(t *testing.T, s *Space, tx *Tx) {
	t.Helper()
	for s.Tick(tx, 0, 1, time.Second) {
		continue
	}
}

// TestK13 is the matrix of what changes a marked key: K13. The times of the marks and of EXEC are in the steps.
func TestK13(t *testing.T) {
	set := func(val string, ttl TTL) step {
		return locked(func(tx *Tx) error { return tx.SetBytes(k13, []byte(val), ttl) })
	}
	setOther := func(key string) step {
		return locked(func(tx *Tx) error { return tx.SetBytes([]byte(key), []byte("o"), NoTTL) }, key)
	}
	plain := set("v", NoTTL)
	short := set("v", At(10)) // gone at 20
	do := func(f func(tx *Tx)) step { return locked(func(tx *Tx) error { f(tx); return nil }) }
	look := do(func(tx *Tx) { tx.Look(k13) })
	del := do(func(tx *Tx) { tx.Delete(k13) })
	flushAll, flushDB := alone((*Tx).FlushAll), alone((*Tx).FlushDB)
	swap := alone(func(tx *Tx) { tx.SwapDB(0, 1) })
	swapAway := alone(func(tx *Tx) { tx.SwapDB(1, 2) })
	hide := func(on bool) step { return func(_ *testing.T, s *Space, _ *Tx) { s.HideOnly(on) } }
	rename := func(from, to string) step {
		return locked(func(tx *Tx) error { _, err := tx.Rename([]byte(from), []byte(to)); return err }, from, to)
	}
	long := set(string(make([]byte, 10_000)), NoTTL)
	for _, tt := range []struct {
		name          string
		before, after []step // of the mark
		changed       bool
	}{
		{"nothing", []step{plain}, nil, false},
		{"absent, nothing", nil, nil, false},
		{"reads", []step{plain}, []step{look, do(func(tx *Tx) { tx.Peek(k13) })}, false},
		{"another key", []step{plain}, []step{setOther("o")}, false},
		{"another database", []step{plain}, []step{inDB(1, plain), inDB(1, del)}, false},
		{"the same value", []step{plain}, []step{plain}, true},
		{"another cell", []step{plain}, []step{set("a longer value", NoTTL)}, true},
		{"created", nil, []step{plain}, true},
		{"created and deleted", nil, []step{plain, del}, true},
		{"deleted", []step{plain}, []step{del}, true},
		{"deleted while absent", nil, []step{del}, false},
		{"number", []step{plain}, []step{do(func(tx *Tx) { _ = tx.SetInt(k13, 1, KeepTTL) })}, true},
		{"append", []step{plain}, []step{locked(func(tx *Tx) error { _, err := tx.Append(k13, k13); return err })}, true},
		{"append to a long one", []step{long}, []step{locked(func(tx *Tx) error { _, err := tx.Append(k13, k13); return err })}, true},
		{"setrange", []step{plain}, []step{locked(func(tx *Tx) error { _, err := tx.SetRange(k13, 0, k13); return err })}, true},
		{"setrange of nothing", []step{plain}, []step{locked(func(tx *Tx) error { _, err := tx.SetRange(k13, 0, nil); return err })}, false},
		{"deadline", []step{plain}, []step{do(func(tx *Tx) { tx.ExpireAt(k13, 100) })}, true},
		{"another deadline", []step{short}, []step{do(func(tx *Tx) { tx.ExpireAt(k13, 100) })}, true},
		{"deadline of nothing", nil, []step{do(func(tx *Tx) { tx.ExpireAt(k13, 100) })}, false},
		{"persist", []step{short}, []step{do(func(tx *Tx) { tx.Persist(k13) })}, true},
		{"persist without deadline", []step{plain}, []step{do(func(tx *Tx) { tx.Persist(k13) })}, false},
		{"renamed", []step{plain}, []step{rename("k", "o")}, true},
		{"renamed over", []step{plain, setOther("o")}, []step{rename("o", "k")}, true},
		{"renamed to itself", []step{plain}, []step{rename("k", "k")}, false},
		{"moved away", []step{plain}, []step{do(func(tx *Tx) { _, _ = tx.Move(k13, 1) })}, true},
		{"moved here", []step{inDB(1, plain)}, []step{inDB(1, do(func(tx *Tx) { _, _ = tx.Move(k13, 0) }))}, true},
		{"not moved", []step{plain, inDB(1, plain)}, []step{do(func(tx *Tx) { _, _ = tx.Move(k13, 1) })}, false},
		{"copied", []step{plain}, []step{locked(func(tx *Tx) error { _, err := tx.Copy(k13, 0, []byte("o"), false); return err }, "o")}, false},
		{"copied over", []step{plain, setOther("o")}, []step{locked(func(tx *Tx) error { _, err := tx.Copy([]byte("o"), 0, k13, true); return err }, "o")}, true},
		{"an effect applied", []step{plain}, []step{locked(func(tx *Tx) error { return tx.Apply([][]byte{[]byte("DEL"), k13}) })}, true},

		{"flushall", []step{plain}, []step{flushAll}, true},
		{"flushall while absent", []step{setOther("o")}, []step{flushAll}, false},
		{"flushdb", []step{plain, inDB(1, plain)}, []step{flushDB}, true},
		{"flushdb of another", []step{plain, inDB(1, plain)}, []step{inDB(1, flushDB)}, false},
		{"flushdb while stale", []step{short, at(20)}, []step{flushDB}, false},
		{"flushall while stale", []step{short, at(20)}, []step{flushAll, plain}, true},
		{"flushall, gone stale", []step{short}, []step{at(20), flushAll}, true},

		{"swapdb", []step{plain}, []step{swap}, true},
		{"swapdb brings one", []step{inDB(1, plain)}, []step{swap}, true},
		{"swapdb of the same", []step{plain, inDB(1, plain)}, []step{swap}, true},
		{"swapdb of others", []step{plain, inDB(1, plain)}, []step{swapAway}, false},
		{"swapdb while absent", []step{setOther("o")}, []step{swap}, false},
		{"swapdb takes a stale one", []step{short, at(20)}, []step{swap}, false},
		{"swapdb brings a stale one", []step{inDB(1, short), at(20)}, []step{swap}, false},
		{"swapdb brings a stale one, it goes", []step{inDB(1, short), at(20)}, []step{swap, look}, false},
		{"swapdb brings a stale one, and a live one", []step{inDB(1, short), at(20)}, []step{swap, plain}, true},
		{"swapdb brings a stale one that lives on", []step{inDB(1, short)}, []step{swap}, true},
		{"swapdb of a stale and a stale one", []step{short, inDB(1, short), at(20)}, []step{swap, look}, false},
		{"swapdb of a stale one, gone stale", []step{short, inDB(1, short)}, []step{at(20), swap}, true},
		{"swapdb of a stale and a live one", []step{short, at(20), inDB(1, plain)}, []step{swap}, true},

		{"expired", []step{short}, []step{at(20)}, true},
		{"not expired", []step{short}, []step{at(10)}, false},
		{"expired, removed by a look", []step{short}, []step{at(20), look}, true},
		{"expired, removed by Tick", []step{short}, []step{at(20), tick}, true},
		{"expired on a replica", []step{short, hide(true)}, []step{at(20), look}, true},
		{"stale", []step{short, at(20)}, nil, false},
		{"stale, removed by a look", []step{short, at(20)}, []step{look}, false},
		{"stale, removed by Tick", []step{short, at(20)}, []step{tick}, false},
		{"stale, deleted", []step{short, at(20)}, []step{del}, false},
		{"stale, set", []step{short, at(20)}, []step{plain}, true},
		{"stale, removed, set", []step{short, at(20)}, []step{look, plain}, true},
		{"stale on a replica", []step{short, at(20), hide(true)}, []step{look}, false},
		{"stale, hidden, removed", []step{short, at(20), hide(true)}, []step{hide(false), look}, false},
		{"stale, removed, set, expired", []step{short, at(20)}, []step{look, set("v", At(30)), at(40), look}, true},

		{"evicted", []step{plain}, []step{func(_ *testing.T, s *Space, tx *Tx) {
			s.SetLimit(Limit{Max: 1, Policy: AllKeysRandom})
			_ = s.MakeRoom(tx)
		}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSpace(t, Options{Stripes: 2, Databases: 3, Now: func() int64 { return 0 }})
			tx := s.NewTx()
			for _, st := range tt.before {
				st(t, s, tx)
			}
			var m, again *Mark
			locked(func(tx *Tx) error { m, again = tx.Watch(k13), tx.Watch(k13); return nil })(t, s, tx)
			for _, st := range tt.after {
				st(t, s, tx)
			}
			locked(func(tx *Tx) error {
				if got := tx.Changed(m); got != tt.changed {
					t.Errorf("changed: %v", got)
				}
				// A mark from now on starts anew.
				late := tx.Watch(k13)
				if tx.Changed(late) {
					t.Error("a later mark is changed")
				}
				late.Drop()
				return nil
			})(t, s, tx)
			m.Drop()
			again.Drop()
			unmarked(t, s)
		})
	}
}

// unmarked checks that nobody pays for marks any more.
func unmarked(t *testing.T, s *Space) {
	t.Helper()
	for i := range s.stripes {
		if in := &s.stripes[i].interests; in.on.Load() || in.marks != nil {
			t.Errorf("stripe %d still has %d marks", i, len(in.marks))
		}
	}
}

// TestK13TwoMarks: of two marks, one from before a key's deadline and one from behind it, only the first is changed when the
// key goes.
func TestK13TwoMarks(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Now: func() int64 { return 0 }})
	tx := s.NewTx()
	var early, late *Mark
	locked(func(tx *Tx) error {
		err := tx.SetBytes(k13, k13, At(10))
		early = tx.Watch(k13)
		return err
	})(t, s, tx)
	tx.Now = 20
	locked(func(tx *Tx) error { late = tx.Watch(k13); return nil })(t, s, tx)
	for _, st := range []step{func(*testing.T, *Space, *Tx) {}, tick} {
		st(t, s, tx)
		locked(func(tx *Tx) error {
			if !tx.Changed(early) || tx.Changed(late) {
				t.Errorf("changed: %v, %v", tx.Changed(early), tx.Changed(late))
			}
			return nil
		})(t, s, tx)
	}
}

// TestK13Race: marks come and go from many goroutines beside changes and exclusive phases, and none is left. A
// counter under marks loses no update.
func TestK13Race(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 2, Arena: Heap})
	const workers, keys = 8, 5
	rounds := 3000
	if testing.Short() {
		rounds = 500
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var total [keys]int64
	for w := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 13))
			tx := s.NewTx()
			for range rounds {
				n := r.IntN(keys)
				key := fmt.Appendf(nil, "key%d", n)
				if r.IntN(100) == 0 {
					retry(s, func() bool { return tx.Exclusive(func() { tx.SwapDB(0, 1); tx.SwapDB(0, 1) }) })
				}
				retry(s, func() bool { return tx.LockKey(key) })
				m := tx.Watch(key)
				it, ok := tx.Look(key)
				v := int64(0)
				if ok {
					v, _ = it.Int()
				}
				tx.Unlock()
				if r.IntN(4) == 0 {
					m.Drop()
					continue
				}
				retry(s, func() bool { return tx.LockKey(key) })
				if !tx.Changed(m) {
					if err := tx.SetInt(key, v+1, NoTTL); err != nil {
						t.Error(err)
					}
					mu.Lock()
					total[n]++
					mu.Unlock()
				}
				tx.Unlock()
				m.Drop()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	watch(t, done)
	unmarked(t, s)
	tx := s.NewTx()
	for n, want := range total {
		key := []byte("key" + strconv.Itoa(n))
		tx.LockKey(key)
		it, _ := tx.Look(key)
		if got, _ := it.Int(); got != want {
			t.Errorf("key%d is %d after %d increments", n, got, want)
		}
		tx.Unlock()
	}
}

// TestOnChanged: the hook sees every change once it is set, and none after it is gone.
func TestOnChanged(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 2, Now: func() int64 { return 0 }})
	tx := s.NewTx()
	set := locked(func(tx *Tx) error { return tx.SetBytes(k13, k13, At(10)) })
	var seen []string
	s.OnChanged(func(_ *Tx, db int, key []byte, _ Change) { seen = append(seen, strconv.Itoa(db)+string(key)) })
	set(t, s, tx)
	tx.Now = 20
	tick(t, s, tx)
	for _, f := range []func(){tx.FlushDB, tx.FlushAll, func() { tx.SwapDB(0, 1) }} {
		if !tx.Exclusive(f) {
			t.Fatal("no phase")
		}
	}
	s.OnChanged(nil)
	set(t, s, tx)
	if want := "[0k 0k 0 0 1]"; fmt.Sprint(seen) != want {
		t.Errorf("seen %v, want %s", seen, want)
	}
	unmarked(t, s)
}
