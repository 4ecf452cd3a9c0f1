package commands_test

import (
	"math/big"
	"strings"

	"github.com/reredis/reredis/internal/resp"
)

// bitText is a string as a text of zeros and ones.
func bitText(s string) string {
	var b strings.Builder
	for i := range len(s) {
		for bit := 7; bit >= 0; bit-- {
			b.WriteByte('0' + s[i]>>bit&1)
		}
	}
	return b.String()
}

// fromBitText is the way back; the length is a multiple of 8.
func fromBitText(t string) string {
	b := make([]byte, len(t)/8)
	for i := range t {
		b[i/8] = b[i/8]<<1 | (t[i] - '0')
	}
	return string(b)
}

// modelBits takes the range of a that its last three arguments tell out of the bits of s.
// The reply is not nil if they are wrong.
func modelBits(s string, a []string, unitFirst bool) (bits string, from int64, wrong *resp.Value) {
	bits = bitText(s)
	var start, end int64 = 0, -1
	unit := int64(8)
	number := func(i int, to *int64) {
		if n, ok := canonical(a[i]); ok {
			*to = n
		} else if wrong == nil {
			v := fault(intText)
			wrong = &v
		}
	}
	units := func() {
		switch strings.ToLower(a[2]) {
		case "bit":
			unit = 1
		case "byte":
		default:
			if wrong == nil {
				v := fault(syntaxText)
				wrong = &v
			}
		}
	}
	if len(a) > 0 {
		number(0, &start)
	}
	if len(a) > 2 && unitFirst {
		units()
	}
	if len(a) > 1 {
		number(1, &end)
	}
	if !unitFirst && start < 0 && end < 0 && start > end {
		return "", 0, wrong // BITCOUNT looks no further
	}
	if len(a) > 2 && !unitFirst {
		units()
	}
	n := int64(len(bits)) / unit
	if start < 0 {
		start = max(start+n, 0)
	}
	if end < 0 {
		end = max(end+n, 0)
	}
	if end = min(end, n-1); start > end {
		return "", 0, wrong
	}
	return bits[start*unit : (end+1)*unit], start * unit, wrong
}

func (m *model) bitCount(_ string, a []string) resp.Value {
	e, ok := m.find(a[1])
	switch {
	case !ok:
		return number(0)
	case len(a) == 3, len(a) > 5:
		return fault(syntaxText)
	}
	bits, _, wrong := modelBits(e.text, a[2:], false)
	if wrong != nil {
		return *wrong
	}
	return number(int64(strings.Count(bits, "1")))
}

func (m *model) bitPos(_ string, a []string) resp.Value {
	bit, isInt := canonical(a[2])
	if !isInt {
		return fault(intText)
	}
	if bit != 0 && bit != 1 {
		return fault("ERR The bit argument must be 1 or 0.")
	}
	e, ok := m.find(a[1])
	switch {
	case !ok:
		return number(-bit)
	case len(a) > 6:
		return fault(syntaxText)
	}
	bits, from, wrong := modelBits(e.text, a[3:], true)
	if wrong != nil {
		return *wrong
	}
	at := strings.Index(bits, a[2])
	switch {
	case at >= 0:
		return number(from + int64(at))
	case bit == 0 && len(a) < 5 && bits != "":
		return number(int64(len(e.text)) * 8)
	}
	return number(-1)
}

func (m *model) bitOp(_ string, a []string) resp.Value {
	op := strings.ToLower(a[1])
	switch {
	case op != "and" && op != "or" && op != "xor" && op != "not":
		return fault(syntaxText)
	case op == "not" && len(a) != 4:
		return fault("ERR BITOP NOT must be called with a single source key.")
	}
	longest := 0
	for _, k := range a[3:] {
		e, _ := m.find(k)
		longest = max(longest, len(e.text))
	}
	out := make([]byte, longest)
	for i, k := range a[3:] {
		e, _ := m.find(k)
		src := append([]byte(e.text), make([]byte, longest-len(e.text))...)
		for j := range out {
			switch {
			case op == "not":
				out[j] = ^src[j]
			case i == 0:
				out[j] = src[j]
			case op == "and":
				out[j] &= src[j]
			case op == "or":
				out[j] |= src[j]
			default:
				out[j] ^= src[j]
			}
		}
	}
	delete(m.dbs[m.db], a[2])
	if longest > 0 {
		m.put(a[2], entry{text: string(out), enc: "raw"})
	}
	return number(int64(longest))
}

// modelField is one operation of BITFIELD.
type modelField struct {
	op, policy, typ string
	at, width       int
	value           int64
}

func (m *model) parseFields(a []string) (ops []modelField, wrong resp.Value) {
	policy := "wrap"
	for len(a) > 0 {
		f := modelField{op: strings.ToLower(a[0]), policy: policy}
		words := map[string]int{"get": 3, "set": 4, "incrby": 4, "overflow": 2}[f.op]
		if words == 0 || len(a) < words {
			return nil, fault(syntaxText)
		}
		if f.op == "overflow" {
			if policy = strings.ToLower(a[1]); policy != "wrap" && policy != "sat" && policy != "fail" {
				return nil, fault("ERR Invalid OVERFLOW type specified")
			}
			a = a[2:]
			continue
		}
		f.typ, _, _ = strings.Cut(a[1], "\x00")
		width, ok := canonical(strings.TrimLeft(f.typ, "iu"))
		if !ok || len(f.typ) > 3 || width < 1 || width > 64 || f.typ == "u64" {
			return nil, fault("ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
		}
		text, counted := strings.CutPrefix(a[2], "#")
		at, ok := canonical(text)
		if counted {
			at *= width
		}
		if !ok || at < 0 || at/8 >= m.max {
			return nil, fault("ERR bit offset is not an integer or out of range")
		}
		f.at, f.width = int(at), int(width)
		if words == 4 {
			if f.value, ok = canonical(a[3]); !ok {
				return nil, fault(intText)
			}
		}
		ops = append(ops, f)
		a = a[words:]
	}
	return ops, resp.Value{}
}

// limits are the numbers that the type holds.
func (f *modelField) limits() (least, most *big.Int) {
	most = new(big.Int).Lsh(big.NewInt(1), uint(f.width))
	least = new(big.Int)
	if f.typ[0] == 'i' {
		most.Rsh(most, 1)
		least.Neg(most)
	}
	return least, most.Sub(most, big.NewInt(1))
}

// number reads a field from a text of bits.
func (f *modelField) number(bits string) *big.Int {
	n, _ := new(big.Int).SetString(bits[f.at:f.at+f.width], 2)
	if _, most := f.limits(); n.Cmp(most) > 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(f.width)))
	}
	return n
}

// fitted makes n one that the type holds; ok is false if it should not be written.
func (f *modelField) fitted(n *big.Int) (fits *big.Int, ok bool) {
	least, most := f.limits()
	tooSmall := n.Cmp(least) < 0
	if n.Cmp(most) <= 0 && !tooSmall {
		return n, true
	}
	// What SET and unsigned types make of numbers far below.
	if f.op == "set" && f.width < 64 && (f.typ[0] == 'u' || !new(big.Int).Sub(most, n).IsInt64()) {
		tooSmall = false
	}
	switch {
	case f.policy == "fail":
		return nil, false
	case f.policy == "sat" && tooSmall:
		return least, true
	case f.policy == "sat":
		return most, true
	}
	span := new(big.Int).Lsh(big.NewInt(1), uint(f.width))
	n = new(big.Int).Mod(n, span)
	if n.Cmp(most) > 0 {
		n.Sub(n, span)
	}
	return n, true
}

func (m *model) bitField(name string, a []string) resp.Value {
	ops, wrong := m.parseFields(a[2:])
	if wrong.Kind == resp.KindError {
		return wrong
	}
	e, _ := m.find(a[1])
	size, reach, writes := len(e.text), 0, false
	for _, f := range ops {
		end := (f.at+f.width-1)/8 + 1
		reach = max(reach, end)
		if f.op != "get" {
			writes = true
			size = max(size, end)
		}
	}
	if writes && name == "bitfield_ro" {
		return fault("ERR BITFIELD_RO only supports the GET subcommand")
	}
	bits := bitText(e.text)
	bits += strings.Repeat("0", max(reach, size)*8-len(bits))
	var replies []resp.Value
	for _, f := range ops {
		old := f.number(bits)
		if f.op == "get" {
			replies = append(replies, number(old.Int64()))
			continue
		}
		n := big.NewInt(f.value)
		if f.op == "incrby" {
			n.Add(n, old)
		}
		n, ok := f.fitted(n)
		switch {
		case !ok:
			replies = append(replies, null())
			continue
		case f.op == "set":
			replies = append(replies, number(old.Int64()))
		default:
			replies = append(replies, number(n.Int64()))
		}
		if n.Sign() < 0 {
			n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(f.width)))
		}
		text := n.Text(2)
		text = strings.Repeat("0", f.width-len(text)) + text
		bits = bits[:f.at] + text + bits[f.at+f.width:]
	}
	if writes {
		m.put(a[1], m.keeping(a[1], entry{text: fromBitText(bits[:size*8]), enc: "raw"}))
	}
	return array(replies...)
}
