package memfs

import "syscall"

// Op is a kind of operation that changes something.
type Op uint8

// The operations that a plan counts.
const (
	OpCreate Op = 1 + iota
	OpWrite
	OpSync
	OpTruncate
	OpRename
	OpRemove
	OpMkdir
	OpSyncDir
)

var opNames = [...]string{"", "create", "write", "sync", "truncate", "rename", "remove", "mkdir", "syncdir"}

// String names the operation.
// String is the operation's name.
func (o Op) String() string { return opNames[o] }

// Fault is what happens to an operation.
type Fault struct {
	Err   error // what it answers
	Short int   // how many bytes a failing write writes nevertheless
	Off   bool  // the power goes while it runs: Err is ErrOff, as of all operations after it
}

// The usual faults.
var (
	EIO    = Fault{Err: syscall.EIO}
	NoRoom = Fault{Err: syscall.ENOSPC}
	Cut    = Fault{Off: true}
)

// Plan says which operations fail.
type Plan struct {
	At   map[int]Fault            // by their number, from 1 on
	When func(n int, op Op) Fault // asked about the others, if not nil; must not call the FS
}

func (p *Plan) fault(n int, op Op) Fault {
	if f, ok := p.At[n]; ok {
		return f
	}
	if p.When != nil {
		return p.When(n, op)
	}
	return Fault{}
}
