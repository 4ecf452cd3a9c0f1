package wait

import (
	"sync"
	"time"
)

// Waiter is one command that waits. Its exported fields are set before Add and not changed
// afterwards.
type Waiter struct {
	// Client is the number of the connection, for Table.Find. It has one waiter at a time.
	Client int64
	// Type is the type of value that the waiter wants at its keys, in the caller's numbers below 32.
	Type uint8
	// Sole says that a key which has nothing for this waiter has nothing for any other of
	// the same Type either (a list is empty), so that no other need be tried.
	Sole bool
	// Gone says that the waiter is also tried when a key of it has no value of its Type (any more).
	Gone bool
	// Timeout is how long the waiter waits from Start on, 0 for ever, and TimedOut what its wake gets then.
	Timeout  time.Duration
	TimedOut any
	// Data is the caller's.
	Data any

	table *Table
	spots []*spot

	try sync.Mutex // held while the waiter is tried

	mu    sync.Mutex
	state state
	wake  func(v any) // from Start
	end   any         // what wake gets, if the end came before Start
	gone  bool        // ended by Cancel
	late  []func()    // ends that came during a try
	timer *time.Timer
}

type state uint8

const (
	waiting state = iota
	trying
	ended
)

// Start tells the waiter how to wake its connection; wake is called once, from any goroutine, perhaps
// before Start returns, unless Cancel ends the waiter. The timeout begins.
func (w *Waiter) Start(wake func(v any)) {
	w.mu.Lock()
	if w.state == ended {
		v, gone := w.end, w.gone
		w.end = nil
		w.mu.Unlock()
		if !gone {
			wake(v)
		}
		return
	}
	w.wake = wake
	if w.Timeout > 0 {
		w.timer = time.AfterFunc(w.Timeout, func() { w.End(w.TimedOut, nil) })
	}
	w.mu.Unlock()
}

// End ends the waiter and wakes it with v. told, if it is not nil, is called once with whether this
// call was it that ended it: at once, or when a try that runs now is over.
func (w *Waiter) End(v any, told func(bool)) {
	w.mu.Lock()
	switch w.state {
	case trying:
		w.late = append(w.late, func() { w.End(v, told) })
		w.mu.Unlock()
		return
	case ended:
		w.mu.Unlock()
	case waiting:
		w.finish(v, false)
		if told != nil {
			told(true)
		}
		return
	}
	if told != nil {
		told(false)
	}
}

// Cancel ends the waiter without a wake: its connection has gone.
func (w *Waiter) Cancel() {
	w.mu.Lock()
	switch w.state {
	case trying:
		w.late = append(w.late, w.Cancel)
		w.mu.Unlock()
	case ended:
		w.mu.Unlock()
	case waiting:
		w.finish(nil, true)
	}
}

// finish ends the waiter. w.mu is held when it is called and not when it returns.
func (w *Waiter) finish(v any, gone bool) {
	w.state, w.gone = ended, gone
	wake := w.wake
	w.wake = nil
	if wake == nil {
		w.end = v
	}
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	late := w.late
	w.late = nil
	w.mu.Unlock()
	w.table.remove(w)
	if wake != nil && !gone {
		wake(v)
	}
	for _, f := range late {
		f()
	}
}

// begin begins a try, after any other; false if the waiter has ended.
func (w *Waiter) begin() bool {
	w.try.Lock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == ended {
		w.try.Unlock()
		return false
	}
	w.state = trying
	return true
}

// over ends a try that did not serve the waiter.
func (w *Waiter) over() {
	w.mu.Lock()
	w.state = waiting
	late := w.late
	w.late = nil
	w.mu.Unlock()
	w.try.Unlock()
	for _, f := range late {
		f()
	}
}

// served ends a try that did.
func (w *Waiter) served(v any) {
	w.mu.Lock()
	w.finish(v, false)
	w.try.Unlock()
}
