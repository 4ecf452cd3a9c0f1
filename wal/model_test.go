package wal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

// The model check of snapshots and recovery (docs: section 9 of the design): a toy keyspace lives
// several lives, each of which ends with a crash at any point, and recovers; whatever it recovers must
// be the state after exactly the entries 1..R (W4), R at the end of a group (W5) and not
// before what was acknowledged. Snapshots are written through the file backend on a file system that
// forgets what was not synced (W6).

// modelFlaw makes the system wrong: the check must see it.
type modelFlaw uint8

const (
	noFlaw modelFlaw = iota
	flawGuard
	flawPublish
	flawRename
	flawFlush
	flawTrim
)

// modelRuns is how many runs a check makes, WAL_MODEL_RUNS if that is set.
func modelRuns(tb testing.TB, n int) int {
	if v := os.Getenv("WAL_MODEL_RUNS"); v != "" {
		i, err := strconv.Atoi(v)
		if err != nil {
			tb.Fatal(err)
		}
		return i
	}
	if testing.Short() {
		return n / 10
	}
	return n
}

var errCrash = errors.New("crash")

// life is one run: the state, and what it must be.
type life struct {
	rng     *rand.Rand
	flaw    modelFlaw
	fs      *memfs.FS
	files   bool // the log is in files too
	b       *FileBackend
	log     *toyLog
	state   *toy
	all     []Entry      // since LSN 1
	ends    map[LSN]bool // of groups
	acked   LSN          // by a durable reply
	written LSN          // by a reply that only the process must survive
	hold    bool
	fuse    int // steps until the crash
	stats   *modelStats
}

type modelStats struct{ runs, crashes, snapshots, tails, entries atomic.Int64 }

const (
	modelDBs   = 2
	modelLives = 4
)

// modelRun does one run and returns what is wrong.
func modelRun(seed uint64, flaw modelFlaw, stats *modelStats) error {
	rng := rand.New(rand.NewPCG(seed, 9))
	l := &life{
		rng: rng, flaw: flaw, fs: memfs.New(seed), state: newToy(modelDBs), ends: map[LSN]bool{0: true}, stats: stats,
		log: &toyLog{first: 1, liar: flaw == flawPublish},
	}
	l.log.fail = l.step
	l.files = rng.IntN(2) == 0
	if err := l.recover(); err != nil {
		return err
	}
	for range modelLives {
		l.live()
		l.crash()
		if err := l.recover(); err != nil {
			return err
		}
	}
	stats.runs.Add(1)
	return nil
}

// live works until the crash.
func (l *life) live() {
	l.fuse = 1 + l.rng.IntN(60)
	l.fs.SetPlan(memfs.Plan{})
	if l.files && l.rng.IntN(2) == 0 {
		l.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{1 + l.rng.IntN(80): memfs.Cut}})
	}
	for {
		if l.step() != nil {
			return
		}
		if l.rng.IntN(8) == 0 && l.snapshot() != nil {
			return
		}
	}
}

// step does something small: a group of writes, a commit, nothing; or it is the crash.
func (l *life) step() error {
	if l.fuse--; l.fuse <= 0 {
		return errCrash
	}
	for range l.rng.IntN(4) {
		l.write()
	}
	switch l.rng.IntN(6) {
	case 0, 1:
		if err := l.log.commit(true); err != nil {
			return err
		}
		l.acked, l.written = l.log.durable, l.log.written
	case 2:
		if err := l.log.commit(false); err != nil {
			return err
		}
		l.written = l.log.written
	}
	return nil
}

func (l *life) key() string {
	return fmt.Sprintf("%dk%d", l.rng.IntN(toySlots), l.rng.IntN(3))
}

// write executes a group and appends it.
func (l *life) write() {
	var group []Entry
	do := func(db int, slot uint16, words ...string) {
		e := Entry{DB: uint16(db), Slot: slot, Effect: toyEffect(words...)}
		l.state.apply(e.DB, e.Effect)
		group = append(group, e)
	}
	db := l.rng.IntN(modelDBs)
	switch n := l.rng.IntN(100); {
	case n < 60:
		for range 1 + l.rng.IntN(3) {
			key, val := l.key(), strconv.Itoa(l.rng.IntN(100))
			switch l.rng.IntN(4) {
			case 0:
				do(db, toySlot(key), "SET", key, val)
			case 1:
				do(db, toySlot(key), "DEL", key)
			default:
				do(db, toySlot(key), "APPEND", key, "+"+val)
			}
		}
	case n < 85:
		from, to := l.key(), l.key()
		val, ok := l.state.dbs[db][from]
		if !ok || from == to {
			return
		}
		if l.flaw == flawRename {
			do(db, toySlot(from), "RENAME", from, to)
			break
		}
		do(db, toySlot(to), "SET", to, val)
		do(db, toySlot(from), "DEL", from)
	case n < 90:
		do(db, BarrierSlot, "FLUSHDB")
	case n < 93:
		do(db, BarrierSlot, "FLUSHALL")
	case n < 96 && !l.hold:
		do(db, BarrierSlot, "SWAPDB", "0", "1")
	default:
		do(0, BarrierSlot, "EPOCH", "1")
	}
	l.all = append(l.all, group...)
	l.log.append(group)
	l.ends[l.log.appended] = true
}

// snapshot makes one, beside which the world goes on. The power may fail in any operation on a file.
func (l *life) snapshot() error {
	if l.rng.IntN(4) == 0 {
		l.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{1 + l.rng.IntN(20): memfs.Cut}})
	}
	if l.flaw == flawTrim {
		if err := l.log.trim(l.log.durable); err != nil {
			return err
		}
	}
	store := toyStore{l.log, l.b}
	s := NewSnapshotter(SnapOptions{
		Compress: l.rng.IntN(4) == 0, Keep: 1 + l.rng.IntN(2), Hold: func(on bool) { l.hold = on },
		Now: func() int64 { return 1 },
	}, store, l.log, Info{Snapshots: l.b.manifest.Snapshots})
	info, err := s.Make(context.Background(), &toyWalk{
		t: l.state, step: l.step, parts: func() int { return 1 + max(0, l.rng.IntN(5)-2) },
	})
	l.hold = false
	if err != nil {
		return err
	}
	l.stats.snapshots.Add(1)
	if info.MaxL > info.MinL {
		l.stats.tails.Add(1)
	}
	if l.rng.IntN(2) == 0 {
		return l.log.trim(s.Needed())
	}
	return nil
}

// crash ends the life, by a power cut or by the death of the process.
func (l *life) crash() {
	l.stats.crashes.Add(1)
	if l.rng.IntN(3) == 0 {
		l.fs = l.fs.Kill()
		l.acked = max(l.acked, l.written)
		l.log.crash(l.log.written)
		return
	}
	l.fs = l.fs.Crash(l.rng)
	keep := l.log.durable
	for _, f := range l.log.frames {
		if f.Last() > keep && l.rng.IntN(2) == 0 {
			keep = f.Last()
		} else if f.Last() > keep {
			break
		}
	}
	l.log.crash(keep)
}

// recover begins the next life and checks with what.
func (l *life) recover() error {
	l.fs.SetPlan(memfs.Plan{})
	l.b = NewFileBackend(l.fs, FileOptions{
		SegmentSize: segHeaderSize + 3000, FirstSegment: segHeaderSize + 700, Now: func() int64 { return 1 }, Salt: l.rng.Uint64,
	})
	info, err := l.b.Open(context.Background(), nil)
	if err != nil {
		return fmt.Errorf("W7: the log can not be opened: %w", err)
	}
	l.log.back = nil
	if l.files {
		l.log.back, l.log.first = l.b, info.First
		l.log.crash(info.Last)
		if err := l.b.Prepare(1); err != nil {
			return err
		}
	} else {
		info.First, info.Last = l.log.first, l.log.appended
	}
	got := newToy(modelDBs)
	done, err := Recover(context.Background(), toyStore{l.log, l.b}, info, got,
		RecoverOptions{Workers: 1 + l.rng.IntN(3), noGuard: l.flaw == flawGuard, noFlush: l.flaw == flawFlush})
	if err != nil {
		return fmt.Errorf("W7: recovery refuses: %w", err)
	}
	if done.Last < l.acked {
		return fmt.Errorf("W4: %d was acknowledged, recovered is %d", l.acked, done.Last)
	}
	if !l.ends[done.Last] {
		return fmt.Errorf("W5: %d is within a group", done.Last)
	}
	if len(done.Damaged) > 0 {
		return fmt.Errorf("W6: snapshot %d: %w", done.Damaged[0].Info.ID, done.Damaged[0].Err)
	}
	want := newToy(modelDBs)
	for _, e := range l.all[:done.Last] {
		want.apply(e.DB, e.Effect)
	}
	if !got.equal(want) {
		return fmt.Errorf("W4: after entry %d (snapshot %+v, log from %d) the state is %v, not %v",
			done.Last, done.Snapshot, l.log.first, got.dbs, want.dbs)
	}
	l.stats.entries.Add(done.Entries)
	l.all = l.all[:done.Last]
	for lsn := range l.ends {
		if lsn > done.Last {
			delete(l.ends, lsn)
		}
	}
	l.state, l.acked, l.written = got, done.Last, done.Last
	return nil
}

// modelCheck does n runs on all cores and returns how many failed, and the first failure. With a flaw it ends
// when ten have failed.
func modelCheck(tb testing.TB, n int, flaw modelFlaw) (failed int64, first error) {
	seed := rand.Uint64()
	if v := os.Getenv("WAL_SEED"); v != "" {
		var err error
		if seed, err = strconv.ParseUint(v, 10, 64); err != nil {
			tb.Fatal(err)
		}
	}
	var next, bad atomic.Int64
	var once sync.Once
	var stats modelStats
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && (flaw == noFlaw || bad.Load() < 10); i = next.Add(1) {
				if err := modelRun(seed+uint64(i)-1, flaw, &stats); err != nil {
					bad.Add(1)
					once.Do(func() { first = fmt.Errorf("WAL_SEED=%d WAL_MODEL_RUNS=1: %w", seed+uint64(i)-1, err) })
				}
			}
		})
	}
	wg.Wait()
	tb.Logf("%d good runs, %d failed, %d crashes, %d snapshots (%d with a tail), %d entries replayed", stats.runs.Load(), bad.Load(),
		stats.crashes.Load(), stats.snapshots.Load(), stats.tails.Load(), stats.entries.Load())
	return bad.Load(), first
}

// TestModelW4W5W6: no crash, anywhere, beside snapshots or not, makes recovery give anything but the state after an
// entry that is not older than what was acknowledged.
func TestModelW4W5W6(t *testing.T) {
	t.Parallel()
	if failed, err := modelCheck(t, modelRuns(t, 500), noFlaw); failed > 0 {
		t.Fatal(err)
	}
}

// TestModelSeesFlaws: the check is worth something only if it fails for systems that are wrong.
func TestModelSeesFlaws(t *testing.T) {
	t.Parallel()
	for name, flaw := range map[string]modelFlaw{
		"without the guard of ranges W4":                 flawGuard,
		"published before the log is durable W6":         flawPublish,
		"a rename across slots as one entry, not two W4": flawRename,
		"flushes that do not concern ranges W4":          flawFlush,
		"a trim before the snapshot is known W6":         flawTrim,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if failed, err := modelCheck(t, 1500, flaw); failed == 0 {
				t.Error("the check does not see it")
			} else {
				t.Logf("for example %v", err)
			}
		})
	}
}
