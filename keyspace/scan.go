package keyspace

import "math/rand/v2"

// A cursor is the order key of the next position: slot (14 bits) | fragment
// (32 bits). A step emits whole home groups, so it may go on at the first
// fragment of the next group; a key's order key never changes, so whatever
// grows, shrinks or splits between two calls, each key that stays is returned
// exactly once (K8).
const cursorEnd = uint64(Slots) << 32

// Bounds of one call and of one lock hold. Slots without words are jumped over
// with the map of non-empty slots and not counted.
const (
	scanWords = 2048 // words looked at in vain, one after the other
	scanSlots = 1024 // slots visited in vain, one after the other
	holdKeys  = 256  // keys emitted under one lock hold (K10)
)

// Scan emits keys from a cursor on, at most count and what their last home
// group has more, and returns the cursor to go on from, 0 at the end. Cursor 0
// begins; any other number is accepted. It may emit fewer, or none, and not be
// at the end: the work without finding a key is bounded.
// Keys whose deadline has passed are not emitted. emit is called under the
// stripe's lock: it must not use the Tx, and key is only valid during the call.
// It returns ErrExclusive, and the cursor to retry from, while an exclusive phase
// is active. The Tx must hold nothing.
func (t *Tx) Scan(cursor uint64, count int, only ScanHint, emit func(key []byte, it Item)) (next uint64, err error) {
	if cursor >= cursorEnd {
		return 0, nil
	}
	x := t.s.index[t.DB].Load()
	if x == nil {
		return 0, nil
	}
	w := walk{t: t, emit: emit, left: max(count, 1), words: scanWords}
	slots := scanSlots
	for w.left > 0 && w.words > 0 && slots > 0 {
		var ok bool
		if cursor, ok = x.position(cursor, only); !ok {
			return 0, nil
		}
		was, left := cursor, w.left
		if cursor, err = w.slice(cursor); err != nil {
			return was, err
		}
		switch {
		case w.left < left:
			slots = scanSlots
		case cursor>>32 != was>>32:
			slots--
		}
	}
	if cursor, ok := x.position(cursor, only); ok {
		return cursor, nil
	}
	return 0, nil
}

// Keys emits all keys, each slot's at the time when it is reached. The rules are
// those of Scan. It returns ErrExclusive if an exclusive phase is active at any
// point: what was emitted then is not complete.
func (t *Tx) Keys(only ScanHint, emit func(key []byte, it Item)) error {
	x := t.s.index[t.DB].Load()
	if x == nil {
		return nil
	}
	w := walk{t: t, emit: emit}
	for cursor := uint64(0); ; {
		var ok bool
		if cursor, ok = x.position(cursor, only); !ok {
			return nil
		}
		w.left, w.words = holdKeys, scanWords
		var err error
		if cursor, err = w.slice(cursor); err != nil {
			return err
		}
	}
}

// position moves a cursor to the next slot that has keys and that is asked for.
// It returns false at the end.
func (x *dbIndex) position(cursor uint64, only ScanHint) (uint64, bool) {
	slot := int(cursor >> 32)
	if only.Slot >= 0 {
		switch {
		case slot > only.Slot:
			return 0, false
		case slot < only.Slot:
			cursor, slot = uint64(only.Slot)<<32, only.Slot
		}
	}
	if slot >= Slots {
		return 0, false
	}
	n := x.nonempty.next(slot)
	if n >= Slots || (only.Slot >= 0 && n != slot) {
		return 0, false
	}
	if n != slot {
		cursor = uint64(n) << 32
	}
	return cursor, true
}

// walk emits the keys of slots.
type walk struct {
	t     *Tx
	emit  func(key []byte, it Item)
	left  int // keys still wanted
	words int // words that may still be looked at in vain
}

// slice emits keys of the cursor's slot under one lock hold and returns the cursor to go on from.
func (w *walk) slice(cursor uint64) (uint64, error) {
	t, slot := w.t, uint16(cursor>>32)
	st := &t.s.stripes[slot&t.s.mask]
	if !t.enter(st) {
		return 0, ErrExclusive
	}
	defer t.leave(st)
	end := (cursor>>32 + 1) << 32
	d := st.dbs[t.DB]
	if d == nil {
		return end, nil
	}
	sb := &d.subs[slot>>t.s.shift]
	for n := 0; n < holdKeys && w.left > 0 && w.words > 0; {
		if sb.count == 0 {
			return end, nil
		}
		emitted, next, more := w.group(st, d, sb, uint32(cursor))
		n += emitted
		if !more {
			return end, nil
		}
		cursor = cursor&^0xFFFFFFFF | uint64(next)
	}
	return cursor, nil
}

// group emits the keys of the home group of a fragment that are not before it,
// and returns the first fragment of the next group.
func (w *walk) group(st *stripe, d *dbState, sb *sub, from uint32) (emitted int, next uint32, more bool) {
	h, depth := d.segment(sb, from)
	groups := int(h.groups)
	if groups == 0 {
		// A part of a directory that has no segment does not exist; be safe.
		return 0, 0, false
	}
	seg := st.arena.segment(h)
	g := home(from, depth, groups)
	it := Item{t: w.t, st: st}
	for j, n := g, 0; n < groups; n++ {
		empty := false
		for i := j * groupBytes; i < (j+1)*groupBytes; i += 8 {
			e := le.Uint64(seg[i:])
			if uint32(e) == 0 {
				empty = true
				continue
			}
			w.words--
			frag := uint32(e >> 32)
			if frag < from || home(frag, depth, groups) != g {
				continue
			}
			st.arena.load(uint32(e), &it.r)
			if it.r.kind&flagExpiry != 0 && w.t.expired(&it.r) {
				continue
			}
			w.emit(it.r.key(), it)
			w.left--
			emitted++
		}
		if empty {
			break
		}
		if j++; j == groups {
			j = 0
		}
	}
	if emitted > 0 {
		w.words = scanWords
	}
	next, more = nextGroup(from, depth, groups, g)
	return emitted, next, more
}

// nextGroup returns the first fragment after those of home group g in a segment
// that the fragment from belongs to; false if there is none.
func nextGroup(from uint32, depth uint8, groups, g int) (uint32, bool) {
	base := uint64(from) &^ (1<<(32-depth) - 1)
	local := (uint64(g+1)<<32 + uint64(groups) - 1) / uint64(groups) // first local position of group g+1
	next := base + (local+1<<depth-1)>>depth
	return uint32(next), next < 1<<32
}

// randomTries is how often RandomKey draws before it looks for any live key.
const randomTries = 64

// RandomKey appends a random key to dst[:0], each with the same chance. It
// returns false if there is none that a client may see, and ErrExclusive while
// an exclusive phase is active. The Tx must hold nothing.
func (t *Tx) RandomKey(dst []byte) (key []byte, ok bool, err error) {
	for range randomTries {
		st, rank := t.drawStripe()
		if st == nil {
			return dst[:0], false, nil
		}
		if !t.enter(st) {
			return dst[:0], false, ErrExclusive
		}
		key, ok = t.drawKey(st, rank, dst[:0])
		t.leave(st)
		if ok {
			return key, true, nil
		}
	}
	// Nearly all keys have expired and were not removed yet.
	for cursor := uint64(rand.Uint32N(Slots)) << 32; !ok; {
		cursor, err = t.Scan(cursor, 1, AnySlot, func(k []byte, _ Item) {
			if !ok {
				key, ok = append(dst[:0], k...), true
			}
		})
		if err != nil || cursor == 0 {
			break
		}
	}
	for cursor := uint64(0); !ok && err == nil; {
		cursor, err = t.Scan(cursor, 1, AnySlot, func(k []byte, _ Item) {
			if !ok {
				key, ok = append(dst[:0], k...), true
			}
		})
		if cursor == 0 {
			break
		}
	}
	return key, ok, err
}

// drawStripe returns a stripe, with a chance by its keys, and the rank of one of
// them; nil if there are no keys.
func (t *Tx) drawStripe() (*stripe, uint32) {
	x := t.s.index[t.DB].Load()
	if x == nil {
		return nil, 0
	}
	n := t.Count()
	if n <= 0 {
		return nil, 0
	}
	r := rand.Int64N(n)
	for i := range x.counts {
		k := x.counts[i].keys.Load()
		if r < k {
			return &t.s.stripes[i], uint32(r)
		}
		r -= k
	}
	return &t.s.stripes[0], 0 // keys went meanwhile: another draw may succeed
}

// drawKey appends the key of a rank among the stripe's keys to dst, false if
// that has expired or does not exist any more.
func (t *Tx) drawKey(st *stripe, rank uint32, dst []byte) ([]byte, bool) {
	d := st.dbs[t.DB]
	if d == nil {
		return dst, false
	}
	sub, rank := d.rankedSub(rank)
	if sub < 0 {
		return dst, false
	}
	h := d.rankedSegment(&d.subs[sub], rank)
	seg := st.arena.segment(h)
	for {
		e := le.Uint64(seg[rand.IntN(len(seg)/8)*8:])
		if uint32(e) == 0 {
			continue // a segment in use is a third full, or one group
		}
		var r rec
		st.arena.load(uint32(e), &r)
		if r.kind&flagExpiry != 0 && t.expired(&r) {
			return dst, false
		}
		return append(dst, r.key()...), true
	}
}

// rankedSub returns the number of the sub with the key of a rank, by descent of the
// Fenwick tree, and the key's rank in it; -1 if there are not so many keys.
func (d *dbState) rankedSub(rank uint32) (int, uint32) {
	i := 0
	for step := len(d.fenwick) - 1; step > 0; step /= 2 { // a power of two
		if j := i + step; j < len(d.fenwick) && d.fenwick[j] <= rank {
			i = j
			rank -= d.fenwick[j]
		}
	}
	if i >= len(d.subs) {
		return -1, 0
	}
	return i, rank
}

// rankedSegment returns the segment of a sub with the word of a rank.
func (d *dbState) rankedSegment(sb *sub, rank uint32) *segHead {
	if sb.dir == 0 {
		return &sb.head
	}
	e := d.dirs[sb.dir-1].entries
	for i := range e {
		n := uint32(e[i].used)
		if rank < n {
			return &e[i].segHead
		}
		rank -= n
	}
	panic("keyspace: a directory has fewer words than its sub counts (K3)")
}
