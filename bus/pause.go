package bus

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// PauseMode says which commands CLIENT PAUSE holds back.
type PauseMode uint32

// The modes, each holding back more than the one before.
const (
	PauseOff   PauseMode = iota
	PauseWrite           // those that write or may be replicated
	PauseAll
)

// Pause holds commands back until a time or until it is stopped (CLIENT PAUSE). They run then, those that waited
// longest first as far as one event loop goes. The zero value pauses nothing. All methods may be
// called from any goroutine, with no lock held.
type Pause struct {
	// Changed is told each new mode, before those held back run again. It must make the bus compose its
	// chains anew (Recompose), because the admit layer asks for the mode then.
	Changed func(PauseMode)

	mode   atomic.Uint32
	lot    lot
	change sync.Mutex // held while the mode changes; taken before mu

	mu     sync.Mutex // guards the rest; a leaf
	until  int64      // unix ms
	timer  *time.Timer
	number int // of the timer
}

// Mode is the mode in force.
func (p *Pause) Mode() PauseMode { return PauseMode(p.mode.Load()) }

// Count is the number of commands that are held back.
func (p *Pause) Count() int { return p.lot.count() }

// Start pauses until a unix time in milliseconds. While a pause is in force it gets the stricter mode and the
// later end of the two. An end before now ends the pause.
func (p *Pause) Start(mode PauseMode, until, now int64) {
	p.change.Lock()
	defer p.change.Unlock()
	p.mu.Lock()
	old := p.Mode()
	if old != PauseOff {
		mode, until = max(mode, old), max(until, p.until)
	}
	if until < now {
		p.mu.Unlock()
		p.stopLocked()
		return
	}
	p.until = until
	p.number++
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	if left := until - now; left <= int64(math.MaxInt64/time.Millisecond) {
		number := p.number
		p.timer = time.AfterFunc(time.Duration(left)*time.Millisecond, func() { p.timeout(number) })
	}
	p.mode.Store(uint32(mode))
	p.mu.Unlock()
	if mode != old && p.Changed != nil {
		p.Changed(mode)
	}
}

// timeout ends the pause that a timer was set for.
func (p *Pause) timeout(number int) {
	p.change.Lock()
	defer p.change.Unlock()
	p.mu.Lock()
	stale := p.number != number
	p.mu.Unlock()
	if !stale {
		p.stopLocked()
	}
}

// Stop ends the pause, if there is one.
func (p *Pause) Stop() {
	p.change.Lock()
	defer p.change.Unlock()
	p.stopLocked()
}

// stopLocked is Stop with p.change held.
func (p *Pause) stopLocked() {
	p.mu.Lock()
	if p.Mode() == PauseOff {
		p.mu.Unlock()
		return
	}
	p.number++
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
	p.mode.Store(uint32(PauseOff))
	p.mu.Unlock()
	if p.Changed != nil {
		p.Changed(PauseOff)
	}
	p.lot.release()
}

// checks is what the admit layer asks for s, when the table is built.
func (p *Pause) checks(s *Spec) []func(Handler) Handler {
	const flags = Write | MayReplicate
	switch p.Mode() {
	case PauseAll:
		return []func(Handler) Handler{p.hold}
	case PauseWrite:
		if s.Flags&flags != 0 || s.Plan != nil {
			return []func(Handler) Handler{ifQueued(s, flags, p.hold)}
		}
	}
	return nil
}

// hold parks commands.
func (p *Pause) hold(next Handler) Handler {
	return p.lot.hold(func(*Ctx) bool { return p.Mode() != PauseOff }, next)
}
