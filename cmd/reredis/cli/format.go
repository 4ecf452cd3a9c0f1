package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/reredis/reredis/internal/resp"
)

// formatter turns replies into text. Attributes are not shown.
type formatter struct {
	output     output
	delimiter  string
	terminator string
}

// append adds the text of a reply to b, with its line end. A verbatim reply is
// meant to be read by people as it is, in any form of output.
func (f *formatter) append(b []byte, v resp.Value, verbatim bool) []byte {
	switch {
	case verbatim:
		return f.raw(b, v)
	case f.output == outputRaw:
		return append(f.raw(b, v), f.terminator...)
	case f.output == outputJSON:
		return append(jsonValue(b, v), '\n')
	default:
		return tty(b, v, "")
	}
}

// raw adds v without types and quotes.
func (f *formatter) raw(b []byte, v resp.Value) []byte {
	switch v.Kind {
	case resp.KindNull:
		return b
	case resp.KindError, resp.KindBulkError:
		return append(append(b, v.Str...), '\n')
	case resp.KindBool:
		return append(b, boolText(v)...)
	case resp.KindArray, resp.KindSet, resp.KindPush, resp.KindMap:
		for i, e := range v.Elems {
			switch {
			case v.Kind == resp.KindMap && i%2 == 1:
				b = append(b, ' ')
			case i > 0:
				b = append(b, f.delimiter...)
			}
			b = f.raw(b, e)
		}
		return b
	default:
		return append(b, v.String()...)
	}
}

// aggregates says how the kinds that have elements look in a terminal.
var aggregates = map[resp.Kind]struct {
	sign  string // behind an element's number
	empty string
}{
	resp.KindArray: {")", "(empty array)"},
	resp.KindMap:   {"#", "(empty hash)"},
	resp.KindSet:   {"~", "(empty set)"},
	resp.KindPush:  {")", "(empty push)"},
}

// tty adds v for a person at a terminal. indent stands before all lines of v
// but the first.
func tty(b []byte, v resp.Value, indent string) []byte {
	switch v.Kind {
	case resp.KindNull:
		return append(b, "(nil)\n"...)
	case resp.KindError, resp.KindBulkError:
		b = append(b, "(error) "...)
	case resp.KindInt:
		b = append(b, "(integer) "...)
	case resp.KindDouble:
		b = append(b, "(double) "...)
	case resp.KindBool:
		return append(append(b, boolText(v)...), '\n')
	case resp.KindBulk:
		return append(appendQuoted(b, v.Str), '\n')
	case resp.KindArray, resp.KindMap, resp.KindSet, resp.KindPush:
		return ttyAggregate(b, v, indent)
	}
	b = append(b, v.String()...)
	return append(b, '\n')
}

func ttyAggregate(b []byte, v resp.Value, indent string) []byte {
	look := aggregates[v.Kind]
	if len(v.Elems) == 0 {
		return append(b, look.empty+"\n"...)
	}
	step := 1
	if v.Kind == resp.KindMap {
		step = 2
	}
	width := len(strconv.Itoa(len(v.Elems) / step))
	inner := indent + strings.Repeat(" ", width+2)
	for i := 0; i < len(v.Elems); i += step {
		if i > 0 {
			b = append(b, indent...)
		}
		b = fmt.Appendf(b, "%*d%s ", width, i/step+1, look.sign)
		b = tty(b, v.Elems[i], inner)
		if v.Kind != resp.KindMap {
			continue
		}
		b = append(b[:len(b)-1], " => "...)
		if severalLines(v.Elems[i+1]) {
			b = append(b, "\n"+inner...)
		}
		b = tty(b, v.Elems[i+1], inner)
	}
	return b
}

// severalLines tells whether a value in a map begins on a line of its own.
func severalLines(v resp.Value) bool {
	switch v.Kind {
	case resp.KindArray, resp.KindSet, resp.KindPush:
		return len(v.Elems) > 1 || len(v.Elems) == 1 && severalLines(v.Elems[0])
	case resp.KindMap:
		return len(v.Elems) > 2 || len(v.Elems) == 2 && severalLines(v.Elems[1])
	default:
		return false
	}
}

func boolText(v resp.Value) string {
	if v.Int != 0 {
		return "(true)"
	}
	return "(false)"
}

// shortEscapes is the bytes that have an escape of one letter in quoted text.
var shortEscapes = [256]string{
	'\\': `\\`, '"': `\"`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\a': `\a`, '\b': `\b`,
}

// appendQuoted adds s in double quotes, so that a command line can take it back.
func appendQuoted(b, s []byte) []byte {
	b = append(b, '"')
	for _, c := range s {
		switch short := shortEscapes[c]; {
		case short != "":
			b = append(b, short...)
		case c >= ' ' && c <= '~':
			b = append(b, c)
		default:
			b = fmt.Appendf(b, `\x%02x`, c)
		}
	}
	return append(b, '"')
}

// invalidation is the text of a push that tells which keys of a client's cache
// are stale; ok is false if v is another one.
func invalidation(v resp.Value) (text string, ok bool) {
	if v.Kind != resp.KindPush || len(v.Elems) != 2 || v.Elems[0].String() != "invalidate" || v.Elems[1].Kind != resp.KindArray {
		return "", false
	}
	keys := make([]string, len(v.Elems[1].Elems))
	for i, k := range v.Elems[1].Elems {
		keys[i] = "'" + k.String() + "'"
	}
	return "-> invalidate: " + strings.Join(keys, ", ") + "\n", true
}
