package commands

import (
	"errors"
	"slices"
	"strconv"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/glob"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// keyWalks are the commands that look for keys in a whole database. They lock one
// stripe after the other themselves.
var keyWalks = []bus.Spec{
	{
		Name: "keys", Run: keys, Arity: 2, Flags: bus.ReadOnly, Cats: bus.CatKeyspace | bus.CatDangerous,
		Lock:  bus.LockNone,
		Group: "generic", Since: "1.0.0", Complexity: "O(N) where N is the number of keys in the database",
		Usage:   "pattern",
		Summary: "Lists the keys that match a pattern.",
		Tips:    []string{"request_policy:all_shards", "nondeterministic_output_order"},
	},
	{
		Name: "scan", Run: scan, Arity: -2, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
		Lock:  bus.LockNone,
		Group: "generic", Since: "2.8.0", Complexity: "O(1) for a call, O(N) for a whole iteration over N keys",
		Usage:   "cursor [MATCH pattern] [COUNT count] [TYPE type]",
		Args:    []bus.ArgNote{{Arg: "type", Since: "6.0.0"}},
		Summary: "Lists keys in portions, each starting where the last one ended.",
		History: []bus.Change{{Version: "6.0.0", Note: "The option `TYPE`."}},
		Tips:    []string{"nondeterministic_output", "request_policy:special"},
	},
	{
		Name: "randomkey", Run: randomKey, Arity: 1, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
		Lock:  bus.LockNone,
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Answers some key of the database.",
		Tips:    []string{"request_policy:all_shards", "nondeterministic_output"},
	},
}

func keys(c *bus.Ctx) error {
	pattern := c.Args[1]
	all := string(pattern) == "*"
	only := keyspace.AnySlot
	if !all {
		only = globHint(pattern)
	}
	mark, n := c.Reply.Deferred(), 0
	err := c.Tx.Keys(only, func(key []byte, _ keyspace.Item) {
		if all || glob.Match(pattern, key) {
			c.Reply.Bulk(key)
			n++
		}
	})
	c.Reply.CloseArray(mark, n)
	return err
}

// errCursor is the error for a cursor that is no number.
var errCursor = errors.New("ERR invalid cursor")

// scanOptions are the options of SCAN. A nil pattern or type matches all.
type scanOptions struct {
	pattern, typ []byte
	count        int64
}

func (o *scanOptions) parse(args [][]byte) error {
	for i := 0; i < len(args); i += 2 {
		word := args[i]
		if i+1 == len(args) {
			return bus.ErrSyntax
		}
		value := args[i+1]
		switch {
		case bus.EqualFold(word, "count"):
			n, err := integer(value)
			if err != nil {
				return err
			}
			if n < 1 {
				return bus.ErrSyntax
			}
			o.count = n
		case bus.EqualFold(word, "match"):
			o.pattern = value
			if string(value) == "*" {
				o.pattern = nil
			}
		case bus.EqualFold(word, "type"):
			o.typ = value
		default:
			return bus.ErrSyntax
		}
	}
	return nil
}

// maxScan bounds what one SCAN looks at, so that counts do not overflow.
const maxScan = 1 << 30

func scan(c *bus.Ctx) error {
	cursor, ok := parseCursor(c.Args[1])
	if !ok {
		return errCursor
	}
	o := scanOptions{count: 10}
	if err := o.parse(c.Args[2:]); err != nil {
		return err
	}
	only := keyspace.AnySlot
	if o.pattern != nil {
		only = globHint(o.pattern)
	}
	mark, n := c.Reply.Deferred(), 0
	next, err := c.Tx.Scan(cursor, int(min(o.count, maxScan)), only, func(key []byte, it keyspace.Item) {
		if o.wants(key, it) {
			c.Reply.Bulk(key)
			n++
		}
	})
	c.Reply.CloseArray(mark, n)
	// The cursor is known last but stands first.
	c.Reply.Append(func(b []byte) []byte {
		head := resp.AppendBulkString(resp.AppendArray(nil, 2), strconv.FormatUint(next, 10))
		return slices.Insert(b, mark, head...)
	})
	return err
}

// wants reports whether a key that SCAN met is asked for.
func (o *scanOptions) wants(key []byte, it keyspace.Item) bool {
	if o.pattern != nil && !glob.Match(o.pattern, key) {
		return false
	}
	return o.typ == nil || bus.EqualFold(o.typ, it.Type().String())
}

func randomKey(c *bus.Ctx) error {
	var room [64]byte
	key, ok, err := c.Tx.RandomKey(room[:0])
	switch {
	case err != nil:
		return err
	case !ok:
		c.Reply.Null()
	default:
		c.Reply.Bulk(key)
	}
	return nil
}
