package keyspace

import (
	"context"
	"errors"
	"time"
)

// How long MergePages rests after each huge page. Making one costs the system some 0.5 ms,
// during which whoever touches the same 2 MiB waits.
const (
	mergeRest    = 10 * time.Millisecond
	mergeRestMax = time.Minute // after errors
)

// MergePages makes huge pages, which the processor finds faster than small ones, of
// memory that is full, as it fills, until ctx ends. It returns earlier if the system has
// no huge pages or somebody turned them off there. Only one goroutine may call it; no
// stripe is locked while the system works. The Tx must hold nothing.
func (t *Tx) MergePages(ctx context.Context) {
	if t.s.src.heap || !mayMerge() {
		return
	}
	scratch, err := mapMemory(2 * hugeSize)
	if err != nil {
		return
	}
	defer unmapMemory(scratch)
	from := hugeSize - hugeOffset(scratch)
	t.mergeAll(ctx, func(b []byte) error {
		primePages(scratch[from : from+hugeSize])
		return mergePages(b)
	})
}

// mergeAll is MergePages that merges with merge. Once that has worked, what the system can not merge is only left alone: memory
// that it has swapped out, for instance, looks the same as a system without huge pages.
func (t *Tx) mergeAll(ctx context.Context, merge func([]byte) error) {
	rest, works, timer := mergeRest, false, time.NewTimer(0)
	defer timer.Stop()
	for {
		found, err := t.mergeNext(ctx, merge)
		unsupported := errors.Is(err, errors.ErrUnsupported)
		switch {
		case unsupported && !works, ctx.Err() != nil:
			return
		case err != nil && !unsupported: // no memory in one piece, most likely
			rest = min(2*rest, mergeRestMax)
		default:
			rest = mergeRest
			works = works || found
		}
		wake := t.s.src.huge.wake
		if found {
			wake = nil
			timer.Reset(rest)
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
	}
}

// SetHugePages says whether MergePages makes huge pages: at first it does. Those that
// exist stay until their memory is given back.
func (s *Space) SetHugePages(on bool) {
	s.src.huge.off.Store(!on)
	if on {
		s.src.huge.nudge()
	}
}

// mergeNext makes one huge page by calling merge, if there is memory for it, and says
// whether it should be called again. An error of merge that has to do with what others
// did meanwhile is none.
func (t *Tx) mergeNext(ctx context.Context, merge func([]byte) error) (more bool, err error) {
	s := t.s
	if s.src.huge.off.Load() {
		return false, nil
	}
	for i := range s.stripes {
		st := &s.stripes[i]
		a := &st.arena
		if err := t.await(ctx, st); err != nil {
			return false, err
		}
		n := a.nextFull()
		if n < 0 {
			t.leave(st)
			continue
		}
		b, age := a.units[n].b, a.age
		t.leave(st)
		err := merge(b)
		defer s.src.endMerge()
		if e := t.await(ctx, st); e != nil {
			return false, e
		}
		defer t.leave(st)
		if a.age != age { // nobody uses the region until endMerge
			s.src.drop(b)
			return true, nil
		}
		return true, a.merged(n, err)
	}
	return false, nil
}
