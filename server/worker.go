package server

import (
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// Sizes in bytes, found by measuring with redis-benchmark.
const (
	readSize  = 64 << 10  // most input of a connection in one tick
	writeSize = 64 << 10  // most bytes of one write: a raw system call holds its processor
	arenaSize = 256 << 10 // output of a tick before it is flushed early
	fullSize  = 64 << 10  // output of a connection before it is flushed early
	keepArgs  = 4096      // argument lists up to this length are kept
	batchArgs = 4 * bus.AheadMax
)

// worker is what it takes to run commands: one for each event loop, and a pool of them for
// the goroutine driver. One goroutine uses it at a time.
type worker struct {
	srv    *Server
	bus    *bus.Bus
	ctx    *bus.Ctx
	set    *Settings
	now    int64    // unix ms, of the tick
	args   [][]byte // memory for the arguments of a batch
	batch  [bus.AheadMax]call
	argv   [bus.AheadMax][][]byte // the arguments of the batch once more
	limits [2]resp.Limits         // with [1] for clients that have not authenticated

	// arena takes the replies of all connections of a tick one behind the other; a
	// connection gets memory of its own only if the socket does not take them.
	arena []byte
	used  int

	soft  int    // connections above their soft limit; of an event loop
	gate  uint64 // highest LSN that replies wait or waited for
	tally tally
	pub   *counters
	free  blockPool
}

func newWorker(s *Server, pub *counters, arena int) *worker {
	return &worker{
		srv: s, bus: s.opts.Bus, ctx: s.opts.Bus.NewCtx(), pub: pub,
		arena: make([]byte, arena), args: make([][]byte, 0, batchArgs),
	}
}

// begin starts a tick.
func (w *worker) begin(now int64) {
	w.now = now
	w.ctx.SetNow(now)
	if set := w.srv.settings.Load(); set != w.set {
		w.set = set
		w.limits[0] = resp.Limits{MaxBulk: set.MaxBulk}
		w.limits[1] = resp.Limits{MaxBulk: set.MaxBulk, Unauth: true}
	}
}

// end finishes a tick: the arena is free again and the figures are published.
func (w *worker) end() {
	w.used = 0
	w.ctx.EndTick()
	w.pub.add(&w.tally)
	if cap(w.args) > keepArgs {
		w.args = make([][]byte, 0, batchArgs)
	}
}

// forget drops references to buffers that are released.
func (w *worker) forget() {
	clear(w.args[:cap(w.args)])
	clear(w.batch[:])
	clear(w.argv[:])
	w.ctx.Args, w.ctx.Raw = nil, nil
}

// upkeep calls the periodic work and says when it is due again. A call is short, because clients
// wait meanwhile; as long as more is due it is called after every poll, all the time if
// nobody sends anything, otherwise for half of each window.
type upkeep struct {
	interval time.Duration
	window   time.Time     // when the present one began
	spent    time.Duration // in it
}

// The pace of upkeep: busyPace while there is something to do or traffic, then slower by
// doubling up to what Upkeep allows. An idle loop that woke often would cost more than its own
// work: each time the runtime's monitor looks for what to do, every 20 us, for a while.
const (
	busyPace    = 8 * time.Millisecond  // and the length of a window
	upkeepSlice = 40 * time.Microsecond // budget of one call
	upkeepWork  = 30 * time.Microsecond // a call that took longer found something to do
)

// run does one call on w. busy says that commands ran since the last one. The result is when
// to call again.
func (u *upkeep) run(w *worker, share, of int, busy bool) (again time.Duration) {
	start := time.Now()
	more, rest := w.srv.opts.Upkeep(w.ctx, share, of, upkeepSlice)
	took := time.Since(start)
	if start.Sub(u.window) >= busyPace {
		u.window, u.spent = start, 0
	}
	u.spent += took
	switch {
	case more && (!busy || u.spent < busyPace/2):
		u.interval = busyPace
		return 0
	case more:
		u.interval = busyPace
		return max(0, busyPace-start.Sub(u.window))
	case busy, took > upkeepWork:
		u.interval = busyPace
	default:
		u.interval = min(2*u.interval, rest)
	}
	return u.interval
}

// released notes that a connection's buffer of n bytes was dropped.
func (w *worker) released(n int) {
	if n >= blockSize {
		w.forget()
		w.free.dropped += n
	}
}
