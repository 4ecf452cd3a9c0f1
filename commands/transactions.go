package commands

import "github.com/reredis/reredis/bus"

// transactionFlags are what the commands of the family have in common.
const transactionFlags = bus.NoScript | bus.Loading | bus.Stale

// transactionCommands are the commands that make several commands one step. Package bus does
// the queueing and running.
var transactionCommands = []bus.Spec{
	{
		Name: "multi", Run: multi, Arity: 1, Flags: transactionFlags | bus.Fast | bus.AllowBusy, Cats: bus.CatTransaction,
		Immediate: true,
		Group:     "transactions", Since: "1.2.0", Complexity: "O(1)",
		Summary: "Begins a transaction: the commands that follow are queued until EXEC runs them as one step.",
	},
	{
		Name: "exec", Run: exec, Arity: 1, Flags: transactionFlags | bus.SkipSlowlog, Cats: bus.CatTransaction,
		Immediate: true, Lock: bus.LockPlan, Plan: bus.ExecPlan,
		Group: "transactions", Since: "1.2.0", Complexity: "Depends on commands in the transaction",
		Summary: "Runs the queued commands as one step, or none if a watched key was changed.",
	},
	{
		Name: "discard", Run: discard, Arity: 1, Flags: transactionFlags | bus.Fast | bus.AllowBusy, Cats: bus.CatTransaction,
		Immediate: true,
		Group:     "transactions", Since: "2.0.0", Complexity: "O(N), when N is the number of queued commands",
		Summary: "Ends a transaction without running it, and forgets the watched keys.",
	},
	{
		Name: "watch", Run: watch, Arity: -2, Flags: transactionFlags | bus.Fast | bus.AllowBusy, Cats: bus.CatTransaction,
		Keys:      []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRO)},
		Immediate: true,
		Group:     "transactions", Since: "2.2.0", Complexity: "O(1) for every key.",
		Usage:   "key [key ...]",
		Summary: "Makes the next EXEC depend on that none of these keys changes before it.",
	},
	{
		Name: "unwatch", Run: unwatch, Arity: 1, Flags: transactionFlags | bus.Fast | bus.AllowBusy, Cats: bus.CatTransaction,
		Group: "transactions", Since: "2.2.0", Complexity: "O(1)",
		Summary: "Forgets the watched keys.",
	},
}

// Transactions returns the commands of the transactions family.
func Transactions() []bus.Spec { return transactionCommands }

// okUnless answers OK if there is no error.
func okUnless(c *bus.Ctx, err error) error {
	if err == nil {
		c.Reply.OK()
	}
	return err
}

func multi(c *bus.Ctx) error { return okUnless(c, c.Begin()) }

func exec(c *bus.Ctx) error { return c.Exec() }

func discard(c *bus.Ctx) error { return okUnless(c, c.Discard()) }

func watch(c *bus.Ctx) error { return okUnless(c, c.Watch(c.Args[1:])) }

func unwatch(c *bus.Ctx) error {
	c.Unwatch()
	c.Reply.OK()
	return nil
}
