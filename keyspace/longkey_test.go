package keyspace

import (
	"bytes"
	"testing"
)

// TestLongKeys: keys whose records need a page run or a map of their own, as the
// first thing in a stripe and not, live through all that moves a record. (The
// first own map of an empty stripe once was number 0, and its ref no address.)
func TestLongKeys(t *testing.T) {
	t.Parallel()
	sizes := []int{chunkSize + 1, 5000, chunkSize - 16, 4000, chunkSize - 40, chunkSize, 1 << 21}
	sizes = sizes[:min(len(sizes), effort(16))]
	for name, mode := range testModes() {
		t.Run(name, func(t *testing.T) {
			shared := newSpace(t, Options{Arena: mode, Stripes: 1})
			for _, n := range sizes {
				longKey(t, newSpace(t, Options{Arena: mode, Stripes: 1}), n)
				longKey(t, shared, n)
			}
		})
	}
}

func longKey(t *testing.T, s *Space, n int) {
	t.Helper()
	tx := s.NewTx()
	before := s.stripes[0].arena.used
	key := bytes.Repeat([]byte{'k'}, n)
	other := append(bytes.Repeat([]byte{'k'}, n), 'o')
	has := func(what string, key []byte, want string, expires bool) {
		t.Helper()
		if !tx.LockKey(key) {
			t.Fatal("exclusive")
		}
		defer tx.Unlock()
		it, ok := tx.Look(key)
		if !ok {
			t.Fatalf("%s: no key of %d bytes", what, len(key))
		}
		_, exp := it.ExpireAt()
		if v := string(it.Bytes(nil)); v != want || exp != expires {
			t.Fatalf("%s: key of %d bytes: %.40q, want %.40q; expires %v", what, len(key), v, want, exp)
		}
		if c := tx.Count(); c != 1 {
			t.Fatalf("%s: %d keys", what, c)
		}
	}
	locked := func(f func()) {
		t.Helper()
		if !tx.LockKeys([][]byte{key, other}) {
			t.Fatal("exclusive")
		}
		f()
		tx.Unlock()
	}
	set(t, tx, string(key), "one", NoTTL)
	has("SET", key, "one", false)
	set(t, tx, string(key), "12", At(tx.Now+1000))
	has("SET again", key, "12", true)
	locked(func() {
		if n, err := tx.Append(key, []byte("3")); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	})
	has("APPEND", key, "123", true)
	locked(func() {
		if !tx.Persist(key) {
			t.Fatal("no deadline")
		}
	})
	has("PERSIST", key, "123", false)
	locked(func() {
		if !tx.ExpireAt(key, tx.Now+5000) {
			t.Fatal("no key")
		}
		if ok, err := tx.Rename(key, other); !ok || err != nil {
			t.Fatal(ok, err)
		}
	})
	has("RENAME", other, "123", true)
	seen := 0
	if err := tx.Keys(AnySlot, func(k []byte, _ Item) {
		if bytes.Equal(k, other) {
			seen++
		}
	}); err != nil || seen != 1 {
		t.Fatalf("KEYS gives the key %d times, %v", seen, err)
	}
	checked(t, s)
	if !del(tx, string(other)) || tx.Count() != 0 {
		t.Fatal("DEL does not find the key")
	}
	if used := s.stripes[0].arena.used; used > before+8<<10 { // the wheel keeps some cells
		t.Fatalf("%d bytes are left, before %d", used, before)
	}
	checked(t, s)
}
