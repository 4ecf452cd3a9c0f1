package tracking

import (
	"strings"

	"github.com/reredis/reredis/bus"
)

// Layer is the layer that notes what clients read and sends, when a command has run, who is to hear of what it
// changed. It stands between the locks and the log.
func (t *Tracker) Layer() bus.Layer {
	return bus.Layer{Name: "tracking", Held: true, Wrap: t.wrap, WrapHeld: t.wrapHeld, Describe: func(s *bus.Spec) string {
		if reads(s) {
			return "notes keys and tells of changes"
		}
		return "tells of changes"
	}}
}

// reads reports whether a client that tracks may keep what the command answers.
func reads(s *bus.Spec) bool {
	return s.Flags&bus.ReadOnly != 0 && s.Flags&bus.PubSub == 0 && s.HasKeys()
}

func (t *Tracker) wrap(s *bus.Spec, next bus.Handler) bus.Handler {
	switch {
	case !t.want.Load():
		return next
	case !s.Touches():
		return uncache(s, next)
	}
	next = t.wrapHeld(s, next)
	return uncache(s, func(c *bus.Ctx) error {
		p := pendingOf(c)
		p.open = true
		err := next(c)
		p.open = false
		if p.any() {
			t.flush(p, c.Gate())
			c.Published()
		}
		return err
	})
}

// wrapHeld notes what a command has read, its stripes still locked.
func (t *Tracker) wrapHeld(s *bus.Spec, next bus.Handler) bus.Handler {
	if !t.want.Load() || !reads(s) {
		return next
	}
	return func(c *bus.Ctx) error {
		err := next(c)
		if st := stateOf(c.Client); st != nil {
			t.note(c, s, st)
		}
		return err
	}
}

// uncache ends CLIENT CACHING with the next command that is none of CLIENT's, or with the transaction.
func uncache(s *bus.Spec, next bus.Handler) bus.Handler {
	if strings.HasPrefix(s.FullName(), "client|") {
		return next
	}
	return func(c *bus.Ctx) error {
		err := next(c)
		if st := stateOf(c.Client); st != nil && st.caching && !c.Client.InMulti() {
			st.caching = false
		}
		return err
	}
}

// note adds the keys of a command to the table, if its client tracks them.
func (t *Tracker) note(c *bus.Ctx, s *bus.Spec, st *state) {
	o := st.opts.Load()
	if o == nil || o.Broadcast || o.OptIn && !st.caching || o.OptOut && st.caching {
		return
	}
	p := pendingOf(c)
	refs, err := s.KeyRefs(c.Args, p.refs[:0])
	p.refs = refs
	if err != nil {
		return // it has read nothing
	}
	for _, r := range refs {
		if r.Flags&bus.KeyNotKey == 0 {
			t.table.add(c.Args[r.Pos], st)
		}
	}
	t.limit(limitEffort)
}
