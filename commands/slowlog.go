package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

// slowlogFlags are what the subcommands of SLOWLOG have in common.
const slowlogFlags = bus.Admin | bus.Loading | bus.Stale

// slowlogSpec is the container SLOWLOG.
func slowlogSpec(h *server) bus.Spec {
	return bus.Spec{
		Name: "slowlog", Arity: -2, Group: "server", Since: "2.2.12", Complexity: "Depends on subcommand.",
		Summary: "The commands about the log of slow commands.",
		Subs: []bus.Spec{
			{
				Name: "get", Run: h.slowlogGet, Arity: -2, Flags: slowlogFlags,
				Group: "server", Since: "2.2.12", Complexity: "O(N) where N is the number of entries returned",
				Usage:   "[count]",
				Summary: "Shows the newest slow commands: number, time, microseconds, arguments, and client.",
				Tips:    []string{"request_policy:all_nodes", "nondeterministic_output"},
				History: []bus.Change{{Version: "4.0.0", Note: "The client's address and name."}},
			},
			{
				Name: "len", Run: h.slowlogLen, Arity: 2, Flags: slowlogFlags,
				Group: "server", Since: "2.2.12", Complexity: "O(1)",
				Summary: "Tells how many slow commands are kept.",
				Tips:    []string{"request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"},
			},
			{
				Name: "reset", Run: h.slowlogReset, Arity: 2, Flags: slowlogFlags,
				Group: "server", Since: "2.2.12", Complexity: "O(N) where N is the number of entries in the slowlog",
				Summary: "Forgets all slow commands.",
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
			},
			{
				Name: "help", Run: slowlogHelp, Arity: 2, Flags: bus.Loading | bus.Stale,
				Group: "server", Since: "6.2.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

var errSlowlogCount = errors.New("ERR count should be greater than or equal to -1")

// slowlogDefault is how many entries SLOWLOG GET shows unless it is told.
const slowlogDefault = 10

func (h *server) slowlogGet(c *bus.Ctx) error {
	count := int64(slowlogDefault)
	switch {
	case len(c.Args) > 3:
		return bus.ErrSubcommand("slowlog", c.Args[1])
	case len(c.Args) == 3:
		n, ok := parseInt(c.Args[2])
		if !ok || n < -1 {
			return errSlowlogCount
		}
		count = n
	}
	entries := h.d.SlowLog.Newest(count)
	r := &c.Reply
	r.Array(len(entries))
	for _, e := range entries {
		r.Array(6)
		r.Int(e.ID)
		r.Int(e.At)
		r.Int(e.Took.Microseconds())
		r.Array(len(e.Args))
		for _, a := range e.Args {
			r.BulkString(a)
		}
		r.BulkString(e.Addr)
		r.BulkString(e.Name)
	}
	return nil
}

func (h *server) slowlogLen(c *bus.Ctx) error {
	c.Reply.Int(int64(h.d.SlowLog.Len()))
	return nil
}

func (h *server) slowlogReset(c *bus.Ctx) error {
	h.d.SlowLog.Reset()
	c.Reply.OK()
	return nil
}

func slowlogHelp(c *bus.Ctx) error {
	c.Reply.Help("SLOWLOG",
		"GET [<count>]",
		"    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
		"    Entries are made of:",
		"    id, timestamp, time in microseconds, arguments array, client IP and port,",
		"    client name",
		"LEN",
		"    Return the length of the slowlog.",
		"RESET",
		"    Reset the slowlog.",
	)
	return nil
}
