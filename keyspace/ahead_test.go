package keyspace

import (
	"fmt"
	"sync"
	"testing"
)

// TestAhead: keys found ahead are locked and looked up as without it, also if fewer commands
// run than were announced, others come between, and the bytes of a key change after EndAhead.
func TestAhead(t *testing.T) {
	s := newSpace(t, Options{})
	tx := s.NewTx()
	var keys [][]byte
	for i := range 100 {
		k := fmt.Appendf(nil, "key:%02d", i)
		keys = append(keys, k)
		tx.LockKey(k)
		if err := tx.SetInt(k, int64(i), NoTTL); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
	}
	look := func(k []byte, want int64) {
		t.Helper()
		if !tx.LockKey(k) {
			t.Fatal("not locked")
		}
		defer tx.Unlock()
		it, ok := tx.Look(k)
		if !ok {
			t.Fatalf("%s: not found", k)
		}
		if n, _ := it.Int(); n != want {
			t.Fatalf("%s: %d, want %d", k, n, want)
		}
	}
	tx.Ahead(keys) // more than AheadMax
	for i, k := range keys {
		look(k, int64(i))
	}
	tx.EndAhead()

	tx.Ahead(keys[:8])
	look(keys[0], 0)
	look(keys[50], 50) // not announced
	look(keys[1], 1)
	look(keys[3], 3) // one was left out
	tx.EndAhead()

	k := []byte("key:10")
	tx.Ahead([][]byte{k, keys[5]})
	tx.EndAhead()
	copy(k, "key:77")
	look(k, 77)

	tx.Ahead([][]byte{{}, keys[1], []byte("missing"), nil})
	tx.EndAhead()
}

// TestAheadBeside: Ahead reads what others change, flush and give back (K1: what it reads
// decides nothing).
func TestAheadBeside(t *testing.T) {
	s := newSpace(t, Options{Stripes: 2})
	var writers sync.WaitGroup
	for w := range 2 {
		writers.Go(func() {
			tx := s.NewTx()
			for i := range 20_000 {
				k := fmt.Appendf(nil, "key:%d", i%5000)
				if !tx.LockKey(k) {
					continue
				}
				if i%3 == 2 {
					tx.Delete(k)
				} else if err := tx.SetBytes(k, make([]byte, i%3000), NoTTL); err != nil {
					t.Error(err)
				}
				tx.Unlock()
				if w == 0 && i%5000 == 4999 {
					tx.Exclusive(tx.FlushAll)
				}
				if w == 1 && i%4000 == 3999 {
					tx.Exclusive(func() { tx.SwapDB(0, 1) })
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	tx := s.NewTx()
	for i := 0; ; i++ {
		select {
		case <-done:
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
		var keys [][]byte
		for j := range AheadMax {
			keys = append(keys, fmt.Appendf(nil, "key:%d", (i*37+j*101)%5000))
		}
		tx.Ahead(keys)
		tx.EndAhead()
	}
}

// BenchmarkAhead compares pipelines of 16 look-ups among 2M keys with and without looking ahead.
func BenchmarkAhead(b *testing.B) {
	s := newSpace(b, Options{})
	tx := s.NewTx()
	const n = 2_000_000
	val := make([]byte, 64)
	for i := range n {
		k := fmt.Appendf(nil, "key:%012d", i)
		tx.LockKey(k)
		if err := tx.SetBytes(k, val, NoTTL); err != nil {
			b.Fatal(err)
		}
		tx.Unlock()
	}
	for _, ahead := range []bool{false, true} {
		b.Run(fmt.Sprintf("ahead=%v", ahead), func(b *testing.B) {
			var keys [16][]byte
			x := uint64(1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%16 == 0 {
					for j := range keys {
						x = x*6364136223846793005 + 1442695040888963407
						keys[j] = fmt.Appendf(keys[j][:0], "key:%012d", x>>33%n)
					}
					tx.EndAhead()
					if ahead {
						tx.Ahead(keys[:])
					}
				}
				k := keys[i%16]
				tx.LockKey(k)
				tx.Look(k)
				tx.Unlock()
			}
		})
	}
}
