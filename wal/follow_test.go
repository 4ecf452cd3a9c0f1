package wal

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

// TestFollow: from beside, a log is followed through rotations, trims and a sync that failed, without gaps or repetitions.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := memfs.New(1)
		b, info := openFiles(t, disk, FileOptions{})
		l := New(Options{Databases: 1}, b, info)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		go func() { ended <- l.Run(ctx) }()
		writeAll(t, l, 1, 70)
		in, err := Inspect(disk)
		if err != nil || in.InUse == "" {
			t.Fatal(in, err)
		}
		var next atomic.Uint64
		next.Store(5)
		go func() {
			ended <- in.Follow(ctx, 5, func(lsn LSN, millis int64, e Entry) error {
				if want := numbers(int(lsn), int(lsn))[0]; uint64(lsn) != next.Load() || string(e.Effect) != want || millis == 0 {
					return fmt.Errorf("LSN %d, not %d: %q", lsn, next.Load(), e.Effect)
				}
				next.Add(1)
				return nil
			})
		}()
		last := 70
		for round := range 12 {
			n := 1 + round*3%20
			if round%4 == 3 {
				disk.SetPlan(memfs.Plan{When: failOnce(memfs.OpSync)})
			}
			writeAll(t, l, last+1, last+n)
			last += n
			for int(next.Load()) <= last {
				synctest.Wait()
				select {
				case err := <-ended:
					t.Fatal(err)
				default:
				}
				tick(t)
			}
			if err := l.Trim(l.Marks().Durable); err != nil {
				t.Fatal(err)
			}
		}
		if l.Stats().Rehomes == 0 {
			t.Error("no sync has failed")
		}
		cancel()
		if err := errors.Join(<-ended, <-ended, in.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// failOnce lets the next operation of a kind fail.
func failOnce(kind memfs.Op) func(int, memfs.Op) memfs.Fault {
	done := false
	return func(_ int, op memfs.Op) memfs.Fault {
		if done || op != kind {
			return memfs.Fault{}
		}
		done = true
		return memfs.EIO
	}
}

// tick lets the time of a bubble pass.
func tick(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), followEvery)
	defer cancel()
	<-ctx.Done()
}

// TestFollowTooSlow: who comes after a trim is told.
func TestFollowTooSlow(t *testing.T) {
	disk := memfs.New(1)
	b, _ := openFiles(t, disk, FileOptions{})
	fill(t, b, 1, 50)
	in, err := Inspect(disk)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, b, 51, 300)
	if err := b.Trim(280); err != nil {
		t.Fatal(err)
	}
	f := &follower{b: in.b, at: in.b.segs[len(in.b.segs)-1], next: 51, fn: func(LSN, int64, Entry) error { return nil }}
	if err := f.look(); !errors.Is(err, ErrTrimmed) {
		t.Error(err)
	}
}
