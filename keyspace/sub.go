package keyspace

// sub is the table of one slot in one database: one segment, or a directory of
// them. An empty sub takes no memory but this.
type sub struct {
	head  segHead // the only segment, if dir == 0
	count uint32  // live words
	dir   uint32  // 1 + index in dbState.dirs
}

// directory finds a segment by the first bits of a fragment. A segment of
// depth d stands for 2^(bits-d) adjacent entries; all hold its depth, only the
// first holds its head.
type directory struct {
	bits    uint8
	entries []dirEntry
}

type dirEntry struct {
	segHead
	depth uint8
}

const dirEntryBytes = 12

// segment returns the head and depth of the segment of a fragment. The head is
// valid until the sub grows.
func (d *dbState) segment(sb *sub, frag uint32) (h *segHead, depth uint8) {
	if sb.dir == 0 {
		return &sb.head, 0
	}
	dir := &d.dirs[sb.dir-1]
	i := frag >> (32 - dir.bits)
	depth = dir.entries[i].depth
	span := uint32(1) << (dir.bits - depth)
	return &dir.entries[i&^(span-1)].segHead, depth
}

// room makes room for one more word of the fragment: it allocates the first
// segment, grows one by an eighth or splits it. On an error nothing changed.
func (st *stripe) room(d *dbState, sb *sub, frag uint32) error {
	h, depth := d.segment(sb, frag)
	groups := int(h.groups)
	if int(h.used) < groups*groupFill {
		return nil
	}
	if groups == 0 {
		n, err := st.arena.newSegment(1)
		if err == nil {
			*h = n
		}
		return err
	}
	if groups < maxGroups {
		return st.arena.resize(h, depth, min(maxGroups, fitGroups(groups+max(1, groups/8))))
	}
	if depth < maxDepth {
		return st.splitSegment(d, sb, frag)
	}
	if groups >= hugeGroups {
		return ErrFull
	}
	return st.arena.resize(h, depth, min(hugeGroups, fitGroups(groups+groups/8)))
}

// splitSegment replaces the segment of a fragment by two of one more bit. The
// halves may be unequal, but hardly so much that one of them is full at once.
func (st *stripe) splitSegment(d *dbState, sb *sub, frag uint32) error {
	h, depth := d.segment(sb, frag)
	lo, hi, err := st.arena.split(h, depth)
	if err != nil {
		return err
	}
	if sb.dir == 0 {
		sb.dir = d.newDir()
		sb.head = segHead{}
		d.dirs[sb.dir-1] = directory{bits: 0, entries: []dirEntry{{}}}
		st.tables += dirEntryBytes
	}
	dir := &d.dirs[sb.dir-1]
	if dir.bits == depth {
		st.tables += int64(len(dir.entries)) * dirEntryBytes
		dir.double()
	}
	span := uint32(1) << (dir.bits - depth)
	first := frag >> (32 - dir.bits) &^ (span - 1)
	for i := first; i < first+span; i++ {
		dir.entries[i] = dirEntry{depth: depth + 1}
	}
	dir.entries[first].segHead = lo
	dir.entries[first+span/2].segHead = hi
	return nil
}

// double gives the directory one more bit.
func (dir *directory) double() {
	e := make([]dirEntry, 2*len(dir.entries))
	for i, o := range dir.entries {
		e[2*i] = o
		e[2*i+1].depth = o.depth
	}
	dir.bits++
	dir.entries = e
}

// newDir finds a place for a directory and returns 1 + its index.
func (d *dbState) newDir() uint32 {
	if n := len(d.spareDirs); n > 0 {
		i := d.spareDirs[n-1]
		d.spareDirs = d.spareDirs[:n-1]
		return i
	}
	d.dirs = append(d.dirs, directory{})
	return uint32(len(d.dirs))
}

// shrink follows a removal: it frees the memory of an empty sub and makes a
// segment smaller that is less than a third full.
func (st *stripe) shrink(d *dbState, sb *sub, h *segHead, depth uint8) {
	if sb.count == 0 {
		st.freeSub(d, sb)
		return
	}
	groups := int(h.groups)
	if groups == 1 || int(h.used)*3 >= groups*groupWords {
		return
	}
	if n := groupsFor(int(h.used)); n < groups {
		// Without memory for the smaller segment the larger one stays.
		_ = st.arena.resize(h, depth, n)
	}
}

// freeSub frees the segments and the directory of a sub.
func (st *stripe) freeSub(d *dbState, sb *sub) {
	if sb.dir == 0 {
		if sb.head.groups != 0 {
			st.arena.freeSegment(&sb.head)
		}
		return
	}
	dir := &d.dirs[sb.dir-1]
	for i := range dir.entries {
		if h := &dir.entries[i].segHead; h.groups != 0 {
			st.arena.freeSegment(h)
		}
	}
	st.tables -= int64(len(dir.entries)) * dirEntryBytes
	*dir = directory{}
	d.spareDirs = append(d.spareDirs, sb.dir)
	sb.dir = 0
}

// find looks a key up in a sub and decodes its record to r. at is its word's
// number in the segment of head h.
func (st *stripe) find(d *dbState, sb *sub, frag uint32, key []byte, r *rec) (h *segHead, depth uint8, at int, ok bool) {
	h, depth = d.segment(sb, frag)
	groups := int(h.groups)
	if groups == 0 {
		return h, depth, 0, false
	}
	seg := st.arena.segment(h)
	g := home(frag, depth, groups)
	for {
		line := (*[groupBytes]byte)(seg[g*groupBytes:])
		empty := false
		for i := 0; i < groupBytes; i += 8 {
			w := le.Uint64(line[i : i+8])
			if uint32(w) == 0 {
				empty = true
				continue
			}
			if uint32(w>>32) != frag {
				continue
			}
			st.arena.load(uint32(w), r)
			if string(r.b[r.ko:r.ko+r.kn]) == string(key) {
				return h, depth, g*groupWords + i/8, true
			}
		}
		if empty {
			return h, depth, 0, false
		}
		if g++; g == groups {
			g = 0
		}
	}
}
