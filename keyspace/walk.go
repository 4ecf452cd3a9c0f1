package keyspace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Range is a part of the keyspace as effects: the keys of a slot of a database whose
// fragments lie between Lo and Hi.
type Range struct {
	DB     int
	Slot   uint16 // AllSlots: every slot of the database, which has no keys
	Lo, Hi uint32 // both included
	Keys   int
	// Mark is what Walk's mark answered while the range was locked.
	Mark uint64
	// Data is an entry for each key:
	//
	//	| length u32 | slot u16 | db << 2 u16 | length bytes of effect, RESP-encoded |
	//
	// in the byte order of little-endian machines. The effect is
	// SET key value [PXAT ms] [RAW | TEXT].
	Data []byte
}

const (
	// AllSlots stands for all slots in a Range without keys.
	AllSlots uint16 = 0xFFFF
	// LastFragment is the end of a slot.
	LastFragment = ^uint32(0)

	entryHeader = 8
	rangeBytes  = 256 << 10 // where a Range ends
	keepBytes   = 4 << 20   // a larger buffer is not kept for the next Range
	walkWords   = 64        // words that are looked up together
)

// ErrSwapped is returned by Walk when SWAPDB has come between: what was
// emitted is of no use.
var ErrSwapped = errors.New("ERR databases were swapped during the walk")

// errHuge is returned by Walk for a value whose effect would not fit its length.
var errHuge = errors.New("ERR a string is too long for a snapshot")

// Walk emits the whole keyspace as Ranges, in the order of database, slot and
// fragment: every slot of every database in at least one Range, also if it is
// empty, and every fragment of a slot in exactly one. Keys whose deadline has passed are
// emitted like others. Under one lock hold it goes over one index segment
// or 256 KiB of effects, whichever ends first (K10); a single larger value is copied whole.
//
// mark is called under the lock of the stripe that is walked: what it answers is
// in the Range. emit is called with nothing locked and must not use the Tx; the Range and its Data are valid
// during the call. Walk waits while exclusive phases are active. The Tx must
// hold nothing; it may be inside Exclusive. It returns emit's error, ErrSwapped, or that of ctx.
func (t *Tx) Walk(ctx context.Context, mark func() uint64, emit func(*Range) error) error {
	w := walker{t: t, ctx: ctx, mark: mark, emit: emit}
	for db := range t.s.opts.Databases {
		if err := w.database(db); err != nil {
			return err
		}
	}
	return nil
}

// walker is one Walk.
type walker struct {
	t     *Tx
	ctx   context.Context
	mark  func() uint64
	emit  func(*Range) error
	begun bool
	swaps uint64 // of the Space when the walk began
	r     Range
	words []uint64 // of the next home groups, in fragment order
	seen  byte     // of the records that were touched, so that they are
}

// database emits all slots of a database.
func (w *walker) database(db int) error {
	s := w.t.s
	w.r = Range{DB: db, Slot: AllSlots, Hi: LastFragment, Data: w.r.Data[:0]}
	var unused bool
	if err := w.locked(&s.stripes[0], func() {
		// Whoever writes to the database now does so after the mark: its first write is
		// seen before it can have an effect.
		w.r.Mark = w.mark()
		unused = s.index[db].Load() == nil
	}); err != nil {
		return err
	}
	if unused {
		return w.emit(&w.r)
	}
	for slot := range Slots {
		if err := w.slot(db, uint16(slot)); err != nil {
			return err
		}
	}
	return nil
}

// slot emits a slot.
func (w *walker) slot(db int, slot uint16) error {
	st := &w.t.s.stripes[slot&w.t.s.mask]
	for from, more := uint32(0), true; more; from = w.r.Hi + 1 {
		if cap(w.r.Data) > keepBytes {
			w.r.Data = nil
		}
		w.r = Range{DB: db, Slot: slot, Lo: from, Data: w.r.Data[:0]}
		var err error
		if lock := w.locked(st, func() {
			err = w.fill(st)
			w.r.Mark = w.mark()
		}); lock != nil {
			return lock
		}
		if err != nil {
			return err
		}
		more = w.r.Hi != LastFragment
		if err := w.emit(&w.r); err != nil {
			return err
		}
	}
	return nil
}

// locked runs f with a stripe locked, once no exclusive phase is active.
func (w *walker) locked(st *stripe, f func()) error {
	if err := w.t.await(w.ctx, st); err != nil {
		return err
	}
	defer w.t.leave(st)
	swaps := w.t.s.swaps.Load()
	if !w.begun {
		w.begun, w.swaps = true, swaps
	}
	if swaps != w.swaps {
		return ErrSwapped
	}
	f()
	return nil
}

// await enters a stripe; while an exclusive phase is active it waits for its end, or for that of ctx.
func (t *Tx) await(ctx context.Context, st *stripe) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t.enter(st) {
			return nil
		}
		opened := make(chan struct{})
		if !t.s.Opened(func() { close(opened) }) {
			continue
		}
		select {
		case <-opened:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Exclusively is Exclusive that waits, on its goroutine, for the end of other phases; no event loop may call it.
func (t *Tx) Exclusively(run func()) {
	for !t.Exclusive(run) {
		opened := make(chan struct{})
		if t.s.Opened(func() { close(opened) }) {
			<-opened
		}
	}
}

// fill puts keys from r.Lo on into the Range, and sets its end.
func (w *walker) fill(st *stripe) error {
	r := &w.r
	r.Hi = LastFragment
	d := st.dbs[r.DB]
	if d == nil {
		return nil
	}
	sb := &d.subs[r.Slot>>w.t.s.shift]
	if sb.count == 0 {
		return nil
	}
	h, depth := d.segment(sb, r.Lo)
	end := r.Lo | LastFragment>>depth
	if h.groups == 0 {
		r.Hi = end
		return nil
	}
	seg := st.arena.segment(h)
	for from, more := r.Lo, true; more; {
		var next uint32
		next, more = w.collect(seg, int(h.groups), depth, from, end)
		for _, e := range w.words {
			w.seen ^= st.arena.from(uint32(e))[0]
		}
		for i, e := range w.words {
			if err := w.record(st, uint32(e)); err != nil {
				return err
			}
			frag := uint32(e >> 32)
			if len(r.Data) >= rangeBytes && (i+1 == len(w.words) || uint32(w.words[i+1]>>32) != frag) {
				r.Hi = frag
				return nil
			}
		}
		from = next
	}
	r.Hi = end
	return nil
}

// collect finds the words of the next home groups from a fragment on, some dozens of them, sorted
// by fragment: so many that the processor fetches their records at the same time. It returns
// the first fragment of the group after them, false if that is past end.
func (w *walker) collect(seg []byte, groups int, depth uint8, from, end uint32) (next uint32, more bool) {
	w.words = w.words[:0]
	for {
		g := home(from, depth, groups)
		first := len(w.words)
		for j, n := g, 0; n < groups; n++ {
			empty := false
			for i := j * groupBytes; i < (j+1)*groupBytes; i += 8 {
				e := le.Uint64(seg[i:])
				if uint32(e) == 0 {
					empty = true
					continue
				}
				if frag := uint32(e >> 32); frag >= from && home(frag, depth, groups) == g {
					w.words = append(w.words, e)
				}
			}
			if empty {
				break
			}
			if j++; j == groups {
				j = 0
			}
		}
		slices.Sort(w.words[first:])
		next, more = nextGroup(from, depth, groups, g)
		if !more || next > end {
			return 0, false
		}
		if len(w.words) >= walkWords {
			return next, true
		}
		from = next
	}
}

var effectSet = []byte("$3\r\nSET\r\n")

// record appends the entry of a key.
func (w *walker) record(st *stripe, ref uint32) error {
	var r rec
	st.arena.load(ref, &r)
	if formTypes[r.form()] != TypeString {
		return fmt.Errorf("keyspace: Walk knows no effect for form %d", r.form())
	}
	var scratch, number [20]byte
	val := st.arena.text(&r, scratch[:0])
	var as []byte
	switch r.form() {
	case formRaw:
		as = wordRaw
	case formStr:
		if _, ok := parseInt(val); ok {
			as = wordText
		}
	}
	if uint64(len(val))+uint64(r.kn) > 1<<31 {
		return errHuge
	}
	words := byte('3')
	if r.expires() {
		words += 2
	}
	if as != nil {
		words++
	}
	b := w.r.Data
	at := len(b)
	b = append(b, 0, 0, 0, 0, byte(w.r.Slot), byte(w.r.Slot>>8), 0, 0, '*', words, '\r', '\n')
	le.PutUint16(b[at+6:], uint16(w.r.DB)<<2)
	b = append(b, effectSet...)
	b = appendWord(b, r.key())
	b = appendWord(b, val)
	if r.expires() {
		b = appendWord(b, wordPXAT)
		b = appendWord(b, strconv.AppendInt(number[:0], r.deadline(), 10))
	}
	if as != nil {
		b = appendWord(b, as)
	}
	le.PutUint32(b[at:], uint32(len(b)-at-entryHeader))
	w.r.Data = b
	w.r.Keys++
	return nil
}

// appendWord appends a RESP bulk string.
func appendWord(b, word []byte) []byte {
	b = append(b, '$')
	b = strconv.AppendInt(b, int64(len(word)), 10)
	b = append(b, '\r', '\n')
	b = append(b, word...)
	return append(b, '\r', '\n')
}
