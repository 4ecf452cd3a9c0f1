package resp

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
)

// AppendDouble appends a double, in the text form of [AppendFloat].
func AppendDouble(b []byte, f float64, proto int) []byte {
	var text [32]byte
	s := AppendFloat(text[:0], f)
	if proto < 3 {
		return AppendBulk(b, s)
	}
	b = append(b, ',')
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendFloat appends f as Redis 7.0 writes doubles, which is C's "%.17g", with
// inf, -inf and nan spelled like this.
func AppendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "nan"...)
	case math.IsInf(f, 1):
		return append(b, "inf"...)
	case math.IsInf(f, -1):
		return append(b, "-inf"...)
	}
	// Whole numbers of up to 17 digits look the same as integers, but for -0.
	if n := int64(f); f > -1e17 && f < 1e17 && float64(n) == f && (n != 0 || !math.Signbit(f)) {
		return strconv.AppendInt(b, n, 10)
	}
	return strconv.AppendFloat(b, f, 'g', 17, 64)
}

// AppendLongDouble appends x as Redis writes its long doubles for humans
// (INCRBYFLOAT): C's "%.17Lf" without trailing zeros. With a precision of 64
// bits x is rounded exactly as the long double of x86-64 is.
func AppendLongDouble(b []byte, x *big.Float) []byte {
	if x.IsInf() {
		if x.Signbit() {
			return append(b, "-inf"...)
		}
		return append(b, "inf"...)
	}
	at := len(b)
	b = x.Append(b, 'f', 17)
	b = append(b[:at], bytes.TrimSuffix(bytes.TrimRight(b[at:], "0"), []byte{'.'})...)
	if string(b[at:]) == "-0" {
		return append(b[:at], '0')
	}
	return b
}
