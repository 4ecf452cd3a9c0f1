package keyspace

import "time"

// FlushAll removes all keys of all databases. Their arenas are swapped for empty
// ones at once; Tick returns the memory, if it is much. Only inside Exclusive.
func (t *Tx) FlushAll() {
	t.checkExclusive()
	if t.Sink != nil {
		t.Sink.Effect(t.DB, BarrierSlot, append(t.argv[:0], cmdFlushAll))
	}
	t.emptied(-1)
	for db := range t.s.index {
		t.Changes += t.s.counts(db).keys
	}
	t.flushAll()
}

func (t *Tx) flushAll() {
	s := t.s
	for i := range s.stripes {
		st := &s.stripes[i]
		var keys int64
		for _, d := range st.dbs {
			if d != nil {
				keys += d.keys.Load()
			}
		}
		for _, d := range st.dead {
			keys += d.keys.Load()
			s.lazyPending.Add(-d.keys.Load())
		}
		s.lazyFreed.Add(s.src.buryArena(st.arena.release(), keys))
		clear(st.dbs)
		st.dead = nil
		st.tables = 0
		st.publishAll()
	}
	for db := range s.index {
		s.index[db].Store(nil)
	}
	s.uncharge()
}

// FlushDB removes all keys of the Tx's database; Tick frees their memory in
// slices. Only inside Exclusive.
func (t *Tx) FlushDB() {
	t.checkExclusive()
	if t.Sink != nil {
		t.Sink.Effect(t.DB, BarrierSlot, append(t.argv[:0], cmdFlushDB))
	}
	t.emptied(t.DB)
	t.Changes += t.Count()
	if t.onlyDB() {
		t.flushAll()
		return
	}
	s := t.s
	for i := range s.stripes {
		st := &s.stripes[i]
		if d := st.dbs[t.DB]; d != nil {
			s.lazyPending.Add(d.keys.Load())
			st.dead = append(st.dead, d)
			st.dbs[t.DB] = nil
			st.arena.moved = true
		}
	}
	s.index[t.DB].Store(nil)
}

// onlyDB says whether no other database has keys.
func (t *Tx) onlyDB() bool {
	for db := range t.s.index {
		if x := t.s.index[db].Load(); db != t.DB && x != nil && x.nonempty.next(0) < Slots {
			return false
		}
	}
	return true
}

// SwapDB exchanges the keys of two databases. Only inside Exclusive.
func (t *Tx) SwapDB(a, b int) {
	t.checkExclusive()
	t.Changes++
	if a == b {
		return
	}
	if t.Sink != nil {
		t.Sink.Effect(t.DB, BarrierSlot, append(t.argv[:0], cmdSwapDB, t.number(0, int64(a)), t.number(1, int64(b))))
	}
	t.swapped(a, b)
	s := t.s
	s.swaps.Add(1)
	for i := range s.stripes {
		st := &s.stripes[i]
		st.dbs[a], st.dbs[b] = st.dbs[b], st.dbs[a]
		st.arena.moved = true
	}
	xa := s.index[a].Load()
	s.index[a].Store(s.index[b].Load())
	s.index[b].Store(xa)
}

func (t *Tx) checkExclusive() {
	if !t.excl {
		panic("keyspace: needs Exclusive")
	}
}

// sliceCells is how many cells upkeep frees under one lock hold (K10).
const sliceCells = 256

// upkeep does what a stripe needs now and then, in one slice, under its mutex:
// it frees what a flushed database left, gives free pages back and publishes
// the stripe's figures. It returns true if it wants to be called again soon.
func (s *Space) upkeep(st *stripe) (more bool) {
	if len(st.dead) > 0 {
		d := st.dead[len(st.dead)-1]
		if st.freeSome(s, d, sliceCells) {
			more = true
		} else {
			st.dead = st.dead[:len(st.dead)-1]
			more = len(st.dead) > 0
		}
	}
	if st.arena.trim() {
		more = true
	}
	st.publishAll()
	return more
}

// returnMemory gives memory of dropped arenas and large values back to the
// system, in slices, with no lock held, until the time is up. It returns true
// if some is left.
func (s *Space) returnMemory(budget time.Duration) (more bool) {
	if s.src.idle() {
		return false
	}
	for start := time.Now(); ; {
		n, more := s.src.digest()
		s.lazyFreed.Add(n)
		s.src.keys.Add(-n)
		if !more || time.Since(start) >= budget {
			return more
		}
	}
}

// freeSome frees up to max cells of a database that was flushed, and says
// whether there are more.
func (st *stripe) freeSome(s *Space, d *dbState, max int) (more bool) {
	a := &st.arena
	for max > 0 && d.freeing < len(d.subs) {
		sb := &d.subs[d.freeing]
		h := st.lastSegment(d, sb)
		if h == nil {
			st.freeSub(d, sb)
			d.freeing++
			max--
			continue
		}
		seg := a.segment(h)
		for i := len(seg) - 8; i >= 0 && max > 0 && h.used > 0; i -= 8 {
			w := le.Uint64(seg[i:])
			if uint32(w) == 0 {
				continue
			}
			var r rec
			a.load(uint32(w), &r)
			a.freeRecord(&r)
			le.PutUint64(seg[i:], 0)
			h.used--
			max--
			d.keys.Add(-1)
			s.lazyPending.Add(-1)
			s.lazyFreed.Add(1)
		}
	}
	if d.freeing < len(d.subs) || d.wheel.freeSome(a, max) {
		return true
	}
	return false
}

// lastSegment returns a segment of a sub that has words, nil if none has.
func (st *stripe) lastSegment(d *dbState, sb *sub) *segHead {
	if sb.dir == 0 {
		if sb.head.used > 0 {
			return &sb.head
		}
		return nil
	}
	e := d.dirs[sb.dir-1].entries
	for i := len(e) - 1; i >= 0; i-- {
		if e[i].used > 0 {
			return &e[i].segHead
		}
	}
	return nil
}
