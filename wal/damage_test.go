package wal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// poke changes bytes of a file behind the log's back.
func poke(t testing.TB, fs vfs.FS, name string, off int64, change func(b []byte)) {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, size-off)
	if err := readFull(f, b, off); err != nil {
		t.Fatal(err)
	}
	change(b)
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// tryOpen opens a log and returns all its effects.
func tryOpen(fs vfs.FS, o FileOptions) (list []string, info Info, err error) {
	o.SegmentSize, o.FirstSegment = segHeaderSize+4096, segHeaderSize+1024
	b := NewFileBackend(fs, o)
	if info, err = b.Open(context.Background(), nil); err != nil {
		return nil, info, err
	}
	defer func() { err = errors.Join(err, b.Close(false)) }()
	err = b.Read(info.First, func(f Frame) error {
		return f.Groups(func(_ LSN, g []Entry) error {
			for _, e := range g {
				list = append(list, string(e.Effect))
			}
			return nil
		})
	})
	return list, info, err
}

// TestFlips: W7. Whatever bit of whatever file changes, opening the log fails, or finds everything, or, in a log
// that was not closed, lacks the last frame, of which nothing on the disk proves that it was durable.
func TestFlips(t *testing.T) {
	for _, clean := range []bool{true, false} {
		fs := memfs.New(1)
		b, _ := openFiles(t, fs, FileOptions{})
		fill(t, b, 1, 10)
		fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{2: memfs.EIO}})
		lost := []Frame{frameOf(11, 10, numbers(11, 11)...)}
		if _, err := b.Append(lost, true); !isSync(err) {
			t.Fatal(err)
		}
		if _, err := b.Rehome(lost); err != nil {
			t.Fatal(err)
		}
		fill(t, b, 12, 40)
		if err := b.Prepare(1); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(clean); err != nil {
			t.Fatal(err)
		}
		all := numbers(1, 40)
		names := []string{manifestName}
		segs, err := fs.List(walDir)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segs {
			names = append(names, walDir+"/"+s)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		reported, harmless, torn := 0, 0, 0
		for _, name := range names {
			whole, err := vfs.ReadFile(fs, name)
			if err != nil {
				t.Fatal(err)
			}
			for at := range whole {
				for bit := range 8 {
					dull := whole[at] == 0 && (at == 0 || whole[at-1] == 0)
					if (dull || testing.Short()) && bit != rng.IntN(8) { // one of them will do, about
						continue
					}
					f := fs.Clone()
					poke(t, f, name, int64(at), func(b []byte) { b[0] ^= 1 << bit })
					got, info, err := tryOpen(f, FileOptions{})
					switch {
					case errors.Is(err, ErrCorrupt):
						reported++
					case err != nil && strings.Contains(err.Error(), "this program reads version"):
						reported++
					case err != nil:
						t.Fatalf("%s, byte %d, bit %d: %v", name, at, bit, err)
					case slices.Equal(got, all):
						harmless++
					case !clean && slices.Equal(got, all[:39]) && info.Last == 39:
						torn++
					default:
						t.Fatalf("%s, byte %d, bit %d, clean %v: %d effects up to LSN %d", name, at, bit, clean, len(got), info.Last)
					}
				}
			}
		}
		t.Logf("clean %v: %d files; %d flips reported, %d harmless, %d are a torn last frame", clean, len(names), reported, harmless, torn)
		if reported == 0 || harmless == 0 || clean != (torn == 0) {
			t.Error("that can not be")
		}
	}
}

// TestDamage: what is durable and gone is reported with its place; what is not is a torn tail, kept beside.
func TestDamage(t *testing.T) {
	build := func() (*memfs.FS, []string) {
		fs := memfs.New(1)
		b, _ := openFiles(t, fs, FileOptions{})
		fill(t, b, 1, 100)
		if err := b.Close(false); err != nil {
			t.Fatal(err)
		}
		segs, err := fs.List(walDir)
		if err != nil {
			t.Fatal(err)
		}
		return fs, segs
	}
	_, segs := build()
	zero := func(n int) func([]byte) { return func(b []byte) { clear(b[:min(n, len(b))]) } }
	for _, c := range []struct {
		name    string
		do      func(fs *memfs.FS)
		want    string // of the error
		last    LSN    // if there is none
		corrupt bool
	}{
		{"a frame in the first segment", func(fs *memfs.FS) { poke(t, fs, walDir+"/"+segs[0], segHeaderSize+130, func(b []byte) { b[0] ^= 1 }) }, "LSN 2 to 100", 0, true},
		{"a header", func(fs *memfs.FS) { poke(t, fs, walDir+"/"+segs[1], 20, zero(1)) }, segs[1], 0, true},
		{"the header of the last segment", func(fs *memfs.FS) { poke(t, fs, walDir+"/"+segs[len(segs)-1], 20, zero(8)) }, segs[len(segs)-1], 0, true},
		{"a segment that is not there", func(fs *memfs.FS) { _ = fs.Remove(walDir + "/" + segs[1]) }, "reredis wal repair --cut-at", 0, true},
		{"the first segment is not there", func(fs *memfs.FS) { _ = fs.Remove(walDir + "/" + segs[0]) }, "LSN 1 to", 0, true},
		{"the MANIFEST is not there", func(fs *memfs.FS) { _ = fs.Remove(manifestName) }, "no MANIFEST", 0, true},
		{"a segment under another name", func(fs *memfs.FS) {
			_ = fs.Rename(walDir+"/"+segs[2], segName(1000))
		}, "the header is one of LSN", 0, true},
		{"a segment cut short", func(fs *memfs.FS) {
			f, _ := fs.Open(walDir + "/" + segs[1])
			_ = f.Truncate(segHeaderSize + 10)
		}, "no room for a header", 0, true},
		{"nothing", func(*memfs.FS) {}, "", 100, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs, _ := build()
			c.do(fs)
			before := dump(t, fs)
			got, info, err := tryOpen(fs, FileOptions{})
			if c.want == "" {
				if err != nil || info.Last != c.last || len(got) != int(c.last) {
					t.Fatal(info, err)
				}
				return
			}
			if err == nil || errors.Is(err, ErrCorrupt) != c.corrupt || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v", err)
			}
			if after := dump(t, fs); after != before {
				t.Error("the files were changed")
			}
		})
	}
}

// dump is the names and sums of all files.
func dump(t *testing.T, fs vfs.FS) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{rootDir, walDir} {
		names, err := fs.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			content, err := vfs.ReadFile(fs, dir+"/"+n)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s/%s %x\n", dir, n, content)
		}
	}
	return b.String()
}

// tornLog is a log of 20 entries, all durable, behind which lie two frames of which the first is damaged and the
// second is whole but does not prove anything.
func tornLog(t *testing.T) (fs *memfs.FS, at int64) {
	t.Helper()
	fs = memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{SegmentSize: 64 << 10, FirstSegment: 64 << 10})
	fill(t, b, 1, 20)
	at = b.cur.end
	for i := LSN(21); i <= 22; i++ {
		if _, err := b.Append([]Frame{frameOf(i, 20, fmt.Sprint(i))}, false); err != nil {
			t.Fatal(err)
		}
	}
	name := b.cur.name
	if err := b.Close(false); err != nil {
		t.Fatal(err)
	}
	poke(t, fs, name, at+50, func(b []byte) { b[0] ^= 1 })
	return fs, at
}

func TestTornTailIsKept(t *testing.T) {
	fs, at := tornLog(t)
	got, info, err := tryOpen(fs, FileOptions{})
	if err != nil || info.Last != 20 || !slices.Equal(got, numbers(1, 20)) || info.TornBytes == 0 {
		t.Fatal(info, err)
	}
	want := fmt.Sprintf("%s.%d%s", segName(1), at, tornSuffix)
	if !slices.Equal(info.TornKept, []string{want}) {
		t.Fatal(info.TornKept)
	}
	kept, err := vfs.ReadFile(fs, want)
	if err != nil || int64(len(kept)) != info.TornBytes || le.Uint32(kept) != frameMagic {
		t.Error(err, len(kept), info.TornBytes)
	}
	if _, info, err = tryOpen(fs, FileOptions{}); err != nil || info.TornBytes != 0 || info.Last != 20 {
		t.Errorf("the second time: %+v, %v", info, err)
	}
}

func TestTornTailIsRefused(t *testing.T) {
	fs, at := tornLog(t)
	before := dump(t, fs)
	_, _, err := tryOpen(fs, FileOptions{RefuseTorn: true})
	var torn *TornError
	if !errors.As(err, &torn) || torn.After != 20 || torn.Offset != at || torn.File != segName(1) {
		t.Fatal(err)
	}
	if dump(t, fs) != before {
		t.Error("the files were changed")
	}
}

// TestTornOverSegments: without a sync, frames of the next segment may be on the disk while one before is
// not. Nothing says that it was durable, so all of it goes, whole segments too.
func TestTornOverSegments(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	put(t, b, true, "1")
	first, at := b.cur.name, b.cur.end
	for b.cur.first == 1 {
		fs := []Frame{frameOf(b.Marks().Written+1, 1, strings.Repeat("x", 80))}
		if _, err := b.Append(fs, false); errors.Is(err, ErrRotate) {
			if err := b.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for range 3 {
		put(t, b, false, "in the next one")
	}
	second := b.cur.name
	poke(t, fs, first, at+60, func(b []byte) { b[0] ^= 1 })
	got, info, err := tryOpen(fs.Kill(), FileOptions{})
	if err != nil || info.Last != 1 || !slices.Equal(got, []string{"1"}) || !slices.Contains(info.TornKept, second+tornSuffix) || len(info.TornKept) != 2 {
		t.Fatal(info, err)
	}
}

// TestDurableMarkOfALaterFrameProves: the same as above, but a later frame says that the damaged one was durable.
func TestDurableMarkOfALaterFrameProves(t *testing.T) {
	for _, rotate := range []bool{false, true} {
		fs := memfs.New(1)
		b, _ := openFiles(t, fs, FileOptions{})
		put(t, b, true, "1")
		name, at := b.cur.name, b.cur.end
		put(t, b, true, "2")
		if rotate {
			if err := b.Rotate(); err != nil {
				t.Fatal(err)
			}
		} else {
			put(t, b, false, "3")
		}
		poke(t, fs, name, at+50, func(b []byte) { b[0] ^= 1 })
		_, _, err := tryOpen(fs.Kill(), FileOptions{})
		var c *CorruptError
		if !errors.As(err, &c) || c.File != name || c.Offset != at || c.First != 2 {
			t.Errorf("rotated %v: %v", rotate, err)
		}
	}
}

// TestStaleFramesInRecycledFiles: a recycled file is full of frames that were good once. They are never taken for
// new ones, even where they stand exactly where the next frame would.
func TestStaleFramesInRecycledFiles(t *testing.T) {
	fs := memfs.New(1)
	salt := uint64(0)
	o := FileOptions{SegmentSize: 8 << 10, FirstSegment: 8 << 10, Salt: func() uint64 { salt += 1 << 32; return salt }}
	b, _ := openFiles(t, fs, o)
	n := LSN(0)
	for range 40 { // frames of one length, so that stale ones are where new ones would be
		n++
		put(t, b, true, fmt.Sprintf("%0100d", n))
		if n%20 == 0 {
			if err := b.Trim(n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range LSN(200) {
		n++
		put(t, b, true, fmt.Sprintf("%0100d", n))
		if i%10 == 0 {
			if err := b.Trim(n); err != nil {
				t.Fatal(err)
			}
		}
		if i%7 != 0 {
			continue
		}
		got, info, err := tryOpen(fs.Clone(), FileOptions{})
		if err != nil || info.Last != n || info.TornBytes != 0 || got[len(got)-1] != fmt.Sprintf("%0100d", n) {
			t.Fatal(n, info, err)
		}
	}
}

// TestValueOfCopiedFrames: a client stores the bytes of the log in the log. A cut through that value shows whole
// frames with a good checksum; they are no part of the log and prove nothing.
func TestValueOfCopiedFrames(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{SegmentSize: 64 << 10, FirstSegment: 64 << 10})
	fill(t, b, 1, 20)
	copied := make([]byte, b.cur.end-segHeaderSize)
	if err := readFull(b.cur.file, copied, segHeaderSize); err != nil {
		t.Fatal(err)
	}
	at := b.cur.end
	put(t, b, false, "21", string(copied))
	got, info, err := tryOpen(fs.Clone(), FileOptions{})
	if err != nil || info.Last != 22 || got[21] != string(copied) {
		t.Fatal(info, err)
	}
	for cutAt := at; cutAt < b.cur.end; cutAt += 7 {
		f := fs.Clone()
		poke(t, f, segName(1), cutAt, func(b []byte) { b[0] ^= 0x55 })
		got, info, err := tryOpen(f, FileOptions{})
		if err != nil || info.Last != 20 || !slices.Equal(got, numbers(1, 20)) {
			t.Fatal(cutAt, info, err)
		}
	}
}

// closedWithSnapshot makes a log of 100 entries, of which a snapshot is said to hold 60, and returns its first segment.
func closedWithSnapshot(t *testing.T, fs *memfs.FS) (first string) {
	t.Helper()
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 100)
	if err := b.editManifest(func(m *manifest) { m.Snapshots = []SnapInfo{{ID: 1, MaxL: 60}} }); err != nil {
		t.Fatal(err)
	}
	first = b.segs[0].name
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	return first
}

// TestSnapshotNeedsNoOlderLog: damage before the newest snapshot does not keep the server down.
func TestSnapshotNeedsNoOlderLog(t *testing.T) {
	fs := memfs.New(1)
	first := closedWithSnapshot(t, fs)
	poke(t, fs, first, segHeaderSize+60, func(b []byte) { b[0] ^= 1 })
	b, info := openFiles(t, fs, FileOptions{})
	if info.Last != 100 || len(info.Snapshots) != 1 {
		t.Fatal(info)
	}
	if got := effects(t, b, 61); !slices.Equal(got, numbers(61, 100)) {
		t.Errorf("%q", got)
	}
	if err := b.Scan(1, 1, func([]Frame) error { return nil }); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// TestSnapshotBeyondTheLog: the log was off while it was taken; the log goes on behind it.
func TestSnapshotBeyondTheLog(t *testing.T) {
	fs := memfs.New(1)
	b, _ := openFiles(t, fs, FileOptions{})
	fill(t, b, 1, 10)
	if err := b.editManifest(func(m *manifest) { m.Snapshots = []SnapInfo{{ID: 1, MaxL: 60}} }); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(true); err != nil {
		t.Fatal(err)
	}
	for last := LSN(60); last < 64; last++ {
		b, info := openFiles(t, fs, FileOptions{})
		if info.First > 61 || info.Last != last {
			t.Fatal(info)
		}
		put(t, b, true, fmt.Sprint(last+1))
		if got := effects(t, b, last+1); !slices.Equal(got, []string{fmt.Sprint(last + 1)}) {
			t.Errorf("%q", got)
		}
		if err := b.Close(last%2 == 0); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzOpenFrame(f *testing.F) {
	good := frameOf(7, 3, "one", "two")
	good.seal(5, 1<<40|9)
	f.Add(good.Bytes, uint32(5), uint64(1<<40|9), uint64(7))
	f.Add([]byte{}, uint32(0), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, id uint32, salt, want uint64) {
		fr, why := openFrame(b, id, salt, LSN(want))
		if why == "" {
			check(t, fr, b, id, salt)
		}
		if len(b) < FrameHeader { // as it would be if somebody had sealed it
			return
		}
		b = slices.Clone(b)
		le.PutUint32(b, frameMagic)
		le.PutUint32(b[4:], uint32(len(b)-FrameHeader))
		fr = Frame{Base: LSN(le.Uint64(b[16:])), Count: int(le.Uint32(b[12:])), Bytes: b}
		fr.seal(id, salt)
		if fr, why := openFrame(b, id, salt, fr.Base); why == "" {
			check(t, fr, b, id, salt)
		}
	})
}

// check takes an opened frame apart and makes it anew.
func check(t *testing.T, fr Frame, b []byte, id uint32, salt uint64) {
	again := make([]byte, FrameHeader)
	n := 0
	err := fr.Groups(func(first LSN, g []Entry) error {
		if first != fr.Base+LSN(n) {
			t.Fatalf("a group of LSN %d after %d entries from LSN %d", first, n, fr.Base)
		}
		for i, e := range g {
			if (e.Flags&More != 0) != (i+1 < len(g)) {
				t.Fatalf("entry %d of a group of %d has flags %d", i, len(g), e.Flags)
			}
			again = appendEntry(again, e.Slot, e.DB, e.Flags, e.Effect)
			n++
		}
		return nil
	})
	if err != nil || n != fr.Count {
		t.Fatal(err, n, fr.Count)
	}
	f := newFrame(again, fr.Base, n, fr.Durable(), fr.Millis())
	f.seal(id, salt)
	if string(f.Bytes) != string(b[:len(f.Bytes)]) {
		t.Fatalf("%x became %x", b, f.Bytes)
	}
}
