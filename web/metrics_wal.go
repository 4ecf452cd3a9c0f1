package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// WAL are the figures of the log and of snapshots.
type WAL struct {
	Appended, Written, Durable uint64 // LSNs
	Snapshot                   uint64 // LSN up to which the newest snapshot reaches

	Unsynced                int64 // bytes that are not durable
	LogBytes                int64 // of frames on disk
	Entries, Batches, Bytes int64 // written since the start
	Syncs                   int64
	SyncFailures, Rehomes   int64
	Committing              time.Duration // in all
	Refusing                bool          // writes are refused

	Snapshots     int64     // taken since the start
	SnapshotTime  time.Time // of the newest, zero: there is none
	SnapshotBytes int64
	SnapshotTook  time.Duration // of the last one
	Recovered     time.Duration // how long the start took to read everything
	TornBytes     int64         // cut off at the start
}

var walFigures = []figure[WAL]{
	{desc("wal_unsynced_bytes", "Bytes of the log that are not durable."), prometheus.GaugeValue, func(w WAL) int64 { return w.Unsynced }},
	{desc("wal_disk_bytes", "Bytes of the log on disk."), prometheus.GaugeValue, func(w WAL) int64 { return w.LogBytes }},
	{desc("wal_entries_total", "Changes logged."), prometheus.CounterValue, func(w WAL) int64 { return w.Entries }},
	{desc("wal_batches_total", "Batches written to the log."), prometheus.CounterValue, func(w WAL) int64 { return w.Batches }},
	{desc("wal_written_bytes_total", "Bytes written to the log."), prometheus.CounterValue, func(w WAL) int64 { return w.Bytes }},
	{desc("wal_syncs_total", "Syncs of the log."), prometheus.CounterValue, func(w WAL) int64 { return w.Syncs }},
	{desc("wal_sync_errors_total", "Syncs that failed."), prometheus.CounterValue, func(w WAL) int64 { return w.SyncFailures }},
	{desc("wal_rehomes_total", "Times that the log went on in another file because one had failed."), prometheus.CounterValue, func(w WAL) int64 { return w.Rehomes }},
	{desc("wal_refusing_writes", "1 while writes are refused because of the disk."), prometheus.GaugeValue, func(w WAL) int64 { return bit(w.Refusing) }},
	{desc("snapshots_total", "Snapshots taken."), prometheus.CounterValue, func(w WAL) int64 { return w.Snapshots }},
	{desc("snapshot_bytes", "Size of the newest snapshot."), prometheus.GaugeValue, func(w WAL) int64 { return w.SnapshotBytes }},
	{desc("recovery_torn_bytes", "Bytes of an unfinished end of the log that the start cut off."), prometheus.GaugeValue, func(w WAL) int64 { return w.TornBytes }},
}

var (
	descLSN          = desc("wal_lsn", "How far the log is: last change in memory, handed to the system, on disk, in a snapshot.", "kind")
	descCommit       = desc("wal_commit_seconds_total", "Time spent writing and syncing batches.")
	descSnapshotAge  = desc("snapshot_age_seconds", "Age of the newest snapshot.")
	descSnapshotTook = desc("snapshot_seconds", "How long the last snapshot took.")
	descRecovery     = desc("recovery_seconds", "How long the start took to read all data.")
)

func bit(on bool) int64 {
	if on {
		return 1
	}
	return 0
}

// collectWAL sends the figures of the log.
func collectWAL(send func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string), w WAL) {
	for _, l := range []struct {
		kind string
		lsn  uint64
	}{{"appended", w.Appended}, {"written", w.Written}, {"durable", w.Durable}, {"snapshot", w.Snapshot}} {
		send(descLSN, prometheus.GaugeValue, float64(l.lsn), l.kind)
	}
	for _, f := range walFigures {
		send(f.desc, f.kind, float64(f.read(w)))
	}
	send(descCommit, prometheus.CounterValue, w.Committing.Seconds())
	send(descRecovery, prometheus.GaugeValue, w.Recovered.Seconds())
	if !w.SnapshotTime.IsZero() {
		send(descSnapshotAge, prometheus.GaugeValue, time.Since(w.SnapshotTime).Seconds())
		send(descSnapshotTook, prometheus.GaugeValue, w.SnapshotTook.Seconds())
	}
}
