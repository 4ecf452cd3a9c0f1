package vfs

import (
	"errors"
	"fmt"
	"io/fs"
)

// tempSuffix is that of the file from which Replace makes another.
const tempSuffix = ".tmp"

// ReadFile reads a whole file.
func ReadFile(f FS, name string) ([]byte, error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if n, err := file.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return b, nil
}

// WriteFile makes a file of b and syncs it; its name is not durable yet. After an error no such file is left.
func WriteFile(f FS, name string, b []byte) error {
	file, err := f.Create(name)
	if err != nil {
		return err
	}
	if _, err = file.WriteAt(b, 0); err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, f.Remove(name))
	}
	return nil
}

// Replace makes b the content of a file in the root, as one step that is durable when nil is returned. After an error
// the old one or the new one is there.
func Replace(f FS, name string, b []byte) error {
	temp := name + tempSuffix
	if err := f.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := WriteFile(f, temp, b); err != nil {
		return err
	}
	if err := f.Rename(temp, name); err != nil {
		return err
	}
	return f.SyncDir(".")
}
