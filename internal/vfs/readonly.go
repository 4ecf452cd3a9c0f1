package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ReadOnly is the tree of the operating system below root for those who look only: what would change
// something fails with fs.ErrPermission. Its Lock leaves no trace, and there is none to take if nobody has ever taken it.
func ReadOnly(root string) FS { return readOnly{osFS{root}} }

type readOnly struct{ osFS }

func refused(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrPermission}
}

func (readOnly) Create(name string) (File, error) { return nil, refused("create", name) }
func (readOnly) Rename(from, _ string) error      { return refused("rename", from) }
func (readOnly) Remove(name string) error         { return refused("remove", name) }
func (readOnly) MkdirAll(dir string) error        { return refused("mkdir", dir) }
func (readOnly) SyncDir(dir string) error         { return refused("sync", dir) }

func (r readOnly) Open(name string) (File, error) { return open(r.path(name), os.O_RDONLY) }

func (r readOnly) Lock(name string) (io.Closer, error) {
	f, err := os.Open(r.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return io.NopCloser(nil), nil
	}
	if err != nil {
		return nil, err
	}
	return lock(f)
}

// lock takes the lock of an open file, or closes it.
func lock(f *os.File) (io.Closer, error) {
	taken, err := lockFile(f)
	if err == nil && taken {
		owner, _ := io.ReadAll(io.LimitReader(f, 256))
		err = &LockedError{Name: f.Name(), Owner: strings.TrimSpace(string(owner))}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
