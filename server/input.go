package server

// The growth of input buffers: up to trustSize bytes a buffer has the size that the client
// announces, above it at most trustFactor times what has arrived, so that an announcement
// alone costs nothing.
const (
	trustSize   = 256 << 10
	trustFactor = 4
)

// space returns where to read to: scratch, which is shared, unless the connection is within a
// big command; that gets one buffer of its size and grows in place.
func (c *conn) space(scratch []byte) []byte {
	have := len(c.in)
	if !c.inPlace(scratch) {
		copy(scratch, c.in)
		return scratch[have:min(have+readSize, len(scratch))]
	}
	if have == cap(c.in) {
		grown := make([]byte, have, inputCap(have, c.parser.Need()))
		copy(grown, c.in)
		c.in = grown
	}
	return c.in[have:min(cap(c.in), have+readSize)]
}

// inPlace reports whether c.in is extended by reading, not scratch.
func (c *conn) inPlace(scratch []byte) bool {
	return len(c.in)+c.parser.Need() > len(scratch)/2
}

// took tells that n bytes were read into space, and returns all input that is there.
func (c *conn) took(scratch []byte, n int) []byte {
	if !c.inPlace(scratch) {
		return scratch[:len(c.in)+n]
	}
	c.in = c.in[:len(c.in)+n]
	return c.in
}

// keep holds rest, the end of the input, which was not consumed.
func (c *conn) keep(w *worker, rest []byte) {
	if len(rest) == 0 {
		if c.in != nil {
			w.released(cap(c.in))
			c.in = nil
		}
		return
	}
	w.tally.maxIn = max(w.tally.maxIn, int64(len(rest)))
	if len(c.in) == len(rest) && &c.in[0] == &rest[0] {
		return
	}
	// What is left of a big buffer does not keep it.
	size := inputCap(len(rest), c.parser.Need())
	if cap(c.in) >= size && cap(c.in) <= 4*size {
		c.in = append(c.in[:0], rest...)
		return
	}
	fresh := append(make([]byte, 0, size), rest...)
	w.released(cap(c.in))
	c.in = fresh
}

// inputCap is the size of the buffer for have bytes behind which need more are awaited.
func inputCap(have, need int) int {
	const least = 512
	size := min(have+need, max(trustSize, trustFactor*have))
	if need > 0 && size == have+need {
		return max(size, least)
	}
	return max(size, have+have/2, least)
}
