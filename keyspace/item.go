package keyspace

import "strconv"

// Item is what a look-up found: a view of one key's record. It and the slices
// it gives are valid until the next mutating call of the Tx, or its Unlock (K6).
type Item struct {
	r  rec
	st *stripe
	t  *Tx
}

// Type returns the type of the value.
func (it *Item) Type() Type { return formTypes[it.r.form()] }

// Encoding returns what OBJECT ENCODING answers.
func (it *Item) Encoding() string {
	switch f := it.r.form(); {
	case f == formInt:
		return "int"
	case f == formStr && it.r.vn <= embMax:
		return "embstr"
	}
	return "raw"
}

// Bytes returns a string's bytes: a slice of the arena, or, for a number,
// its text in scratch, which should have room for 20 bytes.
func (it *Item) Bytes(scratch []byte) []byte {
	b := it.st.arena.text(&it.r, scratch)
	if debug && it.r.form() != formInt {
		return it.t.viewOf(b)
	}
	return b
}

// AppendTo appends a string's bytes to b.
func (it *Item) AppendTo(b []byte) []byte {
	if it.r.form() == formInt {
		return strconv.AppendInt(b, int64(le.Uint64(it.r.b[it.r.vo:])), 10)
	}
	return append(b, it.st.arena.text(&it.r, nil)...)
}

// Int returns the number that a string is the canonical text of.
func (it *Item) Int() (int64, bool) {
	switch it.r.form() {
	case formInt:
		return int64(le.Uint64(it.r.b[it.r.vo:])), true
	case formStr, formRaw:
		return parseInt(it.r.value())
	}
	return 0, false
}

// Len returns the length of a string in bytes.
func (it *Item) Len() int { return it.r.length() }

// ExpireAt returns the deadline in unix milliseconds, false if there is none.
func (it *Item) ExpireAt() (ms int64, ok bool) {
	if it.r.kind&flagExpiry == 0 {
		return 0, false
	}
	return it.r.deadline(), true
}

// IdleSeconds returns how long ago, at unix time now in milliseconds, the key
// was accessed last. It is right for up to 194 days.
func (it *Item) IdleSeconds(now int64) int64 {
	return idleSeconds(it.r.lru(), now)
}

// Use returns the 24 bits about the use of the key as they are.
func (it *Item) Use() uint32 { return it.r.lru() }

// Freq returns the logarithmic counter of uses, 0 to 255, at unix time now in
// milliseconds. It is 0 if no LFU policy is in force.
func (it *Item) Freq(now int64) int64 {
	l := it.t.s.lfu.Load()
	if l == nil {
		return 0
	}
	return l.counter(it.r.lru(), now)
}

// Size returns the bytes that the key takes: its cell and the value's pages,
// and its share of the index.
func (it *Item) Size() int {
	n := it.st.arena.size(it.r.size()) + groupBytes/groupFill
	if it.r.form() == formBig {
		n += it.st.arena.size(it.r.big().room)
	}
	return n
}
