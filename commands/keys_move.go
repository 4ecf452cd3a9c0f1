package commands

import (
	"bytes"
	"errors"

	"github.com/reredis/reredis/bus"
)

// keyMoves are the commands that give a value another key or database.
var keyMoves = []bus.Spec{
	{
		Name: "rename", Run: rename, Arity: 3, Flags: bus.Write, Cats: bus.CatKeyspace,
		Keys: []bus.KeySpec{
			bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyDelete),
			bus.OneKey(2, bus.KeyOW|bus.KeyUpdate),
		},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key newkey",
		Summary: "Renames a key and overwrites the destination.",
	},
	{
		Name: "renamenx", Run: renameNX, Arity: 3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys: []bus.KeySpec{
			bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyDelete),
			bus.OneKey(2, bus.KeyOW|bus.KeyInsert),
		},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key newkey",
		Summary: "Renames a key if the new name is not in use.",
		History: []bus.Change{{Version: "3.2.0", Note: "Equal names are no longer an error."}},
	},
	{
		Name: "copy", Run: copyKey, Arity: -3, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatKeyspace,
		Keys: []bus.KeySpec{
			bus.OneKey(1, bus.KeyRO|bus.KeyAccess),
			bus.OneKey(2, bus.KeyOW|bus.KeyUpdate),
		},
		Group: "generic", Since: "6.2.0", Complexity: "O(N) where N is the number of elements, O(1) for a string",
		Usage:   "source destination [DB destination-db] [REPLACE]",
		Summary: "Copies the value and the expiry of a key to another key.",
	},
	{
		Name: "move", Run: move, Arity: 3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key db",
		Summary: "Moves a key to another database if it does not exist there.",
	},
}

func rename(c *bus.Ctx) error {
	if _, err := renameTo(c, false); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

func renameNX(c *bus.Ctx) error {
	renamed, err := renameTo(c, true)
	if err != nil {
		return err
	}
	n := int64(0)
	if renamed {
		n = 1
	}
	c.Reply.Int(n)
	return nil
}

// renameTo renames the command's first key to its second.
func renameTo(c *bus.Ctx, onlyNew bool) (renamed bool, err error) {
	from, to := c.Args[1], c.Args[2]
	if _, found := c.Tx.LookWrite(from); !found {
		return false, bus.ErrNoKey
	}
	if bytes.Equal(from, to) {
		return false, nil
	}
	if onlyNew {
		if _, found := c.Tx.LookWrite(to); found {
			return false, nil
		}
	}
	if renamed, err = c.Tx.Rename(from, to); renamed {
		c.Event(bus.EventGeneric, "rename_from", from)
		c.Event(bus.EventGeneric, "rename_to", to)
	}
	c.Ready(to)
	c.Ready(from)
	return renamed, err
}

// errSameObject is the error for a source that is the destination.
var errSameObject = errors.New("ERR source and destination objects are the same")

func copyKey(c *bus.Ctx) error {
	from, to := c.Args[1], c.Args[2]
	db, replace := c.Tx.DB, false
	for i := 3; i < len(c.Args); i++ {
		switch word := c.Args[i]; {
		case bus.EqualFold(word, "replace"):
			replace = true
		case bus.EqualFold(word, "db") && i+1 < len(c.Args):
			i++
			var err error
			if db, err = database(c.Args[i], c.Tx.Space().Databases()); err != nil {
				return err
			}
		default:
			return bus.ErrSyntax
		}
	}
	if db == c.Tx.DB && bytes.Equal(from, to) {
		return errSameObject
	}
	if _, found := c.Tx.Look(from); !found {
		c.Reply.Int(0)
		return nil
	}
	c.Tells(db)
	ok, err := c.Tx.Copy(from, db, to, replace)
	if ok {
		c.EventIn(db, bus.EventGeneric, "copy_to", to)
	}
	c.ReadyIn(db, to)
	return replyMoved(c, ok, err)
}

func move(c *bus.Ctx) error {
	db, err := database(c.Args[2], c.Tx.Space().Databases())
	if err != nil {
		return err
	}
	if db == c.Tx.DB {
		return errSameObject
	}
	if _, found := c.Tx.LookWrite(c.Args[1]); !found {
		c.Reply.Int(0)
		return nil
	}
	c.Tells(db)
	ok, err := c.Tx.Move(c.Args[1], db)
	if ok {
		c.Event(bus.EventGeneric, "move_from", c.Args[1])
		c.EventIn(db, bus.EventGeneric, "move_to", c.Args[1])
	}
	c.ReadyIn(db, c.Args[1])
	c.Ready(c.Args[1])
	return replyMoved(c, ok, err)
}

// replyMoved writes 1 if the key came to its destination.
func replyMoved(c *bus.Ctx, ok bool, err error) error {
	switch {
	case err != nil:
		return err
	case ok:
		c.Reply.Int(1)
	default:
		c.Reply.Int(0)
	}
	return nil
}
