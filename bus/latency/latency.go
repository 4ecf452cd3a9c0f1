// Package latency keeps what took long of late, by kinds of events, as LATENCY shows it.
//
// A [Monitor] may be used from any goroutine and with any lock held; its mutex is the last of all.
package latency

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// maxSamples is how many seconds of each event are kept, as in Redis.
const maxSamples = 160

// Sample is the worst of one event in one second.
type Sample struct {
	At   int64 // unix seconds
	Took int64 // milliseconds
}

// Event is one kind of event and what is known of it.
type Event struct {
	Name    string
	Samples []Sample // oldest first
	Worst   int64    // milliseconds, since the last reset
}

// Last is the newest sample.
func (e *Event) Last() Sample { return e.Samples[len(e.Samples)-1] }

// Monitor keeps samples. The zero value keeps none yet; Now must be set first.
type Monitor struct {
	// Now is the time in unix seconds.
	Now func() int64

	mu     sync.Mutex
	events []*Event // in the order of their first sample
}

// New returns an empty Monitor with the system's clock.
func New() *Monitor {
	return &Monitor{Now: func() int64 { return time.Now().Unix() }}
}

// Spike adds a sample.
func (m *Monitor) Spike(event string, took time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Sample{At: m.Now(), Took: took.Milliseconds()}
	i := slices.IndexFunc(m.events, func(e *Event) bool { return e.Name == event })
	if i < 0 {
		i = len(m.events)
		m.events = append(m.events, &Event{Name: event})
	}
	e := m.events[i]
	e.Worst = max(e.Worst, s.Took)
	if n := len(e.Samples); n > 0 && e.Samples[n-1].At == s.At {
		e.Samples[n-1].Took = max(e.Samples[n-1].Took, s.Took)
		return
	}
	if len(e.Samples) == maxSamples {
		e.Samples = slices.Delete(e.Samples, 0, 1)
	}
	e.Samples = append(e.Samples, s)
}

// Events returns copies of all events, in the order in which they happened first.
func (m *Monitor) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Event, len(m.events))
	for i, e := range m.events {
		list[i] = Event{e.Name, slices.Clone(e.Samples), e.Worst}
	}
	return list
}

// Event returns a copy of one event; false if it never happened.
func (m *Monitor) Event(name string) (Event, bool) {
	for _, e := range m.Events() {
		if e.Name == name {
			return e, true
		}
	}
	return Event{}, false
}

// Reset forgets the events of these names, in any case, or all if there are none, and returns how many it
// forgot.
func (m *Monitor) Reset(names ...string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.events)
	m.events = slices.DeleteFunc(m.events, func(e *Event) bool {
		return len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, e.Name) })
	})
	return before - len(m.events)
}
