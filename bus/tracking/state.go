package tracking

import (
	"slices"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
)

// state is how a client tracks. It outlives the client for as long as the table refers to it.
type state struct {
	client  atomic.Pointer[bus.Client] // nil: it has gone
	opts    atomic.Pointer[Options]    // nil: it does not track; changed with Tracker.mu held
	broken  atomic.Bool                // a message was lost because the client that it was redirected to has gone
	caching bool                       // CLIENT CACHING; the client's own
}

// Options are those of CLIENT TRACKING. They are not changed once a client has them.
type Options struct {
	Broadcast bool // hear of all keys with the prefixes
	OptIn     bool // track only what is read after CLIENT CACHING YES
	OptOut    bool // track all but what is read after CLIENT CACHING NO
	NoLoop    bool // hear nothing of the client's own changes
	Prefixes  []string
	// Redirect gets the messages, nil: the client itself.
	Redirect *Target
}

// Target is a client that messages are redirected to.
type Target struct {
	id     int64
	client atomic.Pointer[bus.Client] // nil: it has gone
}

// target makes a client a Target, which it may be already. Its owner calls it.
func (t *Tracker) target(c *bus.Client) *Target {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.targets[c.ID]; x != nil {
		return x
	}
	x := &Target{id: c.ID}
	x.client.Store(c)
	t.targets[c.ID] = x
	c.OnClose(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		x.client.Store(nil)
		delete(t.targets, x.id)
	})
	return x
}

// redirect is the number of the client that gets the messages, 0: the client itself.
func (o *Options) redirect() int64 {
	if o.Redirect == nil {
		return 0
	}
	return o.Redirect.id
}

// stateOf is the state of a client, nil if it has none. Only the client's owner may ask.
func stateOf(c *bus.Client) *state {
	st, _ := c.Track.(*state)
	return st
}

// state returns the state of a client, which is made at the first need. Only the client's own commands may call
// it.
func (t *Tracker) state(c *bus.Client) *state {
	if st := stateOf(c); st != nil {
		return st
	}
	st := &state{}
	st.client.Store(c)
	c.Track = st
	c.OnClose(func() {
		st.client.Store(nil)
		t.Disable(c)
	})
	return st
}

// Letters are the flags in CLIENT LIST.
func (st *state) Letters() string {
	o := st.opts.Load()
	if o == nil {
		return ""
	}
	s := "t"
	if st.broken.Load() {
		s += "R"
	}
	if o.Broadcast {
		s += "B"
	}
	return s
}

// Redirect is the number of the client that gets the messages, 0: the client itself, -1: it does not track.
func (st *state) Redirect() int64 {
	o := st.opts.Load()
	if o == nil {
		return -1
	}
	return o.redirect()
}

// Info is what CLIENT TRACKINGINFO tells.
type Info struct {
	Options      // zero if the client does not track
	On, Caching  bool
	Broken       bool // the client that messages are redirected to has gone
	RedirectedTo int64
}

// Info tells how a client tracks. Only the client's own commands may ask.
func (t *Tracker) Info(c *bus.Client) Info {
	st := stateOf(c)
	if st == nil {
		return Info{RedirectedTo: -1}
	}
	o := st.opts.Load()
	if o == nil {
		return Info{RedirectedTo: -1}
	}
	return Info{Options: *o, On: true, Caching: st.caching, Broken: st.broken.Load(), RedirectedTo: o.redirect()}
}

// Caching makes the next command of c, or its transaction, an exception (CLIENT CACHING). Only the client's own
// commands may call it, for a client with OptIn or OptOut.
func (t *Tracker) Caching(c *bus.Client) { t.state(c).caching = true }

// prefixSize is about what a prefix takes beside its bytes.
const prefixSize = 128

// keptFor is what a client's prefixes take.
func (o *Options) keptFor() (n int) {
	if o != nil {
		for _, p := range o.Prefixes {
			n += prefixSize + len(p)
		}
	}
	return n
}

// Enable makes c track, with these options in place of those that it had, but for prefixes, which are added. It returns
// false, and does nothing, if the tracker must be prepared first. Only the client's own commands may call it.
func (t *Tracker) Enable(c *bus.Client, o Options) bool { return t.enable(c, o, false) }

func (t *Tracker) enable(c *bus.Client, o Options, early bool) bool {
	st := t.state(c)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ready.Load() && !early {
		return false
	}
	old := st.opts.Load()
	if old == nil {
		t.all[st] = struct{}{}
		t.clients.Add(1)
	}
	if o.Broadcast {
		if len(o.Prefixes) == 0 {
			o.Prefixes = []string{""}
		}
		t.joinLocked(st, o.Prefixes)
		if old != nil {
			o.Prefixes = append(slices.Clone(old.Prefixes), o.Prefixes...)
		}
		slices.Sort(o.Prefixes)
		o.Prefixes = slices.Compact(o.Prefixes)
	}
	c.Kept += o.keptFor() - old.keptFor()
	st.broken.Store(false)
	st.opts.Store(&o)
	return true
}

// Disable ends what Enable began, if it did. Only the client's owner may call it.
func (t *Tracker) Disable(c *bus.Client) {
	st := stateOf(c)
	if st == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	o := st.opts.Load()
	if o == nil {
		return
	}
	t.leaveLocked(st, o.Prefixes)
	delete(t.all, st)
	t.clients.Add(-1)
	c.Kept -= o.keptFor()
	st.opts.Store(nil)
	st.broken.Store(false)
	st.caching = false
}
