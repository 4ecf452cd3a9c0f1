// Package vfs is the file system as durable code sees it: names below one root, files that
// are written and read at offsets, and syncs whose failure is a fact that is told, not hidden.
// Package memfs, below it, is the same in memory with faults and crashes on demand, so that
// a test can pull the plug anywhere.
//
// It knows nothing of what the files hold.
package vfs

import "io"

// FS is one directory tree. Names are relative to its root, with slashes; "." is the root itself.
// A file that is not there is fs.ErrNotExist to errors.Is. A change of a
// directory (a name made, renamed or removed) survives a crash only once SyncDir has
// returned for that directory. All methods may be called from any goroutine.
type FS interface {
	// Create makes a file that must not exist, for reading and writing.
	Create(name string) (File, error)
	// Open opens an existing file for reading and writing.
	Open(name string) (File, error)
	// Rename gives a file another name, replacing what has that name.
	Rename(from, to string) error
	// Remove removes a file.
	Remove(name string) error
	// List returns the names in a directory, sorted, without those of directories.
	List(dir string) ([]string, error)
	// MkdirAll makes a directory and those above it; that is durable when it returns.
	MkdirAll(dir string) error
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes the lock file of that name, or fails with a *LockedError, naming its owner, if another process
	// has it, or another Lock of this one. Closing releases it, and so does the end of the process.
	Lock(name string) (io.Closer, error)
}

// File is an open file. What WriteAt wrote survives a crash once Sync has returned nil; after Sync
// has failed nothing that was written since the last success can be trusted again.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Sync makes data and length durable. It may run beside WriteAt; then it covers what was
	// written before it began.
	Sync() error
	// Size is the length in bytes.
	Size() (int64, error)
	// Truncate sets the length.
	Truncate(size int64) error
}

// LockedError says that another process holds a lock file.
type LockedError struct {
	Name  string
	Owner string // what that process wrote about itself, "" if unknown
}

// Error names the file and its owner.
func (e *LockedError) Error() string {
	if e.Owner == "" {
		return "vfs: " + e.Name + " is locked by another process"
	}
	return "vfs: " + e.Name + " is locked by another process (" + e.Owner + ")"
}
