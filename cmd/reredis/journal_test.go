package main

import (
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/vfs/memfs"
	"github.com/reredis/reredis/wal"
)

// TestJournalAllocatesNothing: whatever a command changes is copied into the log without memory of its own.
func TestJournalAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	var j journal
	l := wal.New(wal.Options{Databases: 1}, wal.NewFileBackend(memfs.New(1), wal.FileOptions{}), wal.Info{First: 1})
	j.attach(logNow{l, true, true})
	for _, n := range []int{1, 2, 100} {
		effects := make([]bus.Effect, n)
		for i := range effects {
			effects[i] = bus.Effect{Slot: uint16(i), RESP: []byte("*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n")}
		}
		// A run of many, because the log's buffer grows now and then, and the pool is emptied by the collector.
		if got := testing.AllocsPerRun(500, func() { j.Append(effects) }); got > 0 {
			t.Errorf("%d effects: %v allocations", n, got)
		}
	}
	if j.Appended() != 501*103 {
		t.Errorf("LSN %d", j.Appended())
	}
}
