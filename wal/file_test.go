package wal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// openFiles opens a backend with small segments.
func openFiles(t testing.TB, fs vfs.FS, o FileOptions) (*FileBackend, Info) {
	t.Helper()
	if o.SegmentSize == 0 {
		o.SegmentSize, o.FirstSegment = segHeaderSize+4096, segHeaderSize+1024
	}
	b := NewFileBackend(fs, o)
	info, err := b.Open(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return b, info
}

// frameOf makes a frame of one group.
func frameOf(base, durable LSN, effects ...string) Frame {
	b := make([]byte, FrameHeader)
	for i, e := range effects {
		var flags Flags
		if i+1 < len(effects) {
			flags = More
		}
		b = appendEntry(b, uint16(i), 0, flags, []byte(e))
	}
	return newFrame(b, base, len(effects), durable, 1000+int64(base))
}

// put appends a frame, rotating where needed, and fails the test otherwise.
func put(t testing.TB, b *FileBackend, sync bool, effects ...string) {
	t.Helper()
	fs := []Frame{frameOf(b.Marks().Written+1, b.Marks().Durable, effects...)}
	_, err := b.Append(fs, sync)
	if errors.Is(err, ErrRotate) {
		if err = b.Rotate(); err == nil {
			_, err = b.Append(fs, sync)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// effects reads all effects from an LSN on.
func effects(t testing.TB, b *FileBackend, from LSN) (list []string) {
	t.Helper()
	err := b.Read(from, func(f Frame) error {
		return f.Groups(func(_ LSN, g []Entry) error {
			for _, e := range g {
				list = append(list, string(e.Effect))
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// isSync says whether err is a failed sync.
func isSync(err error) bool {
	var s *SyncError
	return errors.As(err, &s)
}

func numbers(from, to int) (list []string) {
	for i := from; i <= to; i++ {
		list = append(list, fmt.Sprintf("effect %d %s", i, strings.Repeat("x", i%97)))
	}
	return list
}

func fill(t testing.TB, b *FileBackend, from, to int) {
	t.Helper()
	for _, e := range numbers(from, to) {
		put(t, b, true, e)
	}
}

func TestFilesReopen(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs := vfs.OS(t.TempDir())
		b, info := openFiles(t, fs, FileOptions{})
		if info.First != 1 || info.Last != 0 {
			t.Fatalf("%+v", info)
		}
		fill(t, b, 1, 200)
		if got := effects(t, b, 1); !slices.Equal(got, numbers(1, 200)) {
			t.Fatalf("%q", got)
		}
		if err := b.Close(clean); err != nil {
			t.Fatal(err)
		}
		b, info = openFiles(t, fs, FileOptions{})
		if info.First != 1 || info.Last != 200 || info.TornBytes != 0 {
			t.Fatalf("%+v", info)
		}
		fill(t, b, 201, 300)
		if got := effects(t, b, 150); !slices.Equal(got, numbers(150, 300)) {
			t.Fatalf("%q", got)
		}
		if err := b.Close(clean); err != nil {
			t.Fatal(err)
		}
	}
}

// logOnly is a backend without snapshots.
type logOnly struct{ *FileBackend }

func (logOnly) NewSnapshot(SnapHeader) (SnapWriter, error) { return nil, errors.ErrUnsupported }
func (logOnly) OpenSnapshot(SnapID) (SnapReader, error)    { return nil, errors.ErrUnsupported }
func (logOnly) DropSnapshot(SnapID) error                  { return errors.ErrUnsupported }

func TestLogWithFiles(t *testing.T) {
	for _, policy := range []Policy{Always, EverySec, No} {
		fs := vfs.OS(t.TempDir())
		b, info := openFiles(t, fs, FileOptions{})
		l := New(Options{Policy: policy, Databases: 1}, logOnly{b}, info)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- l.Run(ctx) }()
		var all sync.WaitGroup
		for n := range 4 {
			all.Go(func() {
				for i := range 200 {
					if err := l.Wait(l.Append([]Entry{entry(uint16(n), fmt.Sprintf("%d %d", n, i))}), nil); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(policy, err)
		}
		b, info = openFiles(t, fs, FileOptions{})
		if got := effects(t, b, 1); info.Last != 800 || len(got) != 800 {
			t.Fatalf("%v: %+v, %d effects", policy, info, len(got))
		}
		if err := b.Close(true); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	fs := vfs.OS(t.TempDir())
	b, _ := openFiles(t, fs, FileOptions{})
	var locked *vfs.LockedError
	if _, err := NewFileBackend(fs, FileOptions{}).Open(context.Background(), nil); !errors.As(err, &locked) {
		t.Error(err)
	}
	if err := b.Close(false); err != nil {
		t.Fatal(err)
	}
	b, _ = openFiles(t, fs, FileOptions{})
	_ = b.Close(false)
}

func TestAppendAllocatesNothing(t *testing.T) {
	b, _ := openFiles(t, vfs.OS(t.TempDir()), FileOptions{SegmentSize: 64 << 20, FirstSegment: 64 << 20})
	defer func() { _ = b.Close(false) }()
	put(t, b, true, "first")
	fs := []Frame{frameOf(0, 0, strings.Repeat("x", 100))}
	for _, sync := range []bool{false, true} {
		n := testing.AllocsPerRun(100, func() {
			fs[0] = newFrame(fs[0].Bytes, b.Marks().Written+1, 1, 0, 1)
			if _, err := b.Append(fs, sync); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("sync %v: %v allocations", sync, n)
		}
	}
}

func TestAppendOfAGap(t *testing.T) {
	b, _ := openFiles(t, memfs.New(1), FileOptions{})
	put(t, b, true, "1")
	if _, err := b.Append([]Frame{frameOf(3, 1, "3")}, true); err == nil || errors.Is(err, ErrRotate) {
		t.Error(err)
	}
}

// TestGroupLargerThanASegment: it gets a segment of its own size.
func TestGroupLargerThanASegment(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	large := strings.Repeat("y", 3*(segHeaderSize+4096))
	put(t, b, true, "1")
	put(t, b, true, large, "second")
	put(t, b, true, "4")
	want := []string{"1", large, "second", "4"}
	b, info := openFiles(t, fs.Crash(rand.New(rand.NewPCG(1, 1))), FileOptions{})
	if got := effects(t, b, 1); info.Last != 4 || !slices.Equal(got, want) {
		t.Errorf("%+v, %d effects", info, len(got))
	}
}

// TestSegmentsGrowAndAreRecycled: each is twice the one before, up to the size that is kept; freed ones come back.
func TestSegmentsGrowAndAreRecycled(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{SegmentSize: 32 << 10, FirstSegment: 8 << 10})
	var sizes []int64
	last := ""
	made := 0
	for i := 1; i <= 2000; i++ {
		put(t, b, true, strings.Repeat("z", 100))
		if b.cur.name != last {
			last = b.cur.name
			sizes = append(sizes, b.cur.size)
			if err := b.Prepare(1); err != nil {
				t.Fatal(err)
			}
			if err := b.Trim(b.Marks().Durable); err != nil {
				t.Fatal(err)
			}
			made = max(made, b.spareNum)
		}
	}
	if want := []int64{8 << 10, 16 << 10, 32 << 10, 32 << 10}; !slices.Equal(sizes[:4], want) || len(sizes) < 6 {
		t.Errorf("sizes %v", sizes)
	}
	names, err := fs.List(walDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) > 4 {
		t.Errorf("%d segments were used, these files are left: %v", len(sizes), names)
	}
	if used := fs.Used(); used > 4*(32<<10)+1000 {
		t.Errorf("%d bytes are used", used)
	}
}

// TestSegmentSizeChanges: segments that are made from then on have the new length, also where a longer one was ready.
func TestSegmentSizeChanges(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{SegmentSize: 32 << 10, FirstSegment: 8 << 10})
	// grow fills segments, from the second one that is begun on checks their length.
	grow := func(size int64) {
		t.Helper()
		for begun := 0; begun < 4; {
			before := b.cur
			if put(t, b, true, strings.Repeat("z", 100)); b.cur == before {
				continue
			}
			if begun++; begun > 2 && b.cur.size != size {
				t.Fatalf("segment %d has %d bytes, not %d", begun, b.cur.size, size)
			}
			if err := b.Prepare(1); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(t, b, true, "a")
	grow(32 << 10)
	for _, size := range []int64{12 << 10, 24 << 10, 64 << 10} {
		b.SetSegmentSize(size)
		if err := b.Prepare(1); err != nil {
			t.Fatal(err)
		}
		grow(size)
		for _, s := range b.spares {
			if s.size > size {
				t.Errorf("one of %d bytes is ready", s.size)
			}
		}
	}
	n := len(effects(t, b, 1))
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	b, _ = openFiles(t, fs, FileOptions{SegmentSize: 12 << 10})
	if got := len(effects(t, b, 1)); got != n {
		t.Errorf("%d entries, there were %d", got, n)
	}
}

// TestLongerSegmentOnAFullDisk: where there is no room for another segment, one that is longer than they are to be does.
func TestLongerSegmentOnAFullDisk(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{SegmentSize: 32 << 10, FirstSegment: 32 << 10})
	put(t, b, true, "a")
	if err := b.Prepare(1); err != nil {
		t.Fatal(err)
	}
	b.SetSegmentSize(8 << 10)
	fs.SetCapacity(fs.Used())
	if err := b.Prepare(1); err != nil {
		t.Fatal(err)
	}
	for first := b.cur; b.cur == first; {
		put(t, b, true, "more")
	}
}

func TestReadBehindTrim(t *testing.T) {
	b, _ := openFiles(t, memfs.New(1), FileOptions{})
	fill(t, b, 1, 300)
	if err := b.Trim(200); err != nil {
		t.Fatal(err)
	}
	if err := b.Read(1, func(Frame) error { return nil }); !errors.Is(err, ErrTrimmed) {
		t.Error(err)
	}
	if got := effects(t, b, 201); !slices.Equal(got, numbers(201, 300)) {
		t.Errorf("%q", got)
	}
	if err := b.Read(301, func(Frame) error { return errors.New("a frame") }); err != nil {
		t.Error(err)
	}
}

// TestReadBesideAppend lets readers follow the log while it grows, rotates and is trimmed.
func TestReadBesideAppend(t *testing.T) {
	b, _ := openFiles(t, memfs.New(1), FileOptions{})
	put(t, b, true, numbers(1, 1)...)
	const total = 2000
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			for next := LSN(1); next <= total; {
				err := b.Read(next, func(f Frame) error {
					if f.Base != next || string(f.Entries()[entryHeader:]) != numbers(int(next), int(next))[0] {
						return fmt.Errorf("LSN %d: frame %d %q", next, f.Base, f.Entries())
					}
					next++
					return nil
				})
				if errors.Is(err, ErrTrimmed) {
					next = b.Marks().Durable
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Go(func() {
		for b.Marks().Written < total {
			if _, err := b.Sync(); err != nil {
				t.Error(err)
			}
			if err := b.Trim(b.Marks().Durable - min(b.Marks().Durable, 500)); err != nil {
				t.Error(err)
			}
		}
	})
	for i, e := range numbers(2, total) {
		put(t, b, i%3 == 0, e)
	}
	all.Wait()
}

// TestScanInParallel: more goroutines, and chunks smaller than frames, make no difference.
func TestScanInParallel(t *testing.T) {
	b, _ := openFiles(t, memfs.New(1), FileOptions{SegmentSize: 4 << 20, FirstSegment: 1 << 20})
	var want []string
	for i := range 300 {
		e := strings.Repeat(string(rune('a'+i%26)), i*100)
		want = append(want, e)
		put(t, b, false, e)
	}
	for _, size := range []int64{1, 100, 4096, 1 << 20, 64 << 20} {
		for _, workers := range []int{1, 2, 5} {
			var got []string
			err := b.scan(1, b.Marks().Written, workers, size, func(fs []Frame) error {
				for _, f := range fs {
					got = append(got, string(f.Entries()[entryHeader:]))
				}
				return nil
			})
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("chunks of %d, %d workers: %v, %d effects", size, workers, err, len(got))
			}
		}
	}
}

// TestSyncErrorIsForGood: W8. The system says success the second time; the log must not believe it, and goes on in
// another file with all that was not durable.
func TestSyncErrorIsForGood(t *testing.T) {
	for seed := range uint64(40) {
		fs := memfs.New(seed)
		b, _ := openFiles(t, fs, FileOptions{})
		put(t, b, true, "1")
		fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{2: memfs.EIO}})
		lost := []Frame{frameOf(2, 1, "2")}
		if _, err := b.Append(lost, true); !isSync(err) || !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		for range 2 {
			if m, err := b.Sync(); !isSync(err) || m.Durable != 1 {
				t.Fatal(m, err)
			}
			if m, err := b.Append([]Frame{frameOf(3, 1, "3")}, false); !isSync(err) || m.Durable != 1 {
				t.Fatal(m, err)
			}
			if err := b.Rotate(); !isSync(err) {
				t.Fatal(err)
			}
		}
		m, err := b.Rehome(lost)
		if err != nil || m.Durable != 2 || m.Written != 2 {
			t.Fatal(m, err)
		}
		put(t, b, true, "3")
		if got := effects(t, b, 1); !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Fatalf("%q", got)
		}
		b, info := openFiles(t, fs.Crash(rand.New(rand.NewPCG(seed, 1))), FileOptions{})
		if got := effects(t, b, 1); info.Last != 3 || !slices.Equal(got, []string{"1", "2", "3"}) {
			t.Fatalf("%+v %q", info, got)
		}
	}
}

// TestRehomeReadsBack: under the policy no the log keeps no frames that were written, so that they are
// taken from the file that failed as long as the system shows them.
func TestRehomeReadsBack(t *testing.T) {
	back, gone := 0, 0
	for seed := range uint64(40) {
		fs := memfs.New(seed)
		b, _ := openFiles(t, fs, FileOptions{})
		for _, e := range numbers(1, 30) {
			put(t, b, false, e)
		}
		m := b.Marks()
		fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{1: memfs.EIO}})
		if _, err := b.Sync(); !isSync(err) {
			t.Fatal(err)
		}
		after, err := b.Rehome(nil)
		if err != nil {
			if b.Marks().Durable != m.Durable {
				t.Fatal(err, m, b.Marks())
			}
			gone++
			continue
		}
		back++
		if after.Durable != 30 {
			t.Fatal(after)
		}
		b, _ = openFiles(t, fs.Crash(rand.New(rand.NewPCG(seed, 1))), FileOptions{})
		if got := effects(t, b, 1); !slices.Equal(got, numbers(1, 30)) {
			t.Fatalf("%q", got)
		}
	}
	if back == 0 || gone == 0 {
		t.Errorf("%d times read back, %d times not", back, gone)
	}
}

// TestFullDiskShowsEarly: Prepare meets it while the present segment has room, and Append goes on as long as it has.
func TestFullDiskShowsEarly(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	put(t, b, true, "1")
	fs.SetCapacity(fs.Used())
	if err := b.Prepare(1); err != nil {
		t.Errorf("while the segment is almost empty: %v", err)
	}
	i := 1
	for b.Prepare(1) == nil {
		if b.Filling() {
			t.Error("it is filling up, but Prepare keeps a failure")
		}
		i++
		put(t, b, true, "effect")
	}
	if !b.Filling() || b.Filling() {
		t.Error("not told once that it is filling up")
	}
	if err := b.Prepare(1); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	put(t, b, true, "there is room for this one")
	for {
		_, err := b.Append([]Frame{frameOf(b.Marks().Written+1, 0, "more")}, true)
		if errors.Is(err, ErrRotate) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		i++
	}
	if err := b.Rotate(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	fs.SetCapacity(0)
	put(t, b, true, "space returned")
	b, info := openFiles(t, fs.Crash(rand.New(rand.NewPCG(1, 1))), FileOptions{})
	if got := effects(t, b, 1); int(info.Last) != i+2 || got[len(got)-1] != "space returned" {
		t.Errorf("%+v, %d", info, i)
	}
}

// TestShortWriteIsRepeated: the same bytes go to the same place.
func TestShortWriteIsRepeated(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	put(t, b, true, "1")
	f := []Frame{frameOf(2, 1, "2")}
	fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{1: {Err: syscall.ENOSPC, Short: 20}}})
	if m, err := b.Append(f, true); !errors.Is(err, syscall.ENOSPC) || isSync(err) || m.Written != 1 {
		t.Fatal(m, err)
	}
	if m, err := b.Append(f, true); err != nil || m.Durable != 2 {
		t.Fatal(m, err)
	}
	if got := effects(t, b, 1); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("%q", got)
	}
}

func TestTruncate(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 100)
	put(t, b, true, "101", "102")
	var frame []byte
	for _, e := range []string{"103", "104"} { // two groups in a frame
		frame = appendEntry(frame, 1, 0, 0, []byte(e))
	}
	if _, err := b.Append([]Frame{newFrame(append(make([]byte, FrameHeader), frame...), 103, 2, 102, 1)}, true); err != nil {
		t.Fatal(err)
	}
	if err := b.Truncate(101); err == nil {
		t.Error("in the middle of a group")
	}
	if err := b.Truncate(103); err != nil {
		t.Fatal(err)
	}
	put(t, b, true, "another 104")
	want := append(numbers(1, 100), "101", "102", "103", "another 104")
	if got := effects(t, b, 1); !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
	if err := b.Truncate(50); err != nil {
		t.Fatal(err)
	}
	fill(t, b, 51, 60)
	b, info := openFiles(t, fs.Crash(rand.New(rand.NewPCG(1, 1))), FileOptions{})
	if got := effects(t, b, 1); info.Last != 60 || !slices.Equal(got, numbers(1, 60)) {
		t.Fatalf("%+v %q", info, got)
	}
}
