package commands

import (
	"bytes"
	"errors"
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// bitFields are the commands on integers of some bits inside of strings.
var bitFields = []bus.Spec{
	{
		Name: "bitfield", Run: bitField, Arity: -2, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatBitmap,
		Keys: []bus.KeySpec{noted(bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate|bus.KeyVariableFlags),
			"This command allows both access and modification of the key")},
		Group: "bitmap", Since: "3.2.0", Complexity: "O(1) for each operation",
		Usage: "key [<GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] " +
			"<SET encoding offset value | INCRBY encoding offset increment>> [...]]",
		Args: []bus.ArgNote{
			{Arg: "encoding_offset_wrap_sat_fail_encoding_offset_value_encoding_offset_increment", Name: "operation"},
			{Arg: "wrap_sat_fail_encoding_offset_value_encoding_offset_increment", Name: "write"},
			{Arg: "encoding_offset_value_encoding_offset_increment", Name: "write_operation"},
		},
		Summary: "Reads, sets and increments integers of any number of bits inside of a string.",
	},
	{
		Name: "bitfield_ro", Run: bitFieldRO, Arity: -2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatBitmap,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "bitmap", Since: "6.0.0", Complexity: "O(1) for each operation",
		Usage:   "key [GET encoding offset [GET encoding offset ...]]",
		Summary: "Reads integers of any number of bits inside of a string.",
	},
}

var (
	errFieldType = errors.New("ERR Invalid bitfield type. Use something like i16 u8. " +
		"Note that u64 is not supported but i64 is.")
	errFieldOverflow = errors.New("ERR Invalid OVERFLOW type specified")
	errFieldReadOnly = errors.New("ERR BITFIELD_RO only supports the GET subcommand")
)

// fieldOp is one operation of BITFIELD.
type fieldOp struct {
	kind   fieldKind
	policy overflowPolicy
	fieldType
	offset int64 // of its first bit
	value  int64 // of SET, or the increment
}

type fieldKind uint8

const (
	fieldGet fieldKind = iota
	fieldSet
	fieldIncr
)

// from and to bound the bytes that the field lies in.
func (o *fieldOp) from() int { return int(o.offset / 8) }
func (o *fieldOp) to() int   { return int((o.offset+int64(o.width)-1)/8) + 1 }

func (o *fieldOp) writes() bool { return o.kind != fieldGet }

// usualFields is how many operations find room on the stack.
const usualFields = 8

func bitField(c *bus.Ctx) error {
	var room [usualFields]fieldOp
	ops, err := parseFields(c, room[:0])
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ops, func(o fieldOp) bool { return o.writes() }) {
		return readFields(c, ops)
	}
	it, found, err := lookWritten(c, c.Args[1])
	if err != nil {
		return err
	}
	var f fields
	var text intText
	raw := false
	if found {
		f.value, raw = it.Bytes(text[:0]), it.Encoding() == "raw"
	}
	f.open(ops)
	c.Reply.Array(len(ops))
	for i := range ops {
		f.run(c, &ops[i])
	}
	if f.spans[len(f.spans)-1].to > len(f.value) {
		f.changed = f.wrote // the string grows
	}
	before := c.Tx.Changes
	if err := f.store(c.Tx, c.Args[1], raw); err != nil {
		return err
	}
	c.Tx.Changes = before + f.changed // however it was stored
	if f.changed > 0 {
		c.Event(bus.EventString, "setbit", c.Args[1])
	}
	return nil
}

func bitFieldRO(c *bus.Ctx) error {
	var room [usualFields]fieldOp
	ops, err := parseFields(c, room[:0])
	if err != nil {
		return err
	}
	if slices.ContainsFunc(ops, func(o fieldOp) bool { return o.writes() }) {
		return errFieldReadOnly
	}
	return readFields(c, ops)
}

// readFields executes operations that are all GET.
func readFields(c *bus.Ctx, ops []fieldOp) error {
	it, found, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	var f fields
	var text intText
	if found {
		f.value = it.Bytes(text[:0])
	}
	c.Reply.Array(len(ops))
	for i := range ops {
		f.run(c, &ops[i])
	}
	return nil
}

// parseFields appends the operations that the arguments ask for to ops.
func parseFields(c *bus.Ctx, ops []fieldOp) ([]fieldOp, error) {
	policy := overflowWrap
	for args := c.Args[2:]; len(args) > 0; {
		o := fieldOp{policy: policy}
		words := 4
		switch word := args[0]; {
		case bus.EqualFold(word, "get") && len(args) >= 3:
			words = 3
		case bus.EqualFold(word, "set") && len(args) >= 4:
			o.kind = fieldSet
		case bus.EqualFold(word, "incrby") && len(args) >= 4:
			o.kind = fieldIncr
		case bus.EqualFold(word, "overflow") && len(args) >= 2:
			var err error
			if policy, err = overflowOption(args[1]); err != nil {
				return nil, err
			}
			args = args[2:]
			continue
		default:
			return nil, bus.ErrSyntax
		}
		if err := o.parse(c, args[1:words]); err != nil {
			return nil, err
		}
		ops = append(ops, o)
		args = args[words:]
	}
	return ops, nil
}

func overflowOption(word []byte) (overflowPolicy, error) {
	switch {
	case bus.EqualFold(word, "wrap"):
		return overflowWrap, nil
	case bus.EqualFold(word, "sat"):
		return overflowSat, nil
	case bus.EqualFold(word, "fail"):
		return overflowFail, nil
	}
	return 0, errFieldOverflow
}

// parse reads the arguments of an operation: encoding, offset and what is to be written.
func (o *fieldOp) parse(c *bus.Ctx, args [][]byte) (err error) {
	if o.fieldType, err = parseFieldType(args[0]); err != nil {
		return err
	}
	if o.offset, err = fieldOffset(c, args[1], o.width); err != nil {
		return err
	}
	if len(args) > 2 {
		o.value, err = integer(args[2])
	}
	return err
}

func parseFieldType(arg []byte) (t fieldType, err error) {
	if end := bytes.IndexByte(arg, 0); end >= 0 {
		arg = arg[:end] // Redis reads it as a C string
	}
	if len(arg) == 0 || arg[0] != 'i' && arg[0] != 'u' {
		return t, errFieldType
	}
	t.signed = arg[0] == 'i'
	n, ok := parseInt(arg[1:])
	if !ok || n < 1 || n > 64 || n > 63 && !t.signed {
		return t, errFieldType
	}
	t.width = uint(n)
	return t, nil
}

// fieldOffset reads the offset of a field: of its first bit, or with # the number of fields
// of its width before it.
func fieldOffset(c *bus.Ctx, arg []byte, width uint) (int64, error) {
	digits, counted := bytes.CutPrefix(arg, []byte("#"))
	n, ok := parseInt(digits)
	if counted {
		n *= int64(width) // may overflow, as in Redis
	}
	if !ok || n < 0 || n>>3 >= c.Tx.Space().MaxValue() {
		return 0, errBitOffset
	}
	return n, nil
}

// fields are the bytes of a string that operations read, and copies of those that they write.
type fields struct {
	value []byte // as it is stored
	spans []fieldSpan
	buf   []byte // the bytes of the spans

	wrote, changed int64 // how many operations did, and found something else there
}

// fieldSpan is a part of the string that operations write: the bytes [from, to), which
// stand in fields.buf, shifted. Spans are in order and have unwritten bytes between them.
type fieldSpan struct{ from, to, shift int }

// spanGap is the longest run of bytes that nobody writes inside of a span: so that fields
// that lie near one another make one effect.
const spanGap = 32

// open makes the spans of what the operations write.
func (f *fields) open(ops []fieldOp) {
	for i := range ops {
		if o := &ops[i]; o.writes() {
			f.spans = append(f.spans, fieldSpan{from: o.from(), to: o.to()})
		}
	}
	slices.SortFunc(f.spans, func(a, b fieldSpan) int { return a.from - b.from })
	n, size := 0, 0
	for _, s := range f.spans {
		if n > 0 && s.from <= f.spans[n-1].to+spanGap {
			f.spans[n-1].to = max(f.spans[n-1].to, s.to)
			continue
		}
		f.spans[n] = s
		n++
	}
	f.spans = f.spans[:n]
	for i := range f.spans {
		s := &f.spans[i]
		s.shift = size - s.from
		size += s.to - s.from
	}
	f.buf = make([]byte, size)
	for _, s := range f.spans {
		copy(f.bytes(s), f.value[min(s.from, len(f.value)):])
	}
}

// bytes returns the bytes of a span.
func (f *fields) bytes(s fieldSpan) []byte { return f.buf[s.from+s.shift : s.to+s.shift] }

// firstSpan returns the number of the first span that ends behind a byte.
func (f *fields) firstSpan(at int) int {
	i, _ := slices.BinarySearchFunc(f.spans, at, func(s fieldSpan, at int) int {
		if s.to <= at {
			return -1
		}
		return 1
	})
	return i
}

// load reads the bytes from at on, with what was written.
func (f *fields) load(at int) (w fieldWindow) {
	copy(w[:], f.value[min(at, len(f.value)):])
	for _, s := range f.spans[f.firstSpan(at):] {
		if s.from >= at+len(w) {
			break
		}
		b := f.bytes(s)
		if s.from < at {
			copy(w[:], b[at-s.from:])
		} else {
			copy(w[s.from-at:], b)
		}
	}
	return w
}

// run executes an operation and writes its reply.
func (f *fields) run(c *bus.Ctx, o *fieldOp) {
	w, shift := f.load(o.from()), uint(o.offset%8)
	old := o.number(w.field(shift, o.width))
	var n int64
	ok := true
	switch o.kind {
	case fieldGet:
		c.Reply.Int(old)
		return
	case fieldSet:
		n, ok = o.fit(o.value, o.policy)
	case fieldIncr:
		n, ok = o.sum(old, o.value, o.policy)
	}
	if !ok {
		c.Reply.Null()
		return
	}
	if o.kind == fieldSet {
		c.Reply.Int(old)
	} else {
		c.Reply.Int(n)
	}
	w.setField(shift, o.width, uint64(n))
	f.wrote++
	if o.number(w.field(shift, o.width)) != old {
		f.changed++
	}
	s := f.spans[f.firstSpan(o.from())]
	copy(f.bytes(s)[o.from()-s.from:], w[:o.to()-o.from()])
}

// store writes the spans to the string at key: each as one change of its bytes, from the
// first to the last that differ. As in Redis the string grows up to what was to be
// written, even if nothing was, and its encoding becomes raw, which raw says it is.
func (f *fields) store(tx *keyspace.Tx, key []byte, raw bool) error {
	last := &f.spans[len(f.spans)-1]
	size, differ, patch := last.to, false, (*keyspace.Tx).Patch
	for i := range f.spans {
		f.trim(&f.spans[i])
		differ = differ || f.spans[i].from < f.spans[i].to
	}
	if size > len(f.value) || !raw && !differ {
		if last.from == last.to {
			last.from = size - 1
		}
		last.to = size
	}
	if size <= len(f.value) && !differ {
		patch = (*keyspace.Tx).PatchSame
	}
	// The last comes first: only what grows or moves the string can fail.
	for _, s := range slices.Backward(f.spans) {
		if s.from == s.to {
			continue
		}
		if err := patch(tx, key, s.from, f.bytes(s)); err != nil {
			return err
		}
	}
	return nil
}

// trim takes the bytes at both ends of a span away that are as they were.
func (f *fields) trim(s *fieldSpan) {
	same := func(at int) bool {
		var old byte
		if at < len(f.value) {
			old = f.value[at]
		}
		return f.buf[at+s.shift] == old
	}
	for s.from < s.to && same(s.to-1) {
		s.to--
	}
	for s.from < s.to && same(s.from) {
		s.from++
	}
}
