package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

// functionSpec is the container FUNCTION. The server has no functions yet: FLUSH, with
// which tools and test suites clean a server, finds nothing to delete.
func functionSpec() bus.Spec {
	return bus.Spec{
		Name: "function", Arity: -2, Group: "scripting", Since: "7.0.0", Complexity: "Depends on subcommand.",
		Summary: "The commands about functions.",
		Subs: []bus.Spec{
			{
				Name: "flush", Run: functionFlush, Arity: -2, Flags: bus.NoScript | bus.Write, Cats: bus.CatScripting,
				Lock:  bus.LockNone,
				Group: "scripting", Since: "7.0.0", Complexity: "O(N) where N is the number of functions deleted",
				Usage:   "[ASYNC | SYNC]",
				Args:    []bus.ArgNote{{Arg: "async_sync", Name: "async"}},
				Summary: "Deletes all functions.",
				Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
			},
			{
				Name: "help", Run: functionHelp, Arity: 2, Flags: bus.Loading | bus.Stale, Cats: bus.CatScripting,
				Group: "scripting", Since: "7.0.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

var errFunctionFlush = errors.New("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")

func functionFlush(c *bus.Ctx) error {
	switch {
	case len(c.Args) > 3:
		return bus.ErrSubcommand("function", c.Args[1])
	case len(c.Args) == 3 && !bus.EqualFold(c.Args[2], "SYNC") && !bus.EqualFold(c.Args[2], "ASYNC"):
		return errFunctionFlush
	}
	c.Reply.OK()
	return nil
}

func functionHelp(c *bus.Ctx) error {
	c.Reply.Help("FUNCTION",
		"FLUSH [ASYNC|SYNC]",
		"    Delete all the libraries.",
	)
	return nil
}
