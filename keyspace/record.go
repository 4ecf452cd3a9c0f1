package keyspace

import "encoding/binary"

// A record is one key with its value (or the root of it) in one cell:
//
//	 0      1        4         +1..5     +1..5     [8]            klen     vlen
//	+------+--------+---------+---------+---------+--------------+--------+----------+
//	| kind | lru 24 | klen uv | vlen uv | expiry ms (if flag)    | key    | value    |
//	+------+--------+---------+---------+---------+--------------+--------+----------+
const (
	flagExpiry = 0x80 // the record holds a deadline
	flagWheel  = 0x40 // the wheel has an entry at or before the deadline
	formMask   = 0x3F

	recFixed = 4 // kind and lru
	intBytes = 8
	bigBytes = 20
)

// form is the physical form of a value, the low bits of kind.
type form uint8

const (
	formFree form = iota
	formInt       // 8 bytes, two's complement
	formStr       // the bytes of a string that was set whole
	formRaw       // the bytes of a string that was changed in parts: its encoding is "raw"
	formBig       // | ref u32 | room u64 | length u64 | of the string's bytes, in a page run or own map
	numForms
)

// formTypes gives the type of each form.
var formTypes = [formMask + 1]Type{
	formInt: TypeString, formStr: TypeString, formRaw: TypeString, formBig: TypeString,
}

// embMax is the longest string whose encoding is "embstr".
const embMax = 44

// bigMin is the shortest value that leaves its record when the record is too
// large for a cell. Below it, the whole record (a long key) takes a page run.
const bigMin = 1024

// rec is a decoded record: its bytes to the end of the chunk and where the parts are.
type rec struct {
	b      []byte
	ref    uint32
	kind   uint8
	ko, kn int // key
	vo, vn int // value
}

func (r *rec) form() form { return form(r.kind & formMask) }

func (r *rec) size() int { return r.vo + r.vn }

func (r *rec) key() []byte { return r.b[r.ko : r.ko+r.kn : r.ko+r.kn] }

func (r *rec) value() []byte { return r.b[r.vo : r.vo+r.vn : r.vo+r.vn] }

// expires says whether there is a deadline.
func (r *rec) expires() bool { return r.kind&flagExpiry != 0 }

// deadline returns the deadline, or noDeadline if there is none.
func (r *rec) deadline() int64 {
	if r.kind&flagExpiry == 0 {
		return noDeadline
	}
	return int64(le.Uint64(r.b[r.ko-8:]))
}

func (r *rec) setDeadline(ms int64) { le.PutUint64(r.b[r.ko-8:], uint64(ms)) }

// decode finds the parts of the record at the beginning of b. Most keys and
// values are shorter than 128 bytes: one byte of length each.
func (r *rec) decode(b []byte) {
	w := le.Uint64(b)
	r.b = b
	r.kind = uint8(w)
	if w&(0x8080<<32) == 0 {
		r.kn, r.vn, r.ko = int(w>>32&0x7f), int(w>>40&0x7f), recFixed+2
	} else {
		r.decodeLong(b)
	}
	r.ko += int(r.kind>>7) * 8
	r.vo = r.ko + r.kn
}

func (r *rec) decodeLong(b []byte) {
	k, n := binary.Uvarint(b[recFixed:])
	v, m := binary.Uvarint(b[recFixed+n:])
	r.kn, r.vn, r.ko = int(k), int(v), recFixed+n+m
}

// load decodes the record at ref.
func (a *arena) load(ref uint32, r *rec) {
	r.ref = ref
	r.decode(a.from(ref))
}

// uvLen returns the bytes that n takes as a uvarint.
func uvLen(n int) int {
	l := 1
	for n >= 0x80 {
		n >>= 7
		l++
	}
	return l
}

// recordSize returns the size of a record with a key and a value of these lengths.
func recordSize(kn, vn int, expiry bool) int {
	n := recFixed + uvLen(kn) + uvLen(vn) + kn + vn
	if expiry {
		n += 8
	}
	return n
}

// encode writes the record's header and key to b and sets r to it; the value's bytes are left to the caller.
func (r *rec) encode(b []byte, kind uint8, lru uint32, key []byte, vn int, deadline int64) {
	le.PutUint32(b, uint32(kind)|lru<<8)
	o := recFixed
	o += binary.PutUvarint(b[o:], uint64(len(key)))
	o += binary.PutUvarint(b[o:], uint64(vn))
	if kind&flagExpiry != 0 {
		le.PutUint64(b[o:], uint64(deadline))
		o += 8
	}
	r.b, r.kind = b, kind
	r.ko, r.kn = o, len(key)
	r.vo, r.vn = o+len(key), vn
	copy(b[o:], key)
}

// setValueLen writes another length of the value that takes as many bytes.
func (r *rec) setValueLen(n int) {
	o := r.ko - uvLen(r.vn)
	if r.kind&flagExpiry != 0 {
		o -= 8
	}
	binary.PutUvarint(r.b[o:], uint64(n))
	r.vn = n
}

// lru returns the 24 bits about the use of the key, see access.go.
func (r *rec) lru() uint32 { return le.Uint32(r.b) >> 8 }

// touch writes the bits about the use. The line stays clean if it is the same.
func (r *rec) touch(lru uint32) {
	w := uint32(r.kind) | lru<<8
	if le.Uint32(r.b) != w {
		le.PutUint32(r.b, w)
	}
}

// setKind writes the kind.
func (r *rec) setKind(kind uint8) {
	r.kind = kind
	r.b[0] = kind
}

// big is the value of formBig: where the string's bytes lie, how many fit
// there, and how many there are.
type big struct {
	ref  uint32
	room int
	n    int
}

func (r *rec) big() big {
	v := r.b[r.vo : r.vo+bigBytes]
	return big{le.Uint32(v), int(le.Uint64(v[4:])), int(le.Uint64(v[12:]))}
}

func (r *rec) setBig(g big) {
	v := r.b[r.vo : r.vo+bigBytes]
	le.PutUint32(v, g.ref)
	le.PutUint64(v[4:], uint64(g.room))
	le.PutUint64(v[12:], uint64(g.n))
}

// freeRecord frees a record and what its value holds outside of it.
func (a *arena) freeRecord(r *rec) {
	if r.form() == formBig {
		g := r.big()
		a.free(g.ref, g.room)
	}
	a.free(r.ref, r.size())
}
