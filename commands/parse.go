package commands

import (
	"errors"
	"math"

	"github.com/reredis/reredis/bus"
)

// parseInt parses a decimal integer in canonical form, as Redis demands it: no
// blanks, no plus sign, no leading zeros, no "-0".
func parseInt(b []byte) (n int64, ok bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	digits, limit := b, uint64(math.MaxInt64)
	if b[0] == '-' {
		digits, limit = b[1:], 1<<63
	}
	if len(digits) == 0 || digits[0] == '0' {
		return 0, len(b) == 1 && b[0] == '0'
	}
	var v uint64
	for _, ch := range digits {
		d := uint64(ch - '0')
		if d > 9 || v > (limit-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	if b[0] == '-' {
		return int64(-v), true
	}
	return int64(v), true
}

// integer is parseInt for an argument.
func integer(b []byte) (int64, error) {
	n, ok := parseInt(b)
	if !ok {
		return 0, bus.ErrNotInteger
	}
	return n, nil
}

// errInt32 is what Redis answers for an integer that a C int cannot hold.
var errInt32 = errors.New("ERR value is out of range, value must between -2147483648 and 2147483647")

// errDBRange is the error for a number that no database has.
var errDBRange = errors.New("ERR DB index is out of range")

// database parses the number of a database below count.
func database(b []byte, count int) (int, error) {
	n, err := integer(b)
	switch {
	case err != nil:
		return 0, err
	case n < math.MinInt32 || n > math.MaxInt32:
		return 0, errInt32
	case n < 0 || n >= int64(count):
		return 0, errDBRange
	}
	return int(n), nil
}

// parseCursor parses a SCAN cursor the way strtoul does: an optional sign, of which
// minus wraps around, then digits, up to a zero byte. The empty string is 0.
func parseCursor(b []byte) (cursor uint64, ok bool) {
	b = bus.Quotable(b, len(b))
	if len(b) == 0 {
		return 0, true
	}
	digits := b
	if b[0] == '-' || b[0] == '+' {
		digits = b[1:]
	}
	if len(digits) == 0 {
		return 0, false
	}
	for _, ch := range digits {
		d := uint64(ch - '0')
		if d > 9 || cursor > (math.MaxUint64-d)/10 {
			return 0, false
		}
		cursor = cursor*10 + d
	}
	if b[0] == '-' {
		cursor = -cursor
	}
	return cursor, true
}

// quotable is an argument as Redis repeats it in an error: up to the first NUL.
func quotable(b []byte) string { return string(bus.Quotable(b, len(b))) }
