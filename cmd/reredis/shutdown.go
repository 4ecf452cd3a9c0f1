package main

import (
	"math"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
)

// shutdown stops the node. begun is called once, from any goroutine: with nil when it is certain to stop. A snapshot is
// taken if that is asked for, or, without a log, if there are save points; then nobody writes any more, so that it holds all
// that was acknowledged.
func (n *node) shutdown(o commands.ShutdownOptions, begun func(error)) {
	p := n.persist
	stop := func(err error) {
		if err != nil && !o.Force {
			begun(err)
			return
		}
		begun(nil)
		n.stop()
	}
	switch {
	case p.snaps.Load() == nil || o.NoSave: // still loading: what is on disk is all that there is
		stop(nil)
	case o.Save:
		go p.lastSave(stop)
	case p.counts():
		stop(nil)
	case p.beginning():
		go func() {
			p.making.Lock()   // until it has begun, or not
			p.making.Unlock() //nolint:staticcheck // nothing is done, only awaited
			n.shutdown(o, begun)
		}()
	case len(n.store.Current().WAL.Save) > 0:
		go p.lastSave(stop)
	default:
		stop(nil)
	}
}

// beginning says whether a log begins, or is about to.
func (p *persistence) beginning() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saves.scheduled > 0 || p.saves.beginning != nil
}

// lastSave takes a snapshot, without a log while nobody writes.
func (p *persistence) lastSave(done func(error)) {
	n := p.n
	hold := !p.counts()
	if hold {
		n.pause.Start(bus.PauseWrite, math.MaxInt64, time.Now().UnixMilli())
		n.settle()
	}
	finish := func(err error) {
		if err != nil && hold {
			n.pause.Stop()
		}
		done(err)
	}
	p.mu.Lock()
	closed := p.saves.closed
	if !closed {
		p.queueLocked(saveData, finish)
	}
	p.mu.Unlock()
	if closed {
		finish(nil)
	}
}
