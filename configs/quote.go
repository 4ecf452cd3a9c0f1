package configs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var errQuotes = errors.New("Unbalanced quotes in configuration line")

func isBlank(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }

// escapes are the letters with a meaning behind a backslash in double quotes.
var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}

// splitLine cuts a line of redis.conf into words. Double quotes take
// backslash escapes, single quotes only \'; a closing quote ends its word.
func splitLine(line string) ([]string, error) {
	var words []string
	for i := 0; ; {
		for i < len(line) && isBlank(line[i]) {
			i++
		}
		if i == len(line) {
			return words, nil
		}
		var w strings.Builder
		quote := byte(0)
	word:
		for ; i < len(line); i++ {
			c := line[i]
			switch {
			case quote == 0 && isBlank(c):
				break word
			case quote == 0 && (c == '"' || c == '\''):
				quote = c
			case quote != 0 && c == quote:
				if i++; i < len(line) && !isBlank(line[i]) {
					return nil, errQuotes
				}
				quote = 0
				break word
			case quote == '"' && c == '\\' && i+1 < len(line):
				if n, ok := hexByte(line[i+1:]); ok {
					w.WriteByte(n)
					i += 3
					continue
				}
				i++
				if e, ok := escapes[line[i]]; ok {
					w.WriteByte(e)
				} else {
					w.WriteByte(line[i])
				}
			case quote == '\'' && c == '\\' && i+1 < len(line) && line[i+1] == '\'':
				i++
				w.WriteByte('\'')
			default:
				w.WriteByte(c)
			}
		}
		if quote != 0 {
			return nil, errQuotes
		}
		words = append(words, w.String())
	}
}

// hexByte reads x41.
func hexByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != 'x' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// quote writes a word in double quotes so that splitLine returns it.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\a':
			b.WriteString(`\a`)
		case c == '\b':
			b.WriteString(`\b`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
