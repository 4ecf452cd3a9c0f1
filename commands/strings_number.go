package commands

import (
	"errors"
	"math"
	"math/big"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// stringNumbers are the commands that take strings as numbers.
var stringNumbers = []bus.Spec{
	{
		Name: "incr", Run: incr, Arity: 2, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Adds one to the integer at a key, 0 if there is none.",
	},
	{
		Name: "decr", Run: decr, Arity: 2, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Subtracts one from the integer at a key, 0 if there is none.",
	},
	{
		Name: "incrby", Run: incrBy, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key increment",
		Summary: "Adds to the integer at a key, 0 if there is none.",
	},
	{
		Name: "decrby", Run: decrBy, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key decrement",
		Summary: "Subtracts from the integer at a key, 0 if there is none.",
	},
	{
		Name: "incrbyfloat", Run: incrByFloat, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "2.6.0", Complexity: "O(1)",
		Usage:   "key increment",
		Summary: "Adds to the floating point number at a key, 0 if there is none.",
	},
}

func incr(c *bus.Ctx) error { return add(c, 1) }

func decr(c *bus.Ctx) error { return add(c, -1) }

func incrBy(c *bus.Ctx) error {
	by, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	return add(c, by)
}

// errNegate is the error for a decrement whose negative does not exist.
var errNegate = errors.New("ERR decrement would overflow")

func decrBy(c *bus.Ctx) error {
	by, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	if by == math.MinInt64 {
		return errNegate
	}
	return add(c, -by)
}

// add adds to the integer at the command's key.
func add(c *bus.Ctx, by int64) error {
	it, found, err := lookWritten(c, c.Args[1])
	if err != nil {
		return err
	}
	var n int64
	if found {
		var isInt bool
		if n, isInt = it.Int(); !isInt {
			return bus.ErrNotInteger
		}
	}
	if by < 0 && n < math.MinInt64-by || by > 0 && n > math.MaxInt64-by {
		return errTooBig
	}
	n += by
	if err := c.Tx.SetInt(c.Args[1], n, keyspace.KeepTTL); err != nil {
		return err
	}
	c.Event(bus.EventString, "incrby", c.Args[1])
	c.Reply.Int(n)
	return nil
}

// errNoNumber is the error for a sum beyond all numbers.
var errNoNumber = errors.New("ERR increment would produce NaN or Infinity")

func incrByFloat(c *bus.Ctx) error {
	it, found, err := lookWritten(c, c.Args[1])
	if err != nil {
		return err
	}
	value := new(big.Float)
	if found {
		var text intText
		if value, found = parseLongDouble(it.Bytes(text[:0])); !found {
			return bus.ErrNotFloat
		}
	}
	by, ok := parseLongDouble(c.Args[2])
	if !ok {
		return bus.ErrNotFloat
	}
	sum, ok := addLongDouble(value, by)
	if !ok {
		return errNoNumber
	}
	var room [64]byte
	text := resp.AppendLongDouble(room[:0], sum)
	if err := c.Tx.SetText(c.Args[1], text, keyspace.KeepTTL); err != nil {
		return err
	}
	c.Event(bus.EventString, "incrbyfloat", c.Args[1])
	c.Reply.Bulk(text)
	return nil
}
