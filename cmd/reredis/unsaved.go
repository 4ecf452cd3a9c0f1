package main

import (
	"errors"

	"github.com/reredis/reredis/configs"
)

// errUnsaved is the reply to writes while nothing keeps the data, in Redis' words.
var errUnsaved = errors.New("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
	"Commands that may modify the data set are disabled, because this instance is configured to report errors during " +
	"writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about " +
	"the RDB error.")

// mustSave says whether writes depend on snapshots.
func mustSave(cfg *configs.Config) bool { return cfg.WAL.StopWrites && len(cfg.WAL.Save) > 0 }

// needSnapshots makes writes depend on snapshots, or no longer.
func (p *persistence) needSnapshots(need bool) {
	p.mu.Lock()
	p.saves.needed = need
	p.mu.Unlock()
	p.judge()
}

// judge decides whether writes are to be refused, when a snapshot has ended or whether they are needed has changed.
func (p *persistence) judge() {
	p.mu.Lock()
	unsaved := p.saves.needed && p.saves.errs[saveData] != nil
	changed := p.unsaved.Swap(unsaved) != unsaved
	p.mu.Unlock()
	if changed {
		p.n.bus.Recompose() // what is not refused is not asked
	}
}

// refusal is why writes are refused for the lack of a snapshot, nil if they are not. A log keeps the data without one.
func (p *persistence) refusal() error {
	if !p.unsaved.Load() || p.counts() {
		return nil
	}
	return errUnsaved
}
