package wal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

func inspected(t *testing.T, fs *memfs.FS) (*Inspection, []string) {
	t.Helper()
	before := dump(t, fs)
	in, err := Inspect(fs)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	next := in.First
	if err := in.Entries(0, func(lsn LSN, _ int64, e Entry) error {
		if lsn != next {
			return fmt.Errorf("LSN %d after %d", lsn, next-1)
		}
		next++
		list = append(list, string(e.Effect))
		return nil
	}); err != nil && in.Older == nil {
		t.Error(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if dump(t, fs) != before {
		t.Error("the files were changed")
	}
	return in, list
}

func TestInspect(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 100)
	in, list := inspected(t, fs)
	if in.InUse == "" || in.Last != 100 || !slices.Equal(list, numbers(1, 100)) {
		t.Errorf("%+v", in)
	}
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	in, list = inspected(t, fs)
	if in.InUse != "" || in.Last != 100 || in.CleanEnd != 100 || in.Durable != 100 || in.Problem != nil || !slices.Equal(list, numbers(1, 100)) {
		t.Errorf("%+v", in)
	}
	if n := len(in.Segments); n < 3 || in.Segments[0].First != 1 || in.Segments[n-1].Last != 100 {
		t.Errorf("%v", in.Segments)
	}
	poke(t, fs, in.Segments[1].File, segHeaderSize+60, func(b []byte) { b[0] ^= 1 })
	broken, list := inspected(t, fs)
	if !errors.Is(broken.Problem, ErrCorrupt) || broken.Last != in.Segments[1].First-1 || len(list) != int(broken.Last) {
		t.Errorf("%+v", broken)
	}
}

func TestInspectOlderThanTheSnapshot(t *testing.T) {
	fs := memfs.New(1)
	first := closedWithSnapshot(t, fs)
	in, list := inspected(t, fs)
	if in.Problem != nil || in.Older != nil || in.Last != 100 || len(list) != 100 {
		t.Errorf("%+v", in)
	}
	poke(t, fs, first, segHeaderSize+60, func(b []byte) { b[0] ^= 1 })
	in, _ = inspected(t, fs)
	if in.Problem != nil || in.Older == nil || in.Last != 100 {
		t.Errorf("%+v", in)
	}
}

// TestRepair cuts a damaged log before the damage; the server then starts, and all bytes are still there.
func TestRepair(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs := memfs.New(1)
		b, _ := openFiles(t, fs, FileOptions{})
		fill(t, b, 1, 30)
		put(t, b, true, "31", "32")
		fill(t, b, 33, 100)
		segs := slices.Clone(b.segs)
		if err := b.Close(clean); err != nil {
			t.Fatal(err)
		}
		i := len(segs) / 2
		hurt := segs[i]
		poke(t, fs, hurt.name, hurt.end-10, func(b []byte) { b[0] ^= 1 }) // its last frame
		_, _, err := tryOpen(fs, FileOptions{})
		var c *CorruptError
		if !errors.As(err, &c) || c.First != hurt.last {
			t.Fatal(err)
		}
		good := c.First - 1
		before := dump(t, fs)
		for _, wrong := range []LSN{good + 1, 100, 31} {
			if info, err := Repair(fs, FileOptions{}, wrong); err == nil {
				t.Fatalf("cut at %d: %+v", wrong, info)
			}
			if dump(t, fs) != before {
				t.Fatalf("cut at %d: the files were changed", wrong)
			}
		}
		info, err := Repair(fs, FileOptions{}, good)
		if err != nil || info.Last != good || len(info.TornKept) != len(segs)-i {
			t.Fatal(info, err)
		}
		want := append(append(numbers(1, 30), "31", "32"), numbers(33, 100)...)
		got, opened, err := tryOpen(fs, FileOptions{})
		if err != nil || opened.Last != good || !slices.Equal(got, want[:good]) {
			t.Fatal(opened, err)
		}
		if info, err = Repair(fs, FileOptions{}, 20); err != nil || info.Last != 20 { // a good log too
			t.Fatal(info, err)
		}
		if got, _, err = tryOpen(fs, FileOptions{}); err != nil || !slices.Equal(got, want[:20]) {
			t.Fatal(got, err)
		}
	}
}

// TestRepairInsideABatch: the cut may lie between two groups of one frame.
func TestRepairInsideABatch(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	put(t, b, true, "1")
	frame := make([]byte, FrameHeader)
	for _, e := range []string{"2", "3", "4"} {
		frame = appendEntry(frame, 1, 0, 0, []byte(e))
	}
	if _, err := b.Append([]Frame{newFrame(frame, 2, 3, 1, 1)}, true); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(false); err != nil {
		t.Fatal(err)
	}
	if info, err := Repair(fs, FileOptions{}, 3); err != nil || info.Last != 3 {
		t.Fatal(info, err)
	}
	if got, _, err := tryOpen(fs, FileOptions{}); err != nil || !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Fatal(got, err)
	}
}

func TestRepairOfADamagedHeader(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 100)
	hurt := b.segs[1]
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	poke(t, fs, hurt.name, 20, func(b []byte) { b[0] ^= 1 })
	info, err := Repair(fs, FileOptions{}, hurt.first-1)
	if err != nil || info.Last != hurt.first-1 || !slices.Contains(info.TornKept, hurt.name+tornSuffix) {
		t.Fatal(info, err)
	}
	if got, _, err := tryOpen(fs, FileOptions{}); err != nil || !slices.Equal(got, numbers(1, int(hurt.first-1))) {
		t.Fatal(got, err)
	}
}

func TestRepairKeepsSnapshots(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 50)
	if err := b.editManifest(func(m *manifest) { m.Snapshots = []SnapInfo{{ID: 1, MaxL: 40}} }); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	if _, err := Repair(fs, FileOptions{}, 39); err == nil || !strings.Contains(err.Error(), "snapshot") {
		t.Error(err)
	}
	if info, err := Repair(fs, FileOptions{}, 40); err != nil || info.Last != 40 {
		t.Error(info, err)
	}
}

// TestRepairSurvivesPowerCuts: whenever it stops, the log is as it was, or is cut, or repair goes on.
func TestRepairSurvivesPowerCuts(t *testing.T) {
	for seed := range uint64(60) {
		for at := 1; ; at++ {
			fs := memfs.New(seed)
			b, _ := openFiles(t, fs, FileOptions{})
			fill(t, b, 1, 60)
			hurt := b.segs[1]
			if err := b.Close(true); err != nil {
				t.Fatal(err)
			}
			poke(t, fs, hurt.name, hurt.end-10, func(b []byte) { b[0] ^= 1 })
			fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{at: memfs.Cut}})
			_, err := Repair(fs, FileOptions{}, hurt.last-1)
			done := fs.Ops() < at
			after := fs.Crash(rand.New(rand.NewPCG(seed, uint64(at))))
			if err != nil {
				if !errors.Is(err, memfs.ErrOff) {
					t.Fatal(err)
				}
				if _, _, err := tryOpen(after.Clone(), FileOptions{}); err != nil && !errors.Is(err, ErrCorrupt) {
					t.Fatal(err)
				}
				if _, err = Repair(after, FileOptions{}, hurt.last-1); err != nil {
					t.Fatalf("seed %d, operation %d: %v", seed, at, err)
				}
			}
			got, info, err := tryOpen(after, FileOptions{})
			if err != nil || info.Last != hurt.last-1 || !slices.Equal(got, numbers(1, int(hurt.last-1))) {
				t.Fatalf("seed %d, operation %d: %+v %v", seed, at, info, err)
			}
			if done {
				break
			}
		}
	}
}
