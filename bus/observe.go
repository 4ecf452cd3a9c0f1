package bus

import (
	"errors"

	"github.com/reredis/reredis/keyspace"
)

// Observer sees commands that ran, after their handlers and under their locks; events of keys have a way of
// their own (Ctx.Event). It must not block or keep c.
type Observer interface {
	// Observes says, when the table is built, whether the observer wants to see a command.
	Observes(s *Spec) bool
	// Observe is told of a command with the error, if any, that is its reply. A command that waits is told of
	// each time it has run; see Ctx.First.
	Observe(c *Ctx, err error)
}

// Observe is the layer that calls the observer which current returns when the table is
// built; nil means that nobody listens, and the layer costs nothing. It is also told of an EXEC that is refused
// before it begins, because that ends a transaction of which the observer has seen the beginning.
func Observe(name string, current func() Observer) Layer {
	return Layer{Name: name, Held: true, Aborted: true, Wrap: func(s *Spec, next Handler) Handler {
		o := current()
		if o == nil || !o.Observes(s) {
			return next
		}
		return func(c *Ctx) error {
			err := next(c)
			if !errors.Is(err, keyspace.ErrExclusive) { // then it has not begun
				o.Observe(c, err)
			}
			return err
		}
	}}
}

// First reports whether the command runs for the first time, and not again after it waited.
func (c *Ctx) First() bool { return c.Held || c.woken == nil && c.serving == nil }
