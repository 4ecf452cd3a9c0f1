package commands

import (
	"github.com/reredis/reredis/bus"
)

// memorySpec is the container MEMORY.
func memorySpec(h *server) bus.Spec {
	tips := []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"}
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
				Name: "stats", Run: h.memoryStats, Arity: 2,
				Group: "server", Since: "4.0.0", Complexity: "O(1), but every slot is looked at",
				Summary: "Reports how memory is used.",
				Tips:    tips,
			},
			{
				Name: "doctor", Run: h.memoryDoctor, Arity: 2,
				Group: "server", Since: "4.0.0", Complexity: "O(1)",
				Summary: "Tells in words what is wrong with the use of memory.",
				Tips:    tips,
			},
			{
				Name: "malloc-stats", Run: h.memoryMallocStats, Arity: 2,
				Group: "server", Since: "4.0.0", Complexity: "O(1)",
				Summary: "Reports on the arenas and on the Go heap.",
				Tips:    tips,
			},
			{
				Name: "purge", Run: h.memoryPurge, Parks: bus.AlwaysParks, Arity: 2,
				Group: "server", Since: "4.0.0", Complexity: "O(N) where N is the amount of memory that is free",
				Summary: "Gives all memory that is free back to the system; other clients go on meanwhile.",
				Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
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

// purged wakes a MEMORY PURGE.
type purged struct{}

func (h *server) memoryPurge(c *bus.Ctx) error {
	if _, ok := c.Woken().(purged); ok || h.d.Purge == nil {
		c.Reply.OK()
		return nil
	}
	return c.Park(func(wake func(any)) { h.d.Purge(func() { wake(purged{}) }) })
}

func memoryHelp(c *bus.Ctx) error {
	c.Reply.Help("MEMORY",
		"DOCTOR",
		"    Return memory problems reports.",
		"MALLOC-STATS",
		"    Return internal statistics report from the memory allocator.",
		"PURGE",
		"    Attempt to purge dirty pages for reclamation by the allocator.",
		"STATS",
		"    Return information about the memory usage of the server.",
		"USAGE <key> [SAMPLES <count>]",
		"    Return memory in bytes used by <key> and its value. Nested values are",
		"    sampled up to <count> times (default: 5, 0 means sample all).",
	)
	return nil
}
