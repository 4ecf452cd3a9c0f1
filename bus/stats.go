package bus

import (
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/internal/hdr"
)

// Counts are one command's figures since the start or the last ResetCounts.
type Counts struct {
	Spec     *Spec
	Calls    atomic.Uint64
	Failed   atomic.Uint64 // the handler answered with an error
	Rejected atomic.Uint64 // a layer in front of it did

	timed   atomic.Uint64 // calls that nanos stands for
	nanos   atomic.Uint64
	latency atomic.Pointer[hdr.Histogram]
}

// Took is the time that the calls took altogether. Where only some are measured, the others are taken for
// what those took on average.
func (k *Counts) Took() time.Duration {
	calls, timed, nanos := k.Calls.Load(), k.timed.Load(), k.nanos.Load()
	if calls > timed && timed > 0 {
		return time.Duration(float64(nanos) * float64(calls) / float64(timed))
	}
	return time.Duration(nanos)
}

// Latency is the histogram of the calls' durations, nil if there is none.
func (k *Counts) Latency() *hdr.Histogram { return k.latency.Load() }

// Distribution is the number of calls in the histogram, and how many of them took no longer than some
// durations. Calls that were not measured are taken for like those that were.
func (k *Counts) Distribution() (calls int64, steps []hdr.Step) {
	h := k.latency.Load()
	if h == nil {
		return 0, nil
	}
	calls, steps = h.Total(), h.Steps()
	total := calls
	if n, timed := k.Calls.Load(), k.timed.Load(); n > timed && timed > 0 {
		calls = int64(float64(total) * float64(n) / float64(timed))
	}
	for i := range steps {
		if steps[i].Count >= total {
			steps[i].Count = calls
		} else {
			steps[i].Count = int64(float64(steps[i].Count) * float64(calls) / float64(total))
		}
	}
	return calls, steps
}

// add counts a measured call that stands for weight calls.
func (k *Counts) add(took time.Duration, weight uint64, histogram bool) {
	k.timed.Add(weight)
	k.nanos.Add(uint64(max(0, took)) * weight)
	if !histogram {
		return
	}
	h := k.latency.Load()
	for h == nil {
		k.latency.CompareAndSwap(nil, &hdr.Histogram{})
		h = k.latency.Load()
	}
	h.Record(took, int64(weight))
}

func (k *Counts) reset() {
	for _, a := range []*atomic.Uint64{&k.Calls, &k.Failed, &k.Rejected, &k.timed, &k.nanos} {
		a.Store(0)
	}
	k.latency.Store(nil)
}

// Counts returns the figures of every command ever registered. Drivers publish calls at
// the end of a tick.
func (b *Bus) Counts() []*Counts { return *b.counts.Load() }

// CountsOf returns the figures of one command.
func (b *Bus) CountsOf(s *Spec) *Counts { return b.Counts()[s.id] }

// Processed is the number of commands run since the start.
func (b *Bus) Processed() (n uint64) {
	for _, c := range b.Counts() {
		n += c.Calls.Load()
	}
	return n
}

// Changes is how often commands have changed keys.
func (b *Bus) Changes() int64 { return b.changes.Load() }

// Unknown is the number of commands refused for their name or arity.
func (b *Bus) Unknown() uint64 { return b.unknown.Load() }

// ResetCounts sets all figures to zero (CONFIG RESETSTAT).
func (b *Bus) ResetCounts() {
	for _, c := range b.Counts() {
		c.reset()
	}
	b.era.Add(2)
	b.unknown.Store(0)
	b.errs.reset()
}

// tally is what a Ctx counts of one command.
type tally struct {
	calls  uint32 // since the last EndTick
	left   uint32 // calls until the next one that is measured
	stride uint32 // calls that it stands for
	seen   uint16 // calls measured, up to sampleFirst
	era    uint16 // of the Bus, to which the others belong; never 0
}

// Stats is the layer that counts calls and failures, and knows nothing of slow commands.
func Stats() Layer { return Timed(NewTiming(nil, nil)) }

// Timed is the layer that counts calls and failures and measures durations as t says. Calls gather in the
// Ctx and are published by EndTick, so that a call costs no atomic operation.
func Timed(t *Timing) Layer {
	return Layer{Name: "stats", Held: true, Ended: true, Wrap: func(s *Spec, next Handler) Handler {
		if t.samples(s) {
			return t.sampled(s, next)
		}
		return t.measured(s, next)
	}, Describe: func(s *Spec) string {
		if t.samples(s) {
			return "calls and failures, the duration of some"
		}
		return "calls, failures and durations"
	}}
}

// count counts a call.
func (c *Ctx) count(id int) *tally {
	if id >= len(c.tally) {
		c.growTally(id)
	}
	n := &c.tally[id]
	if n.calls == 0 {
		c.firstCall(n, id)
	}
	n.calls++
	return n
}

func (c *Ctx) growTally(id int) {
	c.tally = append(c.tally, make([]tally, id+16-len(c.tally))...)
}

// firstCall notes that a command is called for the first time in this tick.
func (c *Ctx) firstCall(n *tally, id int) {
	c.dirty = append(c.dirty, id)
	if era := uint16(c.bus.era.Load()) | 1; n.era != era {
		*n = tally{era: era, left: 1, stride: 1}
	}
}

// failed counts an error where it belongs. A parked command is not counted: it runs again.
func (c *Ctx) failed(id int, err error) {
	counts := (*c.bus.counts.Load())[id]
	switch {
	case err == errParked: //nolint:errorlint // a private sentinel that nobody wraps
		c.tally[id].calls--
	case isRejection(err):
		c.tally[id].calls--
		counts.Rejected.Add(1)
	default:
		counts.Failed.Add(1)
	}
}

// EndTick publishes the calls counted since the last EndTick. The driver calls it when it has
// run all that was ready.
func (c *Ctx) EndTick() {
	counts := *c.bus.counts.Load()
	for _, id := range c.dirty {
		n := &c.tally[id]
		counts[id].Calls.Add(uint64(n.calls))
		n.calls = 0
	}
	c.dirty = c.dirty[:0]
	if n := c.Tx.Changes; n != 0 {
		c.Tx.Changes = 0
		c.bus.changes.Add(n)
	}
}

// Publish is EndTick for a handler that reads the figures: its own call is not published yet.
func (c *Ctx) Publish() {
	own := c.Spec.id
	if own >= len(c.tally) || c.tally[own].calls == 0 {
		c.EndTick()
		return
	}
	c.tally[own].calls--
	c.EndTick()
	c.tally[own].calls = 1
	c.dirty = append(c.dirty, own)
}
