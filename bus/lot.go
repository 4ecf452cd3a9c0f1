package bus

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// lot is where commands wait that may not begin yet. The zero value is empty. All methods may be called from any
// goroutine, with no lock held.
type lot struct {
	waits  atomic.Int64
	mu     sync.Mutex // guards the list and its members; a leaf
	parked list.List  // of *lotted, in the order in which they came
}

// lotted is a command that is held back.
type lotted struct {
	l    *lot
	at   *list.Element // nil: it is not held back any more
	wake func(any)
}

// count is the number of commands that are held back.
func (l *lot) count() int { return int(l.waits.Load()) }

// hold is a handler that parks a command when waits says that it may not begin, unless it has begun already. Released,
// the command asks again. waits is asked with the lot locked; it has to say no before release is called.
func (l *lot) hold(waits func(c *Ctx) bool, next Handler) Handler {
	return func(c *Ctx) error {
		if c.Held || c.serving != nil || c.woken != nil {
			return next(c)
		}
		w := &lotted{l: l}
		l.mu.Lock()
		if !waits(c) {
			l.mu.Unlock()
			return next(c)
		}
		w.at = l.parked.PushBack(w)
		l.waits.Add(1)
		l.mu.Unlock()
		c.Client.Blocked = true
		return c.postpone(w.start, w.cancel)
	}
}

// release lets everything go on that is held back.
func (l *lot) release() {
	l.mu.Lock()
	var wakes []func(any)
	for e := l.parked.Front(); e != nil; e = l.parked.Front() {
		w := e.Value.(*lotted)
		l.forgetLocked(w)
		if w.wake != nil {
			wakes = append(wakes, w.wake)
		}
	}
	l.mu.Unlock()
	for _, wake := range wakes {
		wake(nil)
	}
}

func (l *lot) forgetLocked(w *lotted) {
	l.parked.Remove(w.at)
	w.at = nil
	l.waits.Add(-1)
}

func (w *lotted) start(wake func(any)) {
	w.l.mu.Lock()
	if w.at == nil {
		w.l.mu.Unlock()
		wake(nil)
		return
	}
	w.wake = wake
	w.l.mu.Unlock()
}

func (w *lotted) cancel() {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	if w.at != nil {
		w.l.forgetLocked(w)
	}
}
