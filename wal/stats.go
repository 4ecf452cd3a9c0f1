package wal

import (
	"sync/atomic"
	"time"
)

// syncBytes is how much EverySec writes before it syncs early.
const syncBytes = 16 << 20

// counters are the log's figures.
type counters struct {
	unsynced atomic.Int64 // bytes that are not durable (under No: not written)
	sinceS   atomic.Int64 // bytes written since the last sync
	entries  atomic.Int64
	batches  atomic.Int64
	bytes    atomic.Int64
	syncs    atomic.Int64
	syncNS   atomic.Int64
	commitNS atomic.Int64
	rehomes  atomic.Int64
	failures atomic.Int64 // of syncs
	delayed  atomic.Int64 // writes
	behind   atomic.Bool  // the sync of EverySec runs
}

// committed notes frames that a backend took.
func (c *counters) committed(fs []Frame, took time.Duration, sync bool) {
	for i := range fs {
		c.entries.Add(int64(fs[i].Count))
		c.bytes.Add(int64(len(fs[i].Bytes)))
		c.sinceS.Add(int64(len(fs[i].Bytes)))
	}
	c.batches.Add(int64(len(fs)))
	c.commitNS.Add(int64(took))
	if sync {
		c.syncs.Add(1)
		c.sinceS.Store(0)
	}
}

func (c *counters) sinceSync() int64 { return c.sinceS.Load() }

// Stats are figures of a log; those that grow do so since it was opened.
type Stats struct {
	Appended, Written, Durable, Watermark LSN
	Unsynced                              int64 // bytes
	Entries, Batches, Bytes               int64 // written
	Syncs, SyncFailures, Rehomes          int64
	LostReaders                           int64         // that were told ErrTrimmed
	Delayed                               int64         // writes that waited for a late sync of EverySec, since ResetDelayed
	Behind                                bool          // the sync of EverySec runs
	Syncing, Committing                   time.Duration // in all
}

// Stats returns the present figures.
func (l *Log) Stats() Stats {
	m := l.Marks()
	return Stats{
		Appended: l.Appended(), Written: m.Written, Durable: m.Durable, Watermark: l.Watermark(),
		Unsynced: l.stats.unsynced.Load(), Entries: l.stats.entries.Load(), Batches: l.stats.batches.Load(),
		Bytes: l.stats.bytes.Load(), Syncs: l.stats.syncs.Load(), SyncFailures: l.stats.failures.Load(),
		Rehomes: l.stats.rehomes.Load(), LostReaders: l.readers.lost.Load(), Syncing: time.Duration(l.stats.syncNS.Load()),
		Committing: time.Duration(l.stats.commitNS.Load()),
		Delayed:    l.stats.delayed.Load(), Behind: l.stats.behind.Load(),
	}
}

// ResetDelayed counts delayed writes anew.
func (l *Log) ResetDelayed() { l.stats.delayed.Store(0) }
