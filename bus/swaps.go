package bus

import "sync/atomic"

// Swaps holds back commands that swap databases (Spec.Swaps), and EXEC as a whole if one is queued, while something
// goes over all of them that a swap would confuse. The zero value holds nothing back. All methods may be called from
// any goroutine, with no lock held; one goroutine at a time calls Hold.
type Swaps struct {
	// Changed is told when that begins or ends. It must make the bus compose its chains anew (Recompose), because the
	// admit layer looks then: what does not wait costs nothing.
	Changed func()

	on  atomic.Bool
	lot lot
}

// Count is the number of commands that are held back.
func (w *Swaps) Count() int { return w.lot.count() }

// Hold begins or ends holding back. Commands that have been let in before may run for a moment after it begins.
func (w *Swaps) Hold(on bool) {
	if w.on.Swap(on) == on {
		return
	}
	w.Changed()
	if !on {
		w.lot.release()
	}
}

// checks is what the admit layer asks for s, when the table is built.
func (w *Swaps) checks(s *Spec) []func(Handler) Handler {
	if !w.on.Load() || !s.Swaps && s.Plan == nil {
		return nil
	}
	return []func(Handler) Handler{w.hold}
}

// hold parks what swaps databases.
func (w *Swaps) hold(next Handler) Handler {
	return w.lot.hold(func(c *Ctx) bool { return w.on.Load() && swaps(c) }, next)
}

// swaps reports whether a command, or one that EXEC would run, swaps databases.
func swaps(c *Ctx) bool {
	if c.Spec.Plan == nil {
		return c.Spec.Swaps && !c.Client.InMulti() // it may be queued
	}
	m := c.Client.Multi
	if m == nil || !m.open {
		return false
	}
	for i := range m.queue {
		if m.queue[i].spec.Swaps {
			return true
		}
	}
	return false
}
