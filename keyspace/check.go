package keyspace

import (
	"errors"
	"fmt"
)

// errCheck is what every error of Check wraps: an invariant does not hold.
var errCheck = errors.New("keyspace: check")

// Check verifies the invariants K2, K3, K4 and K11, one stripe after the other
// under its lock, and returns the first breach. It reads every record, so it is
// for tests and DEBUG. It returns ErrExclusive while an exclusive phase is active.
func (s *Space) Check() error {
	for i := range s.stripes {
		st := &s.stripes[i]
		if !s.lockStripe(st) {
			return ErrExclusive
		}
		err := s.checkStripe(st)
		s.unlockStripe(st)
		if err != nil {
			return fmt.Errorf("stripe %d: %w", i, err)
		}
	}
	return nil
}

// checker collects what a stripe refers to.
type checker struct {
	s     *Space
	st    *stripe
	cells map[uint32]int // ref -> size as allocated
	used  int64
	heap  int64 // bytes of tables in the Go heap
}

func (s *Space) checkStripe(st *stripe) (err error) {
	// A damaged length may lead out of a chunk.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errCheck, p)
		}
	}()
	c := &checker{s: s, st: st, cells: map[uint32]int{}}
	for db, d := range st.dbs {
		if d == nil {
			continue
		}
		if err := c.db(d); err != nil {
			return fmt.Errorf("db %d: %w", db, err)
		}
	}
	for _, d := range st.dead {
		if err := c.dead(d); err != nil {
			return fmt.Errorf("flushed db: %w", err)
		}
	}
	if c.used != st.arena.used {
		return fmt.Errorf("%w: K4: %d bytes accounted, %d found", errCheck, st.arena.used, c.used)
	}
	if c.heap != st.tables {
		return fmt.Errorf("%w: K4: %d bytes of tables accounted, %d found", errCheck, st.tables, c.heap)
	}
	return c.arena()
}

// tables counts a database's tables in the Go heap, but for those that Space.charge counts.
func (c *checker) tables(d *dbState) {
	for i := range d.dirs {
		c.heap += int64(len(d.dirs[i].entries)) * dirEntryBytes
	}
}

// use notes that a cell is referred to.
func (c *checker) use(ref uint32, size int) error {
	if was, ok := c.cells[ref]; ok {
		return fmt.Errorf("%w: K2: ref %#x is used twice, %d and %d bytes", errCheck, ref, was, size)
	}
	c.cells[ref] = size
	c.used += int64(c.st.arena.size(size))
	if debug && c.s.opts.Arena&Canary != 0 && !c.st.arena.canaryAlive(ref, c.st.arena.size(size)) {
		return fmt.Errorf("%w: K4: canary of ref %#x is dead", errCheck, ref)
	}
	return nil
}

func (c *checker) db(d *dbState) error {
	c.tables(d)
	var keys, expires int64
	var due []wheelKey
	sums := make([]uint32, len(d.fenwick))
	for i := range d.subs {
		sb := &d.subs[i]
		slot := uint16(i<<c.s.shift) | c.st.number
		if *sb == (sub{}) {
			if d.nonempty.has(slot) {
				return fmt.Errorf("%w: K3: slot %d is empty, its bit is set", errCheck, slot)
			}
			continue
		}
		n, err := c.sub(d, sb, slot, func(r *rec, order uint64) {
			if r.kind&flagExpiry != 0 {
				expires++
				due = append(due, wheelKey{order, r.deadline(), r.kind&flagWheel != 0})
			}
		})
		if err != nil {
			return fmt.Errorf("slot %d: %w", slot, err)
		}
		if n != sb.count {
			return fmt.Errorf("%w: K3: slot %d counts %d keys, has %d", errCheck, slot, sb.count, n)
		}
		if has := d.nonempty.has(slot); has != (n > 0) {
			return fmt.Errorf("%w: K3: slot %d has %d keys, its bit is %v", errCheck, slot, n, has)
		}
		keys += int64(n)
		for j := i + 1; j < len(sums); j += j & -j {
			sums[j] += n
		}
	}
	for i := range sums {
		if sums[i] != d.fenwick[i] {
			return fmt.Errorf("%w: K3: Fenwick node %d is %d, want %d", errCheck, i, d.fenwick[i], sums[i])
		}
	}
	if keys != d.keys.Load() || expires != d.expires.Load() {
		return fmt.Errorf("%w: K3: counts %d keys and %d expires, has %d and %d", errCheck,
			d.keys.Load(), d.expires.Load(), keys, expires)
	}
	if err := c.wheel(d); err != nil {
		return err
	}
	return d.wheel.check(&c.st.arena, due)
}

func (c *checker) wheel(d *dbState) (err error) {
	d.wheel.eachCell(&c.st.arena, func(ref uint32, size int) {
		if e := c.use(ref, size); e != nil && err == nil {
			err = e
		}
	})
	return err
}

// dead checks what is left of a flushed database.
func (c *checker) dead(d *dbState) error {
	c.tables(d)
	for i := range d.subs {
		if _, err := c.sub(d, &d.subs[i], 0, nil); err != nil {
			return err
		}
	}
	return c.wheel(d)
}

// sub checks a sub's segments and returns its number of words. In a flushed
// database (each == nil) words are gone already, so their places are not checked.
func (c *checker) sub(d *dbState, sb *sub, slot uint16, each func(r *rec, order uint64)) (n uint32, err error) {
	one := func(h *segHead, depth uint8, first uint32) error {
		if h.groups == 0 {
			if sb.dir != 0 {
				return fmt.Errorf("%w: K2: a directory entry without segment", errCheck)
			}
			return nil
		}
		if err := c.use(h.ref, int(h.groups)*groupBytes); err != nil {
			return err
		}
		k, err := c.segment(h, depth, first, slot, each)
		n += k
		return err
	}
	if sb.dir == 0 {
		return n, one(&sb.head, 0, 0)
	}
	if sb.head != (segHead{}) {
		return n, fmt.Errorf("%w: K2: a segment beside a directory", errCheck)
	}
	dir := &d.dirs[sb.dir-1]
	for i := 0; i < len(dir.entries); {
		e := &dir.entries[i]
		span := 1 << (dir.bits - e.depth)
		if i%span != 0 {
			return n, fmt.Errorf("%w: K2: directory entry %d has depth %d of %d", errCheck, i, e.depth, dir.bits)
		}
		for j := i + 1; j < i+span; j++ {
			if o := dir.entries[j]; o != (dirEntry{depth: e.depth}) {
				return n, fmt.Errorf("%w: K2: directory entry %d is %v", errCheck, j, o)
			}
		}
		if err := one(&e.segHead, e.depth, uint32(i)<<(32-dir.bits)); err != nil {
			return n, err
		}
		i += span
	}
	return n, nil
}

func (c *checker) segment(h *segHead, depth uint8, first uint32, slot uint16, each func(r *rec, order uint64)) (n uint32, err error) {
	a := &c.st.arena
	seg := a.segment(h)
	groups := int(h.groups)
	for i := range groups * groupWords {
		w := le.Uint64(seg[i*8:])
		if uint32(w) == 0 {
			continue
		}
		n++
		frag := uint32(w >> 32)
		var r rec
		a.load(uint32(w), &r)
		if r.form() == formFree || r.form() >= numForms {
			return n, fmt.Errorf("%w: K2: ref %#x is no record (kind %#x)", errCheck, uint32(w), r.kind)
		}
		if err := c.use(uint32(w), r.size()); err != nil {
			return n, err
		}
		if r.form() == formBig {
			g := r.big()
			if err := c.use(g.ref, g.room); err != nil {
				return n, err
			}
			if g.n > g.room {
				return n, fmt.Errorf("%w: K2: value of %d bytes in %d", errCheck, g.n, g.room)
			}
		}
		if each == nil {
			continue
		}
		if err := c.word(seg, groups, depth, first, slot, i, frag, &r); err != nil {
			return n, err
		}
		each(&r, orderKey(slot, frag))
	}
	if n != uint32(h.used) {
		return n, fmt.Errorf("%w: K3: segment counts %d words, has %d", errCheck, h.used, n)
	}
	if int(n) > groups*groupFill {
		return n, fmt.Errorf("%w: K2: %d words in %d groups", errCheck, n, groups)
	}
	return n, nil
}

// word checks that a word lies where its key is looked for.
func (c *checker) word(seg []byte, groups int, depth uint8, first uint32, slot uint16, at int, frag uint32, r *rec) error {
	if s := Slot(r.key()); s != slot {
		return fmt.Errorf("%w: K2: key %q of slot %d", errCheck, r.key(), s)
	}
	if f := uint32(c.s.sip.sum(r.key()) >> 32); f != frag {
		return fmt.Errorf("%w: K2: key %q has fragment %#x, its word %#x", errCheck, r.key(), f, frag)
	}
	if frag>>(32-depth) != first>>(32-depth) {
		return fmt.Errorf("%w: K2: fragment %#x in the segment from %#x, depth %d", errCheck, frag, first, depth)
	}
	for g := home(frag, depth, groups); g != at/groupWords; g = (g + 1) % groups {
		if !groupIsFull(seg, g) {
			return fmt.Errorf("%w: K2: key %q cannot be reached", errCheck, r.key())
		}
	}
	return nil
}

// arena checks the pages against the cells that are referred to.
func (c *checker) arena() error {
	a := &c.st.arena
	live := map[uint32]int{} // page -> cells referred to
	for ref, size := range c.cells {
		if a.chunks[ref>>refChunkShift].pages == nil {
			continue
		}
		id := ref >> refPageShift
		m := a.meta(id)
		if m.kind == pageBody {
			id -= uint32(m.back)
			m = a.meta(id)
		}
		want := pageCells
		if a.size(size) > maxCell {
			want = pageRun
		}
		if m.kind != want || (want == pageCells && int(classSizes[m.class]) != a.size(size)) {
			return fmt.Errorf("%w: K4: ref %#x of %d bytes in a page of kind %d, class %d", errCheck, ref, size, m.kind, m.class)
		}
		live[id]++
	}
	pages, warm := int64(0), 0
	for k := range a.chunks {
		ch := &a.chunks[k]
		if ch.pages == nil {
			pages += int64(len(a.mem[k])) >> pageShift
			continue
		}
		warm += ch.free.and(ch.resident).len()
		if ch.bin != ch.free.longestLog2() {
			return fmt.Errorf("%w: K4: chunk %d lies in bin %d", errCheck, k, ch.bin)
		}
		for p := range ch.pages {
			free := ch.free.count(p, 1) == 1
			if free != (ch.pages[p].kind == pageFree) {
				return fmt.Errorf("%w: K4: page %d of chunk %d: kind %d, free %v", errCheck, p, k, ch.pages[p].kind, free)
			}
			if !free {
				pages++
				if ch.resident.count(p, 1) == 0 {
					return fmt.Errorf("%w: K4: page %d of chunk %d is used and not resident", errCheck, p, k)
				}
			}
			if err := c.page(uint32(k*chunkPages+p), &ch.pages[p], live); err != nil {
				return err
			}
		}
	}
	for n := range a.units {
		for _, k := range a.units[n].chunks {
			ch := &a.chunks[k]
			if ch.unit != int32(n)+1 || a.units[n].state == unitHuge && ch.resident != allPages() {
				return fmt.Errorf("%w: K4: chunk %d, resident %x, is half of unit %d, state %d", errCheck, k, ch.resident, n, a.units[n].state)
			}
		}
	}
	if pages != a.pages || warm != a.warm {
		return fmt.Errorf("%w: K4: counts %d pages, %d warm; has %d, %d", errCheck, a.pages, a.warm, pages, warm)
	}
	return nil
}

// page checks one page: used and free cells are all that it has, none is both.
func (c *checker) page(id uint32, m *pageMeta, live map[uint32]int) error {
	a := &c.st.arena
	switch m.kind {
	case pageRun:
		if live[id] != 1 {
			return fmt.Errorf("%w: K4: page run %#x has %d users", errCheck, id, live[id])
		}
	case pageCells:
		if live[id] != int(m.live) {
			return fmt.Errorf("%w: K4: page %#x counts %d cells, %d are used", errCheck, id, m.live, live[id])
		}
		units := int(classSizes[m.class]) >> unitShift
		free := 0
		for u := m.free; u != 0; free++ {
			ref := id<<refPageShift + uint32(u-1)
			if _, ok := c.cells[ref]; ok {
				return fmt.Errorf("%w: K4: cell %#x is free and used", errCheck, ref)
			}
			b := a.bytes(ref, minCell)
			if b[0] != 0 {
				return fmt.Errorf("%w: K4: free cell %#x was written", errCheck, ref)
			}
			u = le.Uint16(b[2:])
			if free > int(classCells[m.class]) {
				return fmt.Errorf("%w: K4: free cells of page %#x go in circles", errCheck, id)
			}
		}
		fresh := int(classCells[m.class]) - int(m.fresh)/units
		if int(m.live)+free+fresh != int(classCells[m.class]) {
			return fmt.Errorf("%w: K4: page %#x: %d used, %d free and %d new cells of %d", errCheck, id, m.live, free, fresh, classCells[m.class])
		}
	}
	return nil
}
