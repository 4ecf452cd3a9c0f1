package wal

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Options is what a Log is made of.
type Options struct {
	Policy    Policy
	Databases int
	Limits
	// Fatal is called once, from any goroutine, when the log can not go on.
	Fatal func(error)
	// Lost is called once, from any goroutine, when the log can not go on, whether Fatal is called or not, before anybody
	// who waits is told: no write is admitted any more, and what is not durable is lost. nil: nobody wants to know.
	Lost func()
	// Changed is called when Admit may answer otherwise than before, from any goroutine, perhaps with stripes
	// locked: it must not block. nil: nobody wants to know.
	Changed func()
	Log     *slog.Logger // nil: nothing is logged
	// Committed is told how long each write of the log took, with the sync that it waited for if synced. nil: nobody is.
	Committed func(took time.Duration, synced bool)
	// Now is the time in unix milliseconds, nil: the wall clock.
	Now func() int64
}

const (
	batchSize   = 1 << 20 // a batch is closed when it has grown to this
	keepBuffers = 4       // batch buffers kept for reuse
)

// Log is an open log. Any goroutine may call its methods, where not said otherwise.
type Log struct {
	o Options
	b Backend

	policy  atomic.Uint32
	limits  limits
	st      states
	gates   gates
	waits   waits
	readers readers
	stats   counters

	mu     sync.Mutex // guards the batches that no commit has taken yet
	active batch
	closed []batch
	free   [][]byte
	next   LSN // of the next entry

	appended  atomic.Uint64
	taken     atomic.Uint64 // last LSN that a commit has taken
	written   atomic.Uint64
	durable   atomic.Uint64
	limit     atomic.Uint64 // SetCommit's; all ones: no limit
	watermark atomic.Uint64

	// leader is a lock, held by who commits while an element is in it. With trouble a commit gives it to the
	// syncer, still held, and with it the work that a loop must not wait for.
	leader   chan struct{}
	trouble  chan error
	retained []Frame // written or not, not durable; of the leader
	unacked  int     // how many at the end of retained the backend has not taken
	pack     pack    // where small ones of retained lie; of the leader
	jobs     chan job
	syncSoon chan struct{} // much is unsynced under EverySec
	fillSoon chan struct{} // the present file is filling up
	ended    chan struct{} // closed when Run is about to return
	lost     atomic.Bool   // the log has failed for good, and Options.Lost has been called
}

// batch is entries in memory, behind room for a frame's header.
type batch struct {
	b     []byte
	base  LSN
	count int
}

// New returns a log over a backend that has been opened and whose entries up to info.Last have been
// applied. Nothing is written before Run.
func New(o Options, b Backend, info Info) *Log {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = func() int64 { return time.Now().UnixMilli() }
	}
	l := &Log{
		o: o, b: b, next: info.Last + 1,
		leader: make(chan struct{}, 1), trouble: make(chan error, 1),
		jobs: make(chan job), syncSoon: make(chan struct{}, 1), fillSoon: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	l.policy.Store(uint32(o.Policy))
	l.limits.set(o.Limits)
	l.st.changed = o.Changed
	l.gates.init(o.Databases, info.Last)
	l.waits.init()
	l.readers.window = windowBytes
	for _, a := range []*atomic.Uint64{&l.appended, &l.taken, &l.written, &l.durable, &l.watermark} {
		a.Store(uint64(info.Last))
	}
	l.limit.Store(^uint64(0))
	l.active = batch{b: l.buffer(), base: l.next}
	return l
}

// Policy is the one in force.
func (l *Log) Policy() Policy { return Policy(l.policy.Load()) }

// Appended is the last LSN that was given out: the gate of a read of all keys.
func (l *Log) Appended() LSN { return LSN(l.appended.Load()) }

// Watermark is the LSN up to which replies may leave.
func (l *Log) Watermark() LSN { return LSN(l.watermark.Load()) }

// Marks say how far the log is written and durable.
func (l *Log) Marks() Marks {
	return Marks{Written: LSN(l.written.Load()), Durable: LSN(l.durable.Load())}
}

// Append adds a group and returns the LSN of its last entry. It is called with the stripes of all
// its slots locked, or in an exclusive phase. The effects are copied; the flag More is set here.
func (l *Log) Append(group []Entry) LSN {
	l.mu.Lock()
	a := &l.active
	before := len(a.b)
	for i := range group {
		e := &group[i]
		flags := e.Flags &^ More
		if i+1 < len(group) {
			flags |= More
		}
		a.b = appendEntry(a.b, e.Slot, e.DB, flags, e.Effect)
	}
	a.count += len(group)
	l.next += LSN(len(group))
	last := l.next - 1
	l.appended.Store(uint64(last))
	size := len(a.b) - before
	if len(a.b) >= batchSize {
		l.closed = append(l.closed, *a)
		*a = batch{b: l.buffer(), base: l.next}
	}
	l.mu.Unlock()
	for i := range group {
		l.gates.note(&group[i], last)
	}
	if l.stats.unsynced.Add(int64(size)) > l.limits.unsynced.Load() {
		l.full()
	}
	return last
}

// buffer returns memory for a batch; l.mu is held or the log is being made.
func (l *Log) buffer() []byte {
	if n := len(l.free); n > 0 {
		b := l.free[n-1]
		l.free = l.free[:n-1]
		return b
	}
	return make([]byte, FrameHeader, 64<<10)
}

// take turns what was appended into frames, at the end of l.retained. The leader calls it.
func (l *Log) take() {
	l.mu.Lock()
	batches := l.closed
	l.closed = nil
	if l.active.count > 0 {
		batches = append(batches, l.active)
		l.active = batch{b: l.buffer(), base: l.next}
	}
	last := l.next - 1
	l.mu.Unlock()
	if len(batches) == 0 {
		return
	}
	now, durable := l.o.Now(), LSN(l.durable.Load())
	for _, b := range batches {
		l.retained = append(l.retained, newFrame(b.b, b.base, b.count, durable, now))
	}
	l.unacked += len(batches)
	l.taken.Store(uint64(last))
}

// pending says whether something was appended that no commit has taken.
func (l *Log) pending() bool { return l.appended.Load() > l.taken.Load() }

// publish moves the marks, which never go back, frees what is durable, and says whether replies can leave that could not
// before. The leader calls it.
func (l *Log) publish(m Marks) {
	raise(&l.written, uint64(m.Written))
	raise(&l.durable, uint64(m.Durable))
	n, size := 0, 0
	keep := LSN(l.durable.Load())
	if l.Policy() == No {
		keep = LSN(l.written.Load())
	}
	for n < len(l.retained)-l.unacked && l.retained[n].Last() <= keep {
		size += len(l.retained[n].Bytes) - FrameHeader
		n++
	}
	if n > 0 {
		l.release(l.retained[:n])
		l.pack.forget(keep)
		l.retained = append(l.retained[:0], l.retained[n:]...)
		l.stats.unsynced.Add(-int64(size))
		l.ease()
	}
	l.raiseWatermark()
}

// release gives the buffers of frames back.
func (l *Log) release(frames []Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range frames {
		if b := frames[i].Bytes; cap(b) > len(b) { // otherwise it may be packed
			l.reuse(b)
		}
		frames[i] = Frame{}
	}
}

// reuse keeps a batch's buffer for buffer; l.mu is held.
func (l *Log) reuse(b []byte) {
	if cap(b) <= 2*batchSize && len(l.free) < keepBuffers {
		l.free = append(l.free, b[:FrameHeader])
	}
}

// raiseWatermark computes what replies wait for, and wakes readers, for whom any mark may have moved.
func (l *Log) raiseWatermark() {
	w := l.written.Load()
	if l.Policy() == Always {
		w = l.durable.Load()
	}
	raise(&l.watermark, min(w, l.limit.Load()))
	l.readers.wake()
}

// raise sets a to v unless it is larger.
func raise(a *atomic.Uint64, v uint64) {
	for {
		old := a.Load()
		if v <= old || a.CompareAndSwap(old, v) {
			return
		}
	}
}

// SetCommit limits the watermark to what a cluster has agreed on; it only grows.
func (l *Log) SetCommit(lsn LSN) {
	if l.limit.Load() == ^uint64(0) {
		l.limit.Store(uint64(lsn))
	} else {
		raise(&l.limit, uint64(lsn))
	}
	l.raiseWatermark()
	l.waits.wake(l.Watermark())
}

// SetPolicy changes the policy. A change to Always returns once all that was written is durable.
func (l *Log) SetPolicy(ctx context.Context, p Policy) error {
	l.policy.Store(uint32(p))
	if p != Always {
		return l.do(ctx, func() error { l.publish(l.Marks()); return nil })
	}
	return l.do(ctx, func() error { return l.commitLocked(true) })
}
