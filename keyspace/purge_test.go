package keyspace

import (
	"bytes"
	"context"
	"errors"
	"strconv"
	"testing"
)

// TestPurge: afterwards no free page has physical memory and nothing waits to be returned, whatever was
// flushed, removed or large; keys that are left stay as they are.
func TestPurge(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 3})
	tx := s.NewTx()
	fill := func(db, n, size int) {
		t.Helper()
		tx.DB = db
		for i := range n {
			key := strconv.AppendInt(nil, int64(i), 10)
			if !tx.LockKey(key) {
				t.Fatal("not locked")
			}
			if err := tx.SetBytes(key, bytes.Repeat([]byte{'v'}, size), TTL{}); err != nil {
				t.Fatal(err)
			}
			tx.Unlock()
		}
	}
	fill(0, 20_000, 500)
	fill(1, 20_000, 300)
	fill(2, 20, 3<<20)
	tx.DB = 0
	for i := range 19_000 {
		key := strconv.AppendInt(nil, int64(i), 10)
		tx.LockKey(key)
		tx.Delete(key)
		tx.Unlock()
	}
	for tx.DB = 1; tx.DB < 3; tx.DB++ {
		tx.Exclusive(tx.FlushDB)
	}
	if s.Stats().LazyFreePending == 0 {
		t.Fatal("nothing waits: the test tests nothing")
	}
	if err := tx.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range s.stripes {
		if a := &s.stripes[i].arena; a.warm != 0 {
			t.Errorf("stripe %d: %d free pages have physical memory", i, a.warm)
		}
	}
	if st := s.Stats(); st.LazyFreePending != 0 || !s.src.idle() || st.Keys != 1000 {
		t.Errorf("after the purge: %+v", st)
	}
	tx.DB = 0
	fill(0, 2000, 500) // and all goes on

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := tx.Purge(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a purge that is over before it begins returns %v", err)
	}
}

// TestOverhead: what is no overhead of used memory is records, and nothing is counted twice.
func TestOverhead(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4, Databases: 3})
	tx := s.NewTx()
	if o, err := tx.Overhead(0); o != (Overhead{}) || err != nil {
		t.Errorf("an unused database: %v, %v", o, err)
	}
	records := int64(0)
	for i := range 50_000 {
		tx.DB = i % 2
		key, ttl := strconv.AppendInt(nil, int64(i), 10), TTL{}
		if i%4 < 2 {
			ttl = At(tx.Now + 1_000_000 + int64(i))
		}
		tx.LockKey(key)
		if err := tx.SetBytes(key, []byte("0123456789"), ttl); err != nil {
			t.Fatal(err)
		}
		if it, ok := tx.Peek(key); ok {
			records += int64(it.Size()) - groupBytes/groupFill // its share of the index
		}
		tx.Unlock()
	}
	var sum Overhead
	for db := range 3 {
		o, err := tx.Overhead(db)
		if err != nil {
			t.Fatal(err)
		}
		sum.Index += o.Index
		sum.Expiry += o.Expiry
	}
	// Free room at the ends of the wheels' cells is in neither.
	used := s.UsedMemory()
	if rest := used - records - sum.Index - sum.Expiry; rest < 0 || rest > used/10 {
		t.Errorf("%d bytes used, %d of records, %+v: %d are in nothing", used, records, sum, rest)
	}
	tx.Exclusive(func() {
		if _, err := s.NewTx().Overhead(0); !errors.Is(err, ErrExclusive) {
			t.Errorf("in somebody else's phase: %v", err)
		}
		if _, err := tx.Overhead(0); err != nil {
			t.Errorf("in one's own phase: %v", err)
		}
	})
}
