package resp

import "bytes"

// Parser finds the commands in the bytes of one connection. Its zero value is
// ready to use.
//
// It remembers how far it got in a command that is not complete yet, as offsets
// and counts only: it holds no slice of a buffer, so the caller may move the
// bytes between calls, and no list of arguments, so a hostile argument count
// costs nothing. A command that arrives in pieces is scanned once while it
// arrives, and its lengths are walked a second time when it is complete, which
// keeps the whole linear in its size, whatever the pieces.
type Parser struct {
	off  int // bytes of the partial command already passed; it starts at buf[0]
	scan int // bytes after off already searched for the end of a line
	left int // arguments still to come; 0: the first line is not complete
	bulk int // 1 + length of the argument whose bytes begin at off; 0: its length is not known
	need int // see Need
}

// Next parses one command out of buf, which begins where the previous call
// said that it had consumed.
//
// If ok is true, out holds the arguments (at least one); it reuses args[:0] and
// grows as arguments are found. The arguments are slices of buf, but for those
// of an inline command with quotes, which are fresh memory. raw is the exact
// array in buf. It is nil for an inline command, and for an array with
// something else than CR LF where a line ends, which Redis tolerates: whoever
// keeps such a command has to encode it anew. inline says that the command was
// no RESP array. n bytes of buf are consumed: the command and what was skipped
// before it, which are empty lines and arrays of length 0 or less.
//
// If ok is false and err is nil, the command is not complete. n, then nearly
// always 0, counts skipped bytes: the caller drops them in any case, and passes
// the rest again, extended, possibly at another address.
//
// err is a [*ProtocolError], after which the connection cannot go on.
func (p *Parser) Next(buf []byte, lim *Limits, args [][]byte) (out [][]byte, raw []byte, inline bool, n int, ok bool, err error) {
	args = args[:0]
	fresh := p.off|p.scan == 0
	for n < len(buf) {
		b := buf[n:]
		if b[0] != '*' {
			size, err := p.line(b, '\n', lim, errBigInline)
			if size == 0 {
				return args, nil, true, n, false, err
			}
			p.Reset()
			var balanced bool
			if args, balanced = SplitArgs(trimCR(b[:size-1]), args); !balanced {
				return args[:0], nil, true, n, false, errQuotes
			}
			n += size
			if len(args) > 0 {
				return args, nil, true, n, true, nil
			}
			fresh = true
			continue
		}
		if fresh {
			if out, size := complete(b, lim, args); size > 0 {
				return out, b[:size:size], false, n + size, true, nil
			}
		}
		fresh = true
		whole, err := p.advance(b, lim)
		if !whole {
			return args, nil, false, n, false, err
		}
		size := p.off
		p.Reset()
		out, canonical := collect(b[:size], args)
		n += size
		if len(out) == 0 {
			continue
		}
		if canonical {
			raw = b[:size:size]
		}
		return out, raw, false, n, true, nil
	}
	return args, nil, false, n, false, nil
}

// Need returns how many bytes were missing for the argument in progress, its
// line end included, when Next last returned; 0 if that is not known. It lets
// the caller read a big argument into one buffer of the right size.
func (p *Parser) Need() int { return p.need }

// BigArg is the length from which on Redis reads an argument into a buffer of its own.
const BigArg = 32 << 10

// Before returns how many bytes of the partial command Redis would have dropped when Next last
// returned: those before the argument in progress, if that has BigArg bytes or more.
func (p *Parser) Before() int {
	if p.bulk > BigArg {
		return p.off
	}
	return 0
}

// Reset forgets the command in progress.
func (p *Parser) Reset() { *p = Parser{} }

// complete parses the array at the start of b if all of it is there and nothing
// about it is odd; otherwise size is 0 and advance finds out what is the matter.
// This is the hot path: see BenchmarkNext.
func complete(b []byte, lim *Limits, args [][]byte) (out [][]byte, size int) {
	maxCount, maxBulk := lim.maxMultibulk(), lim.maxBulk()
	if lim.unauth() {
		maxCount, maxBulk = min(maxCount, maxUnauthMultibulk), min(maxBulk, maxUnauthBulk)
	}
	// Counts of one digit, lengths of one or two are by far the most frequent.
	count, i := 0, 4
	if len(b) > 4 && b[2] == '\r' && b[3] == '\n' && b[1]-'1' <= 8 {
		count = int(b[1] - '0')
	} else {
		count, i = length(b, 0)
	}
	if count == 0 || count > maxCount { // 0 is also what length says of a line that it does not take
		return args, 0
	}
	out = args
	for ; count > 0; count-- {
		var n int
		h := b[i:]
		switch {
		case len(h) < 6 || h[0] != '$':
			return args, 0
		case h[2] == '\r' && h[3] == '\n' && h[1]-'0' <= 9:
			n, i = int(h[1]-'0'), i+4
		case h[3] == '\r' && h[4] == '\n' && h[1]-'1' <= 8 && h[2]-'0' <= 9:
			n, i = int(h[1]-'0')*10+int(h[2]-'0'), i+5
		default:
			if n, i = length(b, i); i == 0 {
				return args, 0
			}
		}
		if n > maxBulk || n > len(b)-i-2 {
			return args, 0
		}
		e := i + n
		if b[e] != '\r' || b[e+1] != '\n' {
			return args, 0
		}
		out = append(out, b[i:e:e])
		i = e + 2
	}
	return out, i
}

// length reads the canonical number of at most nine digits that stands behind
// the type byte at b[i] and ends with CR LF. next is where the line ends, 0 if
// it is something else or not complete.
func length(b []byte, i int) (n, next int) {
	b = b[i:]
	if len(b) < 4 || b[1]-'0' > 9 || b[1] == '0' && b[2] != '\r' {
		return 0, 0
	}
	for k := 1; k < len(b)-1 && k <= 10; k++ {
		d := b[k] - '0'
		if d > 9 {
			if b[k] == '\r' && b[k+1] == '\n' {
				return n, i + k + 2
			}
			return 0, 0
		}
		n = n*10 + int(d)
	}
	return 0, 0
}

// advance takes the array at the start of b as far as it is there, checking it
// as Redis does and in its order. When whole is true, p.off is its size.
func (p *Parser) advance(b []byte, lim *Limits) (whole bool, err error) {
	p.need = 0
	if p.left == 0 {
		size, err := p.line(b, '\r', lim, errBigMultibulk)
		if size == 0 {
			return false, err
		}
		count, ok := parseInt(b[1 : size-1])
		switch {
		case !ok || count > int64(lim.maxMultibulk()):
			return false, errMultibulk
		case count > maxUnauthMultibulk && lim.unauth():
			return false, errUnauthMultibulk
		}
		p.off, p.scan = size+1, 0
		if count <= 0 {
			return true, nil
		}
		p.left = int(count)
	}
	for p.left > 0 {
		if p.bulk == 0 {
			size, err := p.line(b, '\r', lim, errBigBulk)
			if size == 0 {
				return false, err
			}
			line := b[p.off : p.off+size-1]
			if len(line) == 0 || line[0] != '$' {
				return false, errExpectedDollar(b[p.off])
			}
			n, ok := parseInt(line[1:])
			switch {
			case !ok || n < 0 || n > int64(lim.maxBulk()):
				return false, errBulk
			case n > maxUnauthBulk && lim.unauth():
				return false, errUnauthBulk
			}
			p.off, p.scan, p.bulk = p.off+size+1, 0, int(n)+1
		}
		if missing := p.bulk + 1 - (len(b) - p.off); missing > 0 {
			p.need = missing
			return false, nil
		}
		p.off, p.bulk, p.left = p.off+p.bulk+1, 0, p.left-1
	}
	return true, nil
}

// line looks for the end of the line that begins at b[p.off]. end is '\n', or
// '\r', behind which one more byte has to be there, whatever it is. size counts
// the line with end; it is 0 if the line is not complete, or longer than
// allowed, and then err is tooBig.
func (p *Parser) line(b []byte, end byte, lim *Limits, tooBig error) (size int, err error) {
	rest := b[p.off:]
	k := bytes.IndexByte(rest[p.scan:], end)
	if k < 0 {
		k, p.scan = len(rest), len(rest)
	} else {
		k += p.scan
		p.scan = k
	}
	switch {
	case k > lim.maxInline():
		return 0, tooBig
	case k == len(rest) || end == '\r' && k+1 == len(rest):
		return 0, nil
	}
	return k + 1, nil
}

// collect lists the arguments of the array b, which advance has found complete.
// canonical says that all its lines end with CR LF, so that encoding the
// arguments gives b again.
func collect(b []byte, args [][]byte) (out [][]byte, canonical bool) {
	i := bytes.IndexByte(b, '\r') + 2
	canonical = b[i-1] == '\n'
	for i < len(b) {
		n := 0
		for i++; b[i] != '\r'; i++ {
			n = n*10 + int(b[i]-'0')
		}
		s := i + 2
		e := s + n
		args = append(args, b[s:e:e])
		canonical = canonical && b[i+1] == '\n' && b[e] == '\r' && b[e+1] == '\n'
		i = e + 2
	}
	return args, canonical
}

// parseInt reads a number as Redis' protocol wants it: an optional minus, no
// plus, no leading zeros, nothing else, at most 20 bytes.
func parseInt(s []byte) (n int64, ok bool) {
	const maxDigits = 20
	if len(s) == 1 && s[0] == '0' {
		return 0, true
	}
	if len(s) == 0 || len(s) > maxDigits {
		return 0, false
	}
	negative := s[0] == '-'
	if negative {
		s = s[1:]
	}
	if len(s) == 0 || s[0] < '1' || s[0] > '9' {
		return 0, false
	}
	// The magnitude is summed up as a negative number, which reaches one further.
	const lowest = -1 << 63
	for _, c := range s {
		d := int64(c - '0')
		if c < '0' || c > '9' || n < lowest/10 || n*10 < lowest+d {
			return 0, false
		}
		n = n*10 - d
	}
	if negative {
		return n, true
	}
	return -n, n != lowest
}
