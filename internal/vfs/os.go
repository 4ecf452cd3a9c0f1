package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// OS is the tree of the operating system below root, which MkdirAll(".") makes if it is missing.
func OS(root string) FS { return osFS{root} }

type osFS struct{ root string }

func (o osFS) path(name string) string { return filepath.Join(o.root, filepath.FromSlash(name)) }

func (o osFS) Create(name string) (File, error) {
	return open(o.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (o osFS) Open(name string) (File, error) { return open(o.path(name), os.O_RDWR) }

func (o osFS) Rename(from, to string) error { return os.Rename(o.path(from), o.path(to)) }

func (o osFS) Remove(name string) error { return os.Remove(o.path(name)) }

func (o osFS) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(o.path(dir)) // sorted
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (o osFS) MkdirAll(dir string) error { return mkdirAll(o.path(dir)) }

// mkdirAll syncs the parent of what it makes, and that of a directory which was there: a process
// before this one may have died between the two steps.
func mkdirAll(path string) error {
	parent := filepath.Dir(path)
	err := os.Mkdir(path, 0o750)
	if errors.Is(err, fs.ErrNotExist) && parent != path {
		if err = mkdirAll(parent); err == nil {
			err = os.Mkdir(path, 0o750)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		info, statErr := os.Stat(path)
		if statErr != nil {
			return statErr
		}
		if !info.IsDir() {
			return err
		}
		err = nil
	}
	if err != nil {
		return err
	}
	if err := syncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) { // not ours to open, so not made by us
		return err
	}
	return nil
}

func (o osFS) SyncDir(dir string) error { return syncDir(o.path(dir)) }

func (o osFS) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(o.path(name), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, err
	}
	l, err := lock(f)
	if err != nil {
		return nil, err
	}
	owner := fmt.Sprintf("pid %d, started %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339))
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(owner), 0)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// osFile is an open file. A Sync keeps Close waiting, so that the descriptor stays the file's.
type osFile struct {
	*os.File
	fd   uintptr
	open sync.RWMutex
	done bool // under open
}

func open(path string, flags int) (File, error) {
	f, err := os.OpenFile(path, flags, 0o640)
	if err != nil {
		return nil, err
	}
	return &osFile{File: f, fd: f.Fd()}, nil
}

func (f *osFile) Sync() error {
	f.open.RLock()
	defer f.open.RUnlock()
	if f.done {
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: fs.ErrClosed}
	}
	if err := dataSync(f.File, f.fd); err != nil {
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: err}
	}
	return nil
}

func (f *osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (f *osFile) Close() error {
	f.open.Lock()
	defer f.open.Unlock()
	f.done = true
	return f.File.Close()
}
