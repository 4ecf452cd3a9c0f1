package wal

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

const (
	scanChunk = 8 << 20 // what is read at a time when the log is replayed
	readChunk = 1 << 20 // when a reader catches up
)

// walk reads the frames of a segment, chunk by chunk.
type walk struct {
	b       *FileBackend
	s       *segment
	file    io.ReaderAt
	off     int64 // where the next frame begins
	next    LSN   // which it begins with
	end     int64 // of the bytes that may hold frames
	size    int64 // of a chunk; 0 is readChunk
	workers int   // that check frames

	buf    []byte
	frames []Frame
	bad    []string
}

// keys are what the frames of a segment are bound to.
func (b *FileBackend) keys(s *segment) (uint32, uint64) {
	if b.broken.noKeys {
		return 0, 0
	}
	return s.id, s.salt
}

// chunk returns the next good frames, which are valid until the next call, and moves behind them. If what
// follows them is no good frame, why tells the reason; then there is nothing more to get.
func (w *walk) chunk() (fs []Frame, why string, err error) {
	if w.size == 0 {
		w.size = readChunk
	}
	if err := w.read(min(w.size, w.end-w.off)); err != nil {
		return nil, "", err
	}
	need, why := w.split()
	for len(w.frames) == 0 && why == "" { // a frame larger than a chunk
		if err := w.read(need); err != nil {
			return nil, "", err
		}
		need, why = w.split()
	}
	w.verify()
	for i := range w.frames {
		if w.bad[i] != "" {
			w.frames, why = w.frames[:i], w.bad[i]
			break
		}
	}
	for i := range w.frames {
		w.off += int64(len(w.frames[i].Bytes))
		w.next = w.frames[i].Last() + 1
	}
	return w.frames, why, nil
}

// read fills buf with n bytes from off.
func (w *walk) read(n int64) error {
	w.buf = slices.Grow(w.buf[:0], int(n))[:n]
	if err := readFull(w.file, w.buf, w.off); err != nil {
		return fmt.Errorf("wal: reading %s at offset %d: %w", w.s.name, w.off, err)
	}
	return nil
}

// split finds the frames that lie whole in buf, by their headers. need is how long the next one is, if
// it is cut by the end of buf only; otherwise why says what ended the search.
func (w *walk) split() (need int64, why string) {
	w.frames = w.frames[:0]
	id, salt := w.b.keys(w.s)
	next := w.next
	for at := int64(0); ; {
		rest := w.buf[at:]
		left := w.end - w.off - at // in the file
		if left >= FrameHeader && int64(len(rest)) < FrameHeader {
			return FrameHeader, ""
		}
		if _, why := openHeader(rest, left, id, salt, next); why != "" {
			return 0, why
		}
		n := FrameHeader + int64(le.Uint32(rest[4:]))
		if n > int64(len(rest)) {
			return n, ""
		}
		f := frameAt(rest[:n:n])
		w.frames = append(w.frames, f)
		next = f.Last() + 1
		at += n
	}
}

// verify checks the frames.
func (w *walk) verify() {
	id, salt := w.b.keys(w.s)
	w.bad = append(w.bad[:0], make([]string, len(w.frames))...)
	check := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			_, w.bad[i] = openFrame(w.frames[i].Bytes, id, salt, w.frames[i].Base)
		}
	}
	const worth = 256 << 10 // less is not worth a goroutine
	if w.workers < 2 || len(w.buf) < worth {
		check(0, len(w.frames))
		return
	}
	var all sync.WaitGroup
	share := len(w.buf)/w.workers + 1
	for lo, hi, bytes := 0, 0, 0; lo < len(w.frames); lo, bytes = hi, 0 {
		for hi < len(w.frames) && bytes < share {
			bytes += len(w.frames[hi].Bytes)
			hi++
		}
		from, to := lo, hi
		all.Go(func() { check(from, to) })
	}
	all.Wait()
}

// Read calls fn for the frames from the one that holds from, until the end of what was written when it began.
// ErrTrimmed says that the log does not reach back so far.
func (b *FileBackend) Read(from LSN, fn func(Frame) error) error {
	return b.scan(from, b.Marks().Written, 1, readChunk, func(fs []Frame) error {
		for _, f := range fs {
			if err := fn(f); err != nil {
				return err
			}
		}
		return nil
	})
}

// Scan is Read for recovery: it checks the frames with so many goroutines, and calls fn with all frames of a chunk of some
// megabytes, which are valid during the call. What is appended while the log is off is no part of it.
func (b *FileBackend) Scan(from LSN, workers int, fn func(fs []Frame) error) error {
	return b.scan(from, b.Info().Last, workers, scanChunk, fn)
}

func (b *FileBackend) scan(from, until LSN, workers int, size int64, fn func(fs []Frame) error) error {
	w := walk{b: b, workers: workers, size: size}
	for from <= until {
		s, err := b.holding(from)
		if err != nil {
			return err
		}
		last := min(until, s.last)
		w.s, w.off, w.next, w.end = s.segment, s.at.off, s.at.base, s.end
		if err := b.scanSegment(&w, from, last, fn); err != nil {
			return err
		}
		from = last + 1
	}
	return nil
}

// held is what a scan has to know of a segment, as it was when it was asked.
type held struct {
	*segment
	last LSN
	end  int64
	at   place
}

// holding returns the segment that holds an LSN, which was written.
func (b *FileBackend) holding(lsn LSN) (held, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := len(b.segs) - 1
	for i >= 0 && (b.segs[i].first > lsn || b.segs[i].last < b.segs[i].first) {
		i--
	}
	if i < 0 {
		return held{}, fmt.Errorf("%w: LSN %d", ErrTrimmed, lsn)
	}
	s := b.segs[i]
	if lsn > s.last {
		return held{}, &CorruptError{File: s.name, Offset: s.end, First: lsn, Last: lsn, Why: "no segment holds it"}
	}
	return held{s, s.last, s.end, s.before(lsn)}, nil
}

// scanSegment calls fn for the frames of w's segment that have an LSN from..last.
func (b *FileBackend) scanSegment(w *walk, from, last LSN, fn func(fs []Frame) error) error {
	file, err := b.fs.Open(w.s.name)
	if err != nil {
		return b.lost(w, last, err)
	}
	defer file.Close()
	w.file = file
	for w.next <= last {
		fs, why, err := w.chunk()
		if err != nil {
			return b.lost(w, last, err)
		}
		for len(fs) > 0 && fs[0].Last() < from {
			fs = fs[1:]
		}
		for len(fs) > 0 && fs[len(fs)-1].Base > last {
			fs = fs[:len(fs)-1]
		}
		if len(fs) > 0 {
			if err := fn(fs); err != nil {
				return err
			}
		}
		if why != "" && w.next <= last {
			return b.lost(w, last, &CorruptError{File: w.s.name, Offset: w.off, First: w.next, Last: last, Why: why})
		}
	}
	return nil
}

// lost is the error of a scan that met err: it is ErrTrimmed if a Trim has taken the file away meanwhile.
func (b *FileBackend) lost(w *walk, last LSN, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.segs, w.s) {
		return fmt.Errorf("%w: LSN %d to %d", ErrTrimmed, w.next, last)
	}
	return err
}
