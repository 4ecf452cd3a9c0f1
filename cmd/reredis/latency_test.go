package main

import (
	"testing"
	"time"

	"github.com/reredis/reredis/configs"
)

// TestLatencyOfTheLog: what the log waits for the disk is told to LATENCY once it takes longer than allowed.
func TestLatencyOfTheLog(t *testing.T) {
	cfg := configs.Default()
	cfg.Observe.LatencyOver = 50 * time.Millisecond
	w := newWatch(cfg)
	w.committed(49*time.Millisecond, true)
	if events := w.latency.Events(); len(events) != 0 {
		t.Fatalf("below the threshold: %v", events)
	}
	w.committed(50*time.Millisecond, true)
	w.committed(70*time.Millisecond, false)
	for name, worst := range map[string]int64{"aof-fsync-always": 50, "aof-write": 70} {
		if e, ok := w.latency.Event(name); !ok || e.Worst != worst {
			t.Errorf("%s: %v, %v", name, e, ok)
		}
	}
}
