package wal

import (
	"fmt"
	"sync"
	"sync/atomic"
)

const (
	pipeChunk  = 512 << 10 // bytes of entries that go to the workers at once
	pipeAhead  = 4         // tasks for each worker, done or waiting: this bounds memory
	keepBuffer = 1 << 20   // a larger buffer is not used again
)

// pipe is the workers of a recovery. One goroutine feeds them; each takes its tasks in order.
type pipe struct {
	a       Applier
	workers []chan *task
	ended   sync.WaitGroup
	tokens  chan struct{} // one for each task that is not done
	pending sync.WaitGroup
	free    chan []byte
	err     atomic.Pointer[error]
	chunk   *task // entries that are not sent yet
}

// task is a range for one worker, or entries of which each worker applies its own.
type task struct {
	raw    []byte // a range: its frame
	scan   *snapScan
	off    int64 // of the frame
	number uint32

	entries []byte
	first   LSN
	guard   *guard
	left    atomic.Int32 // workers that are not done
}

func newPipe(a Applier, workers int) *pipe {
	n := workers*pipeAhead + 2
	p := &pipe{a: a, tokens: make(chan struct{}, n), free: make(chan []byte, n)}
	for w := range workers {
		in := make(chan *task, n) // never blocks: tokens bound it
		p.workers = append(p.workers, in)
		p.ended.Go(func() { p.work(w, in) })
	}
	return p
}

// close ends the workers.
func (p *pipe) close() {
	for _, in := range p.workers {
		close(in)
	}
	p.ended.Wait()
}

// failed returns the first error of a worker.
func (p *pipe) failed() error {
	if err := p.err.Load(); err != nil {
		return *err
	}
	return nil
}

// forget forgets errors and what was not sent.
func (p *pipe) forget() {
	p.err.Store(nil)
	p.chunk = nil
}

// buffer returns memory for a frame.
func (p *pipe) buffer() []byte {
	select {
	case b := <-p.free:
		return b[:0]
	default:
		return nil
	}
}

// recycle gives it back.
func (p *pipe) recycle(b []byte) {
	if cap(b) > keepBuffer {
		return
	}
	select {
	case p.free <- b:
	default:
	}
}

// send gives a range to the worker of a slot.
func (p *pipe) send(t *task, slot int) {
	t.left.Store(1)
	p.tokens <- struct{}{}
	p.pending.Add(1)
	p.workers[slot%len(p.workers)] <- t
}

// add gives entries to the workers, many at a time; b is copied. It is for entries that are no barriers.
func (p *pipe) add(first LSN, b []byte, g *guard) {
	if len(b) == 0 {
		return
	}
	if p.chunk != nil && (p.chunk.guard != g || len(p.chunk.entries)+len(b) > pipeChunk) {
		p.push()
	}
	if p.chunk == nil {
		p.chunk = &task{first: first, guard: g, entries: p.buffer()}
	}
	p.chunk.entries = append(p.chunk.entries, b...)
}

// push sends the entries that were added.
func (p *pipe) push() {
	t := p.chunk
	if t == nil {
		return
	}
	p.chunk = nil
	t.left.Store(int32(len(p.workers)))
	p.tokens <- struct{}{}
	p.pending.Add(1)
	for _, in := range p.workers {
		in <- t
	}
}

// idle sends what was added, waits until all is done, and returns the first error.
func (p *pipe) idle() error {
	p.push()
	p.pending.Wait()
	return p.failed()
}

// work is a worker.
func (p *pipe) work(w int, in <-chan *task) {
	var scratch []byte // for ranges that are compressed
	for t := range in {
		if p.failed() == nil {
			var err error
			if t.raw != nil {
				scratch, err = p.applyRange(w, t, scratch)
			} else {
				err = p.apply(w, t)
			}
			if err != nil {
				p.err.CompareAndSwap(nil, &err)
			}
		}
		if t.left.Add(-1) == 0 {
			p.recycle(t.raw)
			p.recycle(t.entries)
			<-p.tokens
			p.pending.Done()
		}
	}
}

func (p *pipe) applyRange(w int, t *task, scratch []byte) ([]byte, error) {
	f, err := decodeSnapFrame(t.raw, t.scan.id, t.number, scratch)
	if err != nil {
		return scratch, t.scan.at(t.off, err)
	}
	if err := p.a.Range(w, f); err != nil {
		return scratch, &ApplyError{fmt.Errorf("slot %d of database %d in snapshot %d: %w", f.Slot, f.DB, t.scan.id, err)}
	}
	if n := cap(f.Data); n > cap(scratch) && n <= keepBuffer && !inside(f.Data, t.raw) {
		scratch = f.Data
	}
	return scratch, nil
}

// apply applies the entries of the worker's slots.
func (p *pipe) apply(w int, t *task) error {
	n := uint(len(p.workers))
	fragment := func(e *Entry) uint32 { return p.a.Fragment(w, *e) }
	b := t.entries
	for lsn := t.first; len(b) > 0; lsn++ {
		e, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("%w: the entry of LSN %d is cut", ErrCorrupt, lsn)
		}
		b = rest
		if uint(e.Slot)%n != uint(w) || (t.guard != nil && t.guard.contains(lsn, &e, fragment)) {
			continue
		}
		if err := p.a.Apply(w, lsn, e); err != nil {
			return &ApplyError{fmt.Errorf("entry %d of slot %d: %w", lsn, e.Slot, err)}
		}
	}
	return nil
}
