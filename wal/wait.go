package wal

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// waits are those who wait for the watermark.
type waits struct {
	loops   atomic.Pointer[[]*Waiter]
	blocked atomic.Int32 // goroutines in list, or about to be
	mu      sync.Mutex
	list    []blocked
	closed  bool
}

// blocked is a goroutine that waits for its gate.
type blocked struct {
	gate LSN
	done chan error // of one element
}

func (w *waits) init() { w.loops.Store(&[]*Waiter{}) }

// Waiter is an event loop that commits at the end of its ticks.
type Waiter struct {
	l        *Log
	wake     func()
	sleeping atomic.Bool
}

// Register adds an event loop. wake is called from any goroutine when replies may leave, or a commit that the
// loop could not do itself has ended; it must not block.
func (l *Log) Register(wake func()) *Waiter {
	w := &Waiter{l: l, wake: wake}
	l.waits.mu.Lock()
	defer l.waits.mu.Unlock()
	loops := append([]*Waiter{}, *l.waits.loops.Load()...)
	loops = append(loops, w)
	l.waits.loops.Store(&loops)
	return w
}

// Commit writes what was appended, under Always durably, unless another goroutine does so now. It returns
// the watermark. If that is below gate the loop will be woken.
func (w *Waiter) Commit(gate LSN) LSN {
	l := w.l
	if l.Watermark() >= gate && !l.pending() {
		return l.Watermark()
	}
	if !l.tryCommit() || l.Watermark() < gate {
		w.sleeping.Store(true)
		// Another may have ended before it could see that.
		l.tryCommit()
	}
	return l.Watermark()
}

// wake wakes the loops that sleep, and the goroutines whose gate the watermark has reached.
func (w *waits) wake(mark LSN) {
	for _, loop := range *w.loops.Load() {
		if loop.sleeping.Load() && loop.sleeping.CompareAndSwap(true, false) {
			loop.wake()
		}
	}
	if w.blocked.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.list[:0]
	for _, b := range w.list {
		if b.gate <= mark {
			b.done <- nil
		} else {
			rest = append(rest, b)
		}
	}
	clear(w.list[len(rest):])
	w.list = rest
}

// forget takes a goroutine that waits no longer off the list.
func (w *waits) forget(gone blocked) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = slices.DeleteFunc(w.list, func(b blocked) bool { return b.done == gone.done })
}

// close ends all waiting.
func (w *waits) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, b := range w.list {
		b.done <- ErrClosed
	}
	w.list = nil
	for _, loop := range *w.loops.Load() {
		loop.wake() // see Lost
	}
}

// Lost reports that the log has failed for good: what is above the watermark never is written. The loop is woken then.
func (w *Waiter) Lost() bool { return w.l.lost.Load() }

// Wait commits, or lets others, and returns once the watermark has reached gate, or with
// ErrClosed when the log ends or fails for good before that, or gone, which may be nil, is closed.
func (l *Log) Wait(gate LSN, gone <-chan struct{}) error {
	if l.Watermark() >= gate {
		return nil
	}
	w := &l.waits
	w.blocked.Add(1)
	defer w.blocked.Add(-1)
	// Whoever commits now ends after this, sees blocked, and goes on as long as anything
	// is pending.
	b := blocked{gate: gate, done: make(chan error, 1)}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	w.list = append(w.list, b)
	w.mu.Unlock()
	l.tryCommit()
	w.wake(l.Watermark()) // it may have been reached before b was in the list
	select {
	case err := <-b.done:
		return err
	case <-gone:
		w.forget(b)
		return ErrClosed
	}
}

// WaitDurable returns once an LSN is durable, whatever the policy; it asks for a sync if need be.
func (l *Log) WaitDurable(ctx context.Context, lsn LSN) error {
	if LSN(l.durable.Load()) >= lsn {
		return nil
	}
	return l.do(ctx, func() error { return l.commitLocked(true) })
}
