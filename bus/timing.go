package bus

import (
	"math"
	"sync/atomic"
	"time"
)

// SlowLog keeps slow commands.
type SlowLog interface {
	// Slow is told of a command that took long, when it has run. Its locks may be held. c is not to be
	// kept.
	Slow(c *Ctx, s *Spec, took time.Duration)
}

// LatencyMonitor keeps what took long.
type LatencyMonitor interface {
	// Spike is told that something of the kind event took long. Locks may be held.
	Spike(event string, took time.Duration)
}

// TimingRules say what durations are for.
type TimingRules struct {
	// SlowOver is what a command has to take to be told to the SlowLog, negative: none is.
	SlowOver time.Duration
	// LateOver is the same for the LatencyMonitor, 0: nothing is.
	LateOver time.Duration
	// Histograms says that each command's durations are counted.
	Histograms bool
}

// exactBelow is the SlowOver below which all commands are measured.
const exactBelow = time.Millisecond

// Timing decides which commands are measured by the stats layer, and who is told of those that took long.
//
// Reading the clock twice takes as long as half a GET, so commands that always take about the same time are
// measured from time to time only, unless somebody wants to know of durations that they might really
// take. All its methods may be called from any goroutine.
type Timing struct {
	slowLog SlowLog
	monitor LatencyMonitor

	slow, late atomic.Int64 // the rules in nanoseconds, MaxInt64: never
	least      atomic.Int64 // the smaller of them
	histograms atomic.Bool
	exact      atomic.Bool // all commands are measured
}

// NewTiming returns a Timing that tells slow and monitor, which may be nil, and has the rules of a
// default configuration: nobody is told, histograms are kept.
func NewTiming(slow SlowLog, monitor LatencyMonitor) *Timing {
	t := &Timing{slowLog: slow, monitor: monitor}
	t.Set(TimingRules{SlowOver: -1, Histograms: true})
	return t
}

// Set changes the rules. If it returns true Bus.Recompose must follow.
func (t *Timing) Set(r TimingRules) (recompose bool) {
	slow, late := int64(math.MaxInt64), int64(math.MaxInt64)
	if r.SlowOver >= 0 && t.slowLog != nil {
		slow = int64(r.SlowOver)
	}
	if r.LateOver > 0 && t.monitor != nil {
		late = int64(r.LateOver)
	}
	t.slow.Store(slow)
	t.late.Store(late)
	t.least.Store(min(slow, late))
	t.histograms.Store(r.Histograms)
	exact := slow < int64(exactBelow) || late != math.MaxInt64
	return t.exact.Swap(exact) != exact
}

// Spike tells the monitor of something other than a command.
func (t *Timing) Spike(event string, took time.Duration) {
	if int64(took) >= t.late.Load() {
		t.monitor.Spike(event, took)
	}
}

// Watching reports whether Spike tells anybody of anything.
func (t *Timing) Watching() bool { return t.late.Load() != math.MaxInt64 }

// samples reports whether only some calls of s are measured: of commands with one key that always do the same
// little work.
func (t *Timing) samples(s *Spec) bool {
	return !t.exact.Load() && s.Complexity == "O(1)" && s.Flags&(Blocking|Admin) == 0 &&
		(s.single() > 0 && s.Lock == LockKeys || s.Flags&Fast != 0)
}

const (
	// sampleEvery is the mean distance of two calls that are measured.
	sampleEvery = 64
	// sampleFirst is how many calls are measured all, so that few calls are counted exactly.
	sampleFirst = 64
	// sampleBelow is the size from which on a command does not count as one with little work.
	sampleBelow = 4 << 10
)

// measured measures every call.
func (t *Timing) measured(s *Spec, next Handler) Handler {
	id := s.id
	return func(c *Ctx) error {
		c.count(id)
		return t.measure(c, s, next, 1)
	}
}

// sampled measures some calls.
func (t *Timing) sampled(s *Spec, next Handler) Handler {
	id := s.id
	return func(c *Ctx) error {
		if id >= len(c.tally) { // as count does, which is too big to be inlined
			c.growTally(id)
		}
		n := &c.tally[id]
		if n.calls == 0 {
			c.firstCall(n, id)
		}
		n.calls++
		n.left--
		if n.left == 0 || len(c.Raw) > sampleBelow || c.began != 0 {
			return t.measure(c, s, next, c.weigh(n))
		}
		err := next(c)
		if err != nil {
			c.failed(id, err)
			if err == errParked { //nolint:errorlint // a private sentinel that nobody wraps
				t.interrupted(c, c.bus.clock())
			}
		}
		return err
	}
}

// weigh returns how many calls one that is measured stands for, and decides which is next. The distance is
// random, lest the habit of a client decides which calls are measured.
func (c *Ctx) weigh(n *tally) uint64 {
	if n.left > 0 { // out of turn
		n.stride--
		return 1
	}
	stride := n.stride
	if n.seen < sampleFirst {
		n.seen++
		n.left, n.stride = 1, 1
		return uint64(stride)
	}
	r := c.random
	r ^= r << 13
	r ^= r >> 17
	r ^= r << 5
	c.random = r
	n.stride = 1 + r%(2*sampleEvery-1)
	n.left = n.stride
	return uint64(stride)
}

// measure runs a command that stands for weight calls.
func (t *Timing) measure(c *Ctx, s *Spec, next Handler, weight uint64) error {
	start := c.bus.clock()
	if c.began == 0 {
		c.began = start
	}
	err := next(c)
	end := c.bus.clock()
	if err != nil {
		c.failed(s.id, err)
		switch {
		case err == errParked: //nolint:errorlint // a private sentinel that nobody wraps
			t.interrupted(c, start)
			return err
		case isRejection(err):
			c.began = 0
			return err
		}
	}
	took := end - c.began
	c.began = 0
	c.bus.CountsOf(s).add(took, weight, t.histograms.Load())
	if int64(took) >= t.least.Load() {
		t.tell(c, s, took, end-start)
	}
	return err
}

// interrupted is called when a command parks. The time until it goes on is part of its duration if it waits
// for what it has to do, and is not if it has not begun to.
func (t *Timing) interrupted(c *Ctx, start time.Duration) {
	switch {
	case c.postponed:
		c.began = 0
	case c.began == 0:
		c.began = start
	}
}

// tell tells of a command that took long. busy is the time without what it waited for others.
func (t *Timing) tell(c *Ctx, s *Spec, took, busy time.Duration) {
	if int64(took) >= t.slow.Load() && s.Flags&SkipSlowlog == 0 {
		t.slowLog.Slow(c, s, took)
	}
	event := "command"
	if s.Flags&Fast != 0 {
		event = "fast-command"
	}
	if s.Flags&Blocking != 0 {
		took = busy
	}
	t.Spike(event, took)
}
