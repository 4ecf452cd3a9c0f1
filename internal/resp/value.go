package resp

import "strconv"

// Kind is the type of a [Value]: the byte that introduces it in version 3.
type Kind byte

// The kinds of replies.
const (
	KindStatus    Kind = '+'
	KindError     Kind = '-'
	KindInt       Kind = ':'
	KindBulk      Kind = '$'
	KindArray     Kind = '*'
	KindNull      Kind = '_' // also version 2's $-1 and *-1
	KindDouble    Kind = ','
	KindBool      Kind = '#'
	KindBulkError Kind = '!'
	KindVerbatim  Kind = '='
	KindBigNumber Kind = '('
	KindMap       Kind = '%'
	KindSet       Kind = '~'
	KindPush      Kind = '>'
)

// Value is one reply, as a client sees it. It owns its memory.
type Value struct {
	Kind  Kind
	Int   int64   // of an integer; 0 or 1 of a boolean
	Float float64 // of a double
	Str   []byte  // text of a status, an error, a bulk string, a verbatim string; the number as sent of a double, a big number
	Ext   string  // format of a verbatim string, three bytes
	Elems []Value // of an array, set or push; of a map key, value, key, value, ...
	Attrs []Value // what attributes before the value said: key, value, ...
}

// IsNull tells whether v is a null of any kind.
func (v Value) IsNull() bool { return v.Kind == KindNull }

// IsError tells whether v is an error.
func (v Value) IsError() bool { return v.Kind == KindError || v.Kind == KindBulkError }

// String returns the text of a scalar, as a program would read it: the digits
// of a number, 1 or 0 of a boolean, nothing for null and for aggregates.
func (v Value) String() string {
	switch v.Kind {
	case KindInt, KindBool:
		return strconv.FormatInt(v.Int, 10)
	default:
		return string(v.Str)
	}
}

// AppendTo appends v in version 3, which ReadReply reads back to an equal value.
func (v Value) AppendTo(b []byte) []byte {
	if len(v.Attrs) > 0 {
		b = appendElems(AppendAttribute(b, len(v.Attrs)/2), v.Attrs)
	}
	switch v.Kind {
	case KindInt:
		return AppendInt(b, v.Int)
	case KindNull:
		return AppendNull(b, 3)
	case KindBool:
		return AppendBool(b, v.Int != 0, 3)
	case KindBulk:
		return AppendBulk(b, v.Str)
	case KindVerbatim:
		return AppendVerbatim(b, v.Ext, string(v.Str), 3)
	case KindBulkError:
		b = appendHeader(b, '!', int64(len(v.Str)))
		b = append(b, v.Str...)
		return append(b, '\r', '\n')
	case KindMap:
		return appendElems(AppendMap(b, len(v.Elems)/2, 3), v.Elems)
	case KindArray, KindSet, KindPush:
		return appendElems(appendHeader(b, byte(v.Kind), int64(len(v.Elems))), v.Elems)
	default: // a line
		b = append(b, byte(v.Kind))
		b = append(b, v.Str...)
		return append(b, '\r', '\n')
	}
}

func appendElems(b []byte, elems []Value) []byte {
	for _, e := range elems {
		b = e.AppendTo(b)
	}
	return b
}
