package keyspace

import "time"

// MakeRoom removes keys as the limit's policy says until the memory in use fits
// the limit. It is called before a command that may need memory, with no stripe
// held, and takes one at a time. Each key goes with a DEL effect of its own to
// t.Sink, under its stripe's lock. ErrOOM says that there is nothing to remove,
// or that the policy is NoEviction. If Limit.Budget is used up first it returns
// nil; Tick and the next caller go on (K9).
//
// It does nothing for a Tx that holds stripes, while an exclusive phase is active
// and while keys may only be hidden (HideOnly).
func (s *Space) MakeRoom(t *Tx) error {
	l := s.limit.Load()
	if s.total.bytes.Load() <= l.max {
		if s.exceeded.Load() != 0 {
			s.within(t.Now)
		}
		return nil
	}
	return s.makeRoom(t, l)
}

// Exceeded says whether the memory in use is above the limit: MakeRoom would remove keys.
func (s *Space) Exceeded() bool { return s.total.bytes.Load() > s.limit.Load().max }

func (s *Space) makeRoom(t *Tx, l *limit) error {
	if t.excl || t.one != nil || t.held > 0 || s.hideOnly.Load() {
		return nil
	}
	s.exceeds(t.Now)
	if l.Policy == NoEviction || s.evict(t, l, l.Budget) == nothingLeft {
		return ErrOOM
	}
	if s.total.bytes.Load() <= l.max {
		s.within(t.Now)
	}
	return nil
}

// exceeds notes that the memory in use is above the limit.
func (s *Space) exceeds(now int64) {
	if s.exceeded.Load() == 0 {
		s.exceeded.CompareAndSwap(0, now)
	}
}

// within notes that it fits again.
func (s *Space) within(now int64) {
	if since := s.exceeded.Swap(0); since != 0 {
		s.exceededMs.Add(max(0, now-since))
	}
}

// evictSome is MakeRoom for Tick: it says whether there is more to remove.
func (s *Space) evictSome(t *Tx, budget time.Duration) (more bool) {
	l := s.limit.Load()
	if s.total.bytes.Load() <= l.max {
		if s.exceeded.Load() != 0 {
			s.within(t.Now)
		}
		return false
	}
	if l.Policy == NoEviction || s.hideOnly.Load() {
		return false
	}
	s.exceeds(t.Now)
	e := s.evict(t, l, budget)
	if s.total.bytes.Load() <= l.max {
		s.within(t.Now)
	}
	return e == outOfTime
}

// eviction is how an attempt ended.
type eviction uint8

const (
	removed     eviction = iota // a key went, or: enough keys
	missed                      // the keys drawn may not go, another draw may succeed
	nothingLeft                 // no key may go
	outOfTime                   // there are more
	shut                        // an exclusive phase is active
)

// clockEvery is how many keys go between two looks at the clock.
const clockEvery = 8

// evict removes keys until the total fits the limit or the time is up.
func (s *Space) evict(t *Tx, l *limit, budget time.Duration) eviction {
	if debug {
		t.checkNothingHeld()
	}
	pool := t.evictPool(l)
	start := time.Now()
	for n := 1; s.total.bytes.Load() > l.max; n++ {
		var e eviction
		if l.Policy.random() {
			e = t.evictAny(pool)
		} else {
			e = t.evictBest(pool)
		}
		if e == nothingLeft || e == shut {
			return e
		}
		s.returnSome(l)
		if n%clockEvery == 0 && time.Since(start) >= budget {
			if s.total.bytes.Load() <= l.max {
				break
			}
			return outOfTime
		}
	}
	return removed
}

// returnSome gives memory of large values that went back to the system if much of
// it waits for that: new values need it.
func (s *Space) returnSome(l *limit) {
	if waits := s.src.buried.Load(); waits > max(l.max/16, 16*digestSlice) {
		n, _ := s.src.digest()
		s.lazyFreed.Add(n)
		s.src.keys.Add(-n)
	}
}

// evictAny removes a key drawn by lot.
func (t *Tx) evictAny(pool *evictPool) eviction {
	st, db, e := pool.enter(t)
	if e != removed {
		return e
	}
	e = missed
	pool.found = pool.found[:0]
	if t.draw(st, db, pool, 1); len(pool.found) > 0 {
		e = t.evictKey(st, &pool.found[0], pool.limit)
	}
	t.leaveEvicting(st)
	return e
}

// evictBest draws some keys, and removes the best of them and those met before.
func (t *Tx) evictBest(pool *evictPool) eviction {
	st, db, e := pool.enter(t)
	if e != removed {
		return e
	}
	pool.found = pool.found[:0]
	t.draw(st, db, pool, pool.limit.Samples)
	t.leaveEvicting(st)
	for i := range pool.found {
		pool.offer(&pool.found[i])
	}
	for pool.n > 0 {
		pool.n--
		c := pool.best[pool.n]
		st := &t.s.stripes[uint16(c.order>>32)&t.s.mask]
		if !t.s.lockStripe(st) {
			return shut
		}
		e := t.evictKey(st, &c, pool.limit)
		t.leaveEvicting(st)
		if e == removed {
			return e
		}
	}
	pool.draws = 0 // much has changed: count anew
	return missed
}

// leaveEvicting unlocks a stripe and counts at once what became free.
func (t *Tx) leaveEvicting(st *stripe) {
	if st.due.debt != 0 {
		t.payDebt(st)
	}
	if used := st.arena.used + st.tables; used != st.counted {
		st.count(used)
	}
	t.s.unlockStripe(st)
}

// evictKey removes the key of a candidate, if it is still there and no better off
// than when it was drawn. Its stripe is held.
func (t *Tx) evictKey(st *stripe, c *candidate, l *limit) eviction {
	p := place{st: st, db: int(c.db), slot: uint16(c.order >> 32), frag: uint32(c.order)}
	if p.d = st.dbs[p.db]; p.d == nil || !t.placeOf(&p, c.ref) {
		return missed
	}
	if l.Policy.volatile() && !p.r.expires() || l.score(&p.r, t.Now) < c.score {
		return missed
	}
	key := p.r.key()
	if t.expired(&p.r) {
		t.dropExpired(&p, key)
		return removed
	}
	t.emitKey(&p, cmdDel, key)
	t.tellRemoved(&p, key, Evicted)
	t.remove(&p)
	t.s.evictedKeys.Add(1)
	return removed
}

// placeOf finds the word with a place's fragment and a ref, and its record.
func (t *Tx) placeOf(p *place, ref uint32) bool {
	p.sb = &p.d.subs[p.slot>>t.s.shift]
	p.h, p.depth = p.d.segment(p.sb, p.frag)
	groups := int(p.h.groups)
	if groups == 0 {
		return false
	}
	seg, want := p.st.arena.segment(p.h), word(p.frag, ref)
	for n, g := 0, home(p.frag, p.depth, groups); n < groups; n++ {
		for i := g * groupWords; i < (g+1)*groupWords; i++ {
			if le.Uint64(seg[i*8:]) == want {
				p.at, p.found = i, true
				p.st.arena.load(ref, &p.r)
				return true
			}
		}
		if !groupIsFull(seg, g) {
			return false
		}
		if g++; g == groups {
			g = 0
		}
	}
	return false
}

// score orders keys: those with the highest go first. A key that nobody uses
// keeps its score, so keys drawn at different times compare.
func (l *limit) score(r *rec, now int64) int64 {
	switch {
	case l.Policy.random():
		return 0
	case l.Policy == VolatileTTL:
		return ^r.deadline()
	case l.Policy.LFU():
		return l.counts.score(r.lru(), now)
	}
	return idleSeconds(r.lru(), now) - now/1000
}

// score: the lowest counter goes first, of equal ones the longest unused.
func (l *lfu) score(use uint32, now int64) int64 {
	return (counterMax-l.counter(use, now))<<16 + l.elapsed(use, now)
}
