package commands

import (
	"errors"
	"math"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// keyObject is the command on the inner form of values.
var keyObject = []bus.Spec{
	{
		Name: "object", Arity: -2,
		Group: "generic", Since: "2.2.3", Complexity: "see the subcommands",
		Usage:   "ENCODING | FREQ | HELP | IDLETIME | REFCOUNT",
		Summary: "Tells about the inner form of the value at a key.",
		Subs: []bus.Spec{
			{
				Name: "encoding", Run: objectEncoding, Arity: 3, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
				Keys:  []bus.KeySpec{bus.OneKey(2, bus.KeyRO)},
				Group: "generic", Since: "2.2.3", Complexity: "O(1)",
				Usage:   "key",
				Summary: "Names the encoding of a value.",
				Tips:    []string{"nondeterministic_output"},
			},
			{
				Name: "freq", Run: objectFreq, Arity: 3, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
				Keys:  []bus.KeySpec{bus.OneKey(2, bus.KeyRO)},
				Group: "generic", Since: "4.0.0", Complexity: "O(1)",
				Usage:   "key",
				Summary: "Tells how often a key is used, on a logarithmic scale.",
				Tips:    []string{"nondeterministic_output"},
			},
			{
				Name: "idletime", Run: objectIdleTime, Arity: 3, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
				Keys:  []bus.KeySpec{bus.OneKey(2, bus.KeyRO)},
				Group: "generic", Since: "2.2.3", Complexity: "O(1)",
				Usage:   "key",
				Summary: "Tells how many seconds ago a key was used last.",
				Tips:    []string{"nondeterministic_output"},
			},
			{
				Name: "refcount", Run: objectRefCount, Arity: 3, Flags: bus.ReadOnly, Cats: bus.CatKeyspace,
				Keys:  []bus.KeySpec{bus.OneKey(2, bus.KeyRO)},
				Group: "generic", Since: "2.2.3", Complexity: "O(1)",
				Usage:   "key",
				Summary: "Tells how many references a value has.",
				Tips:    []string{"nondeterministic_output"},
			},
			{
				Name: "help", Run: objectHelp, Arity: 2, Flags: bus.Loading | bus.Stale, Cats: bus.CatKeyspace,
				Group: "generic", Since: "6.2.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	},
}

// object finds the item of an OBJECT subcommand without marking its key as used. If there
// is none it writes nil.
func object(c *bus.Ctx) (it keyspace.Item, ok bool) {
	if it, ok = c.Tx.LookAt(c.Args[2]); !ok {
		c.Reply.Null()
	}
	return it, ok
}

func objectEncoding(c *bus.Ctx) error {
	if it, ok := object(c); ok {
		c.Reply.BulkString(it.Encoding())
	}
	return nil
}

var errNoLFU = errors.New("ERR An LFU maxmemory policy is not selected, access frequency not tracked. " +
	"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")

var errLFU = errors.New("ERR An LFU maxmemory policy is selected, idle time not tracked. " +
	"Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")

func objectFreq(c *bus.Ctx) error {
	it, ok := object(c)
	if !ok {
		return nil
	}
	if !c.Tx.Space().Limit().Policy.LFU() {
		return errNoLFU
	}
	c.Reply.Int(it.Freq(c.Now()))
	return nil
}

func objectIdleTime(c *bus.Ctx) error {
	it, ok := object(c)
	if !ok {
		return nil
	}
	if c.Tx.Space().Limit().Policy.LFU() {
		return errLFU
	}
	c.Reply.Int(it.IdleSeconds(c.Now()))
	return nil
}

// sharedInts is the number of small integers that Redis keeps once for all keys and
// reports as referred to math.MaxInt32 times, unless it needs the bits about the use
// of each.
const sharedInts = 10000

func objectRefCount(c *bus.Ctx) error {
	it, ok := object(c)
	if !ok {
		return nil
	}
	refs := int64(1)
	if l := c.Tx.Space().Limit(); it.Encoding() == "int" && (l.Max == 0 || !l.Policy.LRU() && !l.Policy.LFU()) {
		if n, _ := it.Int(); n >= 0 && n < sharedInts {
			refs = math.MaxInt32
		}
	}
	c.Reply.Int(refs)
	return nil
}

func objectHelp(c *bus.Ctx) error {
	c.Reply.Help("OBJECT",
		"ENCODING <key>",
		"    Return the kind of internal representation used in order to store the value",
		"    associated with a <key>.",
		"FREQ <key>",
		"    Return the access frequency index of the <key>. The returned integer is",
		"    proportional to the logarithm of the recent access frequency of the key.",
		"IDLETIME <key>",
		"    Return the idle time of the <key>, that is the approximated number of",
		"    seconds elapsed since the last access to the key.",
		"REFCOUNT <key>",
		"    Return the number of references of the value associated with the specified",
		"    <key>.")
	return nil
}
