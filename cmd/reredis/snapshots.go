package main

import (
	"context"
	"errors"
	"time"

	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/wal"
	"github.com/reredis/reredis/web"
)

// saves is what is known of snapshots.
type saves struct {
	running bool
	closed  bool // no further ones
	cancel  context.CancelFunc
	started time.Time
	keys    int64 // written
	total   int64 // there were at its beginning
	err     error
	took    time.Duration
	count   int64
	retry   time.Time // after a failure, not before
}

const (
	triggerEvery = time.Second
	retryAfter   = 5 * time.Second // as Redis waits after a failed save
)

// Save makes a snapshot and shortens the log.
func (p *persistence) Save(done func(error)) bool {
	s := p.snaps.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if s == nil || p.saves.running || p.saves.closed {
		return false
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.saves.running, p.saves.cancel = true, cancel
	p.saves.started, p.saves.keys = time.Now(), 0
	p.saves.total = p.n.space.Stats().Keys
	p.work.Go(func() {
		defer cancel()
		p.making.Lock()
		err := p.snapshot(ctx)
		p.making.Unlock()
		p.saved(err)
		done(err)
	})
	return true
}

// snapshot makes a snapshot and drops what the log no longer needs; making is held.
func (p *persistence) snapshot(ctx context.Context) error {
	cfg, s, start := p.n.store.Current().WAL, p.snaps.Load(), time.Now()
	s.Tune(cfg.Compression == "s2", cfg.Rate, true)
	info, err := s.Make(ctx, walker{p.n.space})
	switch {
	case err == nil:
		p.n.log.Info("snapshot taken", "id", info.ID, "keys", info.Keys, "bytes", info.Bytes, "lsn", info.MaxL, "seconds", time.Since(start).Seconds())
		if err := p.journal.log.Load().Trim(s.Needed()); err != nil {
			p.n.log.Warn("the log could not be made shorter", "error", err)
		}
	case errors.Is(err, context.Canceled):
		p.n.log.Info("the snapshot that was being taken is given up")
	default:
		p.n.log.Error("no snapshot could be taken", "error", err)
	}
	return err
}

// saved notes how a snapshot ended.
func (p *persistence) saved(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.saves.running = false
	p.saves.err, p.saves.took = err, time.Since(p.saves.started)
	if err == nil {
		p.saves.count++
	} else {
		p.saves.retry = time.Now().Add(retryAfter)
	}
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
	if p.saves.running {
		p.saves.cancel()
	}
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
			if why := p.due(now); why != "" {
				p.n.log.Info("taking a snapshot", "because", why)
				p.Save(func(error) {})
			}
		}
	}
}

// due says why a snapshot should be taken now, "" if it should not.
func (p *persistence) due(now time.Time) string {
	st := p.Status()
	p.mu.Lock()
	wait := now.Before(p.saves.retry)
	p.mu.Unlock()
	if st.Saving || st.Loading || wait {
		return ""
	}
	cfg := p.n.store.Current().WAL
	if cfg.Growth > 0 && st.LogSize > cfg.LogSize && st.LogSize >= st.LogBase+st.LogBase*cfg.Growth/100 {
		return "the log has grown"
	}
	last := st.LastSave
	if last.IsZero() {
		last = p.n.started
	}
	for _, s := range cfg.Save {
		if st.Changes >= s.Changes && st.Changes > 0 && now.Sub(last) >= s.After {
			return "save point"
		}
	}
	return ""
}

// Status tells how things are.
func (p *persistence) Status() commands.PersistenceStatus {
	st := commands.PersistenceStatus{
		Loading: p.loading.Load(), LoadStarted: p.started, Loaded: p.loaded.Load(), Log: true,
	}
	if at := p.progress.Load(); at != nil && st.Loading {
		st.LoadTotal, st.LoadDone, st.Loaded = at.Total, at.Bytes, at.Keys
	}
	l, s := p.journal.log.Load(), p.snaps.Load()
	if l == nil || s == nil {
		return st
	}
	stats := l.Stats()
	st.WriteError = l.Refused()
	st.Pending = stats.Unsynced
	st.LogSize = p.backend.LogBytes()
	st.Changes = int64(stats.Appended)
	if all := s.Snapshots(); len(all) > 0 {
		newest := all[len(all)-1]
		st.LastSave, st.LogBase = time.UnixMilli(newest.Millis), newest.Bytes
		st.Changes = int64(stats.Appended) - int64(newest.MaxL)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.saves.running {
		st.Saving, st.SaveStarted, st.SaveKeys, st.SaveTotal = true, p.saves.started, p.saves.keys, p.saves.total
	}
	st.LastError, st.LastTook, st.Saves = p.saves.err, p.saves.took, p.saves.count
	return st
}

// figures are those of the metrics.
func (p *persistence) figures() web.WAL {
	st := p.Status()
	w := web.WAL{
		LogBytes: st.LogSize, Refusing: st.WriteError != nil, Snapshots: st.Saves, SnapshotTime: st.LastSave,
		SnapshotBytes: st.LogBase, SnapshotTook: st.LastTook,
		Recovered: time.Duration(p.took.Load()), TornBytes: p.torn.Load(),
	}
	l, s := p.journal.log.Load(), p.snaps.Load()
	if l == nil || s == nil {
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
	if err := p.journal.log.Load().Refused(); err != nil {
		return err
	}
	return nil
}
