package resp

import "bytes"

// SplitArgs splits a line into arguments as Redis splits an inline command and
// as redis-cli splits what is typed. Arguments are separated by blanks. One in
// double quotes may contain blanks and the escapes \n \r \t \b \a \xHH, \" and
// \\; one in single quotes only \'. A closing quote must be followed by a blank
// or the end of the line. ok is false if the quotes are not balanced.
//
// The arguments are appended to args. They are slices of line, but for those
// with quotes, which are fresh memory.
func SplitArgs(line []byte, args [][]byte) (out [][]byte, ok bool) {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return args, true
		}
		start := i
		for i < len(line) && !endsToken(line[i]) && line[i] != '"' && line[i] != '\'' {
			i++
		}
		if i == len(line) || endsToken(line[i]) {
			args = append(args, line[start:i:i])
			continue
		}
		arg := append(make([]byte, 0, len(line)-start), line[start:i]...)
		quote := unquoteDouble
		if line[i] == '\'' {
			quote = unquoteSingle
		}
		arg, size, closed := quote(line[i+1:], arg)
		i += 1 + size
		if !closed || i < len(line) && !isSpace(line[i]) {
			return args, false
		}
		args = append(args, arg)
	}
}

// unquoteDouble appends to arg what stands before the closing quote in s. size
// counts the bytes up to and with that quote.
func unquoteDouble(s, arg []byte) (out []byte, size int, closed bool) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return arg, i + 1, true
		case c == '\\' && i+3 < len(s) && s[i+1] == 'x' && hexValue[s[i+2]] >= 0 && hexValue[s[i+3]] >= 0:
			arg = append(arg, byte(hexValue[s[i+2]])<<4|byte(hexValue[s[i+3]]))
			i += 3
		case c == '\\' && i+1 < len(s):
			i++
			if at := bytes.IndexByte([]byte(escapes), s[i]); at >= 0 {
				arg = append(arg, escaped[at])
			} else {
				arg = append(arg, s[i])
			}
		default:
			arg = append(arg, c)
		}
	}
	return arg, len(s), false
}

// unquoteSingle is unquoteDouble for single quotes.
func unquoteSingle(s, arg []byte) (out []byte, size int, closed bool) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			return arg, i + 1, true
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '\'':
			i++
			arg = append(arg, '\'')
		default:
			arg = append(arg, s[i])
		}
	}
	return arg, len(s), false
}

// The letters of the one-letter escapes and what they stand for.
const (
	escapes = "nrtba"
	escaped = "\n\r\t\b\a"
)

// hexValue is the value of each hexadecimal digit, -1 of anything else.
var hexValue = func() (t [256]int8) {
	for i := range t {
		t[i] = int8(bytes.IndexByte([]byte("0123456789abcdef"), byte(i)|0x20))
		if byte(i) < '0' {
			t[i] = -1
		}
	}
	return t
}()

// isSpace is C's isspace in the C locale.
func isSpace(c byte) bool { return c == ' ' || c-'\t' < 5 }

// endsToken tells the blanks that end an argument without quotes: vertical tab
// and form feed do not, although they are skipped before one.
func endsToken(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// trimCR takes one carriage return off the end of a line.
func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }
