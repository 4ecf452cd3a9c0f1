package wal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

// The model check of turning the log off and on: a toy keyspace is written with and without a log, is snapshotted in both
// states, and switches between them, beside crashes and failing files anywhere, over several lives that begin with or
// without a log. What a life finds must be one of the states that the disk may hold (W4, W6): with a log the one after any
// group from the last durable one on, without one exactly that of the end of the log or of the newest snapshot.

// switching is one run.
type switching struct {
	rng   *rand.Rand
	fs    *memfs.FS
	b     *FileBackend
	log   *toyLog
	state *toy
	on    bool
	spool bool // a snapshot is being made without a log, or the log begins
	// may are the states that the disk may hold; while a snapshot is being made without a log, next are those after each
	// LSN since, which come in their place.
	may   []*toy
	next  []lsnState
	fuse  int
	stats *switchStats
}

type lsnState struct {
	lsn   LSN
	state *toy
}

type switchStats struct{ runs, crashes, failures, offs, ons, snapshots atomic.Int64 }

func (t *toy) clone() *toy {
	c := newToy(0)
	for _, d := range t.dbs {
		m := map[string]string{}
		maps.Copy(m, d)
		c.dbs = append(c.dbs, m)
	}
	return c
}

func switchRun(seed uint64, stats *switchStats, flaw broken) error {
	l := &switching{rng: rand.New(rand.NewPCG(seed, 21)), fs: memfs.New(seed), state: newToy(modelDBs), stats: stats}
	l.may = []*toy{l.state.clone()}
	for range 5 {
		if err := l.begin(flaw); err != nil {
			return err
		}
		err := l.live()
		if !errors.Is(err, errCrash) && !errors.Is(err, memfs.ErrOff) {
			return err
		}
		stats.crashes.Add(1)
		if l.rng.IntN(3) == 0 {
			l.fs = l.fs.Kill()
		} else {
			l.fs = l.fs.Crash(l.rng)
		}
	}
	stats.runs.Add(1)
	return l.begin(flaw)
}

// begin opens the directory and checks what it holds.
func (l *switching) begin(flaw broken) error {
	l.fs.SetPlan(memfs.Plan{})
	l.b = NewFileBackend(l.fs, FileOptions{
		SegmentSize: segHeaderSize + 3000, FirstSegment: segHeaderSize + 700, Now: func() int64 { return 1 }, Salt: l.rng.Uint64,
	})
	l.b.broken = flaw
	info, err := l.b.Open(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("W7: the directory can not be opened: %w", err)
	}
	got := newToy(modelDBs)
	done, err := Recover(context.Background(), l.b, info, got, RecoverOptions{Workers: 1 + l.rng.IntN(2)})
	if err != nil {
		return fmt.Errorf("W7: recovery refuses: %w", err)
	}
	for _, s := range l.next {
		l.may = append(l.may, s.state)
	}
	if !slices.ContainsFunc(l.may, got.equal) {
		return fmt.Errorf("W4: after LSN %d (off: %v) the state is %v, none of %d", done.Last, info.Off, got.dbs, len(l.may))
	}
	l.state, l.may, l.next, l.spool = got, []*toy{got.clone()}, nil, false
	l.log = &toyLog{back: l.b, fail: l.step, appended: info.Last, written: info.Last, durable: info.Last}
	if l.on = l.rng.IntN(2) == 0; l.on {
		if err := l.b.Continue(); err != nil {
			return err
		}
		return l.b.Prepare(1)
	}
	return nil
}

func (l *switching) live() error {
	l.fuse = 20 + l.rng.IntN(150)
	if l.rng.IntN(3) > 0 {
		l.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{1 + l.rng.IntN(200): memfs.Cut}})
	}
	for {
		if err := l.step(); err != nil {
			return err
		}
		var err error
		switch n := l.rng.IntN(12); {
		case n == 0 && l.on:
			err = l.turnOff()
		case n == 0:
			err = l.make(true)
		case n == 1 && l.on:
			err = l.snapshot()
		case n == 1:
			err = l.make(false)
		}
		if err != nil {
			return err
		}
	}
}

// step writes a little, and with a log commits now and then.
func (l *switching) step() error {
	if l.fuse--; l.fuse <= 0 {
		return errCrash
	}
	for range l.rng.IntN(3) {
		key := fmt.Sprintf("%dk%d", l.rng.IntN(toySlots), l.rng.IntN(3))
		e := Entry{DB: uint16(l.rng.IntN(modelDBs)), Slot: toySlot(key), Effect: toyEffect("APPEND", key, "+")}
		switch l.rng.IntN(12) {
		case 0:
			e.Effect = toyEffect("DEL", key)
		case 1:
			e.Slot, e.Effect = BarrierSlot, toyEffect("FLUSHDB")
		}
		l.state.apply(e.DB, e.Effect)
		switch {
		case l.on:
			l.log.append([]Entry{e})
			l.may = append(l.may, l.state.clone())
		case l.spool:
			l.log.append([]Entry{e})
			l.next = append(l.next, lsnState{l.log.appended, l.state.clone()})
		}
	}
	if (l.on || l.spool) && l.rng.IntN(3) == 0 {
		return l.commit()
	}
	return nil
}

func (l *switching) commit() error {
	if err := l.log.commit(true); err != nil {
		return err
	}
	if l.on {
		l.may = l.may[len(l.may)-1:]
	}
	return nil
}

func (l *switching) turnOff() error {
	if err := l.commit(); err != nil {
		return err
	}
	l.on = false
	l.stats.offs.Add(1)
	return l.b.Suspend()
}

func (l *switching) snapper() *Snapshotter {
	return NewSnapshotter(SnapOptions{Keep: 1 + l.rng.IntN(2), Now: func() int64 { return 1 }}, toyStore{l.log, l.b}, l.log, l.b.Info())
}

func (l *switching) walk() *toyWalk {
	return &toyWalk{t: l.state, step: l.step, parts: func() int { return 1 + max(0, l.rng.IntN(5)-2) }}
}

// snapshot makes one while the log is on.
func (l *switching) snapshot() error {
	s := l.snapper()
	if _, err := s.Make(context.Background(), l.walk()); err != nil {
		return err
	}
	l.stats.snapshots.Add(1)
	return l.b.Trim(s.Needed())
}

// make makes a snapshot while the log is off, and with it turns the log on or not. Files may fail meanwhile.
func (l *switching) make(on bool) error {
	if err := l.b.Suspend(); err != nil {
		return err
	}
	l.log.appended, l.log.written, l.log.durable, l.log.open = l.b.Marks().Written, l.b.Marks().Written, l.b.Marks().Written, nil
	l.b.Adopt(on)
	l.spool, l.next = true, []lsnState{{l.log.appended, l.state.clone()}}
	fails := l.rng.IntN(3) == 0
	if fails {
		l.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{l.fs.Ops() + 1 + l.rng.IntN(30): memfs.EIO}})
	}
	s := l.snapper()
	info, err := s.Make(context.Background(), l.walk())
	if errors.Is(err, errCrash) || errors.Is(err, memfs.ErrOff) || (err != nil && !fails) {
		return err
	}
	known := err == nil || len(l.b.Info().Snapshots) > 0 && l.b.Info().Snapshots[len(l.b.Info().Snapshots)-1].ID == info.ID && info.ID > 0
	if fails {
		l.fs.SetPlan(memfs.Plan{})
	}
	if known && on {
		// All that was appended is the log's, from the snapshot on.
		l.may = nil
		for _, n := range l.next {
			if n.lsn >= max(info.MaxL, l.log.durable) {
				l.may = append(l.may, n.state)
			}
		}
		l.on, l.spool, l.next = true, false, nil
		l.stats.ons.Add(1)
		l.b.Adopt(false)
		return l.commit()
	}
	if known {
		l.may = nil
		for _, n := range l.next {
			if n.lsn == info.MaxL {
				l.may = []*toy{n.state}
			}
		}
		l.stats.snapshots.Add(1)
	} else {
		l.stats.failures.Add(1)
	}
	l.b.Adopt(false)
	if err := l.b.Discard(l.log.appended); err != nil {
		return err
	}
	l.spool, l.next = false, nil
	return nil
}

// switchCheck does n runs and returns the first failure; with a flaw it ends then.
func switchCheck(t *testing.T, n int, flaw broken) error {
	var stats switchStats
	var next atomic.Int64
	var first atomic.Pointer[error]
	var wg sync.WaitGroup
	seed := rand.Uint64() >> 1
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && first.Load() == nil; i = next.Add(1) {
				if err := switchRun(seed+uint64(i), &stats, flaw); err != nil {
					err = fmt.Errorf("seed %d: %w", seed+uint64(i), err)
					first.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	wg.Wait()
	t.Logf("%d good runs, %d crashes, %d failed snapshots, %d times off, %d on, %d snapshots", stats.runs.Load(), stats.crashes.Load(),
		stats.failures.Load(), stats.offs.Load(), stats.ons.Load(), stats.snapshots.Load())
	if err := first.Load(); err != nil {
		return *err
	}
	return nil
}

// TestModelSwitchW4W6: whatever happens while the log is turned off and on, and snapshots are made with and without it, the
// next start finds a state that was on disk.
func TestModelSwitchW4W6(t *testing.T) {
	t.Parallel()
	if err := switchCheck(t, modelRuns(t, 250), broken{}); err != nil {
		t.Fatal(err)
	}
}

// TestModelSwitchSeesFlaws: the check fails if what was appended while the log was off counts as the log.
func TestModelSwitchSeesFlaws(t *testing.T) {
	t.Parallel()
	if err := switchCheck(t, 1500, broken{noSpool: true}); err == nil {
		t.Error("the check does not see it")
	} else {
		t.Logf("for example %v", err)
	}
}
