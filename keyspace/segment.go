package keyspace

// A segment holds the slot words of a range of fragments, in fragment order up
// to its groups:
//
//	slot word  u64   | fragment 32 | ref 32 |     ref 0 = empty
//	group            8 words, one cache line of 64 bytes
//	segment          1 to 256 groups, at most 7/8 full
//
// A word's home group is its fragment's place in the segment's range, scaled to
// the number of groups. A full group's words go on in the next one (the first
// follows the last); deletion pulls them back, so a word is always reachable
// from its home group without crossing a group with an empty word (K2).
const (
	groupWords = 8
	groupBytes = 64
	groupFill  = 7 // words per group on average at most
	maxGroups  = 256
	// maxDepth is where splitting stops; such a segment may grow to hugeGroups.
	maxDepth   = 24
	hugeGroups = 1 << 13 // 512 KiB, and its words can be counted in 16 bits
)

// segHead is where a segment lies and how full it is.
type segHead struct {
	ref    uint32
	groups uint16 // 0: no segment
	used   uint16 // words
}

// home returns the home group of a fragment in a segment.
func home(frag uint32, depth uint8, groups int) int {
	return int(uint64(frag<<depth) * uint64(groups) >> 32)
}

func word(frag, ref uint32) uint64 { return uint64(frag)<<32 | uint64(ref) }

// segment returns a segment's bytes.
func (a *arena) segment(h *segHead) []byte { return a.bytes(h.ref, int(h.groups)*groupBytes) }

// newSegment makes an empty segment.
func (a *arena) newSegment(groups int) (segHead, error) {
	ref, err := a.alloc(groups * groupBytes)
	if err != nil {
		return segHead{}, err
	}
	clear(a.bytes(ref, groups*groupBytes))
	return segHead{ref: ref, groups: uint16(groups)}, nil
}

func (a *arena) freeSegment(h *segHead) {
	a.free(h.ref, int(h.groups)*groupBytes)
	*h = segHead{}
}

// insertWord puts a word into a segment, which must have room.
func insertWord(seg []byte, groups int, depth uint8, w uint64) {
	g := home(uint32(w>>32), depth, groups)
	for {
		line := (*[groupBytes]byte)(seg[g*groupBytes:])
		for i := 0; i < groupBytes; i += 8 {
			if uint32(le.Uint64(line[i:])) == 0 {
				le.PutUint64(line[i:], w)
				return
			}
		}
		if g++; g == groups {
			g = 0
		}
	}
}

// removeWord empties word number at and pulls overflowed words back.
func removeWord(seg []byte, groups int, depth uint8, at int) {
	hole, g := at, at/groupWords
	full := groupIsFull(seg, g)
	le.PutUint64(seg[hole*8:], 0)
	// Only past a group that was full may words have gone on.
	for j := g; full; {
		if j++; j == groups {
			j = 0
		}
		jFull := groupIsFull(seg, j)
		if i := passedWord(seg, groups, depth, g, j); i >= 0 {
			copy(seg[hole*8:hole*8+8], seg[i*8:])
			le.PutUint64(seg[i*8:], 0)
			hole, g = i, j
		}
		full = jFull
	}
}

// passedWord returns a word of group j that went past group g, -1 if there is none.
func passedWord(seg []byte, groups int, depth uint8, g, j int) int {
	far := distance(g, j, groups)
	for i := j * groupWords; i < (j+1)*groupWords; i++ {
		w := le.Uint64(seg[i*8:])
		if uint32(w) != 0 && distance(home(uint32(w>>32), depth, groups), j, groups) >= far {
			return i
		}
	}
	return -1
}

// distance returns how many groups to is after from, going round.
func distance(from, to, groups int) int {
	if d := to - from; d >= 0 {
		return d
	}
	return to - from + groups
}

func groupIsFull(seg []byte, g int) bool {
	line := (*[groupBytes]byte)(seg[g*groupBytes:])
	for i := 0; i < groupBytes; i += 8 {
		if uint32(le.Uint64(line[i:])) == 0 {
			return false
		}
	}
	return true
}

// fitGroups rounds a number of groups up to what its memory holds.
func fitGroups(groups int) int {
	n := groups * groupBytes
	if n <= maxCell {
		return int(classSizes[classOf(n)]) / groupBytes
	}
	return (n + pageSize - 1) &^ (pageSize - 1) / groupBytes
}

// groupsFor returns the groups of a segment that n words fill to about two thirds.
func groupsFor(n int) int { return fitGroups(max(1, (n*3+15)/16)) }

// resize moves the words of a segment into one with another number of groups.
func (a *arena) resize(h *segHead, depth uint8, groups int) error {
	n, err := a.newSegment(groups)
	if err != nil {
		return err
	}
	from, to := a.segment(h), a.segment(&n)
	for i := 0; i < len(from); i += 8 {
		if w := le.Uint64(from[i:]); uint32(w) != 0 {
			insertWord(to, groups, depth, w)
		}
	}
	n.used = h.used
	a.freeSegment(h)
	*h = n
	return nil
}

// split divides the words of a segment by the next bit of their fragments.
func (a *arena) split(h *segHead, depth uint8) (lo, hi segHead, err error) {
	from := a.segment(h)
	n := [2]int{}
	for i := 0; i < len(from); i += 8 {
		if w := le.Uint64(from[i:]); uint32(w) != 0 {
			n[splitBit(w, depth)]++
		}
	}
	var halves [2]segHead
	if halves[0], err = a.newSegment(splitGroups(n[0])); err != nil {
		return lo, hi, err
	}
	if halves[1], err = a.newSegment(splitGroups(n[1])); err != nil {
		a.freeSegment(&halves[0])
		return lo, hi, err
	}
	to := [2][]byte{a.segment(&halves[0]), a.segment(&halves[1])}
	for i := 0; i < len(from); i += 8 {
		if w := le.Uint64(from[i:]); uint32(w) != 0 {
			s := splitBit(w, depth)
			insertWord(to[s], int(halves[s].groups), depth+1, w)
		}
	}
	halves[0].used, halves[1].used = uint16(n[0]), uint16(n[1])
	a.freeSegment(h)
	return halves[0], halves[1], nil
}

func splitBit(w uint64, depth uint8) uint64 { return w >> (63 - depth) & 1 }

// splitGroups leaves a half some room before it must grow.
func splitGroups(n int) int { return fitGroups(max(1, (n+n/16)/groupFill+1)) }
