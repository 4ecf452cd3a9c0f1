package commands

import (
	"errors"
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// bitCommands are the commands on single bits of strings.
var bitCommands = []bus.Spec{
	{
		Name: "getbit", Run: getBit, Arity: 3, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatBitmap,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "bitmap", Since: "2.2.0", Complexity: "O(1)",
		Usage:   "key offset",
		Summary: "Tells one bit of the string at a key, 0 behind its end.",
	},
	{
		Name: "setbit", Run: setBit, Arity: 4, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatBitmap,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "bitmap", Since: "2.2.0", Complexity: "O(1), as long as the value need not grow",
		Usage:   "key offset value",
		Summary: "Sets one bit of the string at a key, zero bits filling a gap, and tells the bit before.",
	},
}

// Bits returns the commands of the bitmap family.
func Bits() []bus.Spec { return slices.Concat(bitCommands, bitReads, bitOps, bitFields) }

var (
	errBitOffset = errors.New("ERR bit offset is not an integer or out of range")
	errBit       = errors.New("ERR bit is not an integer or out of range")
)

// bitOffset reads the place of a bit: its byte and its value in it. Bit 0 is the highest
// of the first byte.
func bitOffset(c *bus.Ctx, arg []byte) (at int, bit byte, err error) {
	n, ok := parseInt(arg)
	if !ok || n < 0 || n>>3 >= c.Tx.Space().MaxValue() {
		return 0, 0, errBitOffset
	}
	return int(n >> 3), 0x80 >> (n & 7), nil
}

// byteAt returns one byte of the string it, 0 behind its end; size is the string's.
func byteAt(it keyspace.Item, found bool, at int) (value byte, size int) {
	if !found {
		return 0, 0
	}
	var room intText
	text := it.Bytes(room[:0])
	if at < len(text) {
		value = text[at]
	}
	return value, len(text)
}

func getBit(c *bus.Ctx) error {
	at, bit, err := bitOffset(c, c.Args[2])
	if err != nil {
		return err
	}
	it, found, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	old, _ := byteAt(it, found, at)
	writeBit(c, old&bit)
	return nil
}

// setBit changes one byte of the string; its effect is that of SETRANGE. As in Redis, a bit
// that is so already changes nothing but the encoding.
func setBit(c *bus.Ctx) error {
	at, bit, err := bitOffset(c, c.Args[2])
	if err != nil {
		return err
	}
	on, ok := parseInt(c.Args[3])
	if !ok || on < 0 || on > 1 {
		return errBit
	}
	it, found, err := lookWritten(c, c.Args[1])
	if err != nil {
		return err
	}
	old, size := byteAt(it, found, at)
	changed := old &^ bit
	if on == 1 {
		changed |= bit
	}
	switch {
	case changed != old || at >= size:
		if _, err := c.Tx.SetRange(c.Args[1], at, []byte{changed}); err != nil {
			return err
		}
		c.Event(bus.EventString, "setbit", c.Args[1])
	case it.Encoding() != "raw":
		if err := c.Tx.PatchSame(c.Args[1], at, []byte{changed}); err != nil {
			return err
		}
	}
	writeBit(c, old&bit)
	return nil
}

// writeBit answers 1 for any bit that is set.
func writeBit(c *bus.Ctx, bit byte) {
	if bit != 0 {
		c.Reply.Int(1)
		return
	}
	c.Reply.Int(0)
}
