package keyspace

import (
	"bytes"
	"math"
	"testing"
)

// TestLastDeadline: the greatest number is a deadline like any other, whatever
// sets, keeps or moves it.
func TestLastDeadline(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap})
	tx := s.NewTx()
	sink := &recorder{}
	tx.Sink = sink
	key, other := []byte("{t}k"), []byte("{t}other")
	tx.LockKey(key)
	expect := func(what string, key []byte, want bool) {
		t.Helper()
		it, ok := tx.Peek(key)
		ms, exp := it.ExpireAt()
		if !ok || exp != want || exp && ms != math.MaxInt64 {
			t.Errorf("%s: %v, deadline %d, %v", what, ok, ms, exp)
		}
		if _, n, _ := tx.Counts(0); (n == 1) != want {
			t.Errorf("%s: %d expires", what, n)
		}
	}
	last := At(math.MaxInt64)
	for _, val := range []string{"v", "12", string(bytes.Repeat([]byte{'v'}, 10_000))} {
		for what, f := range map[string]func() error{
			"SetBytes": func() error { return tx.SetBytes(key, []byte(val), last) },
			"SetRaw":   func() error { return tx.SetRaw(key, []byte(val), last) },
			"SetInt":   func() error { return tx.SetInt(key, 5, last) },
			"KeepTTL":  func() error { return tx.SetText(key, []byte(val), KeepTTL) },
			"Append":   func() error { _, err := tx.Append(key, []byte(val)); return err },
			"SetRange": func() error { _, err := tx.SetRange(key, 100, []byte(val)); return err },
		} {
			tx.Delete(key)
			if err := tx.SetBytes(key, []byte("x"), last); err != nil {
				t.Fatal(err)
			}
			if err := f(); err != nil {
				t.Fatal(err)
			}
			expect(what, key, true)
			if !tx.Persist(key) {
				t.Errorf("%s: PERSIST finds no deadline", what)
			}
			expect("PERSIST", key, false)
			tx.ExpireAt(key, math.MaxInt64)
			expect("PEXPIREAT", key, true)
			if ok, err := tx.Rename(key, other); !ok || err != nil {
				t.Fatal(ok, err)
			}
			expect("RENAME", other, true)
			if err := tx.SetBytes(other, []byte("x"), NoTTL); err != nil {
				t.Fatal(err)
			}
			expect("SET", other, false)
			tx.Delete(other)
		}
	}
	tx.Unlock()
	checked(t, s)
}
