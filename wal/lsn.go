package wal

import "errors"

// LSN numbers entries, from 1 on without gaps. 0 is before the first.
type LSN uint64

// BarrierSlot is the slot of entries that concern whole databases or the log itself.
const BarrierSlot = 0xFFFF

// Flags are those of an entry.
type Flags uint8

const (
	// More says that the next entry belongs to the same group.
	More Flags = 1 << iota
	// Staged says that the entry is of a slot that is being imported.
	Staged
)

// Entry is an effect in the log.
type Entry struct {
	Slot   uint16 // BarrierSlot: of no slot
	DB     uint16 // 14 bits
	Flags  Flags
	Effect []byte // RESP-encoded command
}

// Marks say how far a log is safe.
type Marks struct {
	Written LSN // handed to the operating system
	Durable LSN // synced
}

// The errors of readers and of recovery. They are wrapped with file and offset.
var (
	// ErrTrimmed is returned to a reader whose position is no longer in the log.
	ErrTrimmed = errors.New("wal: the log does not reach back that far")
	// ErrCorrupt marks damage in a part of the log that was durable.
	ErrCorrupt = errors.New("wal: corrupt")
	// ErrClosed is returned by a log that was closed.
	ErrClosed = errors.New("wal: closed")
)
