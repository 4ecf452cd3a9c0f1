package wal

import (
	"context"
	"time"
)

// throttle keeps a rate.
type throttle struct {
	rate  int64 // bytes a second, 0: any
	start time.Time
}

// wait returns when as many bytes may have been written since the start.
func (t *throttle) wait(ctx context.Context, bytes int64) error {
	if t.rate <= 0 {
		return nil
	}
	ahead := time.Duration(float64(bytes)/float64(t.rate)*float64(time.Second)) - time.Since(t.start)
	if ahead < time.Millisecond {
		return nil
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	paceWork = 500 * time.Microsecond // after which it rests
	paceRest = time.Millisecond       // at most
)

// pace leaves the processor to others often. The system would take it away as well, but only after
// some milliseconds, for which a loop with replies to send would wait; a snapshot of 5M keys under load
// takes no longer with it (bench snapshot).
type pace struct {
	on    bool
	since time.Time // the last rest
}

// rest sleeps for as long as was worked, if that was long enough.
func (p *pace) rest() {
	if !p.on {
		return
	}
	if worked := time.Since(p.since); worked >= paceWork {
		time.Sleep(min(worked, paceRest))
		p.since = time.Now()
	}
}
