package bus

import "sync/atomic"

// Counts are one command's figures since the start or the last ResetCounts.
type Counts struct {
	Spec     *Spec
	Calls    atomic.Uint64
	Failed   atomic.Uint64 // the handler answered with an error
	Rejected atomic.Uint64 // a layer in front of it did
}

// Counts returns the figures of every command ever registered. Drivers publish calls at
// the end of a tick.
func (b *Bus) Counts() []*Counts { return *b.counts.Load() }

// Processed is the number of commands run since the start.
func (b *Bus) Processed() (n uint64) {
	for _, c := range b.Counts() {
		n += c.Calls.Load()
	}
	return n
}

// Unknown is the number of commands refused for their name or arity.
func (b *Bus) Unknown() uint64 { return b.unknown.Load() }

// ResetCounts sets all figures to zero (CONFIG RESETSTAT).
func (b *Bus) ResetCounts() {
	for _, c := range b.Counts() {
		c.Calls.Store(0)
		c.Failed.Store(0)
		c.Rejected.Store(0)
	}
	b.unknown.Store(0)
	b.errs.reset()
}

// Stats is the layer that counts calls and failures. Calls gather in the Ctx
// and are published by EndTick, so that a call costs no atomic operation.
func Stats() Layer {
	return Layer{Name: "stats", Held: true, Ended: true, Wrap: func(s *Spec, next Handler) Handler {
		id := s.id
		return func(c *Ctx) error {
			if id >= len(c.calls) {
				c.growCalls(id)
			}
			if c.calls[id] == 0 {
				c.dirty = append(c.dirty, id)
			}
			c.calls[id]++
			err := next(c)
			if err != nil {
				c.failed(id, err)
			}
			return err
		}
	}, Describe: func(*Spec) string { return "calls and failures" }}
}

func (c *Ctx) growCalls(id int) {
	c.calls = append(c.calls, make([]uint32, id+16-len(c.calls))...)
}

// failed counts an error where it belongs. A parked command is not counted: it runs again.
func (c *Ctx) failed(id int, err error) {
	counts := (*c.bus.counts.Load())[id]
	switch {
	case err == errParked: //nolint:errorlint // a private sentinel that nobody wraps
		c.calls[id]--
	case isRejection(err):
		c.calls[id]--
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
		counts[id].Calls.Add(uint64(c.calls[id]))
		c.calls[id] = 0
	}
	c.dirty = c.dirty[:0]
}
