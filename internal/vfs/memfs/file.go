package memfs

import (
	"io"
	"io/fs"
	"slices"

	"github.com/reredis/reredis/internal/vfs"
)

// inode is a file without a name.
type inode struct {
	data  []byte  // as a process sees it
	disk  []byte  // as the disk has it for certain
	dirty []write // from disk to data, in order
	links int
}

// write is data at an offset, or a new length if data is nil.
type write struct {
	off  int64
	data []byte
}

func (w write) apply(b []byte) []byte {
	if w.data == nil {
		return resize(b, int(w.off))
	}
	if end := int(w.off) + len(w.data); end > len(b) {
		b = resize(b, end)
	}
	copy(b[w.off:], w.data)
	return b
}

// resize cuts b or extends it with zeros.
func resize(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n]
	}
	old := len(b)
	b = slices.Grow(b, n-old)[:n]
	clear(b[old:])
	return b
}

func (n *inode) clone() *inode {
	return &inode{slices.Clone(n.data), slices.Clone(n.disk), slices.Clone(n.dirty), n.links}
}

// file is a handle.
type file struct {
	fs     *FS
	node   *inode
	name   string
	closed bool
}

func (f *file) look(op string) error {
	if f.closed {
		return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrClosed}
	}
	return f.fs.look(op, f.name)
}

func (f *file) ReadAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.look("read"); err != nil {
		return 0, err
	}
	if off >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.node.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt may write a part only, when that is planned, when the disk is full and when the power goes.
func (f *file) WriteAt(b []byte, off int64) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.look("write"); err != nil {
		return 0, err
	}
	fault, err := f.fs.enter(OpWrite, f.name)
	n := len(b)
	switch {
	case fault.Off: // the disk may have it all the same
	case err != nil:
		n = min(n, fault.Short)
	default:
		n = int(min(int64(n), max(0, f.fs.room(f.node)-off)))
		if n < len(b) {
			err = &fs.PathError{Op: "write", Path: f.name, Err: errNoSpace}
		}
	}
	if n > 0 {
		f.do(write{off, slices.Clone(b[:n])})
	}
	return n, err
}

// room is how long a file may become; fs.mu must be held.
func (f *FS) room(n *inode) int64 {
	if f.capacity == 0 {
		return 1 << 62
	}
	return int64(len(n.data)) + max(0, f.capacity-f.used)
}

// do makes a write; fs.mu must be held.
func (f *file) do(w write) {
	before := len(f.node.data)
	f.node.data = w.apply(f.node.data)
	f.node.dirty = append(f.node.dirty, w)
	if f.node.links > 0 {
		f.fs.used += int64(len(f.node.data) - before)
	}
}

// Sync makes the file durable. When it is planned to fail, some of the sectors get to the disk, and what
// did not is lost: a later Sync does not see to it. A process may go on seeing it, or not.
func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.look("sync"); err != nil {
		return err
	}
	fault, err := f.fs.enter(OpSync, f.name)
	if fault.Off {
		return err
	}
	n := f.node
	if err != nil {
		how := f.fs.rng.IntN(3)
		for _, w := range n.dirty {
			if how > 0 {
				n.disk = w.survive(f.fs.rng, n.disk)
			}
		}
		if f.fs.rng.IntN(3) == 0 { // pages dropped and read again
			for _, w := range n.dirty {
				if end := min(int(w.off)+len(w.data), len(n.disk)); end > int(w.off) {
					copy(n.data[w.off:end], n.disk[w.off:end])
				}
			}
		}
		n.dirty = nil
		return err
	}
	for _, w := range n.dirty {
		n.disk = w.apply(n.disk)
	}
	n.dirty = nil
	return nil
}

func (f *file) Size() (int64, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	return int64(len(f.node.data)), f.look("stat")
}

func (f *file) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.look("truncate"); err != nil {
		return err
	}
	if _, err := f.fs.enter(OpTruncate, f.name); err != nil {
		return err
	}
	if size > f.fs.room(f.node) {
		return &fs.PathError{Op: "truncate", Path: f.name, Err: errNoSpace}
	}
	f.do(write{off: size})
	return nil
}

func (f *file) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.closed {
		return &fs.PathError{Op: "close", Path: f.name, Err: fs.ErrClosed}
	}
	f.closed = true
	return nil
}

var _ vfs.File = (*file)(nil)
