package main

import (
	"context"
	"errors"

	"github.com/reredis/reredis/keyspace"
	"github.com/reredis/reredis/wal"
)

// applier makes of the log's entries keys again, each worker with a Tx of its own.
type applier struct{ txs []*keyspace.Tx }

func newApplier(space *keyspace.Space, workers int) *applier {
	a := &applier{txs: make([]*keyspace.Tx, workers)}
	for i := range a.txs {
		a.txs[i] = space.NewTx()
	}
	return a
}

// Range applies a range of a snapshot.
func (a *applier) Range(worker int, f wal.SnapFrame) error {
	return a.txs[worker].ApplyRange(&keyspace.Range{
		DB: int(f.DB), Slot: f.Slot, Lo: f.Lo, Hi: f.Hi, Keys: int(f.Keys), Data: f.Data,
	})
}

// Apply applies an entry.
func (a *applier) Apply(worker int, _ wal.LSN, e wal.Entry) error {
	return a.txs[worker].ApplyEntry(int(e.DB), e.Slot, e.Effect)
}

// Fragment is the fragment of the key of an entry.
func (a *applier) Fragment(worker int, e wal.Entry) uint32 {
	return a.txs[worker].Fragment(e.Effect)
}

// Reset forgets everything.
func (a *applier) Reset() error {
	return a.txs[0].ApplyEntry(0, keyspace.BarrierSlot, []byte("*1\r\n$8\r\nFLUSHALL\r\n"))
}

// walker walks the keyspace for snapshots.
type walker struct {
	space *keyspace.Space
	tx    *keyspace.Tx // that has the keyspace to itself; nil: others use it
	step  func()       // called now and then; nil: nothing
}

// Walk emits all keys.
func (w walker) Walk(ctx context.Context, appended func() wal.LSN, emit func(wal.SnapFrame) error) error {
	tx := w.tx
	if tx == nil {
		tx = w.space.NewTx()
	}
	err := tx.Walk(ctx, func() uint64 { return uint64(appended()) }, func(r *keyspace.Range) error {
		if w.step != nil {
			w.step()
		}
		return emit(wal.SnapFrame{
			Kind: wal.SnapRange, DB: uint16(r.DB), Slot: r.Slot, Lo: r.Lo, Hi: r.Hi,
			Keys: uint32(r.Keys), L: wal.LSN(r.Mark), Data: r.Data,
		})
	})
	if errors.Is(err, keyspace.ErrSwapped) {
		return wal.ErrRestart
	}
	return err
}
