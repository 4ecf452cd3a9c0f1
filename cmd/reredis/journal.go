package main

import (
	"errors"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/server"
	"github.com/reredis/reredis/wal"
)

// journal joins the log to the bus, which fills it, and to the server, whose replies wait for it.
type journal struct{ log *wal.Log }

// Append appends the effects of one command.
func (j journal) Append(effects []bus.Effect) uint64 {
	if len(effects) == 1 {
		e := &effects[0]
		one := [1]wal.Entry{{Slot: e.Slot, DB: e.DB, Effect: e.RESP}}
		return uint64(j.log.Append(one[:]))
	}
	group := make([]wal.Entry, len(effects))
	for i := range effects {
		e := &effects[i]
		group[i] = wal.Entry{Slot: e.Slot, DB: e.DB, Effect: e.RESP}
	}
	return uint64(j.log.Append(group))
}

// Gate is the LSN that a reply waits for which tells of a slot.
func (j journal) Gate(db int, slot uint16) uint64 { return uint64(j.log.Gate(db, slot)) }

// Appended is the gate of a reply that may tell of any slot.
func (j journal) Appended() uint64 { return uint64(j.log.Appended()) }

// Admit says whether a write may execute.
func (j journal) Admit() error {
	err := j.log.Admit()
	if errors.Is(err, wal.ErrPark) {
		return bus.ErrBehind
	}
	return err
}

// Admitted calls wake when a write should ask again.
func (j journal) Admitted(wake func()) bool { return j.log.Admitted(wake) }

// Register adds an event loop.
func (j journal) Register(wake func()) server.Committer { return committer{j.log.Register(wake)} }

// Wait waits until replies with this gate may leave.
func (j journal) Wait(gate uint64) error { return j.log.Wait(wal.LSN(gate)) }

// committer is an event loop as the log knows it.
type committer struct{ w *wal.Waiter }

// Commit makes safe what was appended.
func (c committer) Commit(gate uint64) uint64 { return uint64(c.w.Commit(wal.LSN(gate))) }
