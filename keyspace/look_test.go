package keyspace

import "testing"

// TestLookups: Look counts hits and misses and touches, LookWrite only touches,
// Peek does neither, and NoTouch leaves the access time alone.
func TestLookups(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	key, absent := []byte("k"), []byte("absent")
	for name, c := range map[string]struct {
		look    func(*Tx, []byte) (Item, bool)
		noTouch bool
		counts  int64
		idle    int64
	}{
		"Look":                   {(*Tx).Look, false, 1, 0},
		"LookWrite":              {(*Tx).LookWrite, false, 0, 0},
		"Peek":                   {(*Tx).Peek, false, 0, 100},
		"Look with NoTouch":      {(*Tx).Look, true, 1, 100},
		"LookWrite with NoTouch": {(*Tx).LookWrite, true, 0, 100},
	} {
		set(t, tx, "k", "v", NoTTL)
		set(t, tx, "dead", "v", At(tx.Now+1000))
		before := s.Stats()
		tx.Now += 100_000
		tx.NoTouch = c.noTouch
		for k, want := range map[string]bool{"k": true, string(absent): false, "dead": false} {
			b := []byte(k)
			tx.LockKey(b)
			if _, ok := c.look(tx, b); ok != want {
				t.Errorf("%s of %q: %v", name, k, ok)
			}
			tx.Unlock()
		}
		tx.NoTouch = false
		o := s.Stats()
		if hits, misses := o.Hits-before.Hits, o.Misses-before.Misses; hits != c.counts || misses != 2*c.counts {
			t.Errorf("%s: %d hits, %d misses", name, hits, misses)
		}
		if o.ExpiredKeys != before.ExpiredKeys+1 {
			t.Errorf("%s leaves the expired key", name)
		}
		tx.LockKey(key)
		if it, _ := tx.Peek(key); it.IdleSeconds(tx.Now) != c.idle {
			t.Errorf("%s: idle %d s, want %d", name, it.IdleSeconds(tx.Now), c.idle)
		}
		tx.Unlock()
	}
}
