package server

// blockSize is the size of the blocks that hold output which a socket did not take.
const blockSize = 64 << 10

// held is output that waits until the peer reads. The zero value is empty.
type held struct {
	blocks [][]byte
	off    int // of blocks[0], sent already
	size   int // bytes not sent
	mem    int // capacity of the blocks

	pushed   int64 // bytes ever pushed
	released int64 // of them may be sent
}

// empty reports whether nothing waits.
func (h *held) empty() bool { return len(h.blocks) == 0 }

// push adds b behind what waits. If owned, b may be kept; otherwise it is copied.
func (h *held) push(b []byte, owned bool, pool *blockPool) {
	h.size += len(b)
	h.pushed += int64(len(b))
	if owned && len(b) >= blockSize/2 {
		h.blocks = append(h.blocks, b)
		h.mem += cap(b)
		return
	}
	for len(b) > 0 {
		n := len(h.blocks) - 1
		if n < 0 || len(h.blocks[n]) == cap(h.blocks[n]) {
			h.blocks = append(h.blocks, pool.take(len(b), n < 0))
			n++
			h.mem += cap(h.blocks[n])
		}
		last := h.blocks[n]
		k := min(len(b), cap(last)-len(last))
		h.blocks[n] = append(last, b[:k]...)
		b = b[k:]
	}
}

// sendable is the number of bytes that may be sent now.
func (h *held) sendable() int { return h.size - int(h.pushed-h.released) }

// next is what to write first, at most writeSize bytes; sendable is not 0.
func (h *held) next() []byte {
	b := h.blocks[0][h.off:]
	return b[:min(len(b), writeSize, h.sendable())]
}

// sent drops n bytes at the front.
func (h *held) sent(n int, pool *blockPool) {
	h.size -= n
	h.off += n
	if h.off < len(h.blocks[0]) {
		return
	}
	h.mem -= cap(h.blocks[0])
	pool.give(h.blocks[0])
	h.blocks[0], h.off = nil, 0
	if h.blocks = h.blocks[1:]; len(h.blocks) == 0 {
		h.blocks = nil
	}
}

// drop forgets everything.
func (h *held) drop(pool *blockPool) {
	for _, b := range h.blocks {
		pool.give(b)
	}
	*h = held{pushed: h.pushed, released: h.pushed}
}

// blockPool keeps a few blocks for the next slow reader; the rest is left to the
// collector.
type blockPool struct {
	blocks  [][]byte
	dropped int // bytes left to the collector since the last look
}

const pooledBlocks = 16

// take returns an empty block for at least one of n bytes. A first block is
// small if it may be: most sockets take the rest soon.
func (p *blockPool) take(n int, first bool) []byte {
	const small = 4 << 10
	if first && n <= small {
		return make([]byte, 0, 2*small)
	}
	if k := len(p.blocks) - 1; k >= 0 {
		b := p.blocks[k]
		p.blocks[k] = nil
		p.blocks = p.blocks[:k]
		return b
	}
	return make([]byte, 0, blockSize)
}

func (p *blockPool) give(b []byte) {
	if cap(b) == blockSize && len(p.blocks) < pooledBlocks {
		p.blocks = append(p.blocks, b[:0])
		return
	}
	p.dropped += cap(b)
}

// trim leaves all but n blocks to the collector.
func (p *blockPool) trim(n int) {
	for len(p.blocks) > n {
		last := len(p.blocks) - 1
		p.dropped += cap(p.blocks[last])
		p.blocks[last] = nil
		p.blocks = p.blocks[:last]
	}
}
