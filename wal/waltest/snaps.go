package waltest

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/reredis/reredis/wal"
)

// snap is a snapshot that was published, and the keys in it.
type snap struct {
	info wal.SnapInfo
	keys map[string]bool
}

// hashKey is one that all snapshots of the kit have.
var hashKey = [16]byte{1, 2, 3}

// walk is a keyspace of so many keys, all in slot 7.
type walk struct {
	keys int
}

func (w walk) Walk(_ context.Context, appended func() wal.LSN, emit func(wal.SnapFrame) error) error {
	l := appended()
	for slot := range uint16(1 << 14) {
		f := wal.SnapFrame{Slot: slot, Hi: ^uint32(0), L: l}
		if slot == 7 && w.keys > 0 {
			var g []wal.Entry
			for i := range w.keys {
				g = append(g, wal.Entry{Slot: slot, Effect: fmt.Appendf(nil, "key %d of %d", i, w.keys)})
			}
			frame := wal.NewFrame(1, 0, 0, g)
			f.Keys, f.Data = uint32(w.keys), frame.Entries()
		}
		if err := emit(f); err != nil {
			return err
		}
	}
	return nil
}

// Appended is the last LSN; log is a wal.SnapLog.
func (l *log) Appended() wal.LSN { return wal.LSN(len(l.want)) }

// WaitDurable syncs.
func (l *log) WaitDurable(_ context.Context, lsn wal.LSN) error {
	if l.marks.Durable >= lsn {
		return nil
	}
	m, err := l.b.Sync()
	if err == nil {
		l.marks = m
	}
	return err
}

// try makes a snapshot of so many keys.
func (l *log) try(keys int) (snap, error) {
	s := wal.NewSnapshotter(wal.SnapOptions{HashKey: hashKey, Keep: 100, Now: func() int64 { return 77 }}, l.b, l, l.info)
	info, err := s.Make(context.Background(), walk{keys: keys})
	if err != nil {
		return snap{}, err
	}
	l.info.Snapshots = append(l.info.Snapshots, info)
	all := map[string]bool{}
	for i := range keys {
		all[fmt.Sprintf("key %d of %d", i, keys)] = true
	}
	return snap{info, all}, nil
}

func (l *log) snapshot(keys int) snap {
	l.Helper()
	s, err := l.try(keys)
	if err != nil {
		l.Fatalf("a snapshot: %v", err)
	}
	return s
}

// snapshots checks that these are there and no others.
func (l *log) snapshots(want ...snap) {
	l.Helper()
	if len(l.info.Snapshots) != len(want) {
		l.Fatalf("%d snapshots, not %d: %+v", len(l.info.Snapshots), len(want), l.info.Snapshots)
	}
	for i, w := range want {
		if got := l.info.Snapshots[i]; got != w.info {
			l.Fatalf("snapshot %+v is %+v now", w.info, got)
		}
		l.whole(w)
	}
}

// whole reads a snapshot.
func (l *log) whole(w snap) {
	l.Helper()
	r, err := l.b.OpenSnapshot(w.info.ID)
	if err != nil {
		l.Fatal(err)
	}
	if h := r.Header(); h.ID != w.info.ID || h.HashKey != hashKey || h.MinL != w.info.MinL || h.Millis != 77 {
		l.Errorf("the header is %+v", h)
	}
	for err == nil {
		_, err = r.Next(nil)
	}
	if f := r.Footer(); !isEnd(err) || f.Keys != w.info.Keys || f.MaxL != w.info.MaxL {
		l.Errorf("the footer is %+v, %v", f, err)
	}
	l.must(r.Close())
	got := &taker{keys: map[string]bool{}}
	only := wal.Info{First: 1, Last: w.info.MaxL, Snapshots: []wal.SnapInfo{w.info}}
	if _, err := wal.Recover(context.Background(), l.b, only, got, wal.RecoverOptions{Workers: 1, HashKey: hashKey}); err != nil {
		l.Fatalf("snapshot %d: %v", w.info.ID, err)
	}
	if !maps.Equal(got.keys, w.keys) {
		l.Fatalf("snapshot %d has %d keys, not %d", w.info.ID, len(got.keys), len(w.keys))
	}
}

// taker is a wal.Applier that collects the keys of ranges.
type taker struct {
	mu   sync.Mutex
	keys map[string]bool
}

func (t *taker) Range(_ int, f wal.SnapFrame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := wal.Batch{First: 1, Count: int(f.Keys), Entries: f.Data}
	return b.Groups(func(_ wal.LSN, g []wal.Entry) error {
		for _, e := range g {
			t.keys[string(e.Effect)] = true
		}
		return nil
	})
}

func (t *taker) Apply(int, wal.LSN, wal.Entry) error { return nil }

func (t *taker) Fragment(int, wal.Entry) uint32 { return 0 }

func (t *taker) Reset() error {
	clear(t.keys)
	return nil
}
