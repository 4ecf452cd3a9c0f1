package commands

import (
	"math/big"

	"github.com/reredis/reredis/bus"
)

// Limits of the 80-bit long double in which Redis on x86-64 adds: a mantissa of 64
// bits, exponents (with a mantissa in [0.5, 1)) up to longMaxExp. The smallest
// number is 2^(longMinExp), so what is at most half of it is rounded to zero.
const (
	longMantissa = 64
	longMaxExp   = 16384
	longMinExp   = -16445
	// longMaxText is Redis' limit for the text of a long double.
	longMaxText = 5 * 1024
)

// parseLongDouble parses a number as C's strtold does: decimal or hexadecimal with
// a fraction and an exponent, "inf" and "infinity", a sign; no blanks, not "nan".
// The value is rounded correctly to 64 bits. Overflow and underflow to zero fail.
func parseLongDouble(b []byte) (*big.Float, bool) {
	if len(b) == 0 || len(b) >= longMaxText {
		return nil, false
	}
	negative := b[0] == '-'
	if negative || b[0] == '+' {
		b = b[1:]
	}
	var x *big.Float
	switch {
	case len(b) == 3 && bus.EqualFold(b, "inf"), len(b) == 8 && bus.EqualFold(b, "infinity"):
		return new(big.Float).SetInf(negative), true
	case len(b) > 2 && b[0] == '0' && b[1]|0x20 == 'x':
		n, ok := scanNumber(b[2:], 16)
		if !ok {
			return nil, false
		}
		x = n.binary()
	default:
		n, ok := scanNumber(b, 10)
		if !ok {
			return nil, false
		}
		x = n.decimal()
	}
	if x == nil || overflows(x) || vanishes(x) {
		return nil, false
	}
	if negative {
		x.Neg(x)
	}
	return x, true
}

// overflows reports whether a rounded x is beyond the largest long double.
func overflows(x *big.Float) bool { return x.Sign() != 0 && x.MantExp(nil) > longMaxExp }

// vanishes reports whether x is not zero but becomes zero in a long double.
func vanishes(x *big.Float) bool {
	exp := x.MantExp(nil)
	return x.Sign() != 0 && (exp < longMinExp || exp == longMinExp && x.MinPrec() == 1)
}

// number is a scanned number: digits (an integer in its base) times the base of the
// exponent to the power exp.
type number struct {
	digits []byte
	exp    int
}

// maxExponent bounds exponents far beyond those that any value has.
const maxExponent = 1 << 20

// scanNumber splits the text of a number without sign and prefix. In base 16 the
// exponent counts bits.
func scanNumber(b []byte, base int) (n number, ok bool) {
	mark, perDigit := byte('e'), 1
	if base == 16 {
		mark, perDigit = 'p', 4
	}
	i, point, any := 0, false, false
	for ; i < len(b) && (isDigit(b[i], base) || b[i] == '.' && !point); i++ {
		if b[i] == '.' {
			point = true
			continue
		}
		any = true
		if b[i] != '0' || len(n.digits) > 0 {
			n.digits = append(n.digits, b[i])
		}
		if point {
			n.exp -= perDigit
		}
	}
	if !any {
		return n, false
	}
	if i == len(b) {
		return n, true
	}
	if b[i]|0x20 != mark {
		return n, false
	}
	exp, ok := scanExponent(b[i+1:])
	n.exp += exp
	return n, ok
}

func scanExponent(b []byte) (exp int, ok bool) {
	negative := len(b) > 0 && b[0] == '-'
	if negative || len(b) > 0 && b[0] == '+' {
		b = b[1:]
	}
	for _, ch := range b {
		if !isDigit(ch, 10) {
			return 0, false
		}
		if exp < maxExponent {
			exp = exp*10 + int(ch-'0')
		}
	}
	if negative {
		exp = -exp
	}
	return exp, len(b) > 0
}

func isDigit(ch byte, base int) bool {
	return ch-'0' < 10 || base == 16 && ch|0x20 >= 'a' && ch|0x20 <= 'f'
}

// integer is the value of the digits.
func (n number) integer(base int) *big.Int {
	x, ok := new(big.Int).SetString(string(n.digits), base)
	if !ok { // no digits but zeros
		return new(big.Int)
	}
	return x
}

// binary returns digits * 2^exp.
func (n number) binary() *big.Float {
	x := new(big.Float).SetPrec(longMantissa).SetInt(n.integer(16))
	if x.Sign() == 0 {
		return x
	}
	return x.SetMantExp(x, n.exp)
}

// decimal returns digits * 10^exp, nil if that is surely out of range.
func (n number) decimal() *big.Float {
	x := new(big.Float).SetPrec(longMantissa)
	if len(n.digits) == 0 {
		return x
	}
	if magnitude := len(n.digits) + n.exp; magnitude > 4940 || magnitude < -4960 {
		return nil
	}
	digits := n.integer(10)
	if n.exp >= 0 {
		return x.SetInt(digits.Mul(digits, power10(n.exp)))
	}
	return x.SetRat(new(big.Rat).SetFrac(digits, power10(-n.exp)))
}

func power10(e int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(e)), nil) }

// addLongDouble returns a + b rounded to a long double; ok is false if that is no number.
func addLongDouble(a, b *big.Float) (sum *big.Float, ok bool) {
	if a.IsInf() || b.IsInf() {
		return nil, false
	}
	sum = new(big.Float).SetPrec(longMantissa).Add(a, b)
	return sum, !overflows(sum)
}
