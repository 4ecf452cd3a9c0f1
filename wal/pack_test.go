package wal

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestPackKeepsFrames: packed frames keep their bytes, whatever is taken back before them, and memory stays in
// proportion to what they hold.
func TestPackKeepsFrames(t *testing.T) {
	var (
		p    pack
		live []Frame
		want [][]byte
		next = LSN(1)
		rnd  = rand.New(rand.NewPCG(1, 2))
	)
	for round := range 20_000 {
		b := append(make([]byte, FrameHeader, 64<<10), bytes.Repeat([]byte{byte(round)}, 1+rnd.IntN(600))...)
		f := newFrame(b, next, 1+rnd.IntN(4), 0, 0)
		if !p.worth(&f) {
			t.Fatalf("a frame of %d bytes in %d is not worth packing", len(b), cap(b))
		}
		next = f.Last() + 1
		want = append(want, bytes.Clone(f.Bytes))
		if old := p.add(&f); &old[0] != &b[0] || cap(f.Bytes) != len(f.Bytes) {
			t.Fatal("add does not return the buffer, or leaves room behind the copy")
		}
		live = append(live, f)
		if rnd.IntN(500) > 0 {
			continue
		}
		n := rnd.IntN(len(live) + 1)
		if n > 0 {
			p.forget(live[n-1].Last())
		}
		live, want = live[n:], want[n:]
		held := 0
		for i := range live {
			if !bytes.Equal(live[i].Bytes, want[i]) {
				t.Fatalf("round %d: frame %d has changed", round, live[i].Base)
			}
			held += len(live[i].Bytes)
		}
		if room := len(p.pieces) * packPiece; room > 2*held+2*packPiece {
			t.Fatalf("%d bytes for frames of %d", room, held)
		}
	}
}

// TestW12SmallFrames: a frame of few bytes does not keep the memory of a whole batch while it waits for the sync.
func TestW12SmallFrames(t *testing.T) {
	l := New(Options{Policy: EverySec, Databases: 1}, nil, Info{})
	for range 1000 {
		l.Append([]Entry{{Slot: 1, Effect: []byte("*1\r\n$4\r\nPING\r\n")}})
		l.take()
		l.unacked = 0
		l.packRetained(1)
	}
	room := len(l.pack.pieces) * packPiece
	for i := range l.retained {
		if f := &l.retained[i]; cap(f.Bytes) > len(f.Bytes) {
			room += cap(f.Bytes)
		}
	}
	if room > 1<<20 || len(l.retained) != 1000 {
		t.Fatalf("%d frames take %d bytes", len(l.retained), room)
	}
	l.publish(Marks{Written: 1000, Durable: 1000})
	if len(l.retained) != 0 || len(l.pack.pieces) != 0 {
		t.Fatalf("%d frames and %d pieces stay", len(l.retained), len(l.pack.pieces))
	}
}
