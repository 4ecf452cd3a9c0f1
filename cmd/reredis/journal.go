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

// journal joins the log to the bus, which fills it, and to the server, whose replies wait for it. There is a log from
// when the data has been loaded, or from when it is turned on; before that nothing is appended, and nothing waits. The
// bus has the journal before there is a log: a command that is just being let in when the log comes is logged as well.
type journal struct {
	now atomic.Pointer[logNow]
	// free is the last LSN of logs that have ended: no reply waits for it any more.
	free   atomic.Uint64
	groups sync.Pool // of *[]wal.Entry, for commands with more than one effect

	mu    sync.Mutex
	loops []*committer
}

// logNow is the log that commands append to. It comes and goes in an exclusive phase.
type logNow struct {
	*wal.Log
	// gated says that replies wait for it: it is more than what a snapshot needs.
	gated bool
	// counts says that it keeps the data: a failure is one for the clients, too.
	counts bool
}

// attach gives it the log; nobody uses the keyspace meanwhile.
func (j *journal) attach(l logNow) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.now.Store(&l)
	for _, c := range j.loops {
		c.w.Store(l.Register(c.wake))
	}
}

// detach takes the log away; nobody uses the keyspace meanwhile. Replies that wait may leave: either the log is durable, or
// it was none yet.
func (j *journal) detach() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.free.Store(uint64(j.now.Load().Appended()))
	j.now.Store(nil)
	for _, c := range j.loops {
		c.wake()
	}
}

// Append appends the effects of one command.
func (j *journal) Append(effects []bus.Effect) uint64 {
	l := j.now.Load()
	if l == nil {
		return 0
	}
	var lsn wal.LSN
	if len(effects) == 1 {
		e := &effects[0]
		one := [1]wal.Entry{{Slot: e.Slot, DB: e.DB, Effect: e.RESP}}
		lsn = l.Append(one[:])
	} else {
		lsn = j.appendGroup(l, effects)
	}
	if !l.gated {
		return 0
	}
	return uint64(lsn)
}

// appendGroup appends more than one effect.
func (j *journal) appendGroup(l *logNow, effects []bus.Effect) wal.LSN {
	group, ok := j.groups.Get().(*[]wal.Entry)
	if !ok {
		group = new([]wal.Entry)
	}
	list := (*group)[:0]
	for i := range effects {
		e := &effects[i]
		list = append(list, wal.Entry{Slot: e.Slot, DB: e.DB, Effect: e.RESP})
	}
	lsn := l.Append(list)
	clear(list) // the effects are the caller's
	if *group = list; cap(list) <= keepGroup {
		j.groups.Put(group)
	}
	return lsn
}

// keepGroup is how many entries of a group are room that is kept for the next one.
const keepGroup = 4096

// Gate is the LSN that a reply waits for which tells of a slot.
func (j *journal) Gate(db int, slot uint16) uint64 {
	l := j.now.Load()
	if l == nil || !l.gated {
		return 0
	}
	return uint64(l.Gate(db, slot))
}

// Appended is the gate of a reply that may tell of any slot.
func (j *journal) Appended() uint64 {
	l := j.now.Load()
	if l == nil || !l.gated {
		return 0
	}
	return uint64(l.Appended())
}

// errNotDurable is the reply to a read of what was lost with the log.
var errNotDurable = errors.New("MISCONF WAL is not durable for this slot")

// Lost tells what can not be read because the log has failed for good: what is not on disk. Of that some may have been
// acknowledged, if the policy is not always.
func (j *journal) Lost() func(lsn uint64) error {
	l := j.now.Load()
	if l == nil || !l.counts || !l.Failed() {
		return nil
	}
	return func(lsn uint64) error {
		if wal.LSN(lsn) > l.Marks().Durable {
			return errNotDurable
		}
		return nil
	}
}

// Admit says whether a write may execute. A log that does not keep the data yet may delay it, but not refuse it.
func (j *journal) Admit() error {
	l := j.now.Load()
	if l == nil {
		return nil
	}
	switch err := l.Admit(); {
	case errors.Is(err, wal.ErrPark):
		return bus.ErrBehind
	case l.counts:
		return err
	}
	return nil
}

// Admitted calls wake when a write should ask again.
func (j *journal) Admitted(wake func()) bool {
	l := j.now.Load()
	return l != nil && l.Admitted(wake)
}

// Register adds an event loop.
func (j *journal) Register(wake func()) server.Committer {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := &committer{j: j, wake: wake}
	j.loops = append(j.loops, c)
	if l := j.now.Load(); l != nil {
		c.w.Store(l.Register(wake))
	}
	return c
}

// Wait waits until replies with this gate may leave, or the connection is gone.
func (j *journal) Wait(gate uint64, gone <-chan struct{}) error {
	l := j.now.Load()
	if l == nil || gate <= j.free.Load() {
		return nil
	}
	err := l.Wait(wal.LSN(gate), gone)
	if err != nil && gate <= j.free.Load() {
		return nil
	}
	return err
}

// committer is an event loop as the log knows it.
type committer struct {
	j    *journal
	wake func()
	w    atomic.Pointer[wal.Waiter] // nil before there is a log
}

// Commit makes safe what was appended.
func (c *committer) Commit(gate uint64) uint64 {
	w := c.w.Load()
	if w == nil {
		return 0
	}
	return max(uint64(w.Commit(wal.LSN(gate))), c.j.free.Load())
}

// Lost reports that replies above the watermark never may leave. A log that does not keep the data yet only has to be
// given up.
func (c *committer) Lost() bool {
	w, l := c.w.Load(), c.j.now.Load()
	return w != nil && l != nil && l.counts && w.Lost()
}

// dues takes the effects of keys that fell due or are evicted, each a group of its own. It is used by one goroutine at a time.
type dues struct {
	j    *journal
	text []byte
}

// Effect appends one.
func (d *dues) Effect(db int, slot uint16, argv [][]byte) {
	l := d.j.now.Load()
	if l == nil {
		return
	}
	d.text = resp.AppendCommand(d.text[:0], argv...)
	l.Append([]wal.Entry{{Slot: slot, DB: uint16(db), Effect: d.text}})
}
