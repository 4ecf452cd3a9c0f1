package commands

import (
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// Keys returns the commands on keys of any type and on whole databases.
func Keys() []bus.Spec {
	return slices.Concat(keyBasics, keyExpiry, keyMoves, keyWalks, keyObject, keyspaceWide, keyWaits)
}

// keyBasics are the commands that remove keys and tell which exist.
var keyBasics = []bus.Spec{
	{
		Name: "del", Run: del, Arity: -2, Flags: bus.Write, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRM|bus.KeyDelete)},
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of keys",
		Usage:   "key [key ...]",
		Summary: "Deletes keys and answers how many existed.",
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	},
	{
		Name: "unlink", Run: unlink, Arity: -2, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRM|bus.KeyDelete)},
		Group: "generic", Since: "4.0.0", Complexity: "O(N) where N is the number of keys; memory is freed later",
		Usage:   "key [key ...]",
		Summary: "Deletes keys and answers how many existed, as DEL does.",
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	},
	{
		Name: "exists", Run: exists, Arity: -2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRO)},
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of keys",
		Usage:   "key [key ...]",
		Summary: "Counts how many of the keys exist; a key named twice counts twice.",
		History: []bus.Change{{Version: "3.0.3", Note: "Several keys."}},
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	},
	{
		Name: "touch", Run: touch, Arity: -2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRO)},
		Group: "generic", Since: "3.2.1", Complexity: "O(N) where N is the number of keys",
		Usage:   "key [key ...]",
		Summary: "Marks keys as used now and counts those that exist.",
		Tips:    []string{"request_policy:multi_shard", "response_policy:agg_sum"},
	},
	{
		Name: "type", Run: typeOf, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO)},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Names the type of the value at a key, none if there is no key.",
	},
}

func del(c *bus.Ctx) error {
	c.Tx.Raw = len(c.Args) == 2 && ownEffect(c)
	return unlink(c)
}

func unlink(c *bus.Ctx) error {
	n := 0
	for _, key := range c.Args[1:] {
		if remove(c, key) {
			n++
		}
	}
	c.Reply.Int(int64(n))
	return nil
}

// remove deletes a key, and tells those who listen and those who wait for it. It returns
// false if there was none.
func remove(c *bus.Ctx, key []byte) bool {
	if !c.Tx.Delete(key) {
		return false
	}
	c.Event(bus.EventGeneric, "del", key)
	c.Ready(key)
	return true
}

// lookQuietly finds a key for a command that tells about it, which counts as a hit or a
// miss, but not as use of the key.
func lookQuietly(c *bus.Ctx, key []byte) (keyspace.Item, bool) {
	noTouch := c.Tx.NoTouch
	c.Tx.NoTouch = true
	it, ok := c.Tx.Look(key)
	c.Tx.NoTouch = noTouch
	return it, ok
}

func exists(c *bus.Ctx) error {
	n := 0
	for _, key := range c.Args[1:] {
		if _, ok := lookQuietly(c, key); ok {
			n++
		}
	}
	c.Reply.Int(int64(n))
	return nil
}

// touch marks keys also for clients whose commands do not (CLIENT NO-TOUCH).
func touch(c *bus.Ctx) error {
	noTouch, n := c.Tx.NoTouch, 0
	c.Tx.NoTouch = false
	for _, key := range c.Args[1:] {
		if _, ok := c.Tx.Look(key); ok {
			n++
		}
	}
	c.Tx.NoTouch = noTouch
	c.Reply.Int(int64(n))
	return nil
}

func typeOf(c *bus.Ctx) error {
	it, ok := lookQuietly(c, c.Args[1])
	if !ok {
		c.Reply.Status("none")
		return nil
	}
	c.Reply.Status(it.Type().String())
	return nil
}
