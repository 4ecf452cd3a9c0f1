package main

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/server"
	"github.com/reredis/reredis/wal"
)

// journal joins the log to the bus, which fills it, and to the server, whose replies wait for it. The log comes
// when the data has been loaded; before that nothing changes, so nothing is appended, and nothing waits. The bus has
// the journal from the start: a command that is just being let in when the log comes is logged as well.
type journal struct {
	log    atomic.Pointer[wal.Log]
	groups sync.Pool // of *[]wal.Entry, for commands with more than one effect

	mu    sync.Mutex
	loops []*committer
}

// attach gives it the log.
func (j *journal) attach(l *wal.Log) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.log.Store(l)
	for _, c := range j.loops {
		c.w.Store(l.Register(c.wake))
	}
}

// Append appends the effects of one command.
func (j *journal) Append(effects []bus.Effect) uint64 {
	if len(effects) == 1 {
		e := &effects[0]
		one := [1]wal.Entry{{Slot: e.Slot, DB: e.DB, Effect: e.RESP}}
		return uint64(j.log.Load().Append(one[:]))
	}
	group, ok := j.groups.Get().(*[]wal.Entry)
	if !ok {
		group = new([]wal.Entry)
	}
	list := (*group)[:0]
	for i := range effects {
		e := &effects[i]
		list = append(list, wal.Entry{Slot: e.Slot, DB: e.DB, Effect: e.RESP})
	}
	lsn := j.log.Load().Append(list)
	clear(list) // the effects are the caller's
	if *group = list; cap(list) <= keepGroup {
		j.groups.Put(group)
	}
	return uint64(lsn)
}

// keepGroup is how many entries of a group are room that is kept for the next one.
const keepGroup = 4096

// Gate is the LSN that a reply waits for which tells of a slot.
func (j *journal) Gate(db int, slot uint16) uint64 {
	l := j.log.Load()
	if l == nil {
		return 0
	}
	return uint64(l.Gate(db, slot))
}

// Appended is the gate of a reply that may tell of any slot.
func (j *journal) Appended() uint64 {
	l := j.log.Load()
	if l == nil {
		return 0
	}
	return uint64(l.Appended())
}

// Admit says whether a write may execute.
func (j *journal) Admit() error {
	l := j.log.Load()
	if l == nil {
		return errLoading
	}
	err := l.Admit()
	if errors.Is(err, wal.ErrPark) {
		return bus.ErrBehind
	}
	return err
}

// Admitted calls wake when a write should ask again.
func (j *journal) Admitted(wake func()) bool { return j.log.Load().Admitted(wake) }

// Register adds an event loop.
func (j *journal) Register(wake func()) server.Committer {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := &committer{wake: wake}
	j.loops = append(j.loops, c)
	if l := j.log.Load(); l != nil {
		c.w.Store(l.Register(wake))
	}
	return c
}

// Wait waits until replies with this gate may leave, or the connection is gone.
func (j *journal) Wait(gate uint64, gone <-chan struct{}) error {
	return j.log.Load().Wait(wal.LSN(gate), gone)
}

// committer is an event loop as the log knows it.
type committer struct {
	wake func()
	w    atomic.Pointer[wal.Waiter] // nil before there is a log
}

// Commit makes safe what was appended.
func (c *committer) Commit(gate uint64) uint64 {
	w := c.w.Load()
	if w == nil {
		return 0
	}
	return uint64(w.Commit(wal.LSN(gate)))
}

// dues takes the effects of keys that fell due or are evicted, each a group of its own. It is used by one goroutine at a time.
type dues struct {
	j    *journal
	text []byte
}

// Effect appends one.
func (d *dues) Effect(db int, slot uint16, argv [][]byte) {
	d.text = resp.AppendCommand(d.text[:0], argv...)
	d.j.log.Load().Append([]wal.Entry{{Slot: slot, DB: uint16(db), Effect: d.text}})
}
