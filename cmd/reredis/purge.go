package main

import (
	"context"
	"runtime/debug"
	"sync"

	"github.com/reredis/reredis/keyspace"
)

// purger gives free memory back to the system for MEMORY PURGE, on a goroutine of its own: the collection
// alone may take longer than a client of an event loop can wait.
type purger struct {
	space *keyspace.Space
	ctx   context.Context // ends with the node

	mu      sync.Mutex
	waiting []func() // what to call after the next round
	running bool
	work    sync.WaitGroup
}

// begin starts a round, or has the next one follow the round that runs, and calls done after it.
func (p *purger) begin(done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, done)
	if !p.running {
		p.running = true
		p.work.Go(p.run)
	}
}

// run makes rounds until nobody waits for one.
func (p *purger) run() {
	for {
		p.mu.Lock()
		waiting := p.waiting
		p.waiting = nil
		p.running = len(waiting) > 0
		p.mu.Unlock()
		if len(waiting) == 0 {
			return
		}
		_ = p.space.NewTx().Purge(p.ctx) // fails only if the node stops, and then nobody reads the reply
		debug.FreeOSMemory()
		for _, done := range waiting {
			done()
		}
	}
}

// close waits for the round that runs. No further one may begin.
func (p *purger) close() { p.work.Wait() }
