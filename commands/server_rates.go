package commands

import (
	"context"
	"sync"
	"time"
)

// ratesEvery is the distance of two samples, ratesKept how many are kept: INFO's
// instantaneous figures are the mean of the last 1.6 seconds, as Redis'.
const (
	ratesEvery = 100 * time.Millisecond
	ratesKept  = 16
)

// Sample is the state of three counters.
type Sample struct{ Commands, InputBytes, OutputBytes int64 }

// Rates turns counters into figures per second. Its methods may be called from
// any goroutine.
type Rates struct {
	read func() Sample

	mu      sync.Mutex // guards what follows
	samples [ratesKept + 1]Sample
	times   [ratesKept + 1]time.Time
	n       int // samples taken
}

// NewRates makes Rates of the counters that read returns.
func NewRates(read func() Sample) *Rates { return &Rates{read: read} }

// Run takes samples until ctx ends.
func (r *Rates) Run(ctx context.Context) error {
	t := time.NewTicker(ratesEvery)
	defer t.Stop()
	r.take(time.Now())
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-t.C:
			r.take(now)
		}
	}
}

// Reset forgets the samples, because the counters have begun anew.
func (r *Rates) Reset() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n = 0
}

func (r *Rates) take(now time.Time) {
	s := r.read()
	r.mu.Lock()
	defer r.mu.Unlock()
	i := r.n % len(r.samples)
	r.samples[i], r.times[i] = s, now
	r.n++
}

// PerSecond returns the mean growth of the counters over the last samples, zero before
// the second one.
func (r *Rates) PerSecond() Sample {
	if r == nil {
		return Sample{}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.n < 2 {
		return Sample{}
	}
	last := (r.n - 1) % len(r.samples)
	first := 0
	if r.n > len(r.samples) {
		first = r.n % len(r.samples)
	}
	seconds := r.times[last].Sub(r.times[first]).Seconds()
	if seconds <= 0 {
		return Sample{}
	}
	per := func(a, b int64) int64 { return int64(float64(max(0, b-a)) / seconds) }
	a, b := r.samples[first], r.samples[last]
	return Sample{
		per(a.Commands, b.Commands),
		per(a.InputBytes, b.InputBytes),
		per(a.OutputBytes, b.OutputBytes),
	}
}
