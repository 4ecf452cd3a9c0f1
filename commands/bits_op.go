package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

// bitOps are the commands that compute a string of others.
var bitOps = []bus.Spec{
	{
		Name: "bitop", Run: bitOp, Arity: -4, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatBitmap,
		Keys: []bus.KeySpec{
			bus.OneKey(2, bus.KeyOW|bus.KeyUpdate),
			bus.KeyRange(3, -1, 1, bus.KeyRO|bus.KeyAccess),
		},
		Group: "bitmap", Since: "2.6.0", Complexity: "O(N) where N is the sum of the lengths",
		Usage:   "operation destkey key [key ...]",
		Summary: "Stores the AND, OR, XOR or NOT of strings, shorter ones filled up with zeros.",
	},
}

var errBitNot = errors.New("ERR BITOP NOT must be called with a single source key.")

// bitOperation is an operation on the bytes of two strings.
type bitOperation struct {
	name string
	// join writes the result for two strings of the length of dst. nil: NOT, of one string.
	join func(dst, x, y []byte)
	// join3 is join of three strings. nil: joining two of them and then the third is as fast.
	join3 func(dst, x, y, z []byte)
	// rest says that what has no partner stays as it is; otherwise it becomes zero.
	rest bool
}

var bitOperations = [...]bitOperation{
	{name: "and", join: andBytes, join3: andBytes3},
	{name: "or", join: orBytes, join3: orBytes3, rest: true},
	{name: "xor", join: xorBytes, rest: true},
	{name: "not"},
}

func bitOp(c *bus.Ctx) error {
	op := findBitOperation(c.Args[1])
	switch {
	case op == nil:
		return bus.ErrSyntax
	case op.join == nil && len(c.Args) != 4:
		return errBitNot
	}
	srcs, n, err := bitSources(c, c.Args[3:])
	if err != nil {
		return err
	}
	dest := c.Args[2]
	if n == 0 {
		remove(c, dest)
		c.Reply.Int(0)
		return nil
	}
	if err := c.Tx.SetFilled(dest, n, func(b []byte) { op.compute(b, srcs) }); err != nil {
		return err
	}
	c.Event(bus.EventString, "set", dest)
	c.Reply.Int(int64(n))
	return nil
}

func findBitOperation(word []byte) *bitOperation {
	for i := range bitOperations {
		if op := &bitOperations[i]; bus.EqualFold(word, op.name) {
			return op
		}
	}
	return nil
}

// bitSources looks the strings at keys up, an absent key being an empty one, and tells the
// length of the longest.
func bitSources(c *bus.Ctx, keys [][]byte) (srcs [][]byte, longest int, err error) {
	// Looking may remove an expired key, after which an item is no longer valid. So look
	// at all of them first, and take the items afterwards.
	for _, key := range keys {
		if _, _, err := lookString(c, key); err != nil {
			return nil, 0, err
		}
	}
	srcs = make([][]byte, len(keys))
	for i, key := range keys {
		it, found := c.Tx.Peek(key)
		if !found {
			continue
		}
		var text []byte
		if it.Encoding() == "int" {
			text = make([]byte, 0, len(intText{}))
		}
		srcs[i] = it.Bytes(text)
		longest = max(longest, len(srcs[i]))
	}
	return srcs, longest, nil
}

// bitChunk is how much of the result is computed at a time, of all sources, while it and
// the parts that it is made of are in the first-level cache.
const bitChunk = 8 << 10

// compute writes the result of the operation on srcs to dst, which is as long as the longest.
func (op *bitOperation) compute(dst []byte, srcs [][]byte) {
	if op.join == nil {
		notBytes(dst, srcs[0])
		return
	}
	at := 0
	if op.join3 != nil && len(srcs) == 3 { // as far as all three go
		at = min(len(srcs[0]), len(srcs[1]), len(srcs[2]))
		op.join3(dst[:at], srcs[0][:at], srcs[1][:at], srcs[2][:at])
	}
	for ; at < len(dst); at += bitChunk {
		part := dst[at:min(at+bitChunk, len(dst))]
		sum := behind(srcs[0], at, len(part))
		if len(srcs) == 1 {
			copy(part, sum)
		}
		for _, src := range srcs[1:] {
			op.pair(part, sum, behind(src, at, len(part)))
			sum = part
		}
	}
}

// behind returns at most n bytes of b from at on.
func behind(b []byte, at, n int) []byte {
	b = b[min(at, len(b)):]
	return b[:min(n, len(b))]
}

// pair writes the result for x and y, which are not longer than dst, to dst. x may be dst.
func (op *bitOperation) pair(dst, x, y []byte) {
	if len(x) < len(y) {
		x, y = y, x
	}
	n := len(y)
	op.join(dst[:n], x[:n], y)
	if op.rest {
		n += copy(dst[n:], x[n:])
	}
	clear(dst[n:])
}
