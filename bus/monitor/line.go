package monitor

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/bus"
)

// appendLine appends the line that shows the command of c, which has run:
//
//	+1700000000.123456 [0 127.0.0.1:1234] "set" "key" "value"
func appendLine(b []byte, c *bus.Ctx) []byte {
	size := 64
	for _, a := range c.Args {
		size += len(a) + len(`"" `)
	}
	b = slices.Grow(b, size)
	now := time.Now()
	b = append(b, '+')
	b = strconv.AppendInt(b, now.Unix(), 10)
	b = append(b, '.')
	b = append(b, strconv.Itoa(1e6 + now.Nanosecond()/1000)[1:]...)
	b = append(b, " ["...)
	b = strconv.AppendInt(b, int64(c.Client.DB), 10)
	b = append(b, ' ')
	if c.Client.Unix {
		b = append(b, "unix:"...)
		b = append(b, strings.TrimSuffix(c.Client.Addr, ":0")...)
	} else {
		b = append(b, c.Client.Addr...)
	}
	b = append(b, ']')
	hidden := c.Spec.HiddenArgs(c.Args)
	for i, a := range c.Args {
		b = append(b, ' ')
		if slices.Contains(hidden, i) {
			b = append(b, `"`+bus.Redacted+`"`...)
		} else {
			b = appendQuoted(b, a)
		}
	}
	return append(b, "\r\n"...)
}

// escapes are the bytes that have an escape of one letter.
const (
	escaped = "\\\"\n\r\t\a\b"
	letters = `\"nrtab`
)

// appendQuoted appends a in quotes, printable ASCII as it is.
func appendQuoted(b, a []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, ch := range a {
		switch i := strings.IndexByte(escaped, ch); {
		case i >= 0:
			b = append(b, '\\', letters[i])
		case ch < ' ' || ch > '~':
			b = append(b, '\\', 'x', hex[ch>>4], hex[ch&15])
		default:
			b = append(b, ch)
		}
	}
	return append(b, '"')
}
