// Package monitor shows every command to the clients that ask for it (MONITOR).
//
// A [Feed] is an observer of the bus, composed in only while somebody monitors. It may be called from any goroutine
// and with stripes of the keyspace locked; it takes no lock to show a line. A line leaves at once: it tells
// what a client asked for, not that it is safe in the log.
//
// Lines of commands on one key come in the order in which they ran, and those of a transaction in one piece,
// EXEC last. Of commands that run at the same time on different keys any may come first.
package monitor

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
)

// Feed knows who monitors. The zero value is ready.
type Feed struct {
	// Changed is called when the first client comes and when the last has left, without locks. It must make
	// the bus compose its chains anew.
	Changed func()

	mu sync.Mutex                  // held while one comes or leaves
	to atomic.Pointer[[]*audience] // nil: nobody monitors
}

// audience is those who monitor and have the same outlet. It is never changed.
type audience struct {
	out     bus.Outlet
	clients []*bus.Client
}

// Any reports whether somebody monitors.
func (f *Feed) Any() bool { return f.to.Load() != nil }

// Observer is the feed if somebody monitors, otherwise nil.
func (f *Feed) Observer() bus.Observer {
	if !f.Any() {
		return nil
	}
	return f
}

// Join shows c all commands from now on. Only c's own commands may call it, with nothing locked.
func (f *Feed) Join(c *bus.Client) {
	switch c.Monitor {
	case bus.MonitorOn:
		return
	case bus.MonitorNever:
		c.OnClose(func() { f.Leave(c) })
	}
	c.Monitor = bus.MonitorOn
	f.change(c.Out, func(list []*bus.Client) []*bus.Client { return append(slices.Clone(list), c) })
}

// Leave ends what Join began, if it did. Only c's own commands may call it, with nothing locked.
func (f *Feed) Leave(c *bus.Client) {
	if c.Monitor != bus.MonitorOn {
		return
	}
	c.Monitor = bus.MonitorLeft
	f.change(c.Out, func(list []*bus.Client) []*bus.Client {
		return slices.DeleteFunc(slices.Clone(list), func(o *bus.Client) bool { return o == c })
	})
}

// change replaces the clients with one outlet.
func (f *Feed) change(out bus.Outlet, with func([]*bus.Client) []*bus.Client) {
	f.mu.Lock()
	var old, list []*audience
	if p := f.to.Load(); p != nil {
		old = *p
	}
	var mine []*bus.Client
	for _, a := range old {
		if a.out == out {
			mine = a.clients
		} else {
			list = append(list, a)
		}
	}
	if mine = with(mine); len(mine) > 0 {
		list = append(list, &audience{out, mine})
	}
	if len(list) == 0 {
		f.to.Store(nil)
	} else {
		f.to.Store(&list)
	}
	f.mu.Unlock()
	if (len(old) == 0) != (len(list) == 0) && f.Changed != nil {
		f.Changed()
	}
}

// Observes says that commands of the administration, and those that ask for it, are not shown.
func (f *Feed) Observes(s *bus.Spec) bool { return s.Flags&(bus.Admin|bus.SkipMonitor) == 0 }

// Observe shows a command.
func (f *Feed) Observe(c *bus.Ctx, _ error) {
	if !c.First() {
		return
	}
	if c.Held {
		c.Shown = appendLine(c.Shown, c)
		return
	}
	var b []byte
	if c.Spec.Plan != nil {
		b, c.Shown = c.Shown, nil
	}
	b = appendLine(b, c)
	to := f.to.Load()
	if to == nil {
		return
	}
	m := bus.NewMessage(b, b).For(f, 0)
	for _, a := range *to {
		a.out.Push(a.clients, m)
	}
	c.Published()
}

// Wants reports whether c, which monitored when a line was shown, still does. It is called by c's owner.
func (f *Feed) Wants(c *bus.Client, _ uint64) bool {
	return c.Monitoring() && c.Replies != bus.ReplyOff
}
