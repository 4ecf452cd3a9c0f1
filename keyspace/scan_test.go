package keyspace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// set stores a string, and fails the test if it cannot.
func set(tb testing.TB, t *Tx, key, val string, ttl TTL) {
	tb.Helper()
	k := []byte(key)
	t.LockKey(k)
	defer t.Unlock()
	if err := t.SetBytes(k, []byte(val), ttl); err != nil {
		tb.Fatalf("SET %q: %v", key, err)
	}
}

func del(t *Tx, key string) bool {
	k := []byte(key)
	t.LockKey(k)
	defer t.Unlock()
	return t.Delete(k)
}

func get(t *Tx, key string) (string, bool) {
	k := []byte(key)
	t.LockKey(k)
	defer t.Unlock()
	it, ok := t.Look(k)
	if !ok {
		return "", false
	}
	return string(it.AppendTo(nil)), true
}

func checked(tb testing.TB, s *Space) {
	tb.Helper()
	if err := s.Check(); err != nil {
		tb.Fatal(err)
	}
}

// slotKey returns a key of a slot.
func slotKey(slot uint16) string {
	for i := 0; ; i++ {
		if k := fmt.Sprintf("slot:%d", i); Slot([]byte(k)) == slot {
			return k
		}
	}
}

// slotKeys returns a key of each of the first n slots.
func slotKeys(n int) []string {
	keys := make([]string, n)
	for i, left := 0, n; left > 0; i++ {
		k := fmt.Sprint("slot:", i)
		if slot := int(Slot([]byte(k))); slot < n && keys[slot] == "" {
			keys[slot] = k
			left--
		}
	}
	return keys
}

// TestScanUnderChange proves K8: keys that stay from a scan's start to its end
// are returned exactly once while segments grow, split and shrink between the
// calls and another database is flushed.
func TestScanUnderChange(t *testing.T) {
	t.Parallel()
	r := seed(t)
	s := newSpace(t, Options{Stripes: 4, Arena: Heap})
	tx := s.NewTx()
	const stay = 5000
	for i := range stay {
		set(t, tx, stayKey(i), "v", NoTTL)
	}
	for round := range 12 {
		if round%4 == 3 {
			other := s.NewTx()
			other.DB = 1
			for i := range 500 {
				set(t, other, fmt.Sprint("other", i), "v", NoTTL)
			}
			other.Exclusive(other.FlushDB)
		}
		seen := make([]int, stay)
		grow := round%2 == 0
		for cursor, calls := uint64(0), 0; ; calls++ {
			var err error
			cursor, err = tx.Scan(cursor, 1+r.IntN(200), AnySlot, func(key []byte, _ Item) {
				var i int
				if _, err := fmt.Sscanf(string(key), "{stay}%d", &i); err == nil {
					seen[i]++
				} else if _, err := fmt.Sscanf(string(key), "stay%d", &i); err == nil {
					seen[i]++
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if cursor == 0 {
				break
			}
			for range 300 {
				if k := fmt.Sprintf("{stay}x%d", r.IntN(20_000)); grow {
					set(t, tx, k, "v", NoTTL)
				} else {
					del(tx, k)
				}
			}
		}
		for i, n := range seen {
			if n != 1 {
				t.Fatalf("round %d: %s was returned %d times", round, stayKey(i), n)
			}
		}
		checked(t, s)
	}
}

// stayKey is half in one slot, half everywhere.
func stayKey(i int) string {
	if i%2 == 0 {
		return fmt.Sprintf("{stay}%d", i)
	}
	return fmt.Sprintf("stay%d", i)
}

// TestScanLastSlot proves K8 and K3 at the end of the slots.
func TestScanLastSlot(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	key := slotKey(Slots - 1)
	set(t, tx, key, "v", NoTTL)
	checked(t, s)
	n := 0
	cursor, err := tx.Scan(0, 10, AnySlot, func(k []byte, _ Item) {
		if string(k) != key {
			t.Errorf("key %q", k)
		}
		n++
	})
	if err != nil || cursor != 0 || n != 1 {
		t.Fatalf("%d keys, cursor %d, %v", n, cursor, err)
	}
	for _, slot := range []int{Slots - 1, 0, Slots - 2} {
		n = 0
		cursor, err = tx.Scan(0, 10, ScanHint{Slot: slot}, func([]byte, Item) { n++ })
		if err != nil || cursor != 0 || n == 1 != (slot == Slots-1) {
			t.Fatalf("slot %d: %d keys, cursor %d, %v", slot, n, cursor, err)
		}
	}
	if k, ok, err := tx.RandomKey(nil); string(k) != key || !ok || err != nil {
		t.Fatalf("RandomKey: %q %v %v", k, ok, err)
	}
	del(tx, key)
	if tx.Count() != 0 {
		t.Fatal("a key is left")
	}
	checked(t, s)
}

// TestScanCursors proves that every number is accepted as a cursor, and that a
// scan from it ends (K8).
func TestScanCursors(t *testing.T) {
	t.Parallel()
	r := seed(t)
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	for i := range 2000 {
		set(t, tx, fmt.Sprintf("{tag}%d", i), "v", NoTTL)
		set(t, tx, fmt.Sprint(i), "v", NoTTL)
	}
	cursors := []uint64{1, math.MaxUint32, 1 << 32, cursorEnd - 1, cursorEnd, cursorEnd + 1, math.MaxUint64, 1 << 63, Slots}
	for range effort(1000) {
		cursors = append(cursors, r.Uint64()>>r.IntN(64))
	}
	for _, c := range cursors {
		start, seen := c, map[string]bool{}
		for calls := 0; ; calls++ {
			var err error
			c, err = tx.Scan(c, 1000, AnySlot, func(k []byte, _ Item) {
				if seen[string(k)] {
					t.Fatalf("from %#x: %q twice", start, k)
				}
				seen[string(k)] = true
			})
			if err != nil {
				t.Fatal(err)
			}
			if c == 0 {
				break
			}
			if c < start || calls > 5000 {
				t.Fatalf("from %#x: cursor %#x after %d calls", start, c, calls)
			}
		}
		if start >= cursorEnd && len(seen) > 0 {
			t.Fatalf("cursor %#x is behind the end and has keys", start)
		}
	}
}

// TestScanCount: a call returns as many keys as are asked for, however far they
// lie apart, and at most one home group more.
func TestScanCount(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	const n = 2000
	for i := range n {
		set(t, tx, fmt.Sprint("key", i), "v", NoTTL)
	}
	for _, count := range []int{1, 10, 269, n - 1, n, n + 1, 5000, math.MaxInt} {
		got := 0
		cursor, err := tx.Scan(0, count, AnySlot, func([]byte, Item) { got++ })
		if want := min(count, n); err != nil || got < want || got > want+maxGroups/8 || (cursor == 0) != (got == n) {
			t.Fatalf("COUNT %d: %d keys, cursor %d, %v", count, got, cursor, err)
		}
	}
	// Far apart, with slots between that hold nothing live.
	tx.Exclusive(tx.FlushAll)
	for slot, key := range slotKeys(2 * scanSlots) {
		ttl := At(tx.Now)
		if slot%(scanSlots/2) == 0 {
			ttl = NoTTL
		}
		set(t, tx, key, "v", ttl)
	}
	set(t, tx, slotKey(Slots-1), "v", NoTTL)
	tx.Now++
	got := 0
	if cursor, err := tx.Scan(0, 5, AnySlot, func([]byte, Item) { got++ }); got != 5 || cursor != 0 || err != nil {
		t.Fatalf("%d keys, cursor %#x, %v", got, cursor, err)
	}
}

// TestScanBudget proves K10 for SCAN: a call that finds nothing looks at a
// bounded number of words and comes back with a cursor that has moved.
func TestScanBudget(t *testing.T) {
	s := newSpace(t, Options{Stripes: 1, Arena: Heap})
	tx := s.NewTx()
	const n = 20_000
	for i := range n {
		set(t, tx, fmt.Sprintf("{tag}%d", i), "v", At(tx.Now))
	}
	tx.Now++
	last, calls := uint64(0), 0
	for {
		x := s.index[0].Load()
		w := walk{t: tx, emit: func([]byte, Item) { t.Fatal("an expired key was emitted (K7)") }, left: 10, words: scanWords}
		c, ok := x.position(last, AnySlot)
		if !ok {
			t.Fatal("no slot has keys")
		}
		next, err := w.slice(c)
		if err != nil {
			t.Fatal(err)
		}
		if used := scanWords - w.words; used > scanWords+maxGroups*groupWords {
			t.Fatalf("%d words in one lock hold", used)
		}
		calls++
		if next <= last {
			t.Fatalf("the cursor stands at %#x", next)
		}
		if next>>32 != c>>32 {
			break
		}
		last = next
	}
	if calls < n/scanWords/2 {
		t.Fatalf("%d calls for %d expired keys", calls, n)
	}
	// Many slots with nothing live: a call ends.
	s = newSpace(t, Options{Arena: Heap})
	tx = s.NewTx()
	for _, key := range slotKeys(scanSlots + 1) {
		set(t, tx, key, "v", At(tx.Now))
	}
	tx.Now++
	if c, err := tx.Scan(0, 10, AnySlot, func([]byte, Item) { t.Error("an expired key") }); c>>32 != scanSlots || err != nil {
		t.Fatalf("cursor %#x after %d slots, %v", c, scanSlots, err)
	}
}

// TestHotSlot fills one slot with many keys, scans it and empties it: K2, K3, K8.
func TestHotSlot(t *testing.T) {
	n := 1_000_000
	if testing.Short() || raceEnabled || debug {
		n = 50_000
	}
	mode := Mmap
	if raceEnabled {
		mode = Heap
	}
	s := newSpace(t, Options{Arena: mode})
	tx := s.NewTx()
	key := []byte(nil)
	for i := range n {
		key = fmt.Appendf(key[:0], "{hot}%d", i)
		tx.LockKey(key)
		if err := tx.SetInt(key, int64(i), NoTTL); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	checked(t, s)
	seen := make([]bool, n)
	found := 0
	for cursor, count := uint64(0), 1; ; count = 1 + count*2%1000 {
		var err error
		cursor, err = tx.Scan(cursor, count, AnySlot, func(_ []byte, it Item) {
			if i, _ := it.Int(); seen[i] {
				t.Fatalf("key %d twice", i)
			} else {
				seen[i] = true
			}
			found++
		})
		if err != nil {
			t.Fatal(err)
		}
		if cursor == 0 {
			break
		}
	}
	if found != n {
		t.Fatalf("%d keys of %d", found, n)
	}
	for i := range n {
		key = fmt.Appendf(key[:0], "{hot}%d", i)
		tx.LockKey(key)
		if !tx.Delete(key) {
			t.Fatalf("key %d is missing", i)
		}
		tx.Unlock()
		if i == n/2 {
			checked(t, s)
		}
	}
	checked(t, s)
	st := &s.stripes[Slot([]byte("hot"))&s.mask]
	if st.arena.used != 0 || tx.Count() != 0 {
		t.Fatalf("%d bytes and %d keys are left", st.arena.used, tx.Count())
	}
}

// TestRandomKey: each key has about the same chance, whatever its slot holds.
func TestRandomKey(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2, Arena: Heap})
	tx := s.NewTx()
	const n, draws = 5000, 100_000
	for i := range n {
		set(t, tx, stayKey(i), "v", NoTTL)
	}
	half := 0
	hits := map[string]int{}
	var dst []byte
	for range draws {
		k, ok, err := tx.RandomKey(dst)
		if !ok || err != nil {
			t.Fatal(ok, err)
		}
		dst = k
		hits[string(k)]++
		if k[0] == '{' {
			half++
		}
	}
	// 20 draws a key: a key without any has probability 2e-9, half is 50,000 +- 158.
	if len(hits) < n-3 || half < 49_000 || half > 51_000 {
		t.Fatalf("%d of %d keys drawn, %d of %d in the hot slot", len(hits), n, half, draws)
	}
}

// TestSegments drives segments of every size with random words: K2.
func TestSegments(t *testing.T) {
	t.Parallel()
	r := seed(t)
	a := newArena(&mapper{heap: true}, Heap)
	for range effort(200) {
		groups := fitGroups(1 + r.IntN(maxGroups))
		depth := uint8(r.IntN(8))
		h, err := a.newSegment(groups)
		if err != nil {
			t.Fatal(err)
		}
		seg := a.segment(&h)
		words := map[uint64]bool{}
		// Skewed, so that groups overflow, also past the end.
		draw := func() uint64 {
			f := r.Uint32()
			switch r.IntN(3) {
			case 0:
				f |= 0xFFF00000 >> depth
			case 1:
				f &= 0x000FFFFF
			}
			return word(f, r.Uint32()|1)
		}
		for range 3 * groups * groupWords {
			if len(words) < groups*groupFill && r.IntN(5) > 1 {
				w := draw()
				if words[w] {
					continue
				}
				words[w] = true
				insertWord(seg, groups, depth, w)
			} else if len(words) > 0 {
				at := r.IntN(groups * groupWords)
				w := le.Uint64(seg[at*8:])
				if uint32(w) == 0 {
					continue
				}
				delete(words, w)
				removeWord(seg, groups, depth, at)
			}
		}
		n := 0
		for i := range groups * groupWords {
			w := le.Uint64(seg[i*8:])
			if uint32(w) == 0 {
				continue
			}
			n++
			if !words[w] {
				t.Fatalf("word %#x was not put there", w)
			}
			for g := home(uint32(w>>32), depth, groups); g != i/groupWords; g = (g + 1) % groups {
				if !groupIsFull(seg, g) {
					t.Fatalf("%d groups: word %#x in group %d cannot be reached", groups, w, i/groupWords)
				}
			}
		}
		if n != len(words) {
			t.Fatalf("%d words, want %d", n, len(words))
		}
		a.freeSegment(&h)
	}
	if a.used != 0 {
		t.Fatalf("%d bytes are left", a.used)
	}
}

// TestNextGroup: the groups' ranges follow each other without gap or overlap.
func TestNextGroup(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20_000 {
		groups, depth := 1+r.IntN(maxGroups), uint8(r.IntN(maxDepth+1))
		from := r.Uint32()
		g := home(from, depth, groups)
		next, more := nextGroup(from, depth, groups, g)
		if !more {
			if next != 0 || from>>(32-depth) != math.MaxUint32>>(32-depth) || g != groups-1 {
				t.Fatalf("from %#x, depth %d, group %d of %d: no more", from, depth, g, groups)
			}
			continue
		}
		if next <= from {
			t.Fatalf("from %#x, depth %d: next %#x", from, depth, next)
		}
		same := next>>(32-depth) == from>>(32-depth)
		before := next - 1
		if home(before, depth, groups) != g || before>>(32-depth) != from>>(32-depth) {
			t.Fatalf("from %#x, depth %d, group %d: %#x is before the next group", from, depth, g, before)
		}
		if same && home(next, depth, groups) == g {
			t.Fatalf("from %#x: %#x is in the same group", from, next)
		}
	}
}
