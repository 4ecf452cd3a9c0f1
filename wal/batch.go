package wal

import (
	"fmt"
	"slices"
)

// Batch is whole groups with consecutive LSNs, as a Reader gives them: a frame, or the part of one that the reader has not
// seen and may see. It has no header: what seals a frame belongs to its place in a file, so a receiver makes frames of its own.
type Batch struct {
	First   LSN
	Count   int
	Millis  int64  // when the frame was built, unix ms
	Entries []byte // as in a frame
}

// Last is the LSN of the last entry.
func (b *Batch) Last() LSN { return b.First + LSN(b.Count) - 1 }

// Groups calls visit for each group with the LSN of its first entry. The entries lie in the batch; the slice is reused.
func (b *Batch) Groups(visit func(first LSN, group []Entry) error) error {
	var group []Entry
	lsn, rest := b.First, b.Entries
	for range b.Count {
		e, r, ok := nextEntry(rest)
		if !ok {
			return fmt.Errorf("%w: a cut entry in the batch of LSN %d", ErrCorrupt, b.First)
		}
		rest = r
		group = append(group, e)
		if e.Flags&More == 0 {
			if err := visit(lsn, group); err != nil {
				return err
			}
			lsn += LSN(len(group))
			group = group[:0]
		}
	}
	return nil
}

// split cuts a batch behind its last group that ends at or before lsn.
func (b *Batch) split(lsn LSN) (head, tail Batch) {
	end, n, rest := 0, 0, b.Entries
	for i := range b.Count {
		if b.First+LSN(i) > lsn {
			break
		}
		e, r, ok := nextEntry(rest)
		if !ok {
			break // no frame that was checked
		}
		rest = r
		if e.Flags&More == 0 {
			end, n = len(b.Entries)-len(rest), i+1
		}
	}
	head, tail = *b, *b
	head.Count, head.Entries = n, b.Entries[:end:end]
	tail.First, tail.Count, tail.Entries = b.First+LSN(n), b.Count-n, b.Entries[end:]
	return head, tail
}

// batch is a frame without its header.
func (f *Frame) batch() Batch {
	return Batch{First: f.Base, Count: f.Count, Millis: f.Millis(), Entries: f.Entries()}
}

const (
	windowBytes = 4 << 20   // of entries that readers find in memory
	windowPiece = 256 << 10 // is allocated at a time
	takeBytes   = 256 << 10 // about what a reader takes of the window at a time
	takeBatches = 64
)

// window is the end of the log in memory, for readers that keep up. What it has given out is never written again: a slow
// reader keeps a piece alive, and nobody waits for it.
type window struct {
	pieces []piece // oldest first; the LSNs are consecutive
	bytes  int
	limit  int // of bytes, beyond which the oldest piece goes
}

// piece is batches whose entries lie in one piece of memory.
type piece struct {
	buf     []byte
	batches []Batch
}

// next is the LSN that add expects, 0: any.
func (w *window) next() LSN {
	if n := len(w.pieces); n > 0 {
		last := w.pieces[n-1].batches
		return last[len(last)-1].Last() + 1
	}
	return 0
}

// add copies frames that were written. Those that are there already are passed over; after a gap the window begins anew.
func (w *window) add(fs []Frame) {
	for i := range fs {
		b := fs[i].batch()
		next := w.next()
		switch {
		case b.Last() < next:
			continue
		case next != 0 && b.First != next:
			*w = window{limit: w.limit}
		}
		w.keep(b)
	}
	for len(w.pieces) > 1 && w.bytes-len(w.pieces[0].buf) >= w.limit {
		w.bytes -= len(w.pieces[0].buf)
		w.pieces[0] = piece{}
		w.pieces = w.pieces[1:]
	}
}

// keep copies a batch behind the others.
func (w *window) keep(b Batch) {
	n := len(w.pieces)
	if n == 0 || cap(w.pieces[n-1].buf)-len(w.pieces[n-1].buf) < len(b.Entries) {
		w.pieces = append(w.pieces, piece{buf: make([]byte, 0, max(min(windowPiece, w.limit), len(b.Entries)))})
		n++
	}
	p := &w.pieces[n-1]
	at := len(p.buf)
	p.buf = append(p.buf, b.Entries...)
	b.Entries = p.buf[at:len(p.buf):len(p.buf)]
	p.batches = append(p.batches, b)
	w.bytes += len(b.Entries)
}

// take appends batches from the one that holds an LSN on, none if it is not there.
func (w *window) take(to []Batch, from LSN) []Batch {
	i, found := slices.BinarySearchFunc(w.pieces, from, func(p piece, lsn LSN) int { return order(p.batches[0].First, p.batches[len(p.batches)-1].Last(), lsn) })
	if !found {
		return to
	}
	at, _ := slices.BinarySearchFunc(w.pieces[i].batches, from, func(b Batch, lsn LSN) int { return order(b.First, b.Last(), lsn) })
	bytes := 0
	for _, b := range w.pieces[i].batches[at:] {
		to = append(to, b)
		if bytes += len(b.Entries); bytes >= takeBytes || len(to) >= takeBatches {
			break
		}
	}
	return to
}

// order compares the LSNs first to last with one.
func order(first, last, lsn LSN) int {
	switch {
	case last < lsn:
		return -1
	case first > lsn:
		return 1
	}
	return 0
}
