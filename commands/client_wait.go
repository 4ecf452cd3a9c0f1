package commands

import (
	"errors"
	"math"

	"github.com/reredis/reredis/bus"
)

// clientWaits are the subcommands of CLIENT about commands that wait, and that have to wait.
func (h *connection) clientWaits() []bus.Spec {
	return []bus.Spec{
		{
			Name: "pause", Run: h.clientPause, Arity: -3, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "2.9.50", Complexity: "O(1)",
			Usage:   "timeout [WRITE | ALL]",
			Args:    []bus.ArgNote{{Arg: "write_all", Name: "mode", Since: "6.2.0"}},
			Summary: "Lets commands, all or those that write, wait for a time in milliseconds.",
			History: []bus.Change{{Version: "6.2.0", Note: "The mode `WRITE`, and the argument for the mode."}},
		},
		{
			Name: "unpause", Run: h.clientUnpause, Arity: 2, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "6.2.0", Complexity: "O(N) where N is the number of commands that wait",
			Summary: "Ends what CLIENT PAUSE began.",
		},
		{
			Name: "unblock", Run: h.clientUnblock, Parks: bus.AlwaysParks, Arity: -3, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "5.0.0", Complexity: "O(1)",
			Usage:   "client-id [TIMEOUT | ERROR]",
			Summary: "Ends the wait of another connection's command, as after its timeout or with an error.",
		},
	}
}

var (
	errPauseMode     = errors.New("ERR CLIENT PAUSE mode must be WRITE or ALL")
	errUnblockReason = errors.New("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
)

// pauseBegun wakes a CLIENT PAUSE when every connection has seen the pause.
type pauseBegun struct{}

func (h *connection) clientPause(c *bus.Ctx) error {
	if _, ok := c.Woken().(pauseBegun); ok {
		c.Reply.OK()
		return nil
	}
	mode := bus.PauseAll
	switch {
	case len(c.Args) > 4:
		return bus.ErrSubcommand("client", c.Args[1])
	case len(c.Args) < 4 || bus.EqualFold(c.Args[3], "ALL"):
	case bus.EqualFold(c.Args[3], "WRITE"):
		mode = bus.PauseWrite
	default:
		return errPauseMode
	}
	until, err := timeoutMillis(c.Args[2])
	if err != nil {
		return err
	}
	now := c.Now()
	if until > 0 {
		until = now + min(until, math.MaxInt64-now)
	}
	if c.Held {
		// The rest of the transaction still runs.
		c.AfterUnlock(func() { h.d.Pause.Start(mode, until, now) })
		c.Reply.OK()
		return nil
	}
	return c.Park(func(wake func(any)) {
		h.d.Pause.Start(mode, until, now)
		// What runs at this moment may have been let in before; when all have been visited it is over.
		h.d.Clients.Each(func(*bus.Client, bus.ConnState) bool { return false }, func() { wake(pauseBegun{}) })
	})
}

func (h *connection) clientUnpause(c *bus.Ctx) error {
	if c.Held {
		c.AfterUnlock(h.d.Pause.Stop)
	} else {
		h.d.Pause.Stop()
	}
	c.Reply.OK()
	return nil
}

// unblocked is what CLIENT UNBLOCK found.
type unblocked bool

func (h *connection) clientUnblock(c *bus.Ctx) error {
	if was, ok := c.Woken().(unblocked); ok {
		n := int64(0)
		if was {
			n = 1
		}
		c.Reply.Int(n)
		return nil
	}
	failed := false
	switch {
	case len(c.Args) > 4:
		return bus.ErrSubcommand("client", c.Args[1])
	case len(c.Args) < 4 || bus.EqualFold(c.Args[3], "TIMEOUT"):
	case bus.EqualFold(c.Args[3], "ERROR"):
		failed = true
	default:
		return errUnblockReason
	}
	id, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	b := c.Bus()
	return c.Park(func(wake func(any)) {
		b.Unblock(id, failed, func(was bool) { wake(unblocked(was)) })
	})
}
