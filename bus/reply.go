package bus

import (
	"strings"

	"github.com/reredis/reredis/internal/resp"
)

// Reply writes a command's reply in the protocol version of the connection. It
// appends to a buffer that the driver lends it; everything handed over is copied.
type Reply struct {
	buf   []byte
	proto int
}

// Begin lends buf to the reply; proto is 2 or 3.
func (r *Reply) Begin(buf []byte, proto int) { r.buf, r.proto = buf, proto }

// End takes the buffer back.
func (r *Reply) End() []byte {
	b := r.buf
	r.buf = nil
	return b
}

// Len is the number of bytes in the buffer, a mark for Truncate.
func (r *Reply) Len() int { return len(r.buf) }

// Truncate drops what was written after mark.
func (r *Reply) Truncate(mark int) { r.buf = r.buf[:mark] }

// Proto is the protocol version, 2 or 3.
func (r *Reply) Proto() int { return r.proto }

// SetProto changes the version for what follows (HELLO).
func (r *Reply) SetProto(v int) { r.proto = v }

// OK writes +OK.
func (r *Reply) OK() { r.buf = append(r.buf, "+OK\r\n"...) }

// Status writes a simple string.
func (r *Reply) Status(s string) { r.buf = resp.AppendStatus(r.buf, s) }

// Error writes an error; text starts with its code. CR and LF at its end are cut off, others become spaces.
func (r *Reply) Error(text string) {
	if strings.ContainsAny(text, "\r\n") {
		text = strings.TrimRight(text, "\r\n")
		text = strings.NewReplacer("\r", " ", "\n", " ").Replace(text)
	}
	r.buf = resp.AppendError(r.buf, text)
}

// Int writes an integer.
func (r *Reply) Int(n int64) { r.buf = resp.AppendInt(r.buf, n) }

// Bulk writes a bulk string.
func (r *Reply) Bulk(b []byte) { r.buf = resp.AppendBulk(r.buf, b) }

// BulkString writes a bulk string.
func (r *Reply) BulkString(s string) { r.buf = resp.AppendBulkString(r.buf, s) }

// Null writes nil where a bulk string is expected.
func (r *Reply) Null() { r.buf = resp.AppendNull(r.buf, r.proto) }

// NullArray writes nil where an array is expected.
func (r *Reply) NullArray() { r.buf = resp.AppendNullArray(r.buf, r.proto) }

// Array begins an array of n replies.
func (r *Reply) Array(n int) { r.buf = resp.AppendArray(r.buf, n) }

// Map begins a map of n pairs (in RESP2 an array of 2n).
func (r *Reply) Map(n int) { r.buf = resp.AppendMap(r.buf, n, r.proto) }

// Set begins a set of n replies (in RESP2 an array).
func (r *Reply) Set(n int) { r.buf = resp.AppendSet(r.buf, n, r.proto) }

// Push begins a push of n replies (in RESP2 an array).
func (r *Reply) Push(n int) { r.buf = resp.AppendPush(r.buf, n, r.proto) }

// Double writes a floating point number (in RESP2 a bulk string).
func (r *Reply) Double(f float64) { r.buf = resp.AppendDouble(r.buf, f, r.proto) }

// Bool writes a boolean (in RESP2 the integers 0 and 1).
func (r *Reply) Bool(v bool) { r.buf = resp.AppendBool(r.buf, v, r.proto) }

// BigNumber writes a big number given in decimal (in RESP2 a bulk string).
func (r *Reply) BigNumber(s string) { r.buf = resp.AppendBigNumber(r.buf, s, r.proto) }

// Verbatim writes text of the format ext, three letters such as "txt" (in RESP2 a
// bulk string).
func (r *Reply) Verbatim(ext, s string) { r.buf = resp.AppendVerbatim(r.buf, ext, s, r.proto) }

// Append lets f append reply bytes that it formats itself.
func (r *Reply) Append(f func(b []byte) []byte) { r.buf = f(r.buf) }

// Deferred begins an array whose length is not known yet and returns a mark for
// Close, which writes it.
func (r *Reply) Deferred() int { return len(r.buf) }

// CloseArray writes the header of the array of n replies that were appended since
// mark. The bytes behind the mark move once.
func (r *Reply) CloseArray(mark, n int) {
	r.closeWith(mark, resp.AppendArray(nil, n))
}

// CloseMap writes the header of the map of n pairs that were appended since mark.
func (r *Reply) CloseMap(mark, n int) {
	r.closeWith(mark, resp.AppendMap(nil, n, r.proto))
}

func (r *Reply) closeWith(mark int, head []byte) {
	r.buf = append(r.buf, head...)
	copy(r.buf[mark+len(head):], r.buf[mark:len(r.buf)-len(head)])
	copy(r.buf[mark:], head)
}

// Help writes the reply of a HELP subcommand: name is the container in upper case,
// lines alternate between usage and indented explanation.
func (r *Reply) Help(name string, lines ...string) {
	r.Array(len(lines) + 3)
	r.Status(name + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
	for _, l := range lines {
		r.Status(l)
	}
	r.Status("HELP")
	r.Status("    Prints this help.")
}
