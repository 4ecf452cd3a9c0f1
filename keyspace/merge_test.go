package keyspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
)

// mergeRig is a Space of one stripe whose huge pages a test makes.
type mergeRig struct {
	*testing.T
	s  *Space
	tx *Tx
}

func newMergeRig(t *testing.T) *mergeRig {
	if !canMap {
		t.Skip("arenas lie in the heap")
	}
	s := newSpace(t, Options{Stripes: 1, Databases: 2})
	return &mergeRig{t, s, s.NewTx()}
}

// set stores the keys from, from+1, ... to-1 with values of 100 bytes that begin with the key.
func (r *mergeRig) set(from, to int) {
	r.Helper()
	for i := from; i < to; i++ {
		key := fmt.Appendf(nil, "key:%08d", i)
		r.tx.LockKey(key)
		err := r.tx.SetBytes(key, append(slices.Clip(key), make([]byte, 100-len(key))...), NoTTL)
		r.tx.Unlock()
		if err != nil {
			r.Fatal(err)
		}
	}
}

// del removes every step'th key from from on.
func (r *mergeRig) del(from, to, step int) {
	for i := from; i < to; i += step {
		key := fmt.Appendf(nil, "key:%08d", i)
		r.tx.LockKey(key)
		r.tx.Delete(key)
		r.tx.Unlock()
	}
}

// expect holds the keys from, ..., to-1 against what set stored.
func (r *mergeRig) expect(from, to int) {
	r.Helper()
	for i := from; i < to; i++ {
		key := fmt.Appendf(nil, "key:%08d", i)
		r.tx.LockKey(key)
		it, ok := r.tx.Peek(key)
		if !ok || !bytes.HasPrefix(it.Bytes(nil), key) {
			r.Fatalf("%s: found %v", key, ok)
		}
		r.tx.Unlock()
	}
}

// merge makes huge pages by calling f until nothing is left to do, and returns how many calls there were.
func (r *mergeRig) merge(f func([]byte) error) (n int) {
	r.Helper()
	for {
		was := n
		more, err := r.tx.mergeNext(r.Context(), func(b []byte) error {
			if len(b) != hugeSize || hugeOffset(b) != 0 {
				r.Errorf("merges %d bytes %d after a boundary", len(b), hugeOffset(b))
			}
			n++
			return f(b)
		})
		if err != nil {
			r.Fatal(err)
		}
		if !more {
			return n
		}
		if n == was {
			r.Fatal("more, but there is nothing")
		}
	}
}

// check holds the invariants, and what the Space counts against its units.
func (r *mergeRig) check() (huge int) {
	r.Helper()
	if err := r.s.Check(); err != nil {
		r.Fatal(err)
	}
	for i := range r.s.stripes {
		for _, u := range r.s.stripes[i].arena.units {
			if u.state == unitHuge {
				huge++
			}
		}
	}
	if n := r.s.Stats().HugeBytes; n != int64(huge)*hugeSize {
		r.Fatalf("counts %d bytes of huge pages, there are %d pages", n, huge)
	}
	return huge
}

func fakeMerge([]byte) error { return nil }

// TestMerge: what is full is merged once, what is not full never; memory that is given
// back is small again, and huge again when it is full again.
func TestMerge(t *testing.T) {
	r := newMergeRig(t)
	const keys = 60_000 // 7.5 MB
	r.set(0, 1000)
	if n := r.merge(fakeMerge); n != 0 {
		t.Fatalf("merged %d with few keys", n)
	}
	r.set(1000, keys)
	seen := map[*byte]bool{}
	n := r.merge(func(b []byte) error {
		seen[&b[0]] = true
		return nil
	})
	if all := int(r.s.Stats().PageBytes) / hugeSize; n < all-1 || n > all || len(seen) != n || r.check() != n {
		t.Fatalf("merged %d units, %d different ones, %d are huge; of %d", n, len(seen), r.check(), all)
	}
	r.set(0, keys) // overwrites
	if again := r.merge(fakeMerge); again != 0 {
		t.Fatalf("merged %d again", again)
	}
	r.del(0, keys-10, 1)
	if err := r.tx.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.check(); n > 1 {
		t.Fatalf("%d huge pages after nearly all was removed", n)
	}
	r.set(0, keys)
	if again := r.merge(fakeMerge); again == 0 || r.check() < n-1 {
		t.Fatalf("merged %d when it was full again: %d of %d", again, r.check(), n)
	}
	r.expect(0, keys)
	r.tx.Exclusive(r.tx.FlushAll)
	if r.check() != 0 || r.s.Stats().HugeBytes != 0 {
		t.Fatal("huge pages are left after FLUSHALL")
	}
	for more := true; more; {
		more = r.s.returnMemory(0)
	}
	r.set(0, keys) // in the same region
	if len(r.s.src.whole) != 1 || r.merge(fakeMerge) != n {
		t.Fatalf("%d regions, %d huge pages after a flush, were %d", len(r.s.src.whole), r.check(), n)
	}
}

// TestMergeOff: SetHugePages stops it, and what became full meanwhile is merged later.
func TestMergeOff(t *testing.T) {
	r := newMergeRig(t)
	r.s.SetHugePages(false)
	r.set(0, 40_000)
	if n := r.merge(fakeMerge); n != 0 {
		t.Fatalf("merged %d", n)
	}
	r.s.SetHugePages(true)
	if n := r.merge(fakeMerge); n == 0 {
		t.Fatal("merged nothing")
	}
}

// TestMergeErrors: memory that the system would not merge now is tried again; a system that cannot is
// not asked again.
func TestMergeErrors(t *testing.T) {
	r := newMergeRig(t)
	r.set(0, 40_000)
	var first *byte
	next := func(err error) error {
		more, got := r.tx.mergeNext(t.Context(), func(b []byte) error {
			if first == nil {
				first = &b[0]
			}
			return err
		})
		if !more {
			t.Fatal("nothing to do")
		}
		return got
	}
	if err := next(syscall.ENOMEM); !errors.Is(err, syscall.ENOMEM) {
		t.Fatal(err)
	}
	again := false
	r.merge(func(b []byte) error {
		again = again || &b[0] == first
		return nil
	})
	if !again {
		t.Fatal("after ENOMEM the unit was not tried again")
	}
	r.check()
	r.set(40_000, 80_000)
	if err := next(errors.ErrUnsupported); !errors.Is(err, errors.ErrUnsupported) {
		t.Fatal(err)
	}
	r.check()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if more, err := r.tx.mergeNext(ctx, fakeMerge); more || !errors.Is(err, context.Canceled) {
		t.Fatal(more, err)
	}
	r.check()
}

// TestMergeUnsupported: the first refusal ends it, one after it has worked only concerns that memory.
func TestMergeUnsupported(t *testing.T) {
	for _, c := range []struct{ refused, calls int }{{1, 1}, {2, 3}} {
		r := newMergeRig(t)
		r.set(0, 60_000)
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		r.tx.mergeAll(ctx, func([]byte) error {
			switch calls++; calls {
			case c.refused:
				return errors.ErrUnsupported
			case 3:
				cancel()
			}
			return nil
		})
		cancel()
		if calls != c.calls {
			t.Errorf("call %d is refused: %d calls, want %d", c.refused, calls, c.calls)
		}
	}
}

// TestMergeMeanwhile: what is flushed or given back while the system merges is given
// back, and no other arena gets the region before.
func TestMergeMeanwhile(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(r *mergeRig)
	}{
		{"flush", func(r *mergeRig) {
			r.tx.Exclusive(r.tx.FlushAll)
			for more := true; more; {
				more = r.s.returnMemory(0)
			}
			r.set(0, 40_000)
		}},
		{"flush and not returned yet", func(r *mergeRig) { r.tx.Exclusive(r.tx.FlushAll) }},
		{"purge", func(r *mergeRig) {
			r.del(0, 39_990, 1)
			if err := r.tx.Purge(r.Context()); err != nil {
				r.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newMergeRig(t)
			r.set(0, 40_000)
			// An error that comes of it is none.
			more, err := r.tx.mergeNext(t.Context(), func(b []byte) error {
				c.do(r)
				for _, u := range r.s.stripes[0].arena.units {
					if &u.b[0] == &b[0] && c.name == "flush" {
						t.Error("the region is in use again")
					}
				}
				return errors.ErrUnsupported
			})
			if !more || err != nil {
				t.Fatal(more, err)
			}
			if r.check() != 0 || len(r.s.src.huge.busy) != 0 || r.s.src.huge.late != nil {
				t.Fatal("something is left")
			}
			for more := true; more; {
				more = r.s.returnMemory(0)
			}
			if c.name != "purge" && len(r.s.src.ranges) != 1 {
				t.Fatalf("%d regions wait to be used again", len(r.s.src.ranges))
			}
		})
	}
}

// TestMergeRandom runs random commands, upkeep, purges, flushes and merges, with
// failures, and checks the invariants after each.
func TestMergeRandom(t *testing.T) {
	r := newMergeRig(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	merged := 0
	for range 40 {
		from := rnd.IntN(60_000)
		to := from + rnd.IntN(40_000)
		switch rnd.IntN(8) {
		case 0, 1, 2:
			r.set(from, to)
		case 3:
			r.del(from, to, 1+rnd.IntN(3))
		case 4:
			r.s.upkeep(&r.s.stripes[0])
		case 5:
			if err := r.tx.Purge(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 6:
			if rnd.IntN(3) == 0 {
				r.tx.Exclusive(r.tx.FlushAll)
			}
		}
		fails := 0
		for more := rnd.IntN(2) == 0; more; {
			var err error
			more, err = r.tx.mergeNext(t.Context(), func([]byte) error {
				merged++
				if fails < 3 && rnd.IntN(4) == 0 {
					fails++
					return syscall.EAGAIN
				}
				return nil
			})
			if err != nil && !errors.Is(err, syscall.EAGAIN) {
				t.Fatal(err)
			}
		}
		r.check()
	}
	t.Logf("merged %d", merged)
}
