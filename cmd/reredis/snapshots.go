package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/wal"
	"github.com/reredis/reredis/web"
)

// saves is what is known of snapshots.
type saves struct {
	ctx       context.Context // of all of them
	stop      context.CancelCauseFunc
	closed    bool                    // no further ones
	running   [2]int                  // by what they are for; with those that wait for their turn
	beginning context.CancelCauseFunc // of the snapshot that a log begins with; nil: there is none
	scheduled int                     // wishes to turn the log on that wait
	again     bool                    // BGREWRITEAOF came beside a BGSAVE
	started   time.Time
	keys      int64    // written
	total     int64    // there were at its beginning
	errs      [2]error // of the last ones, by what they were for
	needed    bool     // writes depend on them
	took      time.Duration
	count     int64
	retry     time.Time // after a failure, not before
	failures  int64     // of those for rewrites, one behind the other
	changes   int64     // of keys, when the newest one began; less than 0: it is older than this process
}

// What a snapshot is for: they are the same thing, but INFO tells of them in different fields.
const (
	saveData = iota // SAVE, BGSAVE, save points
	rewrites        // to make the log shorter, or begin it
)

const (
	triggerEvery = time.Second
	retryAfter   = 5 * time.Second // as Redis waits after a failed save
)

// Save makes a snapshot, which also makes the log shorter.
func (p *persistence) Save(done func(error)) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.saveLocked(saveData, done)
}

// Rewrite is Save for the sake of a shorter log. Beside another snapshot one is made behind it.
func (p *persistence) Rewrite() (begun, scheduled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saveLocked(rewrites, func(error) {}) {
		return true, false
	}
	if p.snaps.Load() == nil || p.saves.closed || p.saves.running[rewrites] > 0 {
		return false, false
	}
	p.saves.again = true
	return false, true
}

// saveLocked begins a snapshot unless one is being made.
func (p *persistence) saveLocked(what int, done func(error)) bool {
	if p.snaps.Load() == nil || p.saves.running != [2]int{} || p.saves.closed {
		return false
	}
	p.queueLocked(what, done)
	return true
}

// queueLocked makes a snapshot as soon as no other is being made.
func (p *persistence) queueLocked(what int, done func(error)) {
	p.savingLocked(what)
	p.work.Go(func() {
		p.making.Lock()
		err := p.snapshot(p.saves.ctx)
		p.saved(err, what)
		p.making.Unlock()
		done(err)
	})
}

// savingLocked notes that a snapshot is wanted.
func (p *persistence) savingLocked(what int) {
	p.saves.running[what]++
	p.saves.started, p.saves.keys = time.Now(), 0
	p.saves.total = p.n.space.Stats().Keys
}

// saved notes how a snapshot ended.
func (p *persistence) saved(err error, what int) {
	p.mu.Lock()
	p.saves.running[what]--
	p.saves.beginning = nil // no other snapshot is made beside it
	p.saves.took = time.Since(p.saves.started)
	if err == nil {
		p.saves.errs = [2]error{} // whatever it was for, the data is saved
		p.saves.count++
		p.saves.failures = 0
	} else {
		p.saves.errs[what] = err
		if what == rewrites {
			p.saves.failures++
		}
		p.saves.retry = time.Now().Add(retryAfter)
	}
	if p.saves.again && !p.saves.closed {
		p.saves.again = false
		p.queueLocked(rewrites, func(error) {})
	}
	p.mu.Unlock()
	p.judge()
}

// snapshot makes a snapshot and drops what the log no longer needs; making is held. Without a log there is one for as
// long as it takes.
func (p *persistence) snapshot(ctx context.Context) error {
	ctx, failed := context.WithCancelCause(ctx)
	defer failed(nil)
	w := walker{space: p.n.space}
	if p.running == nil {
		if err := p.beginSpool(failed); err != nil {
			p.n.log.Error("no snapshot could be taken", "error", err)
			return err
		}
		defer p.endLog()
		mine := p.running.log.Register(func() {})
		w.step = func() { mine.Commit(0) } // so that memory does not hold all of it
	}
	return p.makeSnapshot(ctx, w)
}

// beginSpool lets commands append what a snapshot needs; replies do not wait for it.
func (p *persistence) beginSpool(failed func(error)) error {
	if err := p.backend.Suspend(); err != nil {
		return err
	}
	o := p.provisional(p.logOptions(), failed)
	o.Policy, o.ReadOnlyOnError = wal.No, false
	p.layer(true)
	p.running = p.open(o)
	p.alone(func() { p.journal.attach(logNow{p.running.log, false, false}) })
	return nil
}

// makeSnapshot makes a snapshot, with what the log has of it.
func (p *persistence) makeSnapshot(ctx context.Context, w walker) error {
	cfg, s, start, changes := p.n.store.Current().WAL, p.snaps.Load(), time.Now(), p.n.bus.Changes()
	s.Tune(cfg.Compression == "s2", cfg.Rate, w.tx == nil, cfg.Keep)
	info, err := s.Make(ctx, w)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w: %w", err, cause)
	}
	switch {
	case err == nil:
		p.mu.Lock()
		p.saves.changes = changes
		p.mu.Unlock()
		p.n.log.Info("snapshot taken", "id", info.ID, "keys", info.Keys, "bytes", info.Bytes, "lsn", info.MaxL, "seconds", time.Since(start).Seconds())
		if p.backend.Info().Off {
			break // what it takes the place of is discarded
		}
		if err := p.running.log.Trim(s.Needed()); err != nil {
			p.n.log.Warn("the log could not be made shorter", "error", err)
		}
	case errors.Is(err, errStopping), errors.Is(err, errTurnedOff):
		err = context.Cause(ctx) // whatever it was in the middle of
		p.n.log.Info("the snapshot that was being taken is given up", "because", err)
	default:
		p.n.log.Error("no snapshot could be taken", "error", err)
	}
	return err
}

// logOfSnapshots is the log as snapshots need it, also where there is none and nothing changes.
type logOfSnapshots struct{ p *persistence }

// Appended is the last LSN that was given out.
func (l logOfSnapshots) Appended() wal.LSN {
	if now := l.p.journal.now.Load(); now != nil {
		return now.Appended()
	}
	return l.p.backend.Marks().Written
}

// WaitDurable returns once an LSN is durable.
func (l logOfSnapshots) WaitDurable(ctx context.Context, lsn wal.LSN) error {
	if now := l.p.journal.now.Load(); now != nil {
		return now.WaitDurable(ctx, lsn)
	}
	return nil
}

func (p *persistence) saveProgress(at wal.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saves.keys = at.Keys
}

// endSaves gives up a snapshot that is being made and takes no further ones.
func (p *persistence) endSaves() {
	p.mu.Lock()
	p.saves.closed = true
	p.saves.stop(errStopping)
	p.mu.Unlock()
	p.work.Wait()
}

// watch takes snapshots when the configuration says so, until ctx ends.
func (p *persistence) watch(ctx context.Context) {
	t := time.NewTicker(triggerEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			if why, what := p.due(now); why != "" {
				p.n.log.Info("taking a snapshot", "because", why)
				p.mu.Lock()
				p.saveLocked(what, func(error) {})
				p.mu.Unlock()
			}
		}
	}
}

// due says why a snapshot should be taken now, "" if it should not.
func (p *persistence) due(now time.Time) (why string, what int) {
	st := p.Status()
	p.mu.Lock()
	wait := now.Before(p.saves.retry)
	p.mu.Unlock()
	if st.Saving || st.Rewriting || st.Loading || wait {
		return "", 0
	}
	cfg := p.n.store.Current().WAL
	if cfg.Growth > 0 && p.counts() && st.LogSize > cfg.LogSize && st.LogSize >= st.LogBase+st.LogBase*cfg.Growth/100 {
		return "the log has grown", rewrites
	}
	last := st.LastSave
	if last.IsZero() {
		last = p.n.started
	}
	for _, s := range cfg.Save {
		if st.Changes >= s.Changes && st.Changes > 0 && now.Sub(last) >= s.After {
			return "save point", saveData
		}
	}
	return "", 0
}

// Status tells how things are.
func (p *persistence) Status() commands.PersistenceStatus {
	st := commands.PersistenceStatus{
		Loading: p.loading.Load(), LoadStarted: p.started, Loaded: p.loaded.Load(),
	}
	if at := p.progress.Load(); at != nil && st.Loading {
		st.LoadTotal, st.LoadDone, st.Loaded = at.Total, at.Bytes, at.Keys
	}
	l, s := p.journal.now.Load(), p.snaps.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	st.Log = p.want
	if s == nil {
		return st
	}
	if all := s.Snapshots(); len(all) > 0 {
		newest := all[len(all)-1]
		st.LastSave, st.LogBase = time.UnixMilli(newest.Millis), newest.Bytes
	}
	st.LogSize = p.backend.LogBytes()
	if l != nil && l.counts {
		stats := l.Stats()
		st.WriteError, st.Pending, st.Behind, st.Delayed = l.Refused(), stats.Unsynced, stats.Behind, stats.Delayed
	}
	st.Changes = p.n.bus.Changes() - p.saves.changes
	st.Saving, st.Rewriting = p.saves.running[saveData] > 0, p.saves.running[rewrites] > 0
	st.Scheduled = p.saves.scheduled > 0 || p.saves.again
	if st.Saving || st.Rewriting {
		st.SaveStarted, st.SaveKeys, st.SaveTotal = p.saves.started, p.saves.keys, p.saves.total
	}
	st.SaveError, st.LogError = p.saves.errs[saveData], p.saves.errs[rewrites]
	st.LastTook, st.Saves, st.Failures = p.saves.took, p.saves.count, p.saves.failures
	return st
}

// resetStats begins to count anew what CONFIG RESETSTAT resets.
func (p *persistence) resetStats() {
	if l := p.journal.now.Load(); l != nil {
		l.ResetDelayed()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saves.failures = 0
}

// figures are those of the metrics.
func (p *persistence) figures() web.WAL {
	st := p.Status()
	w := web.WAL{
		LogBytes: st.LogSize, Refusing: st.WriteError != nil, Snapshots: st.Saves, SnapshotTime: st.LastSave,
		SnapshotBytes: st.LogBase, SnapshotTook: st.LastTook,
		Recovered: time.Duration(p.took.Load()), TornBytes: p.torn.Load(),
	}
	l, s := p.journal.now.Load(), p.snaps.Load()
	if l == nil || s == nil || !l.counts {
		return w
	}
	stats := l.Stats()
	w.Appended, w.Written, w.Durable = uint64(stats.Appended), uint64(stats.Written), uint64(stats.Durable)
	w.Unsynced, w.Entries, w.Batches, w.Bytes = stats.Unsynced, stats.Entries, stats.Batches, stats.Bytes
	w.Syncs, w.SyncFailures, w.Rehomes, w.Committing = stats.Syncs, stats.SyncFailures, stats.Rehomes, stats.Committing
	if all := s.Snapshots(); len(all) > 0 {
		w.Snapshot = uint64(all[len(all)-1].MaxL)
	}
	return w
}

// ready says why the server can not serve clients yet.
func (p *persistence) ready() error {
	if p.loading.Load() {
		return errors.New("loading the data")
	}
	if l := p.journal.now.Load(); l != nil && l.counts {
		return l.Refused()
	}
	return nil
}
