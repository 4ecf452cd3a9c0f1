package commands

import (
	"errors"
	"math/bits"

	"github.com/reredis/reredis/bus"
)

// bitReads are the commands that count and find bits.
var bitReads = []bus.Spec{
	{
		Name: "bitcount", Run: bitCount, Arity: -2, Flags: bus.ReadOnly, Cats: bus.CatBitmap,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "bitmap", Since: "2.6.0", Complexity: "O(N) where N is the length of the range",
		Usage:   "key [start end [BYTE | BIT]]",
		Args:    []bus.ArgNote{{Arg: "start_end_byte_bit", Name: "index"}, {Arg: "byte_bit", Name: "index_unit", Since: "7.0.0"}},
		Summary: "Counts the bits that are set in the string at a key, or in a range of it.",
		History: []bus.Change{{Version: "7.0.0", Note: "The options `BYTE` and `BIT`."}},
	},
	{
		Name: "bitpos", Run: bitPos, Arity: -3, Flags: bus.ReadOnly, Cats: bus.CatBitmap,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "bitmap", Since: "2.8.7", Complexity: "O(N) where N is the length of the range",
		Usage: "key bit [start [end [BYTE | BIT]]]",
		Args: []bus.ArgNote{
			{Arg: "start_end_byte_bit", Name: "index"},
			{Arg: "end_byte_bit", Name: "end_index"},
			{Arg: "byte_bit", Name: "index_unit", Since: "7.0.0"},
		},
		Summary: "Finds the first bit of a string that is set, or clear.",
		History: []bus.Change{{Version: "7.0.0", Note: "The options `BYTE` and `BIT`."}},
	},
}

var errBitArgument = errors.New("ERR The bit argument must be 1 or 0.")

// bitUnit reads BIT or BYTE: how many bits the offsets of a range count.
func bitUnit(word []byte) (unit int64, err error) {
	switch {
	case bus.EqualFold(word, "bit"):
		return 1, nil
	case bus.EqualFold(word, "byte"):
		return 8, nil
	}
	return 0, bus.ErrSyntax
}

// bitRange returns the bits [from, to) from start to end, both included and counted from
// the end if negative, in units of so many bits of a string of size bytes; from >= to if
// there are none.
func bitRange(start, end, unit int64, size int) (from, to int64) {
	n := int64(size) * 8 / unit
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	end = min(end, n-1)
	if start > end {
		return 0, 0
	}
	return start * unit, (end + 1) * unit
}

func bitCount(c *bus.Ctx) error {
	it, found, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	if !found {
		c.Reply.Int(0)
		return nil
	}
	var text intText
	b := it.Bytes(text[:0])
	switch len(c.Args) {
	case 2:
		c.Reply.Int(int64(ones(b)))
		return nil
	case 4, 5:
	default:
		return bus.ErrSyntax
	}
	start, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	end, err := integer(c.Args[3])
	if err != nil {
		return err
	}
	if start < 0 && end < 0 && start > end {
		c.Reply.Int(0)
		return nil
	}
	unit := int64(8)
	if len(c.Args) == 5 {
		if unit, err = bitUnit(c.Args[4]); err != nil {
			return err
		}
	}
	from, to := bitRange(start, end, unit, len(b))
	c.Reply.Int(int64(onesIn(b, from, to)))
	return nil
}

// onesIn counts the bits of [from, to) that are set.
func onesIn(b []byte, from, to int64) int {
	if from >= to {
		return 0
	}
	first, last := from/8, (to-1)/8
	n := ones(b[first : last+1])
	n -= bits.OnesCount8(b[first] >> (8 - from%8))
	return n - bits.OnesCount8(b[last]<<((to-1)%8+1))
}

func bitPos(c *bus.Ctx) error {
	bit, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	if bit != 0 && bit != 1 {
		return errBitArgument
	}
	it, found, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	if !found {
		c.Reply.Int(-bit)
		return nil
	}
	var text intText
	b := it.Bytes(text[:0])
	from, to, err := bitPosRange(c.Args[3:], len(b))
	if err != nil {
		return err
	}
	at := int64(-1)
	if from < to {
		at = firstBit(b, from, to, bit == 1)
	}
	if endless := len(c.Args) < 5; at < 0 && from < to && bit == 0 && endless {
		at = to // zeros follow the string
	}
	c.Reply.Int(at)
	return nil
}

// bitPosRange reads the range of BITPOS.
func bitPosRange(args [][]byte, size int) (from, to int64, err error) {
	start, end, unit := int64(0), int64(-1), int64(8)
	if len(args) > 3 {
		return 0, 0, bus.ErrSyntax
	}
	if len(args) > 0 {
		if start, err = integer(args[0]); err != nil {
			return 0, 0, err
		}
	}
	if len(args) > 2 {
		if unit, err = bitUnit(args[2]); err != nil {
			return 0, 0, err
		}
	}
	if len(args) > 1 {
		if end, err = integer(args[1]); err != nil {
			return 0, 0, err
		}
	}
	from, to = bitRange(start, end, unit, size)
	return from, to, nil
}

// firstBit returns the first of the bits [from, to), of which there is one at least, that
// is set, or clear; -1 if none is.
func firstBit(b []byte, from, to int64, set bool) int64 {
	var other byte // whose bits are none of those looked for
	if !set {
		other = 0xFF
	}
	at, end := int(from/8), int((to-1)/8)+1
	c := (b[at] ^ other) & (0xFF >> (from % 8))
	if c == 0 {
		at++
		at += skip(b[at:end], other)
		if at == end {
			return -1
		}
		c = b[at] ^ other
	}
	if pos := int64(at)*8 + int64(bits.LeadingZeros8(c)); pos < to {
		return pos
	}
	return -1
}
