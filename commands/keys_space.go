package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

// flushHistory is that of the two commands that empty databases.
var flushHistory = []bus.Change{
	{Version: "4.0.0", Note: "The modifier `ASYNC`."},
	{Version: "6.2.0", Note: "The modifier `SYNC`."},
}

// keyspaceWide are the commands on whole databases.
var keyspaceWide = []bus.Spec{
	{
		Name: "dbsize", Run: dbSize, Arity: 1, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Lock:  bus.LockNone,
		Group: "server", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Counts the keys of the database.",
		Tips:    []string{"request_policy:all_shards", "response_policy:agg_sum"},
	},
	{
		Name: "flushdb", Run: flushDB, Arity: -1, Flags: bus.Write, Cats: bus.CatKeyspace | bus.CatDangerous,
		Lock:  bus.LockExclusive,
		Group: "server", Since: "1.0.0", Complexity: "O(1); memory is freed later",
		Usage: "[ASYNC | SYNC]",
		Args: []bus.ArgNote{
			{Arg: "async", Since: "4.0.0"},
			{Arg: "sync", Since: "6.2.0"},
			{Arg: "async_sync", Name: "async"},
		},
		Summary: "Deletes all keys of the database.",
		History: flushHistory,
		Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	},
	{
		Name: "flushall", Run: flushAll, Arity: -1, Flags: bus.Write, Cats: bus.CatKeyspace | bus.CatDangerous,
		Lock:  bus.LockExclusive,
		Group: "server", Since: "1.0.0", Complexity: "O(1); memory is freed later",
		Usage: "[ASYNC | SYNC]",
		Args: []bus.ArgNote{
			{Arg: "async", Since: "4.0.0"},
			{Arg: "sync", Since: "6.2.0"},
			{Arg: "async_sync", Name: "async"},
		},
		Summary: "Deletes all keys of all databases.",
		History: flushHistory,
		Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
	},
	{
		Name: "swapdb", Run: swapDB, Arity: 3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace | bus.CatDangerous,
		Lock: bus.LockExclusive, Swaps: true,
		Group: "server", Since: "4.0.0", Complexity: "O(1)",
		Usage:   "index1 index2",
		Summary: "Exchanges two databases for all clients at once.",
	},
}

func dbSize(c *bus.Ctx) error {
	n, _, _ := c.Tx.Counts(c.Tx.DB)
	c.Reply.Int(n)
	return nil
}

// flushModifier checks the arguments of a flush. Both modifiers mean the same here: the keys
// are gone at once and their memory is freed in the background.
func flushModifier(args [][]byte) error {
	if len(args) == 0 || len(args) == 1 && (bus.EqualFold(args[0], "sync") || bus.EqualFold(args[0], "async")) {
		return nil
	}
	return bus.ErrSyntax
}

func flushDB(c *bus.Ctx) error {
	if err := flushModifier(c.Args[1:]); err != nil {
		return err
	}
	c.Tx.FlushDB()
	c.ReadyDB(c.Tx.DB)
	c.Reply.OK()
	return nil
}

func flushAll(c *bus.Ctx) error {
	if err := flushModifier(c.Args[1:]); err != nil {
		return err
	}
	c.Tx.FlushAll()
	for db := range c.Tx.Space().Databases() {
		c.ReadyDB(db)
	}
	c.Reply.OK()
	return nil
}

var (
	errFirstDB  = errors.New("ERR invalid first DB index")
	errSecondDB = errors.New("ERR invalid second DB index")
)

func swapDB(c *bus.Ctx) error {
	var dbs [2]int
	var outside error
	for i, invalid := range [...]error{errFirstDB, errSecondDB} {
		db, err := database(c.Args[1+i], c.Tx.Space().Databases())
		switch {
		case errors.Is(err, errDBRange):
			outside = err
		case err != nil:
			return invalid
		}
		dbs[i] = db
	}
	if outside != nil {
		return outside
	}
	c.Tx.SwapDB(dbs[0], dbs[1]) // counts as a change also if they are the same
	if dbs[0] != dbs[1] {
		c.ReadyDB(dbs[0])
		c.ReadyDB(dbs[1])
	}
	c.Reply.OK()
	return nil
}
