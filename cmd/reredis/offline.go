package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/keyspace"
	"github.com/reredis/reredis/wal"
)

// snapshot makes a snapshot of the directory of a server that does not run: it loads the data as a start does, and cuts the log.
func (t *walTool) snapshot() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	defer func() {
		if err != nil {
			err = fmt.Errorf("data directory %s: %w", t.dir, err)
		}
	}()
	files := vfs.OS(t.dir)
	m, err := readMeta(vfs.ReadOnly(t.dir))
	if err != nil {
		return err
	}
	key, err := openMeta(files, m.Databases)
	if err != nil {
		return err
	}
	b := wal.NewFileBackend(files, wal.FileOptions{RefuseTorn: true})
	info, err := b.Open(ctx, func(wal.Marks, error) {})
	if err != nil {
		return err
	}
	clean := false
	defer func() { err = errors.Join(err, b.Close(clean)) }()
	space, err := keyspace.New(keyspace.Options{
		Databases: m.Databases, HashKey: key, MaxValue: configs.Default().Limits.ProtoMaxBulk,
	})
	if err != nil {
		return err
	}
	done, err := wal.Recover(ctx, b, info, newApplier(space, runtime.NumCPU()), wal.RecoverOptions{
		Workers: runtime.NumCPU(), HashKey: key,
	})
	if err != nil {
		return err
	}
	for _, d := range done.Damaged {
		fmt.Fprintf(t.out, "damaged          snapshot %d: %v\n", d.Info.ID, d.Err)
	}
	s := wal.NewSnapshotter(wal.SnapOptions{HashKey: key, Compress: t.compress, Epoch: info.Epoch}, b, resting(done.Last), info)
	made, err := s.Make(ctx, walker{space: space})
	if err != nil {
		return err
	}
	clean = true
	fmt.Fprintf(t.out, "snapshot         %d: %d keys, %d bytes, LSN %d\n", made.ID, made.Keys, made.Bytes, made.MaxL)
	if err := b.Trim(s.Needed()); err != nil {
		return fmt.Errorf("the snapshot is good, but the log could not be made shorter: %w", err)
	}
	return nil
}

// resting is a log that nobody writes; it is its last LSN, which is durable.
type resting wal.LSN

// Appended is the last LSN.
func (r resting) Appended() wal.LSN { return wal.LSN(r) }

// WaitDurable has nothing to wait for.
func (resting) WaitDurable(context.Context, wal.LSN) error { return nil }
