package cli

import (
	"fmt"

	"github.com/reredis/reredis/internal/resp"
)

// jsonEscapes is the bytes that have an escape of one letter in JSON.
var jsonEscapes = [256]string{
	'\\': `\\`, '"': `\"`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\f': `\f`, '\b': `\b`,
}

// jsonValue adds v as JSON. Bytes that are no UTF-8 stay as they are, and an
// error, which JSON has no form for, is written as redis-cli does.
func jsonValue(b []byte, v resp.Value) []byte {
	switch v.Kind {
	case resp.KindNull:
		return append(b, "null"...)
	case resp.KindBool:
		text := boolText(v)
		return append(b, text[1:len(text)-1]...)
	case resp.KindInt, resp.KindDouble, resp.KindBigNumber:
		return append(b, v.String()...)
	case resp.KindArray, resp.KindSet, resp.KindPush:
		b = append(b, '[')
		for i, e := range v.Elems {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonValue(b, e)
		}
		return append(b, ']')
	case resp.KindMap:
		b = append(b, '{')
		for i := 0; i < len(v.Elems); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonKey(b, v.Elems[i])
			b = append(b, ':')
			b = jsonValue(b, v.Elems[i+1])
		}
		return append(b, '}')
	case resp.KindError, resp.KindBulkError:
		b = append(b, "error:"...)
	}
	return jsonString(b, v.Str)
}

// jsonKey adds v as the key of an object, which must be a string.
func jsonKey(b []byte, v resp.Value) []byte {
	text := jsonValue(nil, v)
	if text[len(text)-1] == '"' {
		return append(b, text...)
	}
	return jsonString(b, text)
}

func jsonString(b, s []byte) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch short := jsonEscapes[c]; {
		case short != "":
			b = append(b, short...)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
