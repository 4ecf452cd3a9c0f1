package resp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
)

// What [ReadReply] accepts.
const (
	maxReplyDepth = 64        // aggregates within aggregates
	maxReplyLine  = 64 << 10  // bytes of a status, an error, a number
	maxReplyBulk  = 512 << 20 // bytes of a string; proto-max-bulk-len's default
	replyChunk    = 64 << 10  // bytes of a string that are allocated before any has arrived
	replyElems    = 64        // elements of an aggregate that are allocated before any has arrived
)

// ErrReply is wrapped by every error of [ReadReply] that is the reply's fault
// and not the connection's. The connection is out of step then.
var ErrReply = errors.New("invalid reply")

// ReadReply reads one reply, in either version of the protocol. Attributes are
// read into the Attrs of the value that they precede; pushes are returned like
// replies. Memory is taken as data arrives, never because of a length alone.
//
// The error is r's, [io.ErrUnexpectedEOF] if the reply ends in its middle, or
// wraps [ErrReply]. Streamed strings and aggregates are not supported.
func ReadReply(r *bufio.Reader) (Value, error) {
	if _, err := r.Peek(1); err != nil {
		return Value{}, err
	}
	v, err := readValue(r, 0)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return v, err
}

func readValue(r *bufio.Reader, depth int) (v Value, err error) {
	line, err := readLine(r)
	if err != nil {
		return v, err
	}
	if len(line) == 0 {
		return v, fmt.Errorf("%w: empty line", ErrReply)
	}
	v.Kind = Kind(line[0])
	text := line[1:]
	switch v.Kind {
	case KindStatus, KindError:
		v.Str = bytes.Clone(text)
	case KindInt:
		v.Int, err = strconv.ParseInt(string(text), 10, 64)
	case KindDouble:
		v.Str = bytes.Clone(text)
		v.Float, err = parseDouble(string(text))
	case KindBigNumber:
		v.Str = bytes.Clone(text)
		err = checkBigNumber(text)
	case KindBool:
		v.Int, err = parseBool(text)
	case KindNull:
		if len(text) != 0 {
			err = fmt.Errorf("null with %q", text)
		}
	case KindBulk, KindBulkError, KindVerbatim:
		err = readBlob(r, &v, text)
		return v, err
	case KindArray, KindSet, KindPush, KindMap, kindAttribute:
		err = readAggregate(r, &v, text, depth)
		return v, err
	default:
		err = fmt.Errorf("type %q", line[0])
	}
	if err != nil {
		return v, fmt.Errorf("%w: %w", ErrReply, err)
	}
	return v, nil
}

// kindAttribute introduces pairs before a value; no Value has it.
const kindAttribute Kind = '|'

// readBlob reads a string of the length in text.
func readBlob(r *bufio.Reader, v *Value, text []byte) error {
	n, err := parseLength(text, maxReplyBulk)
	if err != nil {
		return err
	}
	if n < 0 {
		if v.Kind != KindBulk {
			return fmt.Errorf("%w: negative length", ErrReply)
		}
		v.Kind = KindNull
		return nil
	}
	s := make([]byte, 0, min(n+2, replyChunk))
	for len(s) < n+2 {
		s = slices.Grow(s, min(n+2-len(s), max(len(s), replyChunk)))
		got, err := io.ReadFull(r, s[len(s):min(cap(s), n+2)])
		s = s[:len(s)+got]
		if err != nil {
			return err
		}
	}
	if s[n] != '\r' || s[n+1] != '\n' {
		return fmt.Errorf("%w: string without line end", ErrReply)
	}
	v.Str = s[:n:n]
	if v.Kind == KindVerbatim {
		if n < 4 || s[3] != ':' {
			return fmt.Errorf("%w: verbatim string without format", ErrReply)
		}
		v.Ext, v.Str = string(s[:3]), s[4:n:n]
	}
	return nil
}

// readAggregate reads the elements whose number is in text; after those of an
// attribute, the value that it belongs to.
func readAggregate(r *bufio.Reader, v *Value, text []byte, depth int) error {
	n, err := parseLength(text, math.MaxInt32/2)
	switch {
	case err != nil:
		return err
	case n < 0 && v.Kind == KindArray:
		v.Kind = KindNull
		return nil
	case n < 0:
		return fmt.Errorf("%w: negative length", ErrReply)
	case depth == maxReplyDepth:
		return fmt.Errorf("%w: more than %d aggregates in one another", ErrReply, maxReplyDepth)
	}
	if v.Kind == KindMap || v.Kind == kindAttribute {
		n *= 2
	}
	elems := make([]Value, 0, min(n, replyElems))
	for range n {
		e, err := readValue(r, depth+1)
		if err != nil {
			return err
		}
		elems = append(elems, e)
	}
	if v.Kind != kindAttribute {
		v.Elems = elems
		return nil
	}
	*v, err = readValue(r, depth+1)
	v.Attrs = append(elems, v.Attrs...)
	return err
}

// readLine returns the next line without its end, valid until r is read again.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		whole := bytes.Clone(line)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = r.ReadSlice('\n')
			if whole = append(whole, line...); len(whole) > maxReplyLine {
				return nil, fmt.Errorf("%w: line of more than %d bytes", ErrReply, maxReplyLine)
			}
		}
		line = whole
	}
	if err != nil {
		return nil, err
	}
	if len(line) < 2 || line[len(line)-2] != '\r' {
		return nil, fmt.Errorf("%w: line without CR", ErrReply)
	}
	return line[:len(line)-2], nil
}

func parseLength(text []byte, most int) (int, error) {
	n, ok := parseInt(text)
	if !ok || n < -1 || n > int64(most) {
		return 0, fmt.Errorf("%w: length %.20q", ErrReply, text)
	}
	return int(n), nil
}

func parseDouble(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if errors.Is(err, strconv.ErrRange) {
		return f, nil // too big is infinite
	}
	return f, err
}

func parseBool(text []byte) (int64, error) {
	switch string(text) {
	case "t":
		return 1, nil
	case "f":
		return 0, nil
	}
	return 0, fmt.Errorf("boolean %.20q", text)
}

func checkBigNumber(text []byte) error {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	if len(digits) == 0 {
		return errors.New("empty number")
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return fmt.Errorf("number with %q", c)
		}
	}
	return nil
}
