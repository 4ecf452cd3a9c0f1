package wal

import (
	"sync/atomic"
	"time"
)

// Limits are the options that can change while the log is open.
type Limits struct {
	// UnsyncedLimit is how many bytes may wait to become durable before writers are
	// parked; they go on below half of it. 0 is 64 MiB.
	UnsyncedLimit int64
	// SyncLate is how late the sync of EverySec may be before writers are parked. 0 is 2 s.
	SyncLate time.Duration
	// ReadOnlyOnError keeps the server up, refusing writes, when the disk fails for good; otherwise
	// Fatal is called.
	ReadOnlyOnError bool
}

const (
	defaultUnsynced = 64 << 20
	defaultLate     = 2 * time.Second
)

// limits are the Limits in force. Append reads the first with each group, which is a load as of a plain field.
type limits struct {
	unsynced atomic.Int64
	late     atomic.Int64 // nanoseconds
	readOnly atomic.Bool
}

func (l *limits) set(o Limits) {
	if o.UnsyncedLimit <= 0 {
		o.UnsyncedLimit = defaultUnsynced
	}
	if o.SyncLate <= 0 {
		o.SyncLate = defaultLate
	}
	l.unsynced.Store(o.UnsyncedLimit)
	l.late.Store(int64(o.SyncLate))
	l.readOnly.Store(o.ReadOnlyOnError)
}

// SetLimits changes the limits: that of bytes at once, that of a sync from the next one on. It does not wait.
func (l *Log) SetLimits(o Limits) {
	l.limits.set(o)
	if l.stats.unsynced.Load() > l.limits.unsynced.Load() {
		l.full()
	} else {
		l.ease()
	}
}

// full parks writers, unless what was too much has become durable meanwhile: whoever made it so may have
// looked before.
func (l *Log) full() {
	l.st.set(stateFull)
	l.ease()
}

// ease lets writers go on when little enough is not durable.
func (l *Log) ease() {
	if l.stats.unsynced.Load() < l.limits.unsynced.Load()/2 {
		l.st.clear(stateFull)
	}
}
