package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// both runs a test on the real file system and on the one in memory.
func both(t *testing.T, test func(t *testing.T, f vfs.FS)) {
	t.Run("os", func(t *testing.T) { test(t, vfs.OS(filepath.Join(t.TempDir(), "a", "b"))) })
	t.Run("memory", func(t *testing.T) { test(t, memfs.New(1)) })
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS) {
		ok(t, f.MkdirAll("."))
		ok(t, f.MkdirAll("x/y"))
		ok(t, f.MkdirAll("x/y"))
		h, err := f.Create("x/y/a")
		ok(t, err)
		if _, err := f.Create("x/y/a"); !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
		if _, err := f.Open("x/y/b"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if err := f.Remove("x/y/b"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := f.List("nowhere"); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		_, err = h.WriteAt([]byte("hello"), 3)
		ok(t, err)
		ok(t, h.Sync())
		b := make([]byte, 9)
		if n, err := h.ReadAt(b, 0); n != 8 || err != io.EOF || string(b[:8]) != "\x00\x00\x00hello" { //nolint:errorlint // io.ReaderAt promises it bare
			t.Errorf("%d %v %q", n, err, b)
		}
		ok(t, h.Truncate(4))
		if size, err := h.Size(); size != 4 || err != nil {
			t.Error(size, err)
		}
		ok(t, h.Close())
		if err := h.Sync(); !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
		ok(t, f.Rename("x/y/a", "x/y/c"))
		g, err := f.Create("x/y/b")
		ok(t, err)
		ok(t, g.Close())
		names, err := f.List("x/y")
		ok(t, err)
		if !slices.Equal(names, []string{"b", "c"}) {
			t.Error(names)
		}
		if names, err = f.List("x"); err != nil || len(names) != 0 {
			t.Error(names, err)
		}
		ok(t, f.Remove("x/y/b"))
		ok(t, f.SyncDir("x/y"))
	})
}

func TestLock(t *testing.T) {
	both(t, func(t *testing.T, f vfs.FS) {
		ok(t, f.MkdirAll("."))
		l, err := f.Lock("LOCK")
		ok(t, err)
		_, err = f.Lock("LOCK")
		var locked *vfs.LockedError
		if !errors.As(err, &locked) || locked.Owner == "" {
			t.Fatal(err)
		}
		if pid := strconv.Itoa(os.Getpid()); locked.Owner != "memfs" && !strings.Contains(locked.Owner, "pid "+pid) {
			t.Error(locked.Owner)
		}
		ok(t, l.Close())
		l, err = f.Lock("LOCK")
		ok(t, err)
		ok(t, l.Close())
	})
}

func TestReadOnly(t *testing.T) {
	root := t.TempDir()
	f, ro := vfs.OS(root), vfs.ReadOnly(root)
	h, err := f.Create("a")
	ok(t, err)
	_, err = h.WriteAt([]byte("hello"), 0)
	ok(t, err)
	l, err := ro.Lock("LOCK") // nobody has ever had it
	ok(t, err)
	ok(t, l.Close())
	owner, err := f.Lock("LOCK")
	ok(t, err)
	var locked *vfs.LockedError
	if _, err := ro.Lock("LOCK"); !errors.As(err, &locked) || !strings.HasPrefix(locked.Owner, "pid ") {
		t.Error(err)
	}
	ok(t, owner.Close())
	r, err := ro.Open("a")
	ok(t, err)
	if size, err := r.Size(); size != 5 || err != nil {
		t.Error(size, err)
	}
	if _, err := r.WriteAt([]byte("x"), 0); err == nil {
		t.Error("it can be written")
	}
	_, err = ro.Create("b")
	for _, err := range []error{err, ro.Rename("a", "b"), ro.Remove("a"), ro.MkdirAll("d"), ro.SyncDir(".")} {
		if !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
}

// TestSyncAndClose: a Sync that runs beside Close ends well or says that the file is closed.
func TestSyncAndClose(t *testing.T) {
	f := vfs.OS(t.TempDir())
	for range 20 {
		h, err := f.Create("a")
		ok(t, err)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for h.Sync() == nil {
				}
			})
		}
		ok(t, h.Close())
		all.Wait()
		ok(t, f.Remove("a"))
	}
}
