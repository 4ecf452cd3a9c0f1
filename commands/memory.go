package commands

import (
	"github.com/reredis/reredis/bus"
)

// memorySpec is the container MEMORY.
func memorySpec() bus.Spec {
	return bus.Spec{
		Name: "memory", Arity: -2, Group: "server", Since: "4.0.0", Complexity: "Depends on subcommand.",
		Summary: "The commands about memory.",
		Subs: []bus.Spec{
			{
				Name: "usage", Run: memoryUsage, Arity: -3, Flags: bus.ReadOnly,
				Keys:  []bus.KeySpec{bus.OneKey(2, bus.KeyRO)},
				Group: "server", Since: "4.0.0", Complexity: "O(1) for a string",
				Usage:   "key [SAMPLES count]",
				Summary: "Tells how many bytes a key and its value take.",
			},
			{
				Name: "help", Run: memoryHelp, Arity: 2, Flags: bus.Loading | bus.Stale,
				Group: "server", Since: "4.0.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

// memoryUsage is exact, so the number of samples, of the elements of a value of many, does
// not matter.
func memoryUsage(c *bus.Ctx) error {
	for args := c.Args[3:]; len(args) > 0; args = args[2:] {
		if len(args) < 2 || !bus.EqualFold(args[0], "samples") {
			return bus.ErrSyntax
		}
		n, err := integer(args[1])
		if err != nil {
			return err
		}
		if n < 0 {
			return bus.ErrSyntax
		}
	}
	it, ok := c.Tx.Peek(c.Args[2])
	if !ok {
		c.Reply.Null()
		return nil
	}
	c.Reply.Int(int64(it.Size()))
	return nil
}

func memoryHelp(c *bus.Ctx) error {
	c.Reply.Help("MEMORY",
		"USAGE <key> [SAMPLES <count>]",
		"    Return memory in bytes used by <key> and its value. Nested values are",
		"    sampled up to <count> times (default: 5, 0 means sample all).",
	)
	return nil
}
