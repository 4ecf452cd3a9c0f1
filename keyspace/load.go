package keyspace

import (
	"context"
	"fmt"
)

// ApplyRange applies a Range of a snapshot: the effects of its Data, whose keys must not
// be there yet. Deadlines that have passed are stored (K7). The Tx must hold nothing.
// Several goroutines, each with its Tx, may apply Ranges; they disturb each other least if
// the slots of a stripe come by the same one. After an error a part may have been applied.
func (t *Tx) ApplyRange(r *Range) error {
	if r.Slot == AllSlots || r.Keys == 0 {
		if r.Keys != 0 || len(r.Data) != 0 {
			return fmt.Errorf("%w: keys in an empty range", ErrEffect)
		}
		return nil
	}
	if r.Slot >= Slots || r.DB >= t.s.opts.Databases {
		return fmt.Errorf("%w: slot %d of database %d", ErrEffect, r.Slot, r.DB)
	}
	t.DB = r.DB
	if err := t.lockSlot(r.Slot); err != nil {
		return err
	}
	defer t.Unlock()
	if err := t.presize(r); err != nil {
		return err
	}
	b := r.Data
	for range r.Keys {
		if len(b) < entryHeader || uint64(le.Uint32(b)) > uint64(len(b)-entryHeader) {
			return fmt.Errorf("%w: an entry is cut", ErrEffect)
		}
		end := entryHeader + int(le.Uint32(b))
		if le.Uint16(b[4:]) != r.Slot || int(le.Uint16(b[6:])>>2) != r.DB {
			return fmt.Errorf("%w: an entry of another slot", ErrEffect)
		}
		if err := t.applyEntry(r.Slot, b[entryHeader:end]); err != nil {
			return err
		}
		b = b[end:]
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last entry", ErrEffect, len(b))
	}
	return nil
}

// ApplyEntry applies one RESP-encoded effect to a database, as Apply does, with the
// locks that it needs; the Tx must hold nothing. With BarrierSlot it waits until it has
// the whole keyspace to itself. Calls for one slot are made in order.
func (t *Tx) ApplyEntry(db int, slot uint16, effect []byte) error {
	if db < 0 || db >= t.s.opts.Databases {
		return fmt.Errorf("%w: database %d of %d", ErrEffect, db, t.s.opts.Databases)
	}
	t.DB = db
	if slot == BarrierSlot {
		argv, ok := t.split(effect)
		if !ok {
			return fmt.Errorf("%w: %.40q", ErrEffect, effect)
		}
		return t.applyBarrier(argv)
	}
	if slot >= Slots {
		return fmt.Errorf("%w: slot %d", ErrEffect, slot)
	}
	if err := t.lockSlot(slot); err != nil {
		return err
	}
	defer t.Unlock()
	return t.applyEntry(slot, effect)
}

func (t *Tx) applyBarrier(argv [][]byte) (err error) {
	t.Exclusively(func() { err = t.Apply(argv) })
	return err
}

// Fragment returns the fragment of the key of an effect, 0 if it has none.
func (t *Tx) Fragment(effect []byte) uint32 {
	if argv, ok := t.split(effect); ok && len(argv) > 1 {
		return t.s.fragment(argv[1])
	}
	return 0
}

// lockSlot locks the stripe of a slot, waiting for the end of exclusive phases.
func (t *Tx) lockSlot(slot uint16) error {
	if debug {
		t.checkNothingHeld()
	}
	st := &t.s.stripes[slot&t.s.mask]
	if err := t.await(context.Background(), st); err != nil {
		return err
	}
	if !t.excl {
		t.one = st
	}
	return nil
}

// applyEntry applies an effect to a key of a slot, whose stripe is held.
func (t *Tx) applyEntry(slot uint16, effect []byte) error {
	argv, ok := t.split(effect)
	if !ok || len(argv) < 2 {
		return fmt.Errorf("%w: %.40q", ErrEffect, effect)
	}
	key := argv[1]
	if Slot(key) != slot {
		return fmt.Errorf("%w: slot %d has an effect on a key of slot %d", ErrEffect, slot, Slot(key))
	}
	if len(key) > 0 {
		t.last = hashed{p: &key[0], n: len(key), slot: slot, frag: t.s.fragment(key)}
	}
	if err := t.Apply(argv); err != nil {
		return fmt.Errorf("%w: %.40q", err, effect)
	}
	return nil
}

// split splits a RESP array of bulk strings, written as it must be, into words, which are
// valid as effect is, in a slice that is valid until the next call.
func (t *Tx) split(effect []byte) (argv [][]byte, ok bool) {
	argv = t.words[:0]
	n, b, ok := splitNumber(effect, '*')
	if !ok || n == 0 {
		return nil, false
	}
	for ; n > 0; n-- {
		var size int
		if size, b, ok = splitNumber(b, '$'); !ok || len(b)-2 < size || b[size] != '\r' || b[size+1] != '\n' {
			return nil, false
		}
		argv = append(argv, b[:size:size])
		b = b[size+2:]
	}
	t.words = argv
	return argv, len(b) == 0
}

// splitNumber splits a line with a mark and a number off b.
func splitNumber(b []byte, mark byte) (n int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != mark {
		return 0, nil, false
	}
	for i := 1; i < len(b) && i < 19; i++ {
		c := b[i]
		switch {
		case c >= '0' && c <= '9':
			n = n*10 + int(c-'0')
		case c == '\r' && i > 1 && i+1 < len(b) && b[i+1] == '\n':
			return n, b[i+2:], true
		default:
			return 0, nil, false
		}
	}
	return 0, nil, false
}

// presize makes the segment of a slot that has no keys yet as large as its keys need, with
// some room. Slots of several ranges grow as usual after the first.
func (t *Tx) presize(r *Range) error {
	st := &t.s.stripes[r.Slot&t.s.mask]
	d := t.s.db(st, r.DB)
	sb := &d.subs[r.Slot>>t.s.shift]
	if sb.count != 0 || sb.dir != 0 || sb.head.groups != 0 {
		return nil
	}
	h, err := st.arena.newSegment(min(maxGroups, splitGroups(r.Keys)))
	if err == nil {
		sb.head = h
	}
	return err
}
