package keyspace

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"sync/atomic"
)

// A record's flagExpiry says that it has a deadline. flagWheel beside it says that
// the wheel holds the entry of exactly this deadline, in the bucket where place
// puts it. Without flagWheel the wheel holds an entry at or before the deadline,
// which files the key again when it fires: it is always safe to clear flagWheel.

const (
	tickShift   = 3 // a tick is 8 ms
	wheelDigits = 6 // bits of a tick for each level
	wheelSlots  = 1 << wheelDigits
	wheelLevels = 5 // with 64 slots each: 2^30 ticks, 99 days
	farLevel    = wheelLevels
	farDigit    = wheelLevels * wheelDigits
	numBuckets  = (wheelLevels + 1) * wheelSlots
	exactLevels = 4 // the levels where bucket and entry together give the whole tick

	tickBits = 18 // low bits of the tick in an entry
	tickMask = 1<<tickBits - 1

	rewindSlack = 8   // ticks that the clock may go back without any work
	maxSlice    = 256 // entries handled under one lock hold (K10)
	maxAhead    = 16  // entries whose records are loaded together
	cleanVisits = 8   // entries that an operation cleans while its wheel is too full
	noTick      = math.MaxUint64
)

var (
	errWheel = errors.New("keyspace: wheel")
	// errHidden stops firing when expired keys may only be hidden from now on (K7).
	errHidden = errors.New("keyspace: expired keys stay for now")
)

// tickOf returns the tick of a deadline or clock reading in milliseconds.
func tickOf(ms int64) uint64 { return uint64(max(ms, 0)) >> tickShift }

// dueAt returns the first millisecond at which the bucket of a tick may fire:
// all its deadlines have passed then.
func dueAt(tick uint64) int64 {
	if tick >= math.MaxInt64>>tickShift {
		return math.MaxInt64
	}
	return int64(tick+1) << tickShift
}

// overfull says when a wheel holds too many entries for its keys (K11).
func overfull(entries, keys int) bool { return entries > 2*keys+64 }

// wheel files the keys of one stripe and database by deadline. It is guarded by
// the stripe's mutex; its entries lie in the stripe's arena. The zero value is
// an empty wheel.
//
// An entry says "look at the keys with this order key at this tick"; it does
// not belong to one record. Nothing removes an entry when its key goes or gets
// another deadline: it finds that out when it fires, or when the wheel is
// cleaned because entries outnumber keys.
//
//	entry | slot 14 | fragment 32 | low 18 bits of the tick |
//
// A level's slot is a digit of the tick in base 64. An entry lies at the level
// of the highest digit in which its tick differs from cur, the tick that is
// next to fire, in the slot of its digit there:
//
//	level  0      1       2       3       4        5 (far)
//	slot   8 ms   512 ms  32.8 s  35 min  37.3 h   one for each bit above: 99 days, 199 days, ...
//
// so an entry's bucket follows from its tick and cur, and stays the same until
// cur enters that bucket, which then cascades: its entries move to lower levels.
// Above level 3 the entry's bits do not give the whole tick; such a bucket asks
// the records for it.
type wheel struct {
	s *wheelState // nil until the first reserve: 16 databases x stripes cost nothing
}

// wheelDue is what a stripe's wheels tell Tick, one for each stripe. The atomics
// are written under the stripe's mutex and read without it.
type wheelDue struct {
	at     atomic.Int64              // unix ms before which nothing fires; 0: unknown, look
	over   atomic.Bool               // a wheel needs cleaning
	debt   int32                     // operations since then that have not cleaned; stripe's mutex
	debtDB int32                     // database of the last of them; stripe's mutex
	turn   int32                     // database whose wheel fires first; stripe's mutex
	lag    atomic.Pointer[expireLag] // nil until a key expires
}

// wheelTable is the wheel's buckets around one position.
type wheelTable struct {
	cur     uint64 // the tick that fires next; all before have fired
	full    [wheelLevels + 1]uint64
	buckets [numBuckets]chain

	// The bucket being cleaned: entries not looked at yet, and entries that may
	// stay. They count as lying in bucket sift, whose bit in full stays set.
	sift     int
	unsifted chain
	sifted   chain
}

type wheelState struct {
	wheelTable
	next     uint64      // no bucket with entries begins before this tick
	entries  int         // in all chains
	keys     int         // records with a deadline
	draining int         // the bucket that cur has entered, -1 none; it is emptied before cur moves
	old      *wheelTable // buckets from before the clock was set back, moved over in slices
	spare    uint32      // a cell for one file that must not fail
	hand     int         // where cleaning looks next
}

// wheelRecords is the wheel's view of the records of its stripe and database.
type wheelRecords interface {
	// match returns the refs of all records with this order key. The slice is
	// valid until the next call.
	match(order uint64) []uint32
	// deadline returns a record's kind byte and, with flagExpiry, its deadline.
	deadline(ref uint32) (kind byte, ms int64)
	// touch loads what the last n entries of a chain lead to, all at once: one
	// after the other they would wait for memory each (TestMeasureExpire).
	touch(a *arena, c chain, n int)
	// mark sets or clears flagWheel in a record.
	mark(ref uint32, filed bool)
	// expire removes a record whose deadline has passed, and calls wheel.drop. It
	// returns false, having done nothing, if keys may not be removed now.
	expire(order uint64, ref uint32) bool
}

// reserve makes sure that the next file does not fail for want of memory. It is
// called before a command changes anything.
func (w *wheel) reserve(a *arena) error {
	s := w.s
	if s == nil {
		s = &wheelState{next: noTick, draining: -1}
		w.s = s
	}
	if s.spare != 0 {
		return nil
	}
	ref, err := a.alloc(chainSize(minChain))
	if err != nil {
		return err
	}
	s.spare = ref
	return nil
}

// file notes that the key at order has a deadline from now on, and returns the
// bits flagExpiry and flagWheel for its record. kind is the record's kind byte
// before, 0 if there was none; prev is its deadline if it had one. reserve must
// have succeeded since the last call.
func (w *wheel) file(a *arena, d *wheelDue, db int, order uint64, kind byte, prev, deadline, now int64) byte {
	s := w.s
	tick := tickOf(deadline)
	if kind&flagExpiry != 0 {
		switch was := tickOf(prev); {
		case tick == was:
			return kind & (flagExpiry | flagWheel)
		case tick > was: // the old entry comes first and files the key again
			return flagExpiry
		}
	} else {
		s.keys++
	}
	s.follow(tickOf(now))
	b := s.place(tick)
	if err := s.put(a, b, order<<tickBits|tick&tickMask); err != nil {
		panic("keyspace: wheel.file without reserve: " + err.Error())
	}
	s.soon(b, tick, d)
	s.owe(d, db)
	return flagExpiry | flagWheel
}

// drop notes that a key that had a deadline lost it, or is gone.
func (w *wheel) drop(d *wheelDue, db int) {
	w.s.keys--
	w.s.owe(d, db)
}

// follow moves cur with the clock while nothing is due, so that entries go to
// the lowest level they can.
func (s *wheelState) follow(now uint64) {
	switch {
	case s.entries == 0:
		s.restart(now)
	case now > s.cur && s.next > now:
		s.cur = now
	}
}

// restart sets an empty wheel to a tick.
func (s *wheelState) restart(tick uint64) {
	s.cur, s.next, s.draining, s.old = tick, noTick, -1, nil
	s.full = [wheelLevels + 1]uint64{}
}

// soon lowers the hints of what is due next for a new entry of a tick in bucket
// b. If the tick lies before cur, the clock was set back, and the next Tick has to
// see how far: only then can it rewind in time.
func (s *wheelState) soon(b int, tick uint64, d *wheelDue) {
	start := s.start(b)
	at := int64(0)
	if tick >= s.cur {
		if start >= s.next {
			return
		}
		at = dueAt(start)
	}
	s.next = min(s.next, start)
	if at < d.at.Load() {
		d.at.Store(at)
	}
}

// owe notes an operation on a wheel that is too full.
func (s *wheelState) owe(d *wheelDue, db int) {
	if overfull(s.entries, s.keys) {
		d.debt++
		d.debtDB = int32(db)
		if !d.over.Load() {
			d.over.Store(true)
		}
	}
}

// place returns the bucket of a tick. What is due already lies in cur's.
func (t *wheelTable) place(tick uint64) int {
	if tick <= t.cur {
		return int(t.cur & (wheelSlots - 1))
	}
	bit := bits.Len64(tick^t.cur) - 1
	if bit >= farDigit {
		return farLevel<<wheelDigits + bit - farDigit
	}
	level := bit * 43 >> 8 // bit / 6
	return level<<wheelDigits | int(tick>>(level*wheelDigits)&(wheelSlots-1))
}

// start returns the first tick of a bucket.
func (t *wheelTable) start(b int) uint64 {
	level, slot := b>>wheelDigits, b&(wheelSlots-1)
	if level == farLevel {
		slot += farDigit
		return (t.cur>>slot | 1) << slot
	}
	low := level * wheelDigits
	return t.cur>>(low+wheelDigits)<<(low+wheelDigits) | uint64(slot)<<low
}

// tick returns the tick of an entry in bucket b, or of the bucket's begin where
// the entry does not tell.
func (t *wheelTable) tick(b int, e uint64) uint64 {
	if level := b >> wheelDigits; level < exactLevels {
		return t.start(b) | e&(1<<(level*wheelDigits)-1)
	}
	return t.start(b)
}

// first returns the bucket with entries that begins first, -1 for none.
func (t *wheelTable) first() int {
	for level, set := range t.full {
		if set != 0 {
			return level<<wheelDigits | bits.TrailingZeros64(set)
		}
	}
	return -1
}

// chain returns a chain of bucket b that has entries, nil if it has none left.
func (t *wheelTable) chain(b int) *chain {
	if t.sift == b {
		if t.unsifted != 0 {
			return &t.unsifted
		}
		if t.sifted != 0 {
			return &t.sifted
		}
	}
	if t.buckets[b] != 0 {
		return &t.buckets[b]
	}
	t.full[b>>wheelDigits] &^= 1 << (b & (wheelSlots - 1))
	return nil
}

// put adds an entry to bucket b (BenchmarkWheelAdd).
func (s *wheelState) put(a *arena, b int, e uint64) error {
	c := s.buckets[b]
	if c.used() == c.cap() {
		return s.putCell(a, b, e)
	}
	last := a.bytes(c.ref()+uint32(c.used()), 16) // and the place behind it
	if le.Uint64(last) == e {
		return nil // a client that repeats itself
	}
	le.PutUint64(last[8:], e)
	s.buckets[b] = c + 1
	s.entries++
	return nil
}

// putCell is put for a bucket that needs a new cell.
func (s *wheelState) putCell(a *arena, b int, e uint64) error {
	c := &s.buckets[b]
	if *c != 0 && c.last(a) == e {
		return nil
	}
	if err := s.push(a, c, e); err != nil {
		return err
	}
	s.full[b>>wheelDigits] |= 1 << (b & (wheelSlots - 1))
	s.entries++
	return nil
}

// push adds an entry to a chain, with the spare cell if there is no other.
func (s *wheelState) push(a *arena, c *chain, e uint64) error {
	err := c.push(a, e)
	if err != nil && s.spare != 0 {
		c.link(a, s.spare, minChain)
		s.spare = 0
		err = c.push(a, e)
	}
	return err
}

// advance fires what is due at now, at most limit entries, and returns how many
// it handled; fewer than limit: nothing is due any more. Entries that cascade
// count as well. An error says that there is no memory to move an entry; it
// stays where it is.
func (w *wheel) advance(a *arena, r wheelRecords, now int64, limit int) (done int, err error) {
	s := w.s
	if s == nil {
		return 0, nil
	}
	tick := tickOf(now)
	for s.old != nil || tick+rewindSlack < s.cur {
		if s.old == nil {
			s.rewind(tick)
			continue
		}
		var n int
		n, err = s.unwind(a, r, now, limit-done)
		if done += n; s.old != nil {
			return done, err
		}
	}
	if s.draining < wheelSlots && tick <= s.cur { // the clock went back a little in a bucket
		s.draining = -1
	}
	for done < limit && err == nil {
		b := s.draining
		if b < 0 {
			if b = s.first(); b < 0 {
				s.cur, s.next = max(s.cur, tick), noTick
				return done, nil
			}
			start := s.start(b)
			if start > tick || start == tick && b < wheelSlots { // cur may not enter a bucket that has not cascaded
				s.cur, s.next = max(s.cur, tick), start
				return done, nil
			}
			s.cur, s.next, s.draining = max(s.cur, start), 0, b
		}
		var n int
		n, err = s.drain(a, r, b, now, limit-done)
		done += n
	}
	return done, err
}

// drain handles entries of bucket b, which begins at cur: it fires those that
// are due and moves the others to lower levels.
func (s *wheelState) drain(a *arena, r wheelRecords, b int, now int64, limit int) (done int, err error) {
	due := tickOf(now)
	exact := b>>wheelDigits < exactLevels
	fires := b < wheelSlots || !exact
	for ahead := 0; done < limit; done++ {
		c := s.chain(b)
		if c == nil {
			s.draining = -1
			return done, nil
		}
		if ahead--; fires && ahead < 0 {
			ahead = min(c.used(), limit-done, maxAhead) - 1
			r.touch(a, *c, ahead+1)
		}
		e := c.last(a)
		if t := s.tick(b, e); exact && t >= due {
			err = s.put(a, s.place(t), e)
		} else {
			err = s.settle(a, r, e, now)
		}
		if err != nil {
			return done, err
		}
		c.pop(a)
		s.entries--
	}
	return done, nil
}

// settle looks at the records of an entry that is about to go: it removes those
// whose deadline has passed and files those again that need it.
func (s *wheelState) settle(a *arena, r wheelRecords, e uint64, now int64) error {
	order := e >> tickBits
	for _, ref := range r.match(order) {
		kind, ms := r.deadline(ref)
		if kind&flagExpiry == 0 {
			continue
		}
		if ms < now {
			if !r.expire(order, ref) {
				return errHidden
			}
			continue
		}
		tick := tickOf(ms)
		word := order<<tickBits | tick&tickMask
		if kind&flagWheel != 0 && word != e {
			continue // another entry has the deadline
		}
		if err := s.put(a, s.place(tick), word); err != nil {
			return err
		}
		if kind&flagWheel == 0 {
			r.mark(ref, true)
		}
	}
	return nil
}

// rewind begins anew at an earlier tick, after the clock was set back. The
// buckets so far are moved over by unwind.
func (s *wheelState) rewind(tick uint64) {
	if s.entries == 0 {
		s.restart(tick)
		return
	}
	old := s.wheelTable
	s.old = &old
	s.wheelTable = wheelTable{cur: tick}
	s.next, s.draining = 0, -1
}

// unwind moves entries from before the clock was set back.
func (s *wheelState) unwind(a *arena, r wheelRecords, now int64, limit int) (done int, err error) {
	o := s.old
	late := int(o.cur & (wheelSlots - 1)) // holds ticks before cur too: only the records know them
	for ; done < limit; done++ {
		b := o.first()
		if b < 0 {
			s.old = nil
			return done, nil
		}
		c := o.chain(b)
		if c == nil {
			continue
		}
		e := c.last(a)
		if b == late {
			err = s.settle(a, r, e, now)
		} else {
			err = s.put(a, s.place(o.tick(b, e)), e)
		}
		if err != nil {
			return done, err
		}
		c.pop(a)
		s.entries--
	}
	return done, nil
}

// clean looks at up to limit entries while the wheel is overfull and drops those
// that no record needs. It returns how many it looked at; fewer than limit:
// the wheel is clean.
//
// It empties one bucket after the other in two passes. The first clears
// flagWheel in every record whose deadline an entry there names, the second
// puts an entry back for each record that is still without, so that of several
// equal entries one stays. In both, an entry that names no record's deadline
// goes, after filing the deadline of a record that is not filed. Operations and
// firing may come between at any point: what they file goes to the bucket, which
// is not looked at again, and sets flagWheel.
func (w *wheel) clean(a *arena, r wheelRecords, limit int) (done int, err error) {
	s := w.s
	if s == nil {
		return 0, nil
	}
	for done < limit && overfull(s.entries, s.keys) && err == nil {
		n := 1
		switch {
		case s.old != nil: // finish what advance began, without firing
			n, err = s.unwind(a, r, math.MinInt64, limit-done)
		case s.draining >= wheelSlots:
			n, err = s.drain(a, r, s.draining, math.MinInt64, limit-done)
		case s.unsifted != 0:
			err = s.winnow(a, r, &s.unsifted, &s.sifted, false)
		case s.sifted != 0:
			err = s.winnow(a, r, &s.sifted, &s.buckets[s.sift], true)
		default:
			s.siftNext()
		}
		done += n
	}
	return done, err
}

// siftNext takes the next bucket to be cleaned. There must be entries.
func (s *wheelState) siftNext() {
	for s.buckets[s.hand] == 0 {
		s.hand = (s.hand + 1) % numBuckets
	}
	b := s.hand
	s.sift, s.unsifted, s.buckets[b] = b, s.buckets[b], 0
	s.hand = (b + 1) % numBuckets
}

// winnow handles the last entry of from in the first or second pass: it goes to
// to if a record needs it in the bucket being cleaned.
func (s *wheelState) winnow(a *arena, r wheelRecords, from, to *chain, second bool) error {
	e := from.last(a)
	order := e >> tickBits
	keep := false
	for _, ref := range r.match(order) {
		kind, ms := r.deadline(ref)
		if kind&flagExpiry == 0 {
			continue
		}
		filed := kind&flagWheel != 0
		tick := tickOf(ms)
		word, b := order<<tickBits|tick&tickMask, s.place(tick)
		switch {
		case word == e && b == s.sift:
			keep = keep || !second || !filed
		case !filed:
			if err := s.put(a, b, word); err != nil {
				return err
			}
			r.mark(ref, true)
		}
	}
	if keep {
		if err := s.push(a, to, e); err != nil {
			return err
		}
		for _, ref := range r.match(order) { // only now: the entry has its place
			if kind, ms := r.deadline(ref); kind&flagExpiry != 0 && order<<tickBits|tickOf(ms)&tickMask == e && s.place(tickOf(ms)) == s.sift {
				r.mark(ref, second)
			}
		}
	} else {
		s.entries--
	}
	from.pop(a)
	if s.unsifted == 0 && s.sifted == 0 {
		s.chain(s.sift) // clears the bucket's bit if it is empty
	}
	return nil
}

// freeSome frees up to limit cells of a wheel that nobody uses any more.
func (w *wheel) freeSome(a *arena, limit int) (more bool) {
	s := w.s
	if s == nil {
		return false
	}
	for _, t := range []*wheelTable{&s.wheelTable, s.old} {
		if t == nil {
			continue
		}
		for b := t.first(); b >= 0; b = t.first() {
			for c := t.chain(b); c != nil; c = t.chain(b) {
				if limit == 0 {
					return true
				}
				limit--
				c.unlink(a)
			}
		}
	}
	if s.spare != 0 {
		a.free(s.spare, chainSize(minChain))
	}
	w.s = nil
	return false
}

// isDue says whether advance has something to do at now.
func (w *wheel) isDue(now int64) bool {
	s := w.s
	return s != nil && (dueAt(s.next) <= now || s.cur > tickOf(now)+rewindSlack)
}

// nextLook returns when advance has something to do next, 0 for at once. While cur is
// ahead of the clock within the slack and its bucket has entries, they may be due
// before: each Tick looks whether the clock was set back further.
func (w *wheel) nextLook(now int64) int64 {
	s := w.s
	if s.next <= s.cur && tickOf(now) < s.cur {
		return 0
	}
	return dueAt(s.next)
}

// overfull says whether the wheel needs cleaning.
func (w *wheel) overfull() bool { return w.s != nil && overfull(w.s.entries, w.s.keys) }

// wheelBytes is what a wheel takes of the Go heap.
const wheelBytes = 8*(1+wheelLevels+1+numBuckets+3) + 56

// eachCell calls f for each cell of the arena that the wheel uses.
func (w *wheel) eachCell(a *arena, f func(ref uint32, size int)) {
	s := w.s
	if s == nil {
		return
	}
	for _, t := range []*wheelTable{&s.wheelTable, s.old} {
		if t == nil {
			continue
		}
		for _, c := range append([]chain{t.unsifted, t.sifted}, t.buckets[:]...) {
			for ; c != 0; c = c.rest(a) {
				f(c.ref(), chainSize(c.cap()))
			}
		}
	}
	if s.spare != 0 {
		f(s.spare, chainSize(minChain))
	}
}

// wheelKey is a record as check sees it.
type wheelKey struct {
	order    uint64
	deadline int64
	filed    bool
}

// check verifies the wheel's own figures and K11's reachability: each key has an
// entry that is looked at when its deadline comes, and the exact one if its
// record says so.
func (w *wheel) check(a *arena, keys []wheelKey) error {
	s := w.s
	if s == nil {
		if len(keys) > 0 {
			return fmt.Errorf("%w: none, but %d keys with a deadline", errWheel, len(keys))
		}
		return nil
	}
	if s.keys != len(keys) {
		return fmt.Errorf("%w: counts %d keys, there are %d", errWheel, s.keys, len(keys))
	}
	type exact struct {
		bucket int
		entry  uint64
	}
	early := map[uint64]uint64{} // order -> the first tick at which it is looked at
	filed := map[exact]bool{}
	moving := map[uint64]bool{} // entries that cascade or are moved after a rewind
	n := 0
	note := func(t *wheelTable, b int, c chain) {
		for ; c != 0; c = c.rest(a) {
			for i := range c.used() {
				e := c.at(a, i)
				n++
				at := t.tick(b, e)
				if t == s.old || b == s.draining {
					at = 0
					moving[e] = true
				}
				if was, ok := early[e>>tickBits]; !ok || at < was {
					early[e>>tickBits] = at
				}
				filed[exact{b, e}] = true
			}
		}
	}
	for _, t := range []*wheelTable{&s.wheelTable, s.old} {
		if t == nil {
			continue
		}
		for b, c := range t.buckets {
			sifting := t.sift == b && (t.unsifted != 0 || t.sifted != 0)
			if set := t.full[b>>wheelDigits]>>(b&(wheelSlots-1))&1 != 0; !set && (c != 0 || sifting) {
				return fmt.Errorf("%w: bucket %d has entries and no bit", errWheel, b)
			}
			if t == &s.wheelTable && (c != 0 || sifting) && b != s.draining && t.start(b) < s.next {
				return fmt.Errorf("%w: bucket %d begins at %d, before %d", errWheel, b, t.start(b), s.next)
			}
			note(t, b, c)
		}
		note(t, t.sift, t.unsifted)
		note(t, t.sift, t.sifted)
	}
	if n != s.entries {
		return fmt.Errorf("%w: counts %d entries, there are %d", errWheel, s.entries, n)
	}
	for _, k := range keys {
		tick := tickOf(k.deadline)
		at, ok := early[k.order]
		if !ok || at > max(tick, s.cur) {
			return fmt.Errorf("%w: K11: no entry for order %#x, deadline tick %d, at %d", errWheel, k.order, tick, s.cur)
		}
		e := k.order<<tickBits | tick&tickMask
		if k.filed && !filed[exact{s.place(tick), e}] && !moving[e] {
			return fmt.Errorf("%w: order %#x says it is filed at tick %d and is not", errWheel, k.order, tick)
		}
	}
	return nil
}

// chain is a list of entries in cells of the arena: where its first cell lies,
// how many entries that can hold and does hold. 0 is the empty chain. Entries
// are added and taken at the first cell's end.
//
//	chain, and a cell's first word | ref 32 | capacity 16 | used 16 |
//	cell | rest of the chain 8 | entries 8 each ... |
type chain uint64

// A chain's cells hold 3, 7, 15, 31, then 63 entries: 32 to 512 bytes.
const (
	minChain = 3
	maxChain = 63
)

func chainSize(entries int) int { return 8 + 8*entries }

func (c chain) ref() uint32 { return uint32(c >> 32) }
func (c chain) cap() int    { return int(c >> 16 & 0xFFFF) }
func (c chain) used() int   { return int(c & 0xFFFF) }

// at returns an entry of the first cell.
func (c chain) at(a *arena, i int) uint64 { return le.Uint64(a.bytes(c.ref()+1+uint32(i), 8)) }

// rest returns the chain behind the first cell.
func (c chain) rest(a *arena) chain { return chain(le.Uint64(a.bytes(c.ref(), 8))) }

// last returns the entry that pop takes. The chain must not be empty.
func (c chain) last(a *arena) uint64 { return c.at(a, c.used()-1) }

// push adds an entry. On an error the chain is as before.
func (c *chain) push(a *arena, e uint64) error {
	if c.used() == c.cap() {
		n := min(2*c.cap()+1, maxChain)
		n = max(n, minChain)
		ref, err := a.alloc(chainSize(n))
		if err != nil {
			return err
		}
		c.link(a, ref, n)
	}
	le.PutUint64(a.bytes(c.ref()+1+uint32(c.used()), 8), e)
	*c++
	return nil
}

// link puts an empty cell in front.
func (c *chain) link(a *arena, ref uint32, entries int) {
	le.PutUint64(a.bytes(ref, 8), uint64(*c))
	*c = chain(ref)<<32 | chain(entries)<<16
}

// pop drops the last entry.
func (c *chain) pop(a *arena) {
	*c--
	if c.used() == 0 {
		c.unlink(a)
	}
}

// unlink frees the first cell.
func (c *chain) unlink(a *arena) {
	ref, n := c.ref(), c.cap()
	*c = c.rest(a)
	a.free(ref, chainSize(n))
}
