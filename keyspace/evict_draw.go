package keyspace

import (
	"math/bits"
	"math/rand/v2"
)

// Keys with a deadline are drawn from all keys if at least one of
// drawnVolatile has one, otherwise from the wheel.
const drawnVolatile = 64

// chainCells is how many cells of a wheel's bucket are drawn from, 63 entries each:
// those that were filed last.
const chainCells = 256

// draw adds up to n keys of a stripe and database that may be removed to
// pool.found. Two of them may be the same. The stripe is held.
func (t *Tx) draw(st *stripe, db int, pool *evictPool, n int) {
	d := st.dbs[db]
	if d == nil {
		return
	}
	keys, volatile := uint32(d.keys.Load()), pool.limit.Policy.volatile()
	if keys == 0 {
		return
	}
	if !volatile {
		t.drawKeys(st, d, db, pool, keys, n, n)
		return
	}
	if exp := uint32(d.expires.Load()); exp == 0 {
		return
	} else if exp >= keys/drawnVolatile {
		t.drawKeys(st, d, db, pool, keys, n, 2*n*int(keys/exp))
	} else {
		t.drawFiled(st, d, db, pool, n)
	}
	if pool.limit.Policy == VolatileTTL {
		t.drawNearest(st, d, db, pool, n)
	}
}

// drawKeys draws from all keys, each with about the same chance, n at most, tries
// times at most. First it finds the words of several keys, then their records: so
// the waits for memory overlap.
func (t *Tx) drawKeys(st *stripe, d *dbState, db int, pool *evictPool, keys uint32, n, tries int) {
	l := pool.limit
	for volatile := l.Policy.volatile(); n > 0 && tries > 0; {
		batch := min(tries, len(pool.words))
		if !volatile {
			batch = min(batch, n)
		}
		tries -= batch
		for i := range batch {
			sub, rank := d.rankedSub(rand.Uint32N(keys))
			seg := st.arena.segment(d.rankedSegment(&d.subs[sub], rank))
			w := uint64(0)
			for uint32(w) == 0 { // a segment in use is a third full, or one group
				w = le.Uint64(seg[rand.IntN(len(seg)/8)*8:])
			}
			pool.refs[i] = uint32(w)
			pool.words[i] = orderKey(uint16(sub<<t.s.shift)|st.number, uint32(w>>32))
		}
		for i := 0; i < batch && n > 0; i++ {
			var r rec
			st.arena.load(pool.refs[i], &r)
			if volatile && !r.expires() {
				continue
			}
			pool.found = append(pool.found, candidate{l.score(&r, t.Now), pool.words[i], pool.refs[i], int32(db)})
			n--
		}
	}
}

// drawFiled draws keys with a deadline from a bucket of the wheel: one that has
// entries, each with the same chance.
func (t *Tx) drawFiled(st *stripe, d *dbState, db int, pool *evictPool, n int) {
	if from := d.wheel.someBucket(); from != 0 {
		t.drawChain(st, d, db, pool, from, n)
	}
}

// drawNearest draws keys from the bucket whose deadlines come first.
func (t *Tx) drawNearest(st *stripe, d *dbState, db int, pool *evictPool, n int) {
	if from := d.wheel.nearest(); from != 0 {
		t.drawChain(st, d, db, pool, from, n)
	}
}

// drawChain draws n keys of the entries of a chain. Entries that name no key, which
// can be half of them, are passed over.
func (t *Tx) drawChain(st *stripe, d *dbState, db int, pool *evictPool, from chain, n int) {
	t.wheels.t = t
	t.wheels.use(st, d, db)
	pool.cells = pool.cells[:0]
	for c := from; c != 0 && len(pool.cells) < chainCells; c = c.rest(&st.arena) {
		pool.cells = append(pool.cells, c)
	}
	for tries := 4 * n; tries > 0 && n > 0; tries-- {
		c := pool.cells[rand.IntN(len(pool.cells))]
		first := rand.IntN(c.used())
		for i := range c.used() {
			if k := t.candidates(c.at(&st.arena, (first+i)%c.used()), pool); k > 0 {
				n -= k
				break
			}
		}
	}
}

// candidates adds the keys of a wheel's entry to the pool's scratch.
func (t *Tx) candidates(entry uint64, pool *evictPool) (n int) {
	v := &t.wheels
	for _, ref := range v.match(entry >> tickBits) {
		if kind, _ := v.deadline(ref); kind&flagExpiry != 0 {
			pool.found = append(pool.found, candidate{pool.limit.score(&v.p.r, t.Now), entry >> tickBits, ref, int32(v.p.db)})
			n++
		}
	}
	return n
}

// someBucket returns the entries of a random bucket, or a part of them; the empty
// chain if it finds none.
func (w *wheel) someBucket() chain {
	s := w.s
	if s == nil || s.entries == 0 {
		return 0
	}
	table := &s.wheelTable
	if s.old != nil && rand.Uint32()&1 == 0 {
		table = s.old
	}
	n := 0
	for _, set := range table.full {
		n += bits.OnesCount64(set)
	}
	if n == 0 {
		return 0
	}
	return table.some(table.nth(rand.IntN(n)))
}

// nearest returns the entries that are due first, or a part of them.
func (w *wheel) nearest() chain {
	if w.s == nil {
		return 0
	}
	b := w.s.first()
	if b < 0 {
		return 0
	}
	return w.s.some(b)
}

// some returns one of the chains of a bucket that have entries.
func (t *wheelTable) some(b int) chain {
	c := t.chain(b)
	if c == nil {
		return 0 // the bit was left over; it is cleared now
	}
	if t.sift == b { // a bucket that is being cleaned has three
		three := [3]chain{t.buckets[b], t.unsifted, t.sifted}
		if o := three[rand.IntN(3)]; o != 0 {
			return o
		}
	}
	return *c
}

// nth returns the bucket of a rank among those with entries.
func (t *wheelTable) nth(rank int) int {
	for level, set := range t.full {
		if k := bits.OnesCount64(set); rank >= k {
			rank -= k
			continue
		}
		for ; rank > 0; rank-- {
			set &= set - 1
		}
		return level<<wheelDigits | bits.TrailingZeros64(set)
	}
	panic("keyspace: a wheel has fewer buckets than bits")
}
