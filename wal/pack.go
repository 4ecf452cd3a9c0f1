package wal

const (
	packPiece = 256 << 10 // is allocated at a time
	keepPacks = 16        // pieces kept for reuse
)

// pack holds small frames that are written but not durable, one behind the other: under EverySec
// there are thousands of them, and the buffer of a batch has room for far more than most frames
// have in them. It belongs to the leader.
type pack struct {
	pieces []packed // oldest first
	free   [][]byte
}

// packed is a piece of memory with frames in it.
type packed struct {
	buf  []byte
	last LSN // of the last frame
}

// worth says whether a frame leaves so much of its buffer empty that it is copied.
func (p *pack) worth(f *Frame) bool {
	return cap(f.Bytes) > 2*len(f.Bytes) && len(f.Bytes) <= packPiece/4
}

// add copies a frame and returns its old buffer. The new Bytes have no room behind them, by which release
// knows that they are not to be reused.
func (p *pack) add(f *Frame) (old []byte) {
	n := len(p.pieces)
	if n == 0 || cap(p.pieces[n-1].buf)-len(p.pieces[n-1].buf) < len(f.Bytes) {
		p.pieces = append(p.pieces, packed{buf: p.piece()})
		n++
	}
	last := &p.pieces[n-1]
	at := len(last.buf)
	last.buf = append(last.buf, f.Bytes...)
	last.last = f.Last()
	old, f.Bytes = f.Bytes, last.buf[at:len(last.buf):len(last.buf)]
	return old
}

func (p *pack) piece() []byte {
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free[n-1] = nil
		p.free = p.free[:n-1]
		return b
	}
	return make([]byte, 0, packPiece)
}

// forget takes pieces back whose frames all end at or before lsn. Nobody holds these frames any more.
func (p *pack) forget(lsn LSN) {
	n := 0
	for n < len(p.pieces) && p.pieces[n].last <= lsn {
		if len(p.free) < keepPacks {
			p.free = append(p.free, p.pieces[n].buf[:0])
		}
		n++
	}
	if n > 0 {
		rest := copy(p.pieces, p.pieces[n:])
		clear(p.pieces[rest:])
		p.pieces = p.pieces[:rest]
	}
}

// packRetained copies what the last commit wrote, n frames at most, and what stays until it is durable. The
// leader calls it.
func (l *Log) packRetained(n int) {
	n = min(n, len(l.retained))
	for i := len(l.retained) - n; i < len(l.retained); i++ {
		if f := &l.retained[i]; l.pack.worth(f) {
			old := l.pack.add(f)
			l.mu.Lock()
			l.reuse(old)
			l.mu.Unlock()
		}
	}
}
