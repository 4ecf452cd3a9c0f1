package commands

import (
	"errors"
	"math"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// stringEdits are the commands that change a part of a string.
var stringEdits = []bus.Spec{
	{
		Name: "append", Run: appendTail, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyInsert)},
		Group: "string", Since: "2.0.0", Complexity: "O(1), as long as the value need not move to a larger place",
		Usage:   "key value",
		Summary: "Appends to the string at a key, which is created if it does not exist.",
	},
	{
		Name: "setrange", Run: setRange, Arity: 4, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "string", Since: "2.2.0", Complexity: "O(M) where M is the length of the value",
		Usage:   "key offset value",
		Summary: "Overwrites a part of the string at a key from an offset on, zero bytes filling a gap.",
	},
}

func appendTail(c *bus.Ctx) error {
	c.Tx.Raw = ownEffect(c)
	n, err := c.Tx.Append(c.Args[1], c.Args[2])
	if err != nil {
		return err
	}
	c.Event(bus.EventString, "append", c.Args[1])
	c.Reply.Int(int64(n))
	return nil
}

var errOffset = errors.New("ERR offset is out of range")

func setRange(c *bus.Ctx) error {
	key, value := c.Args[1], c.Args[3]
	offset, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	if offset < 0 {
		return errOffset
	}
	if len(value) == 0 || offset > math.MaxInt-int64(len(value)) {
		it, found, err := lookWritten(c, key)
		if err == nil && len(value) > 0 {
			err = keyspace.ErrTooLong
		}
		if err != nil {
			return err
		}
		replyLength(c, it, found)
		return nil
	}
	c.Tx.Raw = ownEffect(c)
	n, err := c.Tx.SetRange(key, int(offset), value)
	if err != nil {
		return err
	}
	c.Event(bus.EventString, "setrange", key)
	c.Reply.Int(int64(n))
	return nil
}
