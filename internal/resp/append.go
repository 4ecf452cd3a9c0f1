package resp

import (
	"slices"
	"strconv"
)

// AppendStatus appends a simple string, such as OK. s must not contain CR or LF.
func AppendStatus(b []byte, s string) []byte {
	b = append(b, '+')
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendError appends an error. text starts with the error's code, such as ERR;
// CR and LF in it become spaces, because clients' input gets into error texts.
func AppendError(b []byte, text string) []byte {
	b = append(b, '-')
	at := len(b)
	b = append(b, text...)
	for i, c := range b[at:] {
		if c == '\r' || c == '\n' {
			b[at+i] = ' '
		}
	}
	return append(b, '\r', '\n')
}

// AppendInt appends an integer.
func AppendInt(b []byte, n int64) []byte { return appendHeader(b, ':', n) }

// AppendBulk appends a bulk string, copying s. A nil s is the empty string.
func AppendBulk(b, s []byte) []byte {
	b = slices.Grow(b, len(s)+maxHeader)
	b = appendHeader(b, '$', int64(len(s)))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendBulkString is AppendBulk for a string.
func AppendBulkString(b []byte, s string) []byte {
	b = slices.Grow(b, len(s)+maxHeader)
	b = appendHeader(b, '$', int64(len(s)))
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendNull appends the null of a missing value.
func AppendNull(b []byte, proto int) []byte {
	if proto < 3 {
		return append(b, "$-1\r\n"...)
	}
	return append(b, "_\r\n"...)
}

// AppendNullArray appends the null of a missing array.
func AppendNullArray(b []byte, proto int) []byte {
	if proto < 3 {
		return append(b, "*-1\r\n"...)
	}
	return append(b, "_\r\n"...)
}

// AppendArray appends the head of an array, which n replies follow.
func AppendArray(b []byte, n int) []byte { return appendHeader(b, '*', int64(n)) }

// AppendMap appends the head of a map, which n pairs of replies follow: key, value.
func AppendMap(b []byte, n, proto int) []byte {
	if proto < 3 {
		return appendHeader(b, '*', 2*int64(n))
	}
	return appendHeader(b, '%', int64(n))
}

// AppendSet appends the head of a set, which n replies follow.
func AppendSet(b []byte, n, proto int) []byte {
	if proto < 3 {
		return appendHeader(b, '*', int64(n))
	}
	return appendHeader(b, '~', int64(n))
}

// AppendPush appends the head of an out-of-band message, which n replies follow.
func AppendPush(b []byte, n, proto int) []byte {
	if proto < 3 {
		return appendHeader(b, '*', int64(n))
	}
	return appendHeader(b, '>', int64(n))
}

// AppendAttribute appends the head of an attribute, which n pairs of replies
// and then the reply that they describe follow. Version 2 has no attributes:
// the caller must leave the pairs out as well.
func AppendAttribute(b []byte, n int) []byte { return appendHeader(b, '|', int64(n)) }

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool, proto int) []byte {
	at := 0
	if v {
		at = 4
	}
	if proto < 3 {
		return append(b, ":0\r\n:1\r\n"[at:at+4]...)
	}
	return append(b, "#f\r\n#t\r\n"[at:at+4]...)
}

// AppendBigNumber appends a number of any size, given by its decimal digits.
func AppendBigNumber(b []byte, digits string, proto int) []byte {
	if proto < 3 {
		return AppendBulkString(b, digits)
	}
	b = append(b, '(')
	b = append(b, digits...)
	return append(b, '\r', '\n')
}

// AppendVerbatim appends a text with its format, three bytes such as "txt";
// a shorter ext is filled up with spaces, a longer one cut.
func AppendVerbatim(b []byte, ext, s string, proto int) []byte {
	if proto < 3 {
		return AppendBulkString(b, s)
	}
	b = appendHeader(b, '=', int64(len(s))+4)
	b = append(b, (ext + "   ")[:3]...)
	b = append(b, ':')
	b = append(b, s...)
	return append(b, '\r', '\n')
}

// AppendCommand appends a command as clients send it: an array of bulk strings.
func AppendCommand[T ~string | ~[]byte](b []byte, args ...T) []byte {
	size := maxHeader
	for _, a := range args {
		size += len(a) + maxHeader
	}
	b = slices.Grow(b, size)
	b = appendHeader(b, '*', int64(len(args)))
	for _, a := range args {
		b = appendHeader(b, '$', int64(len(a)))
		b = append(b, a...)
		b = append(b, '\r', '\n')
	}
	return b
}

// maxHeader is room for the type byte, 20 digits and two line ends.
const maxHeader = 1 + 20 + 4

// appendHeader appends a line of a type byte and a number. Lengths and counts
// mostly have few digits, which need no general formatting (BenchmarkAppend).
func appendHeader(b []byte, kind byte, n int64) []byte {
	switch {
	case uint64(n) < 10:
		return append(b, kind, byte('0'+n), '\r', '\n')
	case uint64(n) < 100:
		return append(b, kind, byte('0'+n/10), byte('0'+n%10), '\r', '\n')
	case uint64(n) < 1000:
		return append(b, kind, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10), '\r', '\n')
	case uint64(n) < 10000:
		return append(b, kind, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10), '\r', '\n')
	}
	b = append(b, kind)
	b = strconv.AppendInt(b, n, 10)
	return append(b, '\r', '\n')
}
