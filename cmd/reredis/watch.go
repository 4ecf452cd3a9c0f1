package main

import (
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/latency"
	"github.com/reredis/reredis/bus/slowlog"
	"github.com/reredis/reredis/configs"
)

// watch is what the server notes about its own durations.
type watch struct {
	slow    *slowlog.Log
	latency *latency.Monitor
	timing  *bus.Timing
}

func newWatch(cfg *configs.Config) watch {
	w := watch{slow: slowlog.New(cfg.Observe.SlowlogMax), latency: latency.New()}
	w.timing = bus.NewTiming(w.slow, w.latency)
	w.set(cfg)
	return w
}

// set follows the configuration and reports whether the bus has to be composed anew.
func (w *watch) set(cfg *configs.Config) bool {
	o := &cfg.Observe
	w.slow.SetMax(o.SlowlogMax)
	return w.timing.Set(bus.TimingRules{SlowOver: o.SlowlogOver, LateOver: o.LatencyOver, Histograms: o.Latency})
}

// committed tells the latency monitor how long the log took to be written, under the names that Redis has
// for its own log.
func (w *watch) committed(took time.Duration, synced bool) {
	event := "aof-write"
	if synced {
		event = "aof-fsync-always"
	}
	w.timing.Spike(event, took)
}

// timed tells the latency monitor how long f takes, if anybody wants to know.
func (w *watch) timed(event string, f func()) {
	if !w.timing.Watching() {
		f()
		return
	}
	start := time.Now()
	f()
	w.timing.Spike(event, time.Since(start))
}
