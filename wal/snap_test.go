package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// rig is a toy with a log and a backend for snapshots.
type rig struct {
	tb    testing.TB
	fs    *memfs.FS
	b     *FileBackend
	log   *toyLog
	state *toy
	o     SnapOptions
	step  func() error
	s     *Snapshotter
}

func newRig(tb testing.TB, dbs int) *rig {
	r := &rig{tb: tb, fs: memfs.New(1), log: &toyLog{first: 1, fail: func() error { return nil }}, state: newToy(dbs)}
	if err := r.fs.MkdirAll(snapDir); err != nil {
		tb.Fatal(err)
	}
	r.b = &FileBackend{fs: r.fs, manifest: &manifest{First: 1}}
	r.step = func() error { return nil }
	return r
}

// do executes an effect.
func (r *rig) do(db uint16, words ...string) {
	e := Entry{DB: db, Slot: BarrierSlot, Effect: toyEffect(words...)}
	if len(words) > 1 && words[0] != "SWAPDB" {
		e.Slot = toySlot(words[1])
	}
	r.state.apply(db, e.Effect)
	r.log.append([]Entry{e})
}

func (r *rig) must(err error) {
	r.tb.Helper()
	if err != nil {
		r.tb.Fatal(err)
	}
}

func (r *rig) commit() { r.must(r.log.commit(true)) }

func (r *rig) fill(n int) {
	for i := range n {
		r.do(uint16(i%len(r.state.dbs)), "SET", fmt.Sprintf("%dk%d", i%toySlots, i), strings.Repeat("v", i%50))
	}
}

func (r *rig) make(ctx context.Context) (SnapInfo, error) {
	if r.s == nil {
		r.s = NewSnapshotter(r.o, toyStore{r.log, r.b}, r.log, Info{Snapshots: r.b.manifest.Snapshots})
	}
	return r.s.Make(ctx, &toyWalk{t: r.state, parts: func() int { return 2 }, step: func() error { return r.step() }})
}

func (r *rig) mustMake() SnapInfo {
	r.tb.Helper()
	info, err := r.make(context.Background())
	if err != nil {
		r.tb.Fatal(err)
	}
	return info
}

func (r *rig) recover(o RecoverOptions) (*toy, Recovered, error) {
	got := newToy(len(r.state.dbs))
	done, err := Recover(context.Background(), toyStore{r.log, r.b},
		Info{First: r.log.first, Last: r.log.written, Snapshots: r.b.manifest.Snapshots}, got, o)
	return got, done, err
}

func (r *rig) files() []string {
	names, err := r.fs.List(snapDir)
	if err != nil {
		r.tb.Fatal(err)
	}
	return names
}

// bytesOf returns a file's bytes.
func (r *rig) bytesOf(name string) []byte {
	b, err := vfs.ReadFile(r.fs, name)
	if err != nil {
		r.tb.Fatal(err)
	}
	return b
}

// replace gives a file other bytes.
func (r *rig) replace(name string, b []byte) {
	if err := r.fs.Remove(name); err != nil {
		r.tb.Fatal(err)
	}
	f, err := r.fs.Create(name)
	if err != nil {
		r.tb.Fatal(err)
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		r.tb.Fatal(err)
	}
	if err := f.Close(); err != nil {
		r.tb.Fatal(err)
	}
}

// TestSnapshotFlipsW7: a snapshot with one bit changed, or cut anywhere, is never taken for a good one, and recovery
// then gives the right state from the older one and the log, or refuses.
func TestSnapshotFlipsW7(t *testing.T) {
	for _, compress := range []bool{false, true} {
		t.Run(fmt.Sprintf("compress=%v", compress), func(t *testing.T) {
			r := newRig(t, 2)
			r.o.Compress = compress
			r.fill(10)
			old := r.mustMake()
			n := 0
			r.step = func() error {
				if n++; n%4 == 0 {
					r.do(1, "APPEND", "1k1", "+")
				}
				return nil
			}
			r.fill(20)
			info := r.mustMake()
			if info.MaxL == info.MinL {
				t.Fatal("the snapshot has no tail")
			}
			name := snapName(info.ID)
			good := r.bytesOf(name)
			if err := Verify(context.Background(), r.b, info.ID); err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 1))
			try := func(what string, bad []byte) {
				r.replace(name, bad)
				if err := Verify(context.Background(), r.b, info.ID); err == nil {
					t.Fatalf("%s: it verifies", what)
				}
				if rng.IntN(50) > 0 {
					return
				}
				got, done, err := r.recover(RecoverOptions{Workers: 2})
				if err != nil || done.Snapshot.ID != old.ID || len(done.Damaged) != 1 || !got.equal(r.state) {
					t.Fatalf("%s: recovered %+v, %v", what, done, err)
				}
			}
			for i := range good {
				// All that is used, and a part of the zeros behind the header.
				if i > 200 && i < snapFileHeader && i%64 > 0 {
					continue
				}
				for bit := range 8 {
					if testing.Short() && rng.IntN(8) > 0 {
						continue
					}
					bad := bytes.Clone(good)
					bad[i] ^= 1 << bit
					try(fmt.Sprintf("byte %d bit %d", i, bit), bad)
				}
			}
			for n := 0; n < len(good); n += 1 + n/500 {
				try(fmt.Sprintf("cut at %d", n), good[:n])
			}
			try("longer", append(bytes.Clone(good), 0))
			r.replace(name, good)
			r.must(r.log.trim(info.MaxL))
			if _, done, err := r.recover(RecoverOptions{}); err != nil || done.Snapshot.ID != info.ID {
				t.Fatalf("%+v, %v", done, err)
			}
			bad := bytes.Clone(good)
			bad[len(bad)/2] ^= 1
			r.replace(name, bad)
			if _, _, err := r.recover(RecoverOptions{}); !errors.Is(err, ErrCorrupt) {
				t.Fatalf("the log does not reach back to the older snapshot: %v", err)
			}
		})
	}
}

// frames splits a snapshot file.
func framesOf(tb testing.TB, file []byte) (frames [][]byte) {
	for b := file[snapFileHeader : len(file)-snapFooterSize]; len(b) > 0; {
		n := snapFrameSize(b)
		if n == 0 {
			tb.Fatal("no frame")
		}
		frames = append(frames, b[:n])
		b = b[n:]
	}
	return frames
}

// TestSnapshotFramesW7: frames that are right by themselves must also be the right ones, in the right order.
func TestSnapshotFramesW7(t *testing.T) {
	r := newRig(t, 2)
	r.step = func() error { r.do(1, "APPEND", "1k1", "+"); return nil }
	r.fill(10)
	info := r.mustMake()
	good := r.bytesOf(snapName(info.ID))
	frames := framesOf(t, good)
	build := func(frames [][]byte, renumber bool) []byte {
		b := bytes.Clone(good[:snapFileHeader])
		keys := int64(0)
		for i, f := range frames {
			if f = bytes.Clone(f); renumber {
				le.PutUint32(f[44:], uint32(i))
				le.PutUint32(f[8:], frameCRC(f, uint64(info.ID)))
			}
			if SnapKind(f[12]) == SnapRange {
				keys += int64(le.Uint32(f[28:]))
			}
			b = append(b, f...)
		}
		foot := SnapFooter{Frames: int64(len(frames)), Keys: keys, MaxL: info.MaxL}
		return append(b, foot.encode(info.ID, int64(len(b))+snapFooterSize)...)
	}
	if !bytes.Equal(build(frames, true), good) {
		t.Fatal("the test builds another file")
	}
	try := func(what string, frames [][]byte) {
		for _, renumber := range []bool{false, true} {
			r.replace(snapName(info.ID), build(frames, renumber))
			if err := Verify(context.Background(), r.b, info.ID); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s, renumbered %v: %v", what, renumber, err)
			}
		}
	}
	for i := range frames {
		try(fmt.Sprintf("without frame %d", i), slices.Delete(slices.Clone(frames), i, i+1))
		try(fmt.Sprintf("frame %d twice", i), slices.Insert(slices.Clone(frames), i, frames[i]))
	}
	try("no frames", nil)
	swapped := slices.Clone(frames)
	swapped[0], swapped[1] = swapped[1], swapped[0]
	try("exchanged", swapped)
}

// TestSnapshotFailsW6W8: whatever operation on files fails, the snapshot is not known, no file of it stays, and the
// next one works.
func TestSnapshotFailsW6W8(t *testing.T) {
	for _, fault := range []memfs.Fault{memfs.EIO, memfs.NoRoom} {
		for at := 1; ; at++ {
			r := newRig(t, 1)
			r.fill(30)
			r.mustMake()
			r.fill(30)
			r.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{at: fault}})
			_, err := r.make(context.Background())
			if at > r.fs.Ops() {
				if err != nil {
					t.Fatal(err)
				}
				break // no operation was left to fail
			}
			r.fs.SetPlan(memfs.Plan{})
			known := r.b.manifest.Snapshots
			if err != nil && len(known) != 1 {
				t.Fatalf("operation %d: %v, and known is %+v", at, err, known)
			}
			if got, _, err := r.recover(RecoverOptions{}); err != nil || !got.equal(r.state) {
				t.Fatalf("operation %d: recovery %v", at, err)
			}
			last := r.mustMake()
			if got, done, err := r.recover(RecoverOptions{}); err != nil || !got.equal(r.state) || done.Snapshot != last {
				t.Fatalf("operation %d: recovery %v", at, err)
			}
			if err := r.b.sweepSnapshots(); err != nil {
				t.Fatal(err)
			}
			if names := r.files(); len(names) != len(r.b.manifest.Snapshots) {
				t.Fatalf("operation %d: files %q, known %+v", at, names, r.b.manifest.Snapshots)
			}
		}
	}
}

// TestSnapshotKeepsW10: as many snapshots as are to be kept are kept, and the log that the oldest needs.
func TestSnapshotKeepsW10(t *testing.T) {
	r := newRig(t, 1)
	r.o.Keep = 3
	var made []SnapInfo
	for range 5 {
		r.fill(10)
		made = append(made, r.mustMake())
	}
	want := made[2:]
	if got := r.s.Snapshots(); !slices.Equal(got, want) || !slices.Equal(r.b.manifest.Snapshots, want) {
		t.Fatalf("kept %+v, in the MANIFEST %+v, want %+v", got, r.b.manifest.Snapshots, want)
	}
	if names := r.files(); len(names) != 3 {
		t.Errorf("files %q", names)
	}
	if r.s.Needed() != want[0].MaxL {
		t.Errorf("the log is needed from behind %d, not %d", r.s.Needed(), want[0].MaxL)
	}
}

// TestSnapshotSwaps: databases that are swapped make a snapshot begin anew, and the third time they
// have to wait.
func TestSnapshotSwaps(t *testing.T) {
	r := newRig(t, 2)
	var held []bool
	r.o.Hold = func(on bool) { held = append(held, on) }
	r.fill(10)
	swaps := 0
	r.step = func() error {
		if len(held) == 0 {
			r.do(0, "SWAPDB", "0", "1")
			swaps++
		}
		return nil
	}
	r.mustMake()
	if !slices.Equal(held, []bool{true, false}) || swaps != swapRestarts {
		t.Fatalf("held %v after %d swaps", held, swaps)
	}
	if names := r.files(); len(names) != 1 {
		t.Errorf("files %q", names)
	}
	if got, _, err := r.recover(RecoverOptions{}); err != nil || !got.equal(r.state) {
		t.Error(err)
	}
}

// TestSnapshotBusy: there is one at a time, and it ends when its context does.
func TestSnapshotBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 1)
		r.o.Rate = 1 // one byte a second
		r.fill(10)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() { _, err := r.make(ctx); failed <- err }()
		synctest.Wait()
		if _, err := r.make(t.Context()); !errors.Is(err, ErrBusy) {
			t.Error(err)
		}
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if names := r.files(); len(names) != 0 || len(r.b.manifest.Snapshots) != 0 {
			t.Errorf("files %q", names)
		}
	})
}

// countSyncs counts what a file does.
type countFS struct {
	vfs.FS
	syncs atomic.Int64
	most  atomic.Int64 // bytes between two syncs
}

type countFile struct {
	vfs.File
	fs   *countFS
	open int64
}

func (c *countFS) Create(name string) (vfs.File, error) {
	f, err := c.FS.Create(name)
	return &countFile{File: f, fs: c}, err
}

func (f *countFile) WriteAt(b []byte, off int64) (int, error) {
	f.open += int64(len(b))
	f.fs.most.Store(max(f.fs.most.Load(), f.open))
	return f.File.WriteAt(b, off)
}

func (f *countFile) Sync() error {
	f.open = 0
	f.fs.syncs.Add(1)
	return f.File.Sync()
}

// TestSnapshotSyncs: no sync has more than some 8 MiB to write.
func TestSnapshotSyncs(t *testing.T) {
	r := newRig(t, 1)
	c := &countFS{FS: r.fs}
	r.b.fs = c
	for i := range 40 {
		r.do(0, "SET", fmt.Sprintf("0k%d", i), strings.Repeat("v", 1<<20))
	}
	r.mustMake()
	// One slot in two ranges: 20 MiB each.
	if c.syncs.Load() < 3 || c.most.Load() > 2*20<<20 {
		t.Errorf("%d syncs, at most %d bytes each", c.syncs.Load(), c.most.Load())
	}
	w, err := r.b.NewSnapshot(SnapHeader{ID: 99})
	if err != nil {
		t.Fatal(err)
	}
	c.syncs.Store(0)
	c.most.Store(0)
	for range 40 << 4 {
		if err := w.Chunk(make([]byte, 64<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if c.syncs.Load() != 4 || c.most.Load() > snapSyncEvery+snapWriteBuffer {
		t.Errorf("%d syncs, at most %d bytes each", c.syncs.Load(), c.most.Load())
	}
}

// TestRecoverRefusesW7: what is missing is told, never passed over.
func TestRecoverRefusesW7(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(r *rig)
		text   string
	}{
		"log gone behind the snapshot": {func(r *rig) { r.log.first = r.log.written }, "no snapshot can be used"},
		"log shorter than the snapshot": {func(r *rig) {
			r.log.crash(r.b.manifest.Snapshots[0].MaxL - 1)
		}, "the log ends with LSN"},
		"gap in the log": {func(r *rig) {
			r.log.frames = slices.Delete(r.log.frames, len(r.log.frames)-2, len(r.log.frames)-1)
		}, "the log goes on with LSN"},
		"end of the log missing": {func(r *rig) { r.log.frames = r.log.frames[:len(r.log.frames)-1] }, "the log ends with LSN"},
		"another hash key":       {func(r *rig) { r.o.HashKey[3] = 7 }, "hash key"},
		"no snapshot, log cut": {func(r *rig) {
			r.b.manifest.Snapshots = nil
			r.log.first = 2
		}, "there is no snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			r.fill(5)
			r.commit()
			r.fill(5)
			r.mustMake()
			for range 3 {
				r.fill(2)
				r.commit()
			}
			if got, _, err := r.recover(RecoverOptions{}); err != nil || !got.equal(r.state) {
				t.Fatal(err)
			}
			c.break_(r)
			_, _, err := r.recover(RecoverOptions{HashKey: r.o.HashKey})
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v", err)
			}
		})
	}
}

// failing is an applier that fails at an entry.
type failing struct {
	*toy
	at LSN
}

func (f *failing) Apply(w int, lsn LSN, e Entry) error {
	if lsn == f.at {
		return syscall.ENOMEM
	}
	return f.toy.Apply(w, lsn, e)
}

// TestRecoverApplyError: an applier's error ends recovery, and tells where.
func TestRecoverApplyError(t *testing.T) {
	r := newRig(t, 1)
	r.fill(100)
	r.do(0, "FLUSHALL")
	r.fill(100)
	r.commit()
	for _, at := range []LSN{1, 50, 101, 150, 201} {
		_, err := Recover(t.Context(), toyStore{r.log, r.b}, Info{First: 1, Last: 201}, &failing{newToy(1), at}, RecoverOptions{Workers: 3})
		var failed *ApplyError
		if !errors.As(err, &failed) || !errors.Is(err, syscall.ENOMEM) || !strings.Contains(err.Error(), fmt.Sprintf("entry %d", at)) {
			t.Errorf("entry %d: %v", at, err)
		}
	}
}

// TestRecoverFlushesW4: keys from before a flush that came while a snapshot was made are not loaded.
func TestRecoverFlushesW4(t *testing.T) {
	for _, words := range [][]string{{"FLUSHALL"}, {"FLUSHDB"}} {
		r := newRig(t, 2)
		r.fill(100)
		n := 0
		r.step = func() error {
			if n++; n == 3 || n == 6 {
				r.do(1, words...)
				r.do(1, "APPEND", "0k1", "+")
				r.do(0, "APPEND", "0k1", "+")
			}
			return nil
		}
		info := r.mustMake()
		got, done, err := r.recover(RecoverOptions{Workers: 2})
		if err != nil || !got.equal(r.state) || done.Entries != int64(info.MaxL-info.MinL) || done.Keys != info.Keys {
			t.Errorf("%v: %+v %v", words, done, err)
		}
	}
}

// TestRecoverProgress: whoever waits is told how far it is.
func TestRecoverProgress(t *testing.T) {
	r := newRig(t, 1)
	r.fill(50)
	r.step = func() error { r.do(0, "APPEND", "1k1", "+"); return nil }
	info := r.mustMake()
	r.fill(10)
	r.commit()
	var all []Progress
	if _, _, err := r.recover(RecoverOptions{Progress: func(p Progress) { all = append(all, p) }}); err != nil {
		t.Fatal(err)
	}
	phases := []string{}
	for i, p := range all {
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		} else if p.Bytes < all[i-1].Bytes || p.Entries < all[i-1].Entries || p.Keys < all[i-1].Keys {
			t.Errorf("from %+v to %+v", all[i-1], p)
		}
		if p.Total > 0 && (p.Bytes > p.Total || p.Total != info.Bytes) {
			t.Errorf("%+v of %d", p, info.Bytes)
		}
	}
	last := all[len(all)-1]
	if !slices.Equal(phases, []string{"snapshot", "tail", "log"}) || last.Entries == 0 || last.LSN != r.log.written || last.Keys != info.Keys {
		t.Errorf("%v, at the end %+v", phases, last)
	}
}

// stuck is an applier that applies nothing until it may.
type stuck struct {
	*toy
	gate chan struct{}
}

func (s *stuck) Range(w int, f SnapFrame) error {
	<-s.gate
	return s.toy.Range(w, f)
}

// countSnaps counts the frames that were read.
type countSnaps struct {
	Snaps
	frames atomic.Int64
}

type countReader struct {
	SnapReader
	c *countSnaps
}

func (c *countSnaps) OpenSnapshot(id SnapID) (SnapReader, error) {
	r, err := c.Snaps.OpenSnapshot(id)
	return countReader{r, c}, err
}

func (r countReader) Next(buf []byte) ([]byte, error) {
	r.c.frames.Add(1)
	return r.SnapReader.Next(buf)
}

// TestRecoverMemoryW12: recovery reads no further ahead of those who apply than a few frames.
func TestRecoverMemoryW12(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 40)
		r.fill(4000)
		info := r.mustMake()
		c := &countSnaps{Snaps: r.b}
		a := &stuck{newToy(40), make(chan struct{})}
		ended := make(chan error)
		go func() {
			_, err := Recover(t.Context(), toyStore{r.log, c}, Info{First: 1, Last: info.MaxL, Snapshots: []SnapInfo{info}}, a,
				RecoverOptions{Workers: 2})
			ended <- err
		}()
		synctest.Wait()
		if n := c.frames.Load(); n > 2*pipeAhead+2+2 {
			t.Errorf("%d frames were read ahead", n)
		}
		close(a.gate)
		if err := <-ended; err != nil || !a.equal(r.state) {
			t.Error(err)
		}
		if c.frames.Load() < 100 {
			t.Errorf("only %d frames: the test says nothing", c.frames.Load())
		}
	})
}

// FuzzSnapshotFile: no bytes make the reader of snapshots panic or take much memory.
func FuzzSnapshotFile(f *testing.F) {
	r := newRig(f, 2)
	r.o.Compress = true
	r.step = func() error { r.do(1, "APPEND", "1k1", "+"); return nil }
	r.fill(100)
	info := r.mustMake()
	name := snapName(info.ID)
	f.Add(r.bytesOf(name)[snapFileHeader:])
	head := r.bytesOf(name)[:snapFileHeader]
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := memfs.New(1)
		if err := fs.MkdirAll(snapDir); err != nil {
			t.Fatal(err)
		}
		if err := vfs.WriteFile(fs, name, append(bytes.Clone(head), b...)); err != nil {
			t.Fatal(err)
		}
		back := &FileBackend{fs: fs, manifest: &manifest{}}
		_ = Verify(context.Background(), back, info.ID)
		// Checksums keep the rest of the decoder from the fuzzer: they are right here.
		for i := 0; len(b) >= snapHeader; i++ {
			n := min(len(b), snapHeader+int(le.Uint32(b[4:])%512))
			one := bytes.Clone(b[:n])
			le.PutUint32(one, snapMagic)
			le.PutUint32(one[4:], uint32(n-snapHeader))
			le.PutUint32(one[44:], uint32(i))
			le.PutUint32(one[8:], frameCRC(one, uint64(info.ID)))
			if fr, err := decodeSnapFrame(one, info.ID, uint32(i), nil); err == nil {
				_ = checkCount(fr.Data, int(fr.Keys))
				_, _ = decodeSlotTable(fr.Data)
				fr.flushes(&flushes{})
			}
			b = b[n:]
		}
	})
}

var _ io.Closer = SnapReader(nil)
