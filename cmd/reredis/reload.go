package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/keyspace"
	"github.com/reredis/reredis/wal"
)

var (
	errReload   = errors.New("ERR Error trying to load the RDB dump")
	errStopping = errors.New("the server stops")
)

// Reload reads the data back from the disk. A snapshot that is being made ends before.
func (p *persistence) Reload(o commands.ReloadOptions, done func(error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.snaps.Load() == nil:
		done(errLoading)
	case p.saves.closed:
		done(fmt.Errorf("ERR %w", errStopping))
	default:
		p.work.Go(func() { done(p.reload(o)) })
	}
}

func (p *persistence) reload(o commands.ReloadOptions) error {
	p.making.Lock()
	defer p.making.Unlock()
	tx := p.n.space.NewTx()
	if o.NoFlush && !o.Merge && !emptySpace(tx) {
		return errReload // every key is on disk too
	}
	if p.running == nil {
		return p.reloadUnlogged(tx, o)
	}
	if !o.NoSave {
		if err := p.snapshot(p.saves.ctx); err != nil {
			return fmt.Errorf("ERR %w", err)
		}
	}
	if err := p.checkDisk(p.saves.ctx); err != nil {
		return err
	}
	if o.NoFlush {
		return nil // what is in memory is what was read
	}
	var err error
	tx.Exclusively(func() {
		l := p.running.log
		if err = p.flushLog(l); err != nil {
			err = fmt.Errorf("ERR the log can not be written: %w", err)
			return
		}
		err = p.readBack(tx, l.Appended())
	})
	if err == nil {
		p.n.log.Info("the data was read back from the disk")
	}
	return err
}

// reloadUnlogged is reload where there is no log: nothing may change between the snapshot and its being read, so nobody
// else uses the keyspace for all of that time.
func (p *persistence) reloadUnlogged(tx *keyspace.Tx, o commands.ReloadOptions) (err error) {
	if o.NoFlush && o.NoSave {
		return errReload // a snapshot that is older than the data can not be merged with it
	}
	tx.Exclusively(func() {
		if !o.NoSave {
			if err = p.backend.Suspend(); err == nil {
				err = p.makeSnapshot(p.saves.ctx, walker{space: p.n.space, tx: tx})
			}
			if err != nil {
				err = fmt.Errorf("ERR %w", err)
				return
			}
		}
		if err = p.checkDisk(p.saves.ctx); err == nil && !o.NoFlush {
			err = p.readBack(tx, p.backend.Info().Last)
		}
	})
	return err
}

// emptySpace says whether no database has keys.
func emptySpace(tx *keyspace.Tx) bool {
	for db := range tx.Space().Databases() {
		if keys, _, _ := tx.Counts(db); keys > 0 {
			return false
		}
	}
	return true
}

// checkDisk reads the newest snapshot and the log behind it, so that nothing is given up in memory that can not be
// read. Its error is the reply.
func (p *persistence) checkDisk(ctx context.Context) error {
	if err := p.readDisk(ctx); err != nil {
		p.n.log.Error("the data on disk can not be read back", "error", err)
		return errReload
	}
	return nil
}

func (p *persistence) readDisk(ctx context.Context) error {
	info := p.backend.Info()
	from := info.First
	if n := len(info.Snapshots); n > 0 {
		from = info.Snapshots[n-1].MaxL + 1
		if err := wal.Verify(ctx, p.backend, info.Snapshots[n-1].ID); err != nil {
			return err
		}
	}
	if from > info.Last {
		return nil
	}
	return p.backend.Scan(from, runtime.NumCPU(), func([]wal.Frame) error { return ctx.Err() })
}

// readBack empties the keyspace and reads it from the disk, up to the last entry, whose LSN is known. tx has the keyspace to
// itself. Nothing of it is logged, and the gates of replies stay as they are. If it fails the server ends: the data is on
// disk.
func (p *persistence) readBack(tx *keyspace.Tx, last wal.LSN) error {
	tx.FlushAll()
	// Not the node's context: once begun it has to be whole.
	done, err := wal.Recover(context.Background(), p.backend, p.backend.Info(), &applier{txs: []*keyspace.Tx{tx}}, wal.RecoverOptions{
		HashKey: p.hashKey,
	})
	if err == nil && done.Last != last {
		err = fmt.Errorf("what is on disk ends with LSN %d, not %d", done.Last, last)
	}
	if err != nil {
		p.n.fail(fmt.Errorf("reading the data back from the disk: %w", err))
		return errReload
	}
	return nil
}
