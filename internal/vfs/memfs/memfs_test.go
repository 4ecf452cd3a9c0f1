package memfs

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
)

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, f *FS, name string) []byte {
	t.Helper()
	h := must[vfs.File](t)(f.Open(name))
	b := make([]byte, must[int64](t)(h.Size()))
	if len(b) > 0 {
		must[int](t)(h.ReadAt(b, 0))
	}
	return b
}

// outcomes counts what many crashes leave.
func outcomes(t *testing.T, build func(f *FS), seen func(after *FS) string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for seed := range uint64(400) {
		f := New(seed)
		build(f)
		counts[seen(f.Crash(rand.New(rand.NewPCG(seed, 1))))]++
	}
	return counts
}

func TestSyncedSurvives(t *testing.T) {
	counts := outcomes(t, func(f *FS) {
		check(t, f.MkdirAll("d"))
		h := must[vfs.File](t)(f.Create("d/a"))
		must[int](t)(h.WriteAt([]byte("hello"), 0))
		check(t, h.Sync())
		check(t, f.SyncDir("d"))
	}, func(f *FS) string { return string(content(t, f, "d/a")) })
	if counts["hello"] != 400 {
		t.Error(counts)
	}
}

func TestUnsyncedNameMayBeLost(t *testing.T) {
	counts := outcomes(t, func(f *FS) {
		h := must[vfs.File](t)(f.Create("a"))
		check(t, h.Sync())
	}, func(f *FS) string {
		_, err := f.Open("a")
		return map[bool]string{true: "lost", false: "there"}[errors.Is(err, fs.ErrNotExist)]
	})
	if counts["lost"] < 50 || counts["there"] < 50 {
		t.Error(counts)
	}
}

// TestRenameIsWhole: after the crash the file has one of the two names, with all its bytes.
func TestRenameIsWhole(t *testing.T) {
	counts := outcomes(t, func(f *FS) {
		h := must[vfs.File](t)(f.Create("new"))
		must[int](t)(h.WriteAt([]byte("2"), 0))
		check(t, h.Sync())
		g := must[vfs.File](t)(f.Create("it"))
		must[int](t)(g.WriteAt([]byte("1"), 0))
		check(t, g.Sync())
		check(t, f.SyncDir("."))
		check(t, f.Rename("new", "it"))
	}, func(f *FS) string {
		names := must[[]string](t)(f.List("."))
		if slices.Equal(names, []string{"it"}) || slices.Equal(names, []string{"it", "new"}) {
			return string(content(t, f, "it"))
		}
		t.Fatal(names)
		return ""
	})
	if counts["1"] < 50 || counts["2"] < 50 || len(counts) != 2 {
		t.Error(counts)
	}
}

func TestUnsyncedWriteMayTear(t *testing.T) {
	old, fresh := bytes.Repeat([]byte{1}, 2048), bytes.Repeat([]byte{2}, 2048)
	kinds := map[string]int{}
	outcomes(t, func(f *FS) {
		h := must[vfs.File](t)(f.Create("a"))
		must[int](t)(h.WriteAt(old, 0))
		check(t, h.Sync())
		check(t, f.SyncDir("."))
		must[int](t)(h.WriteAt(fresh, 0))
	}, func(f *FS) string {
		b := content(t, f, "a")
		n := bytes.Count(b, []byte{2})
		switch at := bytes.IndexByte(b, 1); {
		case len(b) != 2048 || n+bytes.Count(b, []byte{1}) != 2048:
			t.Fatalf("%d bytes, others than were ever written", len(b))
		case n == 0:
			kinds["none"]++
		case n == 2048:
			kinds["all"]++
		case at == n && n%512 != 0:
			kinds["cut at a byte"]++
		case at != n:
			kinds["a later sector without an earlier one"]++
		}
		return ""
	})
	if len(kinds) != 4 {
		t.Error(kinds)
	}
}

func TestFailedSyncLosesForGood(t *testing.T) {
	counts := outcomes(t, func(f *FS) {
		h := must[vfs.File](t)(f.Create("a"))
		check(t, h.Sync())
		check(t, f.SyncDir("."))
		must[int](t)(h.WriteAt([]byte("x"), 0))
		f.SetPlan(Plan{At: map[int]Fault{1: EIO}})
		if err := h.Sync(); !errors.Is(err, syscall.EIO) {
			t.Fatal(err)
		}
		check(t, h.Sync()) // the trap
	}, func(f *FS) string { return string(content(t, f, "a")) })
	if counts[""] < 100 || counts["x"] < 20 {
		t.Error(counts)
	}
}

func TestFullDisk(t *testing.T) {
	f := New(1)
	h := must[vfs.File](t)(f.Create("a"))
	f.SetCapacity(10)
	n, err := h.WriteAt(make([]byte, 16), 0)
	if n != 10 || !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(n, err)
	}
	must[int](t)(h.WriteAt([]byte("over what is there"[:10]), 0))
	check(t, f.Remove("a"))
	if f.Used() != 0 {
		t.Error(f.Used())
	}
}

func TestPlan(t *testing.T) {
	f := New(1)
	h := must[vfs.File](t)(f.Create("a"))
	f.SetPlan(Plan{At: map[int]Fault{1: {Err: syscall.EIO, Short: 3}, 3: Cut}})
	if n, err := h.WriteAt([]byte("hello"), 0); n != 3 || !errors.Is(err, syscall.EIO) {
		t.Fatal(n, err)
	}
	must[int](t)(h.WriteAt([]byte("hello"), 0))
	if err := h.Sync(); !errors.Is(err, ErrOff) {
		t.Fatal(err)
	}
	if _, err := f.List("."); !errors.Is(err, ErrOff) {
		t.Fatal(err)
	}
}

func TestKillKeepsAllButLocks(t *testing.T) {
	f := New(1)
	must[vfs.File](t)(f.Create("a"))
	if _, err := f.Lock("LOCK"); err != nil {
		t.Fatal(err)
	}
	var locked *vfs.LockedError
	if _, err := f.Lock("LOCK"); !errors.As(err, &locked) {
		t.Fatal(err)
	}
	after := f.Kill()
	if _, err := after.Lock("LOCK"); err != nil {
		t.Error(err)
	}
	if _, err := after.Open("a"); err != nil {
		t.Error(err)
	}
	if _, err := f.Open("a"); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
}
