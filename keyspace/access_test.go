package keyspace

import (
	"math"
	"testing"
)

// TestClockSkew: a use that another loop dated a moment later, or before the clock
// was set back, is one of now; the clocks turn over.
func TestClockSkew(t *testing.T) {
	const now = 1_700_000_000_000
	for _, c := range []struct{ use, now, idle int64 }{
		{now, now, 0},
		{now - 5000, now, 5},
		{now + 1000, now, 0},
		{now + 3_600_000, now, 0},
		{now - 100*86_400_000, now, 100 * 86400},
		{(1<<24 - 10) * 1000, (1<<24 + 10) * 1000, 20}, // the 24 bits turned over
	} {
		if got := idleSeconds(lruClock(c.use), c.now); got != c.idle {
			t.Errorf("used at %d, now %d: idle %d s, want %d", c.use, c.now, got, c.idle)
		}
	}
	l := &lfu{logFactor: 10, decay: 1}
	for _, c := range []struct{ use, now, counter int64 }{
		{now, now, 200},
		{now + 60_000, now, 200},
		{now - 10*60_000, now, 190},
		{now - 500*60_000, now, 0},
		{(1<<16 - 5) * 60_000, (1<<16 + 5) * 60_000, 190},
	} {
		if got := l.counter(lfuMinutes(c.use)<<counterBits|200, c.now); got != c.counter {
			t.Errorf("used at %d, now %d: counter %d, want %d", c.use, c.now, got, c.counter)
		}
	}
	if got := (&lfu{}).counter(200, now); got != 200 {
		t.Errorf("without decay the counter is %d", got)
	}
}

// TestCounter compares the counter with the expectation of Redis' formula: it
// grows with probability 1/((counter-5)*factor+1), so n uses lead to
// counter(n) with factor*(c-5)^2/2 + (c-5) about n.
func TestCounter(t *testing.T) {
	l := &lfu{logFactor: 10, decay: 1}
	for _, uses := range []int{100, 1000, 100_000} {
		sum := 0.0
		const runs = 20
		for range runs {
			use := l.fresh(0)
			for range uses {
				use = l.used(use, 0)
			}
			sum += float64(use & counterMax)
		}
		want := counterInit + (math.Sqrt(1+2*10*float64(uses))-1)/10
		if got := sum / runs; math.Abs(got-want) > 1+want/10 {
			t.Errorf("%d uses: counter %.1f, expected about %.1f", uses, got, want)
		}
	}
	if use := l.used(counterMax, 0); use&counterMax != counterMax {
		t.Error("the counter turned over")
	}
}

// TestUse follows the bits of keys through commands, under both kinds of policy.
func TestUse(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	freq := func(key string) int64 {
		k := []byte(key)
		tx.LockKey(k)
		defer tx.Unlock()
		it, ok := tx.Peek(k)
		if !ok {
			t.Fatalf("%q is not there", key)
		}
		return it.Freq(tx.Now)
	}
	idle := func(key string) int64 {
		k := []byte(key)
		tx.LockKey(k)
		defer tx.Unlock()
		it, _ := tx.Peek(k)
		return it.IdleSeconds(tx.Now)
	}
	on := func(f func(), keys ...string) {
		t.Helper()
		b := make([][]byte, len(keys))
		for i, k := range keys {
			b[i] = []byte(k)
		}
		tx.LockKeys(b)
		defer tx.Unlock()
		f()
	}
	set(t, tx, "a", "v", NoTTL)
	if n := freq("a"); n != 0 {
		t.Errorf("a counter of %d without an LFU policy", n)
	}
	on(func() { tx.SetUse([]byte("a"), 100, 200) }, "a")
	if n := idle("a"); n != 100 {
		t.Errorf("idle %d s, want 100", n)
	}
	on(func() { _, _ = tx.Rename([]byte("a"), []byte("b")) }, "a", "b")
	on(func() { _, _ = tx.Copy([]byte("b"), 0, []byte("c"), false) }, "b", "c")
	on(func() { tx.ExpireAt([]byte("b"), tx.Now+1e6) }, "b")
	if b, c := idle("b"), idle("c"); b != 100 || c != 0 {
		t.Errorf("idle: renamed %d s, copied %d s", b, c)
	}
	if tx.LockKey([]byte("none")); tx.SetUse([]byte("none"), 1, 1) {
		t.Error("an absent key was given a use")
	}
	tx.Unlock()

	s.SetLimit(Limit{Policy: AllKeysLFU, LFULogFactor: 0, LFUDecayMinutes: 1}) // factor 0: every use counts
	set(t, tx, "n", "v", NoTTL)
	if n := freq("n"); n != counterInit {
		t.Errorf("a new key has counter %d", n)
	}
	look := func() { tx.Look([]byte("n")) }
	on(look, "n")
	set(t, tx, "n", "w", NoTTL)                                                 // in its cell
	set(t, tx, "n", "a longer value that does not fit in the same cell", NoTTL) // in another
	on(func() { _, _ = tx.Append([]byte("n"), []byte("x")) }, "n")
	if n := freq("n"); n != counterInit+4 {
		t.Errorf("four uses make counter %d of %d", n, counterInit)
	}
	key := []byte("n") // a command that looks before it stores uses the key once
	tx.LockKey(key)
	tx.LookWrite(key)
	_ = tx.SetBytes(key, []byte("1"), NoTTL)
	tx.Unlock()
	if n := freq("n"); n != counterInit+5 {
		t.Errorf("five uses make counter %d of %d", n, counterInit)
	}
	tx.NoTouch = true
	on(look, "n")
	tx.NoTouch = false
	tx.Now += 3 * 60_000
	if n := freq("n"); n != counterInit+2 {
		t.Errorf("after three minutes the counter is %d", n)
	}
	on(func() { tx.SetUse(key, 5, 77) }, "n")
	on(func() { _, _ = tx.Rename(key, []byte("m")) }, "n", "m")
	on(func() { _, _ = tx.Copy([]byte("m"), 0, []byte("o"), false) }, "m", "o")
	if m, o := freq("m"), freq("o"); m != 77 || o != counterInit {
		t.Errorf("counters: renamed %d, copied %d", m, o)
	}
}
