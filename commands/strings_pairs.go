package commands

import (
	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// stringPairs are the commands that store several strings at once.
var stringPairs = []bus.Spec{
	{
		Name: "mset", Run: mset, Arity: -3, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 2, bus.KeyOW|bus.KeyUpdate)},
		Group: "string", Since: "1.0.1", Complexity: "O(N) where N is the number of keys",
		Usage:   "key value [key value ...]",
		Summary: "Stores strings at several keys in one step.",
		Tips:    []string{"request_policy:multi_shard", "response_policy:all_succeeded"},
	},
	{
		Name: "msetnx", Run: msetNX, Arity: -3, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 2, bus.KeyOW|bus.KeyInsert)},
		Group: "string", Since: "1.0.1", Complexity: "O(N) where N is the number of keys",
		Usage:   "key value [key value ...]",
		Summary: "Stores strings at several keys in one step if none of the keys exists.",
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_min"},
	},
}

func mset(c *bus.Ctx) error {
	if err := setPairs(c); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

func msetNX(c *bus.Ctx) error {
	if len(c.Args)%2 == 0 {
		return bus.ErrArity(c.Spec.FullName())
	}
	for i := 1; i < len(c.Args); i += 2 {
		if _, found := c.Tx.LookWrite(c.Args[i]); found {
			c.Reply.Int(0)
			return nil
		}
	}
	if err := setPairs(c); err != nil {
		return err
	}
	c.Reply.Int(1)
	return nil
}

// setPairs stores the pairs of the command's arguments.
func setPairs(c *bus.Ctx) error {
	if len(c.Args)%2 == 0 {
		return bus.ErrArity(c.Spec.FullName())
	}
	for i := 1; i < len(c.Args); i += 2 {
		if err := c.Tx.SetBytes(c.Args[i], c.Args[i+1], keyspace.NoTTL); err != nil {
			return err
		}
		c.Event(bus.EventString, "set", c.Args[i])
	}
	return nil
}
