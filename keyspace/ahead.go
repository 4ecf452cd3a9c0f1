package keyspace

import (
	"math/bits"
	"slices"
)

// Commands of a pipeline wait for memory one after the other: for the group of
// words that their key's fragment leads to, then for the record. Ahead asks for
// all of that at once, before the first of them runs, so that the waits overlap
// (BenchmarkAhead).
//
// It takes no stripe: a mutex is a barrier that the processor does not load
// across, and 16 commands would hold most of the stripes. So it reads what others
// may be changing, and must not trust what it reads: every position is checked
// against a bound, nothing that it finds is used but to load one more line, and
// regions are never unmapped while a Space lives. What it reads through are
// scouts: immutable tables that a stripe publishes when one of them is outdated.

// AheadMax is how many keys Ahead takes.
const AheadMax = 32

// scout is how Ahead reaches the memory of a stripe.
type scout struct {
	subs   [][]sub            // by database, nil if it has nothing here
	chunks []*[chunkSize]byte // by chunk number, nil for own maps
}

// foresight is what Ahead keeps of a key.
type foresight struct {
	sc  *scout
	ref uint32 // of the group, in the end of the record; 0 is none
}

// Ahead prepares the Tx for commands that follow at once: the i-th LockKey gets
// keys[i], the same slice. It hashes the keys and loads what they lead to in
// database Tx.DB. EndAhead must be called before the bytes of a key may change.
// More than AheadMax keys are not looked at.
func (t *Tx) Ahead(keys [][]byte) {
	s := t.s
	t.ahead, t.nextAhead = t.ahead[:0], 0
	if len(keys) > AheadMax {
		keys = keys[:AheadMax]
	}
	for _, key := range keys {
		h := hashed{n: len(key), slot: Slot(key), frag: uint32(s.sip.sum(key) >> 32)}
		if len(key) > 0 {
			h.p = &key[0]
		}
		t.ahead = append(t.ahead, h)
	}
	if !canScout || s.src.heap {
		return
	}
	var seen [AheadMax]foresight
	var sum uint64
	for i := range t.ahead {
		h, f := &t.ahead[i], &seen[i]
		if f.sc = s.stripes[h.slot&s.mask].scout.Load(); f.sc == nil {
			continue
		}
		subs := f.sc.subs[t.DB]
		if int(h.slot>>s.shift) >= len(subs) {
			continue
		}
		sb := &subs[h.slot>>s.shift]
		groups := int(sb.head.groups)
		if sb.dir != 0 || groups == 0 {
			continue // a hot slot: its lines are likely to be in the cache
		}
		f.ref = sb.head.ref + uint32(home(h.frag, 0, groups)*(groupBytes>>unitShift))
		if line := f.sc.line(f.ref); line != nil {
			sum += le.Uint64(line[:])
		} else {
			f.ref = 0
		}
	}
	for i := range t.ahead {
		f := &seen[i]
		if f.ref == 0 {
			continue
		}
		line := f.sc.line(f.ref)
		hits, _ := scanGroup(line[:], 0, t.ahead[i].frag)
		if hits == 0 {
			continue
		}
		ref := uint32(le.Uint64(line[bits.TrailingZeros32(hits)*8:]))
		if rec := f.sc.line(ref); rec != nil {
			// A record of 16 + 64 bytes has two lines more often than one.
			sum += uint64(rec[0]) + uint64(rec[groupBytes-1])
		}
	}
	t.loaded = sum
}

// EndAhead forgets the keys of Ahead.
func (t *Tx) EndAhead() {
	clear(t.ahead)
	t.ahead, t.nextAhead = t.ahead[:0], 0
}

// line returns the 64 bytes at ref, nil if they are not all in a chunk.
func (c *scout) line(ref uint32) *[groupBytes]byte {
	k := ref >> refChunkShift
	if int(k) >= len(c.chunks) {
		return nil
	}
	chunk := c.chunks[k]
	o := int(ref&refChunkMask) << unitShift
	if chunk == nil || o > chunkSize-groupBytes {
		return nil
	}
	return (*[groupBytes]byte)(chunk[o:])
}

// sendScout publishes a new scout of the stripe, with its mutex held or in
// exclusive mode.
func (st *stripe) sendScout() {
	st.arena.moved = false
	if !canScout || st.arena.src.heap {
		return
	}
	c := &scout{subs: make([][]sub, len(st.dbs)), chunks: slices.Clip(st.arena.table)}
	for db, d := range st.dbs {
		if d != nil {
			c.subs[db] = d.subs
		}
	}
	st.scout.Store(c)
}
