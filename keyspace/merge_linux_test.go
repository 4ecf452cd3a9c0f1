package keyspace

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

// mapped adds up what the system tells of the maps that hold b, in bytes.
func mapped(t *testing.T, b []byte) (resident, huge int) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	at := uint64(reflect.ValueOf(b).Pointer())
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var from, to uint64
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); n == 2 {
			inside = from < at+uint64(len(b)) && at < to
			continue
		}
		var name string
		var kb int
		if _, err := fmt.Sscan(lines.Text(), &name, &kb); err != nil || !inside {
			continue
		}
		switch strings.TrimSuffix(name, ":") {
		case "Rss":
			resident += kb << 10
		case "AnonHugePages":
			huge += kb << 10
		}
	}
	return resident, huge
}

// TestMergeSystem: the system really merges what is full, without more memory, while
// others read and write it, and gets it back.
func TestMergeSystem(t *testing.T) {
	if !mayMerge() {
		t.Skip("the system has no huge pages")
	}
	r := newMergeRig(t)
	const keys = 60_000
	r.set(0, keys)
	region := r.s.stripes[0].arena.regions[0]
	before, _ := mapped(t, region)

	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		w := &mergeRig{t, r.s, r.s.NewTx()}
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				w.set(i%keys, i%keys+1)
			}
		}
	})
	n, err := 0, error(nil)
	for more := true; more && err == nil; {
		if more, err = r.tx.mergeNext(t.Context(), mergePages); more {
			n++
		}
	}
	close(stop)
	writer.Wait()
	if err != nil {
		t.Skipf("the system does not merge: %v", err) // or has no memory in one piece
	}
	after, huge := mapped(t, region)
	if huge != n*hugeSize || int64(huge) != r.s.Stats().HugeBytes {
		t.Errorf("merged %d times: %d bytes in huge pages, counted %d", n, huge, r.s.Stats().HugeBytes)
	}
	if after > before+warmFloor*pageSize { // what the writer needed
		t.Errorf("%d bytes were resident, now %d", before, after)
	}
	r.expect(0, keys)
	r.check()
	r.del(0, keys-10, 1)
	if err := r.tx.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := mapped(t, region); left > 1<<20 {
		t.Errorf("%d bytes are resident after all was removed", left)
	}
	r.set(0, keys)
	r.expect(0, keys)
	r.check()
}

// TestMergeGivesBack: what merging gave memory, though it was given back meanwhile, is given back again.
func TestMergeGivesBack(t *testing.T) {
	if !mayMerge() {
		t.Skip("the system has no huge pages")
	}
	for _, flush := range []bool{false, true} {
		r := newMergeRig(t)
		r.set(0, 40_000)
		region := r.s.stripes[0].arena.regions[0]
		_, err := r.tx.mergeNext(t.Context(), func(b []byte) error {
			if flush {
				r.tx.Exclusive(r.tx.FlushAll)
				for more := true; more; {
					more = r.s.returnMemory(0)
				}
			} else {
				r.del(0, 39_990, 1)
				if err := r.tx.Purge(t.Context()); err != nil {
					t.Error(err)
				}
			}
			copy(b, bytes.Clone(b)) // gives all of it memory, as merging does
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if left, _ := mapped(t, region); left > 1<<20 {
			t.Errorf("flush %v: %d bytes are resident after all was removed", flush, left)
		}
		r.check()
	}
}

// TestMergePages: MergePages, once woken, makes huge pages until nothing is left to do.
func TestMergePages(t *testing.T) {
	r := newMergeRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	over := make(chan struct{})
	work.Go(func() {
		defer close(over)
		r.s.NewTx().MergePages(ctx)
	})
	r.set(0, 60_000)
	want := r.s.Stats().PageBytes/hugeSize*hugeSize - hugeSize
	for deadline := time.Now().Add(20 * time.Second); r.s.Stats().HugeBytes < want; {
		select {
		case <-over:
			cancel()
			work.Wait()
			if err := mergePages(r.s.stripes[0].arena.units[0].b); mayMerge() && !errors.Is(err, errors.ErrUnsupported) {
				t.Fatalf("it returned; the system says %v", err)
			}
			t.Skip("the system has no huge pages")
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Skip("the system has no memory in one piece")
		}
	}
	cancel()
	work.Wait()
	r.check()
	r.expect(0, 60_000)
}

// TestMergeHeap: arenas in the heap have no units.
func TestMergeHeap(t *testing.T) {
	s := newSpace(t, Options{Stripes: 1, Arena: Heap})
	r := &mergeRig{t, s, s.NewTx()}
	r.set(0, 40_000)
	s.NewTx().MergePages(t.Context()) // returns
	if n := r.merge(fakeMerge); n != 0 || r.check() != 0 {
		t.Fatalf("merged %d", n)
	}
}
