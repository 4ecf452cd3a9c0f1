package configs

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// disk is what it takes to replace a file.
type disk interface {
	MkdirAll(dir string) error
	// Create makes a file that only its owner can read, or empties it.
	Create(name string) (diskFile, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

type diskFile interface {
	io.WriteCloser
	Sync() error
}

// replaceFile puts b in the place of a file. Whenever it is cut short, the file holds all of the old content or all of
// the new one; after an error it is the old one, unless it was the last step that failed.
func replaceFile(d disk, file string, b []byte) error {
	dir, temporary := filepath.Dir(file), file+".new"
	if err := d.MkdirAll(dir); err != nil {
		return err
	}
	err := writeFile(d, temporary, b)
	if err == nil {
		err = d.Rename(temporary, file)
	}
	if err != nil {
		_ = d.Remove(temporary) // the error is the one before
		return err
	}
	return d.SyncDir(dir)
}

func writeFile(d disk, name string, b []byte) error {
	f, err := d.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

// osDisk is the disk of the system.
type osDisk struct{}

func (osDisk) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o750) }

func (osDisk) Create(name string) (diskFile, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

func (osDisk) Rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) Remove(name string) error { return os.Remove(name) }

func (osDisk) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
