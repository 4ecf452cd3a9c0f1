package commands

import (
	"encoding/binary"
	"math"
)

// fieldWindow holds the bytes that a field of up to 64 bits can lie in, from the byte with
// its first bit on.
type fieldWindow [9]byte

// field reads the width bits, 1 to 64, that begin at bit shift, 0 to 7.
func (w *fieldWindow) field(shift, width uint) uint64 {
	v := binary.BigEndian.Uint64(w[:]) << shift
	v |= uint64(w[8]) >> (8 - shift)
	return v >> (64 - width)
}

// setField writes a field.
func (w *fieldWindow) setField(shift, width uint, v uint64) {
	mask := ^uint64(0) << (64 - width)
	v <<= 64 - width
	high := binary.BigEndian.Uint64(w[:])
	binary.BigEndian.PutUint64(w[:], high&^(mask>>shift)|v>>shift)
	w[8] = w[8]&^byte(mask<<(8-shift)) | byte(v<<(8-shift))
}

// fieldType is a type of BITFIELD: i or u with a number of bits.
type fieldType struct {
	signed bool
	width  uint // 1 to 64, without a sign to 63
}

// number is the value that the low bits of v stand for.
func (t fieldType) number(v uint64) int64 {
	free := 64 - t.width
	if t.signed {
		return int64(v<<free) >> free
	}
	return int64(v << free >> free)
}

// overflowPolicy says what becomes of a number that does not fit in its field.
type overflowPolicy uint8

const (
	overflowWrap overflowPolicy = iota
	overflowSat
	overflowFail
)

// limits are the numbers that a type holds.
func (t fieldType) limits() (least, most int64) {
	if t.signed {
		most = math.MaxInt64 >> (64 - t.width)
		return -most - 1, most
	}
	return 0, int64(1)<<t.width - 1
}

// sum returns old + by as it is to be stored, false if it does not fit and is not to be
// stored at all. old is a number of the type.
func (t fieldType) sum(old, by int64, p overflowPolicy) (n int64, ok bool) {
	least, most := t.limits()
	switch {
	case by > 0 && uint64(by) > uint64(most)-uint64(old):
		return t.overflow(old+by, most, p)
	case by < 0 && uint64(-by) > uint64(old)-uint64(least):
		return t.overflow(old+by, least, p)
	}
	return old + by, true
}

// fit returns n as it is to be stored, false if it is not to be stored. As in Redis a
// negative number is too large for a type without a sign, and so is for all but i64 one
// near the least int64, whose distance from the type's largest number overflows.
func (t fieldType) fit(n int64, p overflowPolicy) (stored int64, ok bool) {
	least, most := t.limits()
	switch {
	case n < 0 && !t.signed, most-n < 0 && t.width < 64:
		return t.overflow(n, most, p)
	case n < least:
		return t.overflow(n, least, p)
	}
	return n, true
}

// overflow applies the policy to a number, given modulo 2^64, that lies beyond limit.
func (t fieldType) overflow(n, limit int64, p overflowPolicy) (int64, bool) {
	switch p {
	case overflowFail:
		return 0, false
	case overflowSat:
		return limit, true
	}
	return t.number(uint64(n)), true
}
