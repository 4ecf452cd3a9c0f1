package wal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// Level says how safe a reader wants what it is given.
type Level uint8

// The levels.
const (
	// Acknowledged: up to the watermark, which is what replies may tell of.
	Acknowledged Level = iota
	// Durable: what no crash takes back.
	Durable
	// Written: what was handed to the operating system, ahead of the others.
	Written
)

// HoldAll as ReaderOptions.Retain holds the log however long it becomes.
const HoldAll = -1

// ReaderOptions is what a Reader is made of.
type ReaderOptions struct {
	Name string // for figures and errors
	// From is the first LSN to be read; 0 is what comes next.
	From  LSN
	Level Level
	// Retain is how many bytes of the log a Trim leaves for this reader, from where it is to the end; if it falls further
	// behind it loses its place and is told ErrTrimmed. 0 holds nothing, HoldAll all. When the disk is full nothing is held.
	Retain int64
}

// Reader reads the log in LSN order, whole groups, without gaps (W11), while it grows: new entries from memory, old ones
// from the backend. It never makes a writer wait. One goroutine at a time calls its methods, but for Close and those of Log.
type Reader struct {
	l *Log
	o ReaderOptions

	queue []Batch // to be given next
	next  LSN     // behind what was given
	mem   []byte  // of batches that were read from the backend
	hold  atomic.Uint64

	sleeping atomic.Bool
	bell     chan struct{} // of one element
	over     sync.Once
	closed   chan struct{}
}

// readers are those that there are. The leader looks at feed once for each commit; while that is nil there is no other cost.
type readers struct {
	feed atomic.Pointer[feed]

	mu      sync.Mutex // over all below, and over changes of feed; held during a trim
	list    []*Reader
	trimmed LSN // the backend was told to forget up to here
	wanted  LSN // it might, were it not for readers

	lost    atomic.Int64 // readers that lost their place
	closing atomic.Bool  // the backend is about to be closed
	window  int          // bytes that are kept in memory for them
}

// feed is what the leader does for readers.
type feed struct {
	list []*Reader // never changed
	*recent
}

// recent is the window with its lock, which nobody holds for long.
type recent struct {
	mu sync.Mutex
	w  window
}

func (r *recent) add(fs []Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.w.add(fs)
}

func (r *recent) take(to []Batch, from LSN) []Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.w.take(to, from)
}

// Reader begins to read. The error is ErrTrimmed if the log does not reach back to o.From; if it does it stays so, within
// o.Retain. The reader has to be closed.
func (l *Log) Reader(o ReaderOptions) (*Reader, error) {
	if o.From == 0 {
		o.From = l.Appended() + 1
	}
	r := &Reader{l: l, o: o, next: o.From, bell: make(chan struct{}, 1), closed: make(chan struct{})}
	r.hold.Store(uint64(o.From))
	l.readers.change(func(list []*Reader) []*Reader { return append(list, r) })
	if o.From > LSN(l.durable.Load()) {
		return r, nil // nothing of that is ever trimmed
	}
	if err := l.b.Read(o.From, func(Frame) error { return errEnough }); !errors.Is(err, errEnough) {
		r.Close()
		if err == nil {
			err = fmt.Errorf("%w: the log has no entry %d", ErrCorrupt, o.From)
		}
		return nil, fmt.Errorf("reader %s: %w", o.Name, err)
	}
	return r, nil
}

// change replaces the list of readers. The window is kept while there is anybody.
func (rs *readers) change(edit func([]*Reader) []*Reader) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.list = edit(append([]*Reader{}, rs.list...))
	old := rs.feed.Load()
	switch {
	case len(rs.list) == 0:
		rs.feed.Store(nil)
	case old == nil:
		rs.feed.Store(&feed{rs.list, &recent{w: window{limit: rs.window}}})
	default:
		rs.feed.Store(&feed{rs.list, old.recent})
	}
}

// wake wakes the readers that wait for a mark.
func (rs *readers) wake() {
	f := rs.feed.Load()
	if f == nil {
		return
	}
	for _, r := range f.list {
		if r.sleeping.Load() && r.sleeping.CompareAndSwap(true, false) {
			r.ring()
		}
	}
}

func (r *Reader) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// fed passes written frames to the readers. The leader calls it.
func (rs *readers) fed(fs []Frame) {
	if f := rs.feed.Load(); f != nil {
		f.add(fs)
	}
}

// readable is the last LSN that a reader of a level may see.
func (l *Log) readable(level Level) LSN {
	switch level {
	case Durable:
		return LSN(l.durable.Load())
	case Written:
		return LSN(l.written.Load())
	default:
		return l.Watermark()
	}
}

// Next returns the next batch, which is valid until the following call, and waits for it if need be. The error is
// ErrTrimmed if the log has been cut beyond the reader's position, so that it needs a snapshot to begin anew; ErrClosed once the
// reader is closed, or the log is and all that the reader finds in memory is read; or ctx's. After an error of ctx it goes on.
func (r *Reader) Next(ctx context.Context) (Batch, error) {
	for {
		select {
		case <-r.closed:
			return Batch{}, ErrClosed
		default:
		}
		r.hold.Store(uint64(r.next)) // the caller is done with what it was given
		limit := r.l.readable(r.o.Level)
		if b, ok := r.ready(limit); ok {
			return b, nil
		}
		level, need := r.o.Level, limit+1
		if len(r.queue) == 0 && r.next <= limit {
			again, err := r.fill()
			switch {
			case err != nil:
				return Batch{}, fmt.Errorf("reader %s: %w", r.o.Name, err)
			case again:
				continue
			}
			level, need = Durable, r.next
		}
		if err := r.wait(ctx, level, need); err != nil {
			return Batch{}, err
		}
	}
}

// ready gives what the queue has up to a limit.
func (r *Reader) ready(limit LSN) (Batch, bool) {
	if len(r.queue) == 0 {
		return Batch{}, false
	}
	b := r.queue[0]
	if b.First < r.next { // the group that holds r.next comes whole
		_, b = b.split(r.next - 1)
	}
	if b.Last() > limit {
		b, r.queue[0] = b.split(limit)
	} else {
		r.queue = r.queue[1:]
	}
	if b.Count == 0 {
		return b, false
	}
	r.next = b.Last() + 1
	return b, true
}

// fill gets batches from r.next on, which may be read. again is false if there will be some only once r.next is durable.
func (r *Reader) fill() (again bool, err error) {
	l := r.l
	r.queue = r.queue[:0]
	if f := l.readers.feed.Load(); f != nil {
		r.queue = f.take(r.queue, r.next)
	}
	if len(r.queue) > 0 {
		return true, nil
	}
	safe := LSN(l.durable.Load()) >= r.next
	r.mem = r.mem[:0]
	err = l.b.Read(r.next, func(f Frame) error {
		b := f.batch()
		at := len(r.mem)
		r.mem = append(r.mem, b.Entries...)
		b.Entries = r.mem[at:len(r.mem):len(r.mem)]
		r.queue = append(r.queue, b)
		if len(r.mem) >= readChunk {
			return errEnough
		}
		return nil
	})
	switch {
	case len(r.queue) > 0: // an error behind that comes again, if it is one for this reader
		return true, nil
	case l.readers.closing.Load():
		return false, ErrClosed
	case !safe: // its file has failed, and it is being written to another
		return false, nil
	case errors.Is(err, ErrTrimmed):
		l.readers.lost.Add(1)
		return false, err
	case err == nil || errors.Is(err, errEnough):
		return false, fmt.Errorf("%w: the log has no entry %d, which is durable", ErrCorrupt, r.next)
	}
	return false, err
}

// wait waits until a level has reached an LSN, or another mark has moved.
func (r *Reader) wait(ctx context.Context, level Level, lsn LSN) error {
	l := r.l
	r.sleeping.Store(true)
	if l.readable(level) >= lsn { // it has before the leader could see that
		r.sleeping.Store(false)
		return nil
	}
	select {
	case <-r.bell:
		return nil
	case <-r.closed:
		return ErrClosed
	case <-l.ended:
		if l.readable(level) >= lsn {
			return nil
		}
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Seek goes on with an LSN, forward or back. What a reader holds moves with it: a cursor that only holds the log for somebody is
// a reader that is moved by Seek.
func (r *Reader) Seek(lsn LSN) {
	r.queue, r.next = r.queue[:0], lsn
	r.hold.Store(uint64(lsn))
}

// Close ends it, from any goroutine; it holds nothing any more.
func (r *Reader) Close() {
	r.over.Do(func() {
		close(r.closed)
		r.l.readers.change(func(list []*Reader) []*Reader {
			kept := list[:0]
			for _, other := range list {
				if other != r {
					kept = append(kept, other)
				}
			}
			return kept
		})
	})
}

// ReaderInfo is how far a reader is.
type ReaderInfo struct {
	Name  string
	Next  LSN   // it has not done with yet
	Bytes int64 // of the log from there on, -1 if the backend can not tell
}

// Readers returns the readers that there are.
func (l *Log) Readers() []ReaderInfo {
	f := l.readers.feed.Load()
	if f == nil {
		return nil
	}
	list := make([]ReaderInfo, 0, len(f.list))
	for _, r := range f.list {
		at := LSN(r.hold.Load())
		bytes := int64(-1)
		if s, ok := l.b.(sizer); ok {
			bytes = s.BytesFrom(at)
		}
		list = append(list, ReaderInfo{r.o.Name, at, bytes})
	}
	return list
}
