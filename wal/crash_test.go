package wal

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// The model check of the log on files: a log is written, through faults, and the power is cut or
// the process killed at any operation, several times over. Each time what is found again must be
// a prefix of what was appended, whole groups, at least all that was acknowledged (W2, W4, W5, W7, W8).
var (
	crashSeeds = flag.Int("crash.seeds", 1500, "runs of the model check of crashes")
	crashSeed  = flag.Uint64("crash.seed", 0, "the only run, by its seed")
)

func TestCrash(t *testing.T) {
	if *crashSeed > 0 {
		r := newCrashRun(*crashSeed, broken{}, nil)
		r.logf = t.Logf
		if err := r.run(); err != nil {
			t.Fatal(err)
		}
		return
	}
	n := *crashSeeds
	if testing.Short() {
		n /= 5
	}
	var sum crashStats
	failed := forSeeds(n, func(seed uint64) error {
		r := newCrashRun(seed, broken{}, nil)
		err := r.run()
		sum.add(&r.stats)
		return err
	})
	for _, err := range failed[:min(len(failed), 5)] {
		t.Error(err)
	}
	t.Logf("%d runs, %d failed: %s", n, len(failed), sum.String())
}

// TestCrashSeesFaults: the model check fails if the log is wrong in one of these ways.
func TestCrashSeesFaults(t *testing.T) {
	for _, v := range []struct {
		name string
		how  broken
		fs   func(vfs.FS) vfs.FS
	}{
		{name: "a failed sync is tried again and believed", how: broken{trustSync: true}},
		{name: "frames are not bound to their segment", how: broken{noKeys: true}},
		{name: "what an earlier process left is not written again", how: broken{noSettle: true}},
		{name: "a torn tail stays where the log goes on", how: broken{noCut: true}},
		{name: "a segment that was left does not end", how: broken{noOrder: true}},
		{name: "names are not synced", fs: func(f vfs.FS) vfs.FS { return noSyncDir{f} }},
		{name: "data is not synced", fs: func(f vfs.FS) vfs.FS { return noSync{f} }},
	} {
		t.Run(v.name, func(t *testing.T) {
			n := 0
			for ; n < 20; n++ {
				if len(forSeeds(200, func(seed uint64) error { return newCrashRun(uint64(n)<<32+seed, v.how, v.fs).run() })) > 0 {
					return
				}
			}
			t.Errorf("%d runs have not seen it", n*200)
		})
	}
}

// forSeeds runs a check with the seeds 1..n and returns the errors.
func forSeeds(n int, check func(seed uint64) error) []error {
	var next atomic.Int64
	var mu sync.Mutex
	var failed []error
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for {
				seed := next.Add(1)
				if seed > int64(n) {
					return
				}
				if err := check(uint64(seed)); err != nil {
					mu.Lock()
					failed = append(failed, fmt.Errorf("seed %d: %w", seed, err))
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	return failed
}

// noSyncDir is a file system whose user forgets to sync directories; noSync forgets files.
type noSyncDir struct{ vfs.FS }

func (noSyncDir) SyncDir(string) error { return nil }

type noSync struct{ vfs.FS }

func (f noSync) Open(name string) (vfs.File, error) {
	h, err := f.FS.Open(name)
	return noSyncFile{h}, err
}

type noSyncFile struct{ vfs.File }

func (noSyncFile) Sync() error { return nil }

type crashStats struct {
	mu                                                                 sync.Mutex
	crashes, kills, closes, opens, batches, rotations, rehomes, faults int
	torn, truncations, trims, entries                                  int
}

func (s *crashStats) add(o *crashStats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.crashes += o.crashes
	s.kills += o.kills
	s.closes += o.closes
	s.opens += o.opens
	s.batches += o.batches
	s.rotations += o.rotations
	s.rehomes += o.rehomes
	s.faults += o.faults
	s.torn += o.torn
	s.truncations += o.truncations
	s.trims += o.trims
	s.entries += o.entries
}

func (s *crashStats) String() string {
	return fmt.Sprintf("%d power cuts, %d kills, %d clean ends, %d entries in %d batches, %d rotations, %d rehomes, %d other faults met, %d torn tails, %d truncations, %d trims",
		s.crashes, s.kills, s.closes, s.entries, s.batches, s.rotations, s.rehomes, s.faults, s.torn, s.truncations, s.trims)
}

// crashRun is one run: several lives of a log.
type crashRun struct {
	rng   *rand.Rand
	how   broken
	wrap  func(vfs.FS) vfs.FS
	stats crashStats
	logf  func(string, ...any)

	disk *memfs.FS
	b    *FileBackend

	always   bool
	uniform  bool    // all frames are of the same length
	history  []Entry // appended; LSN 1 is history[0]
	first    LSN     // what was trimmed is not looked for
	marks    Marks
	bound    LSN // what must be found again
	retained []Frame
	maybe    LSN  // a truncation that may have happened: 0 if there is none
	snap     LSN  // of the newest snapshot
	doubtful bool // a sync has failed and the log has not gone on elsewhere
	unique   int
}

func newCrashRun(seed uint64, how broken, wrap func(vfs.FS) vfs.FS) *crashRun {
	return &crashRun{
		rng: rand.New(rand.NewPCG(seed, 0x77616c)), how: how, wrap: wrap, disk: memfs.New(seed), first: 1,
		logf: func(string, ...any) {},
	}
}

var errLifeEnds = errors.New("this life ends")

func (r *crashRun) run() error {
	r.uniform = r.rng.IntN(3) == 0
	for life := range 3 + r.rng.IntN(4) {
		r.logf("life %d", life)
		if err := r.open(); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
		if err := r.live(); err != nil {
			return fmt.Errorf("life %d: %w", life, err)
		}
	}
	r.disk.SetPlan(memfs.Plan{})
	return r.open()
}

// plan sets the faults to come.
func (r *crashRun) plan(within int) {
	p := memfs.Plan{At: map[int]memfs.Fault{}}
	for range r.rng.IntN(4) {
		f := []memfs.Fault{memfs.EIO, memfs.NoRoom, {Err: syscall.ENOSPC, Short: r.rng.IntN(600)}, {Err: syscall.EIO, Short: r.rng.IntN(60)}}[r.rng.IntN(4)]
		p.At[1+r.rng.IntN(within)] = f
	}
	if r.rng.IntN(2) == 0 {
		p.At[1+r.rng.IntN(within)] = memfs.Cut
	}
	r.disk.SetPlan(p)
}

// open opens the log, through faults, and checks what it finds.
func (r *crashRun) open() error {
	for try := 0; ; try++ {
		if try < 3 && r.rng.IntN(3) == 0 {
			r.plan(20)
		} else {
			r.disk.SetPlan(memfs.Plan{})
		}
		var fs vfs.FS = r.disk
		if r.wrap != nil {
			fs = r.wrap(fs)
		}
		b := NewFileBackend(fs, FileOptions{SegmentSize: segHeaderSize + 3000, FirstSegment: segHeaderSize + 700, Now: func() int64 { return 1 }, Salt: r.rng.Uint64})
		b.broken = r.how
		info, err := b.Open(context.Background(), nil)
		r.logf("open: %+v, %v", info, err)
		switch {
		case err == nil:
			r.b = b
			return r.check(info)
		case errors.Is(err, memfs.ErrOff):
			r.crash()
		case errors.Is(err, syscall.EIO) || errors.Is(err, syscall.ENOSPC):
			r.stats.faults++
			r.bound = r.marks.Durable // a sync may have failed
			r.disk = r.disk.Kill()
		default:
			return err
		}
	}
}

// check compares what the log holds with the history.
func (r *crashRun) check(info Info) error {
	r.stats.opens++
	if info.TornBytes > 0 {
		r.stats.torn++
	}
	last := info.Last
	if last < r.bound || last > LSN(len(r.history)) {
		return fmt.Errorf("the log ends with LSN %d: %d were acknowledged, %d appended", last, r.bound, len(r.history))
	}
	if m := r.b.Marks(); m.Durable != last || m.Written != last {
		return fmt.Errorf("marks %+v after LSN %d was found", m, last)
	}
	if last > 0 && r.history[last-1].Flags&More != 0 {
		return fmt.Errorf("the log ends with LSN %d, in the middle of a group", last)
	}
	if info.First > r.first {
		return fmt.Errorf("the log begins with LSN %d: only those before %d were trimmed", info.First, r.first)
	}
	next := info.First
	from := info.First
	if last > info.First && r.rng.IntN(2) == 0 {
		from += LSN(r.rng.IntN(int(last-info.First) + 1))
		next = 0
	}
	err := r.b.Scan(from, 1+r.rng.IntN(2), func(fs []Frame) error {
		for _, f := range fs {
			if next == 0 {
				if next = f.Base; f.Base > from || f.Last() < from {
					return fmt.Errorf("asked for LSN %d, got %d to %d", from, f.Base, f.Last())
				}
			}
			err := f.Groups(func(lsn LSN, g []Entry) error {
				for i, e := range g {
					if want := r.history[lsn-1+LSN(i)]; lsn != next || !sameEntry(e, want) {
						return fmt.Errorf("LSN %d: %s, not %s (LSN %d)", lsn, entryText(e), entryText(want), next)
					}
				}
				next += LSN(len(g))
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if next != last+1 && last >= from {
		return fmt.Errorf("LSN %d to %d can not be read", next, last)
	}
	r.history = r.history[:last]
	r.marks = Marks{last, last}
	r.retained, r.maybe, r.doubtful = nil, 0, false
	r.first = max(r.first, info.First)
	return nil
}

// live does things until the life ends in one way or another.
func (r *crashRun) live() error {
	r.always = r.rng.IntN(2) == 0
	r.plan(120)
	steps := 5 + r.rng.IntN(50)
	if r.rng.IntN(3) == 0 {
		steps = 1 + r.rng.IntN(4)
	}
	for range steps {
		if err := r.step(); errors.Is(err, errLifeEnds) || errors.Is(err, memfs.ErrOff) {
			break
		} else if err != nil {
			return err
		}
	}
	if r.maybe > 0 {
		r.marks.Durable = min(r.marks.Durable, r.maybe)
		r.marks.Written = min(r.marks.Written, r.maybe)
	}
	switch r.rng.IntN(3) {
	case 0:
		if err := r.b.Close(true); err == nil {
			r.stats.closes++
			r.logf("closed, %+v", r.marks)
			r.marks.Durable, r.bound = r.marks.Written, r.marks.Written
			if r.rng.IntN(2) == 0 {
				return nil
			}
		}
		r.crash()
	case 1:
		r.disk.SetPlan(memfs.Plan{})
		if _, err := r.disk.List("."); err == nil {
			r.stats.kills++
			r.logf("killed, %+v", r.marks)
			if r.bound = r.marks.Written; r.doubtful {
				r.bound = r.marks.Durable
			}
			r.disk = r.disk.Kill()
			return nil
		}
		r.crash()
	default:
		r.crash()
	}
	return nil
}

func (r *crashRun) crash() {
	r.stats.crashes++
	r.logf("power cut, %+v", r.marks)
	r.disk = r.disk.Crash(r.rng)
	r.bound = r.marks.Durable
}

func (r *crashRun) step() error {
	switch n := r.rng.IntN(20); {
	case n < 13:
		return r.append()
	case n < 15:
		r.logf("sync")
		return r.mend(r.sync(r.b.Sync()))
	case n < 17:
		r.logf("prepare")
		return r.other(r.b.Prepare(1))
	case n < 18:
		upTo := LSN(r.rng.IntN(int(r.marks.Durable) + 1))
		r.logf("trim %d", upTo)
		r.stats.trims++
		r.first = max(r.first, upTo+1)
		return r.other(r.b.Trim(upTo))
	case n < 19:
		return r.other(r.snapshot())
	default:
		return r.truncate()
	}
}

// snapshot notes one in the MANIFEST that replaces a part of the log, which then may be trimmed.
func (r *crashRun) snapshot() error {
	if r.marks.Durable <= r.snap {
		return nil
	}
	maxL := r.snap + 1 + LSN(r.rng.IntN(int(r.marks.Durable-r.snap)))
	r.logf("snapshot up to %d", maxL)
	r.snap = maxL
	err := r.b.editManifest(func(m *manifest) { m.Snapshots = []SnapInfo{{ID: SnapID(maxL), MaxL: maxL}} })
	if err == nil && r.rng.IntN(2) == 0 {
		r.first = max(r.first, maxL+1)
		err = r.b.Trim(maxL)
	}
	return err
}

// other is what an error means of which the log does not depend.
func (r *crashRun) other(err error) error {
	if errors.Is(err, memfs.ErrOff) {
		return err
	}
	if err != nil {
		r.logf("%v", err)
		r.stats.faults++
	}
	return nil
}

// batch makes a frame of some groups.
func (r *crashRun) batch() Frame {
	b := make([]byte, FrameHeader)
	base, count := LSN(len(r.history))+1, 0
	groups, most := 1+r.rng.IntN(2), 3
	if r.uniform {
		groups, most = 1, 1
	}
	for range groups {
		group := 1 + r.rng.IntN(most)
		for i := range group {
			var flags Flags
			if i+1 < group {
				flags = More
			}
			e := Entry{Slot: uint16(r.rng.IntN(16384)), DB: uint16(r.rng.IntN(16)), Flags: flags, Effect: r.effect()}
			b = appendEntry(b, e.Slot, e.DB, e.Flags, e.Effect)
			r.history = append(r.history, e)
			count++
		}
	}
	r.stats.batches++
	r.stats.entries += count
	return newFrame(b, base, count, r.marks.Durable, 1)
}

// effect is unique, of a length that is often the same, and now and then holds frames: copied from the
// log, or made up by somebody who wants to be believed.
func (r *crashRun) effect() []byte {
	r.unique++
	e := []byte(fmt.Sprintf("%06d", r.unique))
	if r.uniform {
		return e
	}
	switch r.rng.IntN(12) {
	case 0:
		e = append(e, make([]byte, r.rng.IntN(900))...)
	case 1:
		if s := r.b.cur; s != nil {
			copied := make([]byte, r.rng.IntN(700))
			_, _ = s.file.ReadAt(copied, segHeaderSize)
			e = append(e, copied...)
		}
	case 2:
		base := LSN(len(r.history) + 1 + r.rng.IntN(6))
		f := newFrame(appendEntry(make([]byte, FrameHeader), 1, 1, 0, []byte("made up")), base, 1, base-1, 1)
		f.seal(0, 0)
		e = append(e, f.Bytes...)
	}
	return e
}

func (r *crashRun) append() error {
	f := r.batch()
	r.logf("append %d..%d, %d bytes", f.Base, f.Last(), len(f.Bytes))
	r.retained = append(r.retained, f)
	return r.mend(r.written())
}

// written gives the backend the frames that it has not taken.
func (r *crashRun) written() error {
	i := slices.IndexFunc(r.retained, func(f Frame) bool { return f.Base > r.marks.Written })
	if i < 0 {
		return nil
	}
	return r.sync(r.b.Append(r.retained[i:], r.always))
}

// sync takes marks over.
func (r *crashRun) sync(m Marks, err error) error {
	if isSync(err) {
		r.doubtful = true
	}
	if err != nil {
		return err
	}
	r.marks = Marks{max(r.marks.Written, m.Written), max(r.marks.Durable, m.Durable)}
	r.retained = slices.DeleteFunc(r.retained, func(f Frame) bool { return f.Last() <= r.marks.Durable })
	return nil
}

// mend does what Log does.
func (r *crashRun) mend(err error) error {
	for tries := 0; err != nil; tries++ {
		if tries > 6 {
			return errLifeEnds
		}
		if !errors.Is(err, ErrRotate) {
			r.logf("%v", err)
			r.stats.faults++
		}
		switch {
		case errors.Is(err, memfs.ErrOff):
			return err
		case errors.Is(err, ErrRotate):
			r.logf("rotate")
			r.stats.rotations++
			if err = r.b.Rotate(); err == nil {
				err = r.written()
			}
		case isSync(err):
			r.doubtful = true
			if r.rng.IntN(8) == 0 {
				return errLifeEnds // given up
			}
			r.logf("rehome")
			r.stats.rehomes++
			var m Marks
			if m, err = r.b.Rehome(r.retained); err == nil {
				r.doubtful = false
				err = r.sync(m, nil)
			}
		case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EIO):
			err = r.written()
		default:
			return err
		}
	}
	return nil
}

func (r *crashRun) truncate() error {
	if r.marks.Written != LSN(len(r.history)) || r.marks.Written < r.first || r.rng.IntN(2) == 0 {
		return nil
	}
	after := r.first + LSN(r.rng.IntN(int(r.marks.Written-r.first)+1))
	if m := r.b.manifest; after+1 < m.First || after < r.snap || r.history[after-1].Flags&More != 0 {
		return nil
	}
	r.logf("truncate %d", after)
	r.stats.truncations++
	r.maybe = after
	for range 3 {
		err := r.b.Truncate(after)
		if err == nil {
			r.history = r.history[:after]
			r.marks = r.b.Marks()
			r.retained, r.maybe, r.doubtful = nil, 0, false
			if r.marks.Written != after {
				return fmt.Errorf("truncated after LSN %d: %+v", after, r.marks)
			}
			return nil
		}
		r.logf("%v", err)
		if errors.Is(err, memfs.ErrOff) {
			return err
		}
		r.stats.faults++
	}
	r.doubtful = true
	return errLifeEnds
}

// entryText is an entry in a message.
func entryText(e Entry) string {
	return fmt.Sprintf("slot %d, db %d, flags %d, %q of %d bytes", e.Slot, e.DB, e.Flags, e.Effect[:min(len(e.Effect), 8)], len(e.Effect))
}

func sameEntry(x, y Entry) bool {
	return x.Slot == y.Slot && x.DB == y.DB && x.Flags == y.Flags && bytes.Equal(x.Effect, y.Effect)
}
