package keyspace

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// SetActiveExpire turns the removal of expired keys by Tick on or off. Off, they
// go only when somebody looks for them (DEBUG SET-ACTIVE-EXPIRE).
func (s *Space) SetActiveExpire(on bool) { s.activeExpire.Store(on) }

// Tick does the upkeep of the stripes i with i % of == share: it removes the keys
// whose deadline has passed at t.Now, each with a DEL effect, cleans wheels and
// returns memory. It works for about budget, in slices under one stripe's lock
// each, and returns true if it should be called again soon; otherwise the next
// call in 8 ms will do. A stripe with nothing due is not locked. t must hold no
// stripe. While an exclusive phase is active Tick does nothing.
//
// While more memory is in use than the limit allows, half of the budget goes to
// removing keys for that.
func (s *Space) Tick(t *Tx, share, of int, budget time.Duration) (more bool) {
	if debug {
		t.checkNothingHeld()
	}
	s.notePeak(s.total.bytes.Load())
	evicts := s.evictSome(t, budget/2)
	if evicts {
		budget /= 2
	}
	return s.tickStripes(t, share, of, budget) || evicts
}

// tickStripes is Tick but for the removal of keys to make room.
func (s *Space) tickStripes(t *Tx, share, of int, budget time.Duration) (more bool) {
	n := (len(s.stripes) - share + of - 1) / of
	begin := time.Now()
	turn := int(tickOf(t.Now) % uint64(max(n, 1)))
	v := &t.wheels
	v.t = t
	worked := false
	for work, first := 0, true; ; first = false {
		more = false
		for i := range max(n, 0) {
			st := &s.stripes[share+(turn+i)%n*of]
			if !s.wantsTick(st, t.Now) && s.lazyPending.Load() == 0 && (!first || i > 0) {
				continue // but one stripe in turn gets its upkeep in any case
			}
			if !s.lockStripe(st) {
				return false
			}
			did, again := s.tickStripe(st, v)
			s.unlockStripe(st)
			more, worked = more || again, worked || did > 0
			if work += did; work >= tickSlice {
				work = 0
				if spent := time.Since(begin); spent >= budget {
					s.expireNS.Add(int64(spent))
					s.expireCapped.Add(1)
					return true
				}
			}
		}
		if !more {
			spent := time.Since(begin)
			if worked {
				s.expireNS.Add(int64(spent))
			}
			return s.returnMemory(max(0, budget-spent))
		}
	}
}

// tickSlice is how many wheel entries Tick handles under one lock hold. K10
// allows 256, but a hold of so many deletions lasts four times as long for
// nothing: some 40 against 150 us that others may wait.
const tickSlice = 64

// firing says whether Tick may remove keys.
func (s *Space) firing() bool { return s.activeExpire.Load() && !s.hideOnly.Load() }

// wantsTick says, without the stripe's mutex, whether its wheels need Tick.
func (s *Space) wantsTick(st *stripe, now int64) bool {
	return st.due.over.Load() || st.due.at.Load() <= now && s.firing()
}

// tickStripe does one slice of a stripe's work: it fires, or else cleans wheels,
// or else does the other upkeep. It returns how many entries it handled and
// whether there is more to do now.
func (s *Space) tickStripe(st *stripe, v *recordView) (did int, more bool) {
	if s.wantsTick(st, v.t.Now) {
		did = s.turnWheels(st, v)
	}
	if did == 0 {
		more = s.upkeep(st)
	}
	return did, more || did > 0 && s.wantsTick(st, v.t.Now)
}

// turnWheels fires and cleans the wheels of a stripe, one slice of work in all,
// and notes when the next is due.
func (s *Space) turnWheels(st *stripe, v *recordView) (did int) {
	now := v.t.Now
	fires := s.firing() && st.due.at.Load() <= now
	at, over := noDeadline, false
	for i := range st.dbs {
		db := (int(st.due.turn) + i) % len(st.dbs)
		d := st.dbs[db]
		if d == nil || d.wheel.s == nil {
			continue
		}
		v.use(st, d, db)
		if fires && did < tickSlice && d.wheel.isDue(now) {
			n, err := d.wheel.advance(&st.arena, v, now, tickSlice-did)
			if did += n; did >= tickSlice {
				st.due.turn = int32(db+1) % int32(len(st.dbs))
			}
			if err != nil { // no memory, or HideOnly: the next tick tries again
				at = min(at, now+1)
				continue
			}
		}
		if did < tickSlice && d.wheel.overfull() {
			n, err := d.wheel.clean(&st.arena, v, tickSlice-did)
			did += n
			over = over || err == nil && d.wheel.overfull()
		} else {
			over = over || d.wheel.overfull()
		}
		at = min(at, d.wheel.nextLook(now))
	}
	if fires || st.due.at.Load() > at {
		st.due.at.Store(at)
	}
	st.due.over.Store(over)
	return did
}

// payDebt cleans a wheel for the operations that left it too full. Unlock calls
// it if the stripe's due.debt is not 0.
func (t *Tx) payDebt(st *stripe) {
	db := int(st.due.debtDB)
	visits := min(maxSlice, int(st.due.debt)*cleanVisits)
	st.due.debt = 0
	if d := st.dbs[db]; d != nil {
		t.wheels.use(st, d, db)
		t.wheels.t = t
		// Without memory to move an entry the wheel stays as it is.
		_, _ = d.wheel.clean(&st.arena, &t.wheels, visits)
	}
}

// recordView shows the wheel of one stripe and database its records. The
// stripe's mutex must be held while it is used.
type recordView struct {
	t    *Tx
	p    place // of the record that match found, if it was one
	refs []uint32
	room [2]uint32

	seen [maxAhead]sighting // by touch
	next int                // the one that match expects
	sum  uint64             // of what touch loaded, so that it is loaded
}

// sighting is where touch saw the only word with an order key.
type sighting struct {
	order  uint64
	seg    uint32
	groups uint16
	found  bool
	at     uint32 // number of the word
}

// use turns the view to a stripe and database.
func (v *recordView) use(st *stripe, d *dbState, db int) {
	v.p = place{st: st, d: d, db: db}
	v.next = maxAhead
}

// match returns the records with an order key.
func (v *recordView) match(order uint64) []uint32 {
	p := &v.p
	p.slot, p.frag = uint16(order>>32), uint32(order)
	p.sb = &p.d.subs[p.slot>>v.t.s.shift]
	p.h, p.depth = p.d.segment(p.sb, p.frag)
	v.refs = v.room[:0]
	groups := int(p.h.groups)
	if groups == 0 {
		return nil
	}
	seg := p.st.arena.segment(p.h)
	if v.next < maxAhead {
		o := &v.seen[v.next]
		v.next++
		if o.order == order && o.found && o.seg == p.h.ref && int(o.groups) == groups {
			// Still there: within a slice words only go.
			if w := le.Uint64(seg[o.at*8:]); uint32(w>>32) == p.frag && uint32(w) != 0 {
				p.at = int(o.at)
				v.refs = append(v.refs, uint32(w))
				return v.refs
			}
		}
	}
	for n, g := 0, home(p.frag, p.depth, groups); n < groups; n++ {
		hits, empty := scanGroup(seg, g, p.frag)
		for ; hits != 0; hits &= hits - 1 {
			p.at = g*groupWords + bits.TrailingZeros32(hits)
			v.refs = append(v.refs, uint32(le.Uint64(seg[p.at*8:])))
		}
		if empty != 0 {
			break
		}
		if g++; g == groups {
			g = 0
		}
	}
	return v.refs
}

// scanGroup returns which words of a group have a fragment, and which are empty.
// It has no branches: they would depend on what must come from memory first.
func scanGroup(seg []byte, g int, frag uint32) (hits, empty uint32) {
	line := (*[groupBytes]byte)(seg[g*groupBytes:])
	for i := range uint32(groupWords) {
		w := le.Uint64(line[i*8 : i*8+8])
		empty |= uint32((w&math.MaxUint32-1)>>63) << i
		hits |= uint32((uint64(uint32(w>>32)^frag)-1)>>63) << i
	}
	return hits &^ empty, empty
}

// touch loads the index lines of the last n entries of a chain, then their
// records, and remembers where they are for match.
func (v *recordView) touch(a *arena, c chain, n int) {
	d, shift := v.p.d, v.t.s.shift
	n = min(n, maxAhead)
	v.next = maxAhead - n
	seen := v.seen[v.next:]
	for i := range seen {
		o := &seen[i]
		o.order = c.at(a, c.used()-1-i) >> tickBits
		frag := uint32(o.order)
		h, depth := d.segment(&d.subs[uint16(o.order>>32)>>shift], frag)
		o.seg, o.groups, o.found = h.ref, h.groups, false
		if h.groups != 0 {
			g := home(frag, depth, int(h.groups))
			o.at = uint32(g * groupWords)
			v.sum += le.Uint64(a.bytes(h.ref+uint32(g*groupWords), 8))
		}
	}
	for i := range seen {
		o := &seen[i]
		if o.groups == 0 {
			continue
		}
		line := a.bytes(o.seg+o.at, groupBytes)
		hits, empty := scanGroup(line, 0, uint32(o.order))
		if hits == 0 {
			continue
		}
		j := bits.TrailingZeros32(hits)
		v.sum += le.Uint64(a.bytes(uint32(le.Uint64(line[j*8:])), 8))
		o.at += uint32(j)
		o.found = empty != 0 && hits&(hits-1) == 0 // no other one, here or in the next group
	}
}

// deadline returns a record's kind byte and deadline.
func (v *recordView) deadline(ref uint32) (kind byte, ms int64) {
	v.p.st.arena.load(ref, &v.p.r)
	return v.p.r.kind, v.p.r.deadline()
}

// mark sets or clears a record's flagWheel.
func (v *recordView) mark(ref uint32, filed bool) {
	b := v.p.st.arena.bytes(ref, 1)
	if filed {
		b[0] |= flagWheel
	} else {
		b[0] &^= flagWheel
	}
}

// expire removes the record that deadline was asked for last.
func (v *recordView) expire(_ uint64, _ uint32) bool {
	t, p := v.t, &v.p
	if t.s.hideOnly.Load() {
		return false
	}
	if len(v.refs) > 1 { // the place is that of the last one
		t.relocate(p)
	}
	p.st.due.noteLag(t.Now, p.r.deadline())
	t.dropExpired(p, p.r.key())
	return true
}

// relocate finds the word of a place's record.
func (t *Tx) relocate(p *place) {
	p.h, p.depth, p.at, p.found = p.st.find(p.d, p.sb, p.frag, p.r.key(), &p.r)
}

// expireLag counts how late keys of a stripe were removed by Tick, in two windows
// of time: the last in which keys expired, and the one before it. It is written
// under the stripe's mutex and read without.
type expireLag struct {
	window atomic.Int64 // number of the last window: unix time / lagWindow
	counts [2][lagBuckets]atomic.Uint32
	most   [2]atomic.Int64
}

const (
	lagWindow  = 10_000 // ms
	lagBuckets = 256    // a lag of a ms each up to 15 ms, then eight for each doubling
)

func lagBucket(ms int64) int {
	if ms < 16 {
		return int(max(ms, 0))
	}
	shift := bits.Len64(uint64(ms)) - 4
	return min(lagBuckets-1, shift<<3+int(ms>>shift))
}

// lagOf returns the longest lag of a bucket.
func lagOf(bucket int) int64 {
	if bucket < 16 {
		return int64(bucket)
	}
	shift := bucket>>3 - 1
	return int64(bucket-shift<<3+1)<<shift - 1
}

// noteLag counts a key that is removed now.
func (d *wheelDue) noteLag(now, deadline int64) {
	l := d.lag.Load()
	if l == nil {
		l = new(expireLag)
		d.lag.Store(l)
	}
	w := now / lagWindow
	if was := l.window.Load(); was != w {
		l.window.Store(w)
		for n := range min(max(w-was, 1), 2) { // windows in between had nothing
			i := (w - n) & 1
			l.most[i].Store(0)
			for b := range l.counts[i] {
				l.counts[i][b].Store(0)
			}
		}
	}
	lag := now - deadline
	c := &l.counts[w&1][lagBucket(lag)]
	c.Store(c.Load() + 1)
	if m := &l.most[w&1]; lag > m.Load() {
		m.Store(lag)
	}
}

// expireLag returns how late, in milliseconds, Tick removed keys after their
// deadlines: the median, the 99th percentile and the maximum of the last 10 to
// 20 seconds in which keys expired. It takes no lock.
func (s *Space) expireLag() (p50, p99, most int64) {
	var last int64
	for i := range s.stripes {
		if l := s.stripes[i].due.lag.Load(); l != nil {
			last = max(last, l.window.Load())
		}
	}
	var sum [lagBuckets]int64
	var n int64
	for i := range s.stripes {
		l := s.stripes[i].due.lag.Load()
		if l == nil {
			continue
		}
		for w := l.window.Load(); w > l.window.Load()-2 && w >= last-1; w-- {
			most = max(most, l.most[w&1].Load())
			for b := range sum {
				k := int64(l.counts[w&1][b].Load())
				sum[b] += k
				n += k
			}
		}
	}
	return min(most, quantile(&sum, n, 50)), min(most, quantile(&sum, n, 99)), most
}

// quantile returns the lag that percent of n keys did not exceed.
func quantile(sum *[lagBuckets]int64, n, percent int64) int64 {
	var below int64
	for b, k := range sum {
		if below += k; n > 0 && below*100 >= n*percent {
			return lagOf(b)
		}
	}
	return 0
}
