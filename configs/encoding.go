package configs

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// byteOrderMark is what some editors put in front of UTF-8; it means nothing.
const byteOrderMark = "\ufeff"

const saveAsUTF8 = "the file is UTF-16: save it as UTF-8"

// isUTF16 reports whether a text begins with the mark of UTF-16, which some editors write.
func isUTF16(s string) bool {
	return strings.HasPrefix(s, "\xff\xfe") || strings.HasPrefix(s, "\xfe\xff")
}

// notUTF8 is the problem of a file with bytes that are no UTF-8, which the parsers tell without a line, or replace.
func notUTF8(name string, b []byte) (Problem, bool) {
	where := Origin{Layer: LayerFile, Name: name, Line: 1}
	if isUTF16(string(b[:min(2, len(b))])) {
		return Problem{Where: where, Text: saveAsUTF8}, true
	}
	if utf8.Valid(b) {
		return Problem{}, false
	}
	at := 0
	for r, size := utf8.DecodeRune(b); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(b[at:]) {
		at += size
	}
	p := placeOf(b, at)
	where.Line, where.Column = p.line, p.column
	return Problem{Where: where, Text: fmt.Sprintf("byte 0x%02X is not UTF-8: save the file as UTF-8", b[at])}, true
}

// placeOf is the place of the byte at offset.
func placeOf(b []byte, offset int) position {
	before := b[:max(0, min(offset, len(b)))]
	return position{bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')}
}

const maxShown = 500 // bytes of a text in a message

// shown is a text of somebody's as a terminal can take it: not too long, and without what would steer it.
func shown(s string) string {
	var b strings.Builder
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case i >= maxShown:
			return b.String() + "…"
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t' || r == '\n' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
