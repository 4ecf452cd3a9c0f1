// Package memfs is a file system in memory for tests of durable code. It keeps apart what a
// process sees from what a disk has, and pulls the plug: [FS.Crash] gives the file system as a
// machine may find it after a power cut, [FS.Kill] as the next process finds it. A [Plan] makes
// chosen operations fail.
//
// What it assumes of a disk is little. A write that was not synced may be there, missing, torn at
// any byte or missing any of its sectors, whatever later writes to the same or another file did.
// A name that was made, moved or removed may be so or not until its directory was synced. A
// failed sync loses data for good: the next sync of the file succeeds without it.
//
// All methods may be called from any goroutine. What happens depends only on the seeds and the
// order of the calls.
package memfs

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"syscall"

	"github.com/reredis/reredis/internal/vfs"
)

// ErrOff is what every call answers after a power cut.
var ErrOff = errors.New("memfs: the power is off")

// FS is a file system.
type FS struct {
	mu       sync.Mutex // over all fields, and over the inodes
	rng      *rand.Rand
	names    map[string]*inode // as a process sees them
	synced   map[string]*inode // as the disk has them
	pending  []rename          // from synced to names, in order
	dirs     map[string]bool   // durable at once
	locks    map[string]bool
	off      bool
	ops      int
	plan     Plan
	capacity int64 // 0: no end
	used     int64
}

// rename is a change of names: from goes away, to becomes node. Either may be "".
type rename struct {
	from, to string
	node     *inode
}

func (r rename) dir() string {
	if r.to != "" {
		return path.Dir(r.to)
	}
	return path.Dir(r.from)
}

// apply makes the change. A file has one name at most.
func (r rename) apply(names map[string]*inode) {
	if r.from != "" {
		delete(names, r.from)
	}
	if r.to != "" {
		maps.DeleteFunc(names, func(_ string, n *inode) bool { return n == r.node })
		names[r.to] = r.node
	}
}

// New makes an empty file system. The seed decides what failed syncs lose.
func New(seed uint64) *FS {
	return &FS{
		rng:    rand.New(rand.NewPCG(seed, 0x6d656d6673)),
		names:  map[string]*inode{},
		synced: map[string]*inode{},
		dirs:   map[string]bool{".": true},
		locks:  map[string]bool{},
	}
}

// SetPlan sets the faults of the operations to come; the next one has number 1.
func (f *FS) SetPlan(p Plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan, f.ops = p, 0
}

// Ops is how many operations there were since SetPlan, or since the beginning.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// SetCapacity sets how many bytes all files together may have, 0 for no limit. Writes over what a file
// has already need no room.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// Used is how many bytes all files together have.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used
}

// enter begins an operation that changes something; f.mu must be held.
func (f *FS) enter(kind Op, name string) (Fault, error) {
	if f.off {
		return Fault{}, &fs.PathError{Op: kind.String(), Path: name, Err: ErrOff}
	}
	f.ops++
	fault := f.plan.fault(f.ops, kind)
	if fault.Off {
		f.off = true
		fault.Err = ErrOff
	}
	if fault.Err != nil {
		return fault, &fs.PathError{Op: kind.String(), Path: name, Err: fault.Err}
	}
	return fault, nil
}

// look begins one that only looks; f.mu must be held.
func (f *FS) look(what, name string) error {
	if f.off {
		return &fs.PathError{Op: what, Path: name, Err: ErrOff}
	}
	return nil
}

// Create makes a file that must not exist.
func (f *FS) Create(name string) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Clean(name)
	if _, err := f.enter(OpCreate, name); err != nil {
		return nil, err
	}
	if f.names[name] != nil {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrExist}
	}
	if !f.dirs[path.Dir(name)] {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrNotExist}
	}
	n := &inode{links: 1}
	f.change(rename{to: name, node: n})
	return &file{fs: f, node: n, name: name}, nil
}

// change makes a change of names that the disk need not have yet; f.mu must be held.
func (f *FS) change(r rename) {
	r.apply(f.names)
	f.pending = append(f.pending, r)
}

// Open opens an existing file.
func (f *FS) Open(name string) (vfs.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Clean(name)
	if err := f.look("open", name); err != nil {
		return nil, err
	}
	n := f.names[name]
	if n == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{fs: f, node: n, name: name}, nil
}

// Rename gives a file another name.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	from, to = path.Clean(from), path.Clean(to)
	fault, err := f.enter(OpRename, from)
	if err != nil && !fault.Off {
		return err
	}
	n := f.names[from]
	if n == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	f.unlink(f.names[to])
	f.change(rename{from: from, to: to, node: n})
	return err
}

// Remove removes a file.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	name = path.Clean(name)
	fault, err := f.enter(OpRemove, name)
	if err != nil && !fault.Off {
		return err
	}
	n := f.names[name]
	if n == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	f.unlink(n)
	f.change(rename{from: name})
	return err
}

// unlink gives the room of a file back, which happens at once even if it is open still; f.mu must be held.
func (f *FS) unlink(n *inode) {
	if n != nil {
		n.links = 0
		f.used -= int64(len(n.data))
	}
}

// List returns the names of the files in a directory.
func (f *FS) List(dir string) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir = path.Clean(dir)
	if err := f.look("list", dir); err != nil {
		return nil, err
	}
	if !f.dirs[dir] {
		return nil, &fs.PathError{Op: "list", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for name := range f.names {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

// MkdirAll makes directories.
func (f *FS) MkdirAll(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir = path.Clean(dir)
	if _, err := f.enter(OpMkdir, dir); err != nil {
		return err
	}
	for ; !f.dirs[dir]; dir = path.Dir(dir) {
		f.dirs[dir] = true
	}
	return nil
}

// SyncDir makes the names in a directory durable. When it is planned to fail, a part of the changes may be
// on the disk; a later SyncDir sees to all of them, as journals do.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir = path.Clean(dir)
	if _, err := f.enter(OpSyncDir, dir); err != nil {
		return err
	}
	var rest []rename
	for _, r := range f.pending {
		if r.dir() == dir {
			r.apply(f.synced)
		} else {
			rest = append(rest, r)
		}
	}
	f.pending = rest
	return nil
}

// Lock takes a lock, which only FS itself knows of.
func (f *FS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.look("lock", name); err != nil {
		return nil, err
	}
	if f.locks[name] {
		return nil, &vfs.LockedError{Name: name, Owner: "memfs"}
	}
	f.locks[name] = true
	return &lock{fs: f, name: name}, nil
}

type lock struct {
	fs   *FS
	name string
}

func (l *lock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	delete(l.fs.locks, l.name)
	return nil
}

// Kill ends the process that uses f: what it wrote is all there, locks are not. f itself
// answers ErrOff from then on.
func (f *FS) Kill() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
	return &FS{
		rng: f.rng, names: f.names, synced: f.synced, pending: f.pending, dirs: f.dirs, locks: map[string]bool{},
		capacity: f.capacity, used: f.used,
	}
}

// Clone copies it, with all that is not synced, without locks and plan.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := New(f.rng.Uint64())
	c.dirs, c.capacity, c.used = maps.Clone(f.dirs), f.capacity, f.used
	copies := map[*inode]*inode{}
	copied := func(n *inode) *inode {
		if n != nil && copies[n] == nil {
			copies[n] = n.clone()
		}
		return copies[n]
	}
	for name, n := range f.names {
		c.names[name] = copied(n)
	}
	for name, n := range f.synced {
		c.synced[name] = copied(n)
	}
	for _, r := range f.pending {
		c.pending = append(c.pending, rename{r.from, r.to, copied(r.node)})
	}
	return c
}

var _ vfs.FS = (*FS)(nil)

// errNoSpace is what a full disk answers.
const errNoSpace = syscall.ENOSPC
