package keyspace

import (
	"fmt"
	"maps"
	"runtime"
	"testing"
	"time"
)

// TestHoldBounds proves K10 by counting: a segment that is rebuilt has at most
// 2,048 words, upkeep frees at most 256 cells and makes at most a few system
// calls under one lock hold.
func TestHoldBounds(t *testing.T) {
	s := newSpace(t, Options{Stripes: 1, Databases: 2, Arena: Heap})
	tx := s.NewTx()
	const n = 40_000
	for i := range n {
		set(t, tx, fmt.Sprintf("{hot}%d", i), "0123456789", At(tx.Now+int64(i)*1000))
	}
	st := &s.stripes[0]
	d := st.dbs[0]
	sb := &d.subs[Slot([]byte("hot"))]
	for _, e := range d.dirs[sb.dir-1].entries {
		if e.groups > maxGroups || e.depth > maxDepth {
			t.Fatalf("a segment of %d groups, depth %d: a rebuild moves too many words", e.groups, e.depth)
		}
	}
	tx.DB = 1
	set(t, tx, "other", "stays", NoTTL)
	tx.DB = 0
	tx.Exclusive(tx.FlushDB)
	if tx.Count() != 0 || s.Stats().LazyFreePending != n {
		t.Fatalf("%d keys, %d pending", tx.Count(), s.Stats().LazyFreePending)
	}
	pages := st.arena.pages
	holds := 0
	for more := true; more; holds++ {
		if !s.lockStripe(st) {
			t.Fatal("exclusive")
		}
		before, warm := s.lazyFreed.Load(), st.arena.warm
		more = s.upkeep(st)
		if freed := s.lazyFreed.Load() - before; freed > sliceCells {
			t.Fatalf("%d keys freed under one hold", freed)
		}
		if given := warm - st.arena.warm; given > trimCalls*chunkPages {
			t.Fatalf("%d pages given back under one hold", given)
		}
		s.unlockStripe(st)
		if holds%50 == 0 {
			checked(t, s)
		}
	}
	if holds < n/sliceCells {
		t.Fatalf("%d keys were freed in %d holds", n, holds)
	}
	checked(t, s)
	if o := s.Stats(); o.LazyFreePending != 0 || o.LazyFreed != n || o.Keys != 1 {
		t.Fatalf("%+v", o)
	}
	if st.arena.pages > pages/8 {
		t.Fatalf("%d pages of %d are still in use", st.arena.pages, pages)
	}
}

// TestFlushReturnsMemory: after FLUSHALL used memory is what an empty server
// uses at once, and Tick returns what was mapped.
func TestFlushReturnsMemory(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2})
	tx := s.NewTx()
	for i := range 20_000 {
		set(t, tx, fmt.Sprint("key", i), fmt.Sprintf("%0500d", i), At(tx.Now+100_000))
	}
	set(t, tx, "large", string(make([]byte, 8<<20)), NoTTL)
	if used := s.UsedMemory(); used < 18<<20 {
		t.Fatalf("%d bytes used", used)
	}
	tx.Exclusive(tx.FlushAll)
	if used := s.UsedMemory(); used != s.tableBytes() {
		t.Fatalf("%d bytes used after FLUSHALL", used)
	}
	if p := s.Stats().LazyFreePending; p != 20_001 {
		t.Fatalf("%d keys pending", p)
	}
	for s.Tick(tx, 0, 1, time.Millisecond) {
	}
	o := s.Stats()
	if o.MappedBytes != 0 || o.LazyFreePending != 0 || o.LazyFreed != 20_001 || o.PeakMemory < 18<<20 {
		t.Fatalf("%+v", o)
	}
	checked(t, s)
}

// TestRegionsStayMapped: regions of dropped arenas have no physical memory, can
// be read all the same, and are the next regions.
func TestRegionsStayMapped(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2})
	if s.src.heap {
		t.Skip("no mmap")
	}
	tx := s.NewTx()
	fill := func() {
		for i := range 2_000 {
			set(t, tx, fmt.Sprint("key", i), fmt.Sprintf("%0500d", i), NoTTL)
		}
	}
	regions := func() (starts map[*byte]bool) {
		starts = map[*byte]bool{}
		for i := range s.stripes {
			for _, r := range s.stripes[i].arena.regions {
				starts[&r[0]] = true
			}
		}
		return starts
	}
	fill()
	was := regions()
	read := s.stripes[0].arena.regions[0]
	tx.Exclusive(tx.FlushAll)
	for s.Tick(tx, 0, 1, time.Millisecond) {
	}
	if len(s.src.ranges) != len(was) || s.Stats().MappedBytes != 0 {
		t.Fatalf("%d ranges, %d bytes", len(s.src.ranges), s.Stats().MappedBytes)
	}
	for i, b := range read {
		if runtime.GOOS == "linux" && b != 0 {
			t.Fatalf("byte %d has its physical memory still", i)
		}
	}
	fill()
	if now := regions(); !maps.Equal(now, was) {
		t.Fatalf("regions %v, before %v", now, was)
	}
	checked(t, s)
}

// TestLazy: a Space takes no memory before the first write, and a database none
// before its own.
func TestLazy(t *testing.T) {
	s := newSpace(t, Options{Databases: 16_384, Stripes: 64})
	tx := s.NewTx()
	if _, ok := get(tx, "k"); ok {
		t.Fatal("a key")
	}
	if o := s.Stats(); o.MappedBytes != 0 || o.UsedMemory != 0 || o.Misses != 1 {
		t.Fatalf("%+v", o)
	}
	tx.DB = 16_383
	set(t, tx, "k", "v", NoTTL)
	if o := s.Stats(); o.UsedMemory > s.tableBytes()+8<<10 || o.Keys != 1 {
		t.Fatalf("%+v", o)
	}
}

// TestNoAllocs: the way of GET and SET makes no garbage.
func TestNoAllocs(t *testing.T) {
	if debug || raceEnabled {
		t.Skip("debug modes allocate")
	}
	s := newSpace(t, Options{})
	tx := s.NewTx()
	sink := &countSink{}
	tx.Sink = sink
	keys := make([][]byte, 4)
	for i := range keys {
		keys[i] = fmt.Appendf(nil, "key:%d", i)
		set(t, tx, string(keys[i]), "value", NoTTL)
	}
	key, val, long := keys[0], []byte("another value"), make([]byte, 300)
	scratch := make([]byte, 0, 20)
	n := int64(0)
	for name, f := range map[string]func(){
		"GET": func() {
			tx.LockKey(key)
			if it, ok := tx.Look(key); ok {
				_ = it.Bytes(scratch)
			}
			tx.Unlock()
		},
		"SET": func() { tx.LockKey(key); _ = tx.SetBytes(key, val, NoTTL); tx.Unlock() },
		"SET and back": func() {
			tx.LockKey(key)
			_ = tx.SetBytes(key, long, NoTTL)
			_ = tx.SetBytes(key, val, NoTTL)
			tx.Unlock()
		},
		"SET with TTL": func() { tx.LockKey(key); _ = tx.SetBytes(key, val, At(tx.Now+1000)); tx.Unlock() },
		"SetInt":       func() { n++; tx.LockKey(key); _ = tx.SetInt(key, n, KeepTTL); tx.Unlock() },
		"DEL and SET":  func() { tx.LockKey(key); tx.Delete(key); _ = tx.SetBytes(key, val, NoTTL); tx.Unlock() },
		"APPEND":       func() { tx.LockKey(key); _ = tx.SetBytes(key, val, NoTTL); _, _ = tx.Append(key, val); tx.Unlock() },
		"miss":         func() { tx.LockKey(long); _, _ = tx.Look(long); tx.Unlock() },
		"MGET": func() {
			tx.LockKeys(keys)
			for _, k := range keys {
				_, _ = tx.Look(k)
			}
			tx.Unlock()
		},
		"EXPIRE":     func() { tx.LockKey(key); tx.ExpireAt(key, tx.Now+500); tx.Persist(key); tx.Unlock() },
		"UsedMemory": func() { s.UsedMemory() },
	} {
		if a := testing.AllocsPerRun(200, f); a != 0 {
			t.Errorf("%s: %v allocations", name, a)
		}
	}
	if sink.n == 0 {
		t.Error("no effects")
	}
}
