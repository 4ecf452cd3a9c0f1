package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// stringReads are the commands that only read strings.
var stringReads = []bus.Spec{
	{
		Name: "get", Run: get, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Gets the string at a key, nil if there is none.",
	},
	{
		Name: "mget", Run: mget, Arity: -2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyRO|bus.KeyAccess)},
		Group: "string", Since: "1.0.0", Complexity: "O(N) where N is the number of keys",
		Usage:   "key [key ...]",
		Summary: "Gets the strings at several keys, nil for each key that is missing or holds another type.",
		Tips:    []string{"request_policy:multi_shard"},
	},
	{
		Name: "strlen", Run: strlen, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO)},
		Group: "string", Since: "2.2.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Gets the length of the string at a key in bytes, 0 if there is none.",
	},
	{
		Name: "getrange", Run: getRange, Arity: 4, Flags: bus.ReadOnly, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "string", Since: "2.4.0", Complexity: "O(N) where N is the length of the result",
		Usage:   "key start end",
		Summary: "Gets the bytes from start to end, both included; negative offsets count from the end.",
	},
	{
		Name: "substr", Run: getRange, Arity: 4, Flags: bus.ReadOnly, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "string", Since: "1.0.0", Complexity: "O(N) where N is the length of the result",
		Usage:      "key start end",
		Summary:    "The old name of GETRANGE.",
		Deprecated: "2.0.0", ReplacedBy: "`GETRANGE`",
	},
	{
		Name: "lcs", Run: lcs, Arity: -3, Flags: bus.ReadOnly, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.KeyRange(1, 1, 1, bus.KeyRO|bus.KeyAccess)},
		Group: "string", Since: "7.0.0", Complexity: "O(N*M) where N and M are the lengths of the strings",
		Usage:   "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]",
		Args:    []bus.ArgNote{{Arg: "min-match-len", Name: "len"}},
		Summary: "Finds a longest common subsequence of two strings.",
	},
}

func get(c *bus.Ctx) error {
	it, ok, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, it, ok)
	return nil
}

func mget(c *bus.Ctx) error {
	c.Reply.Array(len(c.Args) - 1)
	for _, key := range c.Args[1:] {
		it, ok := c.Tx.Look(key)
		replyString(c, it, ok && it.Type() == keyspace.TypeString)
	}
	return nil
}

func strlen(c *bus.Ctx) error {
	it, ok, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	replyLength(c, it, ok)
	return nil
}

// replyLength writes the length of the string it, 0 if ok is false.
func replyLength(c *bus.Ctx, it keyspace.Item, ok bool) {
	n := 0
	if ok {
		n = it.Len()
	}
	c.Reply.Int(int64(n))
}

func getRange(c *bus.Ctx) error {
	start, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	end, err := integer(c.Args[3])
	if err != nil {
		return err
	}
	it, ok, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	var text intText
	var value []byte
	if ok {
		value = it.Bytes(text[:0])
	}
	c.Reply.Bulk(substring(value, start, end))
	return nil
}

// substring returns the bytes from start to end, both included and counted from the
// end if negative.
func substring(s []byte, start, end int64) []byte {
	n := int64(len(s))
	if start < 0 && end < 0 && start > end {
		return nil
	}
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	if start > end {
		return nil
	}
	return s[start : end+1]
}

var (
	errLCSType    = errors.New("ERR The specified keys must contain string values")
	errLCSOptions = errors.New("ERR If you want both the length and indexes, please just use IDX.")
	errLCSMemory  = errors.New("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
)

// lcsOptions are the options of LCS.
type lcsOptions struct {
	length, index, sizes bool
	least                int64 // shorter runs are not listed
}

func (o *lcsOptions) parse(args [][]byte) error {
	for i := 0; i < len(args); i++ {
		switch word := args[i]; {
		case bus.EqualFold(word, "idx"):
			o.index = true
		case bus.EqualFold(word, "len"):
			o.length = true
		case bus.EqualFold(word, "withmatchlen"):
			o.sizes = true
		case bus.EqualFold(word, "minmatchlen") && i+1 < len(args):
			i++
			n, err := integer(args[i])
			if err != nil {
				return err
			}
			o.least = n
		default:
			return bus.ErrSyntax
		}
	}
	if o.length && o.index {
		return errLCSOptions
	}
	return nil
}

func lcs(c *bus.Ctx) error {
	var strs [2][]byte
	// Looking may remove an expired key, after which an item is no longer
	// valid. So look at both first, and take the items afterwards.
	c.Tx.Look(c.Args[1])
	c.Tx.Look(c.Args[2])
	for i := range strs {
		it, ok := c.Tx.Peek(c.Args[1+i])
		if !ok {
			continue
		}
		if it.Type() != keyspace.TypeString {
			return errLCSType
		}
		strs[i] = it.Bytes(make([]byte, 0, len(intText{})))
	}
	var o lcsOptions
	if err := o.parse(c.Args[3:]); err != nil {
		return err
	}
	a, b := strs[0], strs[1]
	if table := 4 * uint64(len(a)+1) * uint64(len(b)+1); table > uint64(c.Tx.Space().MaxValue()) {
		return errLCSMemory
	}
	t := newLCS(a, b)
	switch {
	case o.index:
		replyLCSRuns(c, t, &o)
	case o.length:
		c.Reply.Int(int64(t.length()))
	default:
		c.Reply.Bulk(t.text())
	}
	return nil
}

// replyLCSRuns writes where the runs of the subsequence are.
func replyLCSRuns(c *bus.Ctx, t *lcsTable, o *lcsOptions) {
	c.Reply.Map(2)
	c.Reply.BulkString("matches")
	mark, n := c.Reply.Deferred(), 0
	t.walk(func(m lcsMatch) {
		if int64(m.size) < o.least {
			return
		}
		n++
		parts := 2
		if o.sizes {
			parts = 3
		}
		c.Reply.Array(parts)
		for _, from := range [...]int{m.aFrom, m.bFrom} {
			c.Reply.Array(2)
			c.Reply.Int(int64(from))
			c.Reply.Int(int64(from + m.size - 1))
		}
		if o.sizes {
			c.Reply.Int(int64(m.size))
		}
	})
	c.Reply.CloseArray(mark, n)
	c.Reply.BulkString("len")
	c.Reply.Int(int64(t.length()))
}
