package keyspace

import "math/bits"

// pageSet is a set of the 128 pages of a chunk.
type pageSet [2]uint64

// allPages is the set of all pages of a chunk.
func allPages() pageSet { return pageSet{^uint64(0), ^uint64(0)} }

// mask returns the set of the n pages from p on.
func pageMask(p, n int) pageSet {
	m := allPages().shr(chunkPages - n)
	return m.shl(p)
}

func (s pageSet) shr(n int) pageSet {
	if n >= 64 {
		return pageSet{s[1] >> (n - 64), 0}
	}
	return pageSet{s[0]>>n | s[1]<<(64-n), s[1] >> n}
}

func (s pageSet) shl(n int) pageSet {
	if n >= 64 {
		return pageSet{0, s[0] << (n - 64)}
	}
	return pageSet{s[0] << n, s[1]<<n | s[0]>>(64-n)}
}

func (s pageSet) and(o pageSet) pageSet { return pageSet{s[0] & o[0], s[1] & o[1]} }

// without returns s less o.
func (s pageSet) without(o pageSet) pageSet { return pageSet{s[0] &^ o[0], s[1] &^ o[1]} }

func (s *pageSet) set(p, n int) {
	m := pageMask(p, n)
	s[0] |= m[0]
	s[1] |= m[1]
}

func (s *pageSet) clear(p, n int) {
	m := pageMask(p, n)
	s[0] &^= m[0]
	s[1] &^= m[1]
}

// count returns how many of the n pages from p on are in the set.
func (s pageSet) count(p, n int) int {
	m := s.and(pageMask(p, n))
	return bits.OnesCount64(m[0]) + bits.OnesCount64(m[1])
}

// len returns how many pages are in the set.
func (s pageSet) len() int { return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) }

func (s pageSet) first() int {
	if s[0] != 0 {
		return bits.TrailingZeros64(s[0])
	}
	return 64 + bits.TrailingZeros64(s[1])
}

// findRun returns the first of n adjacent pages in the set, -1 if there are none.
func (s pageSet) findRun(n int) int {
	for n > 1 {
		h := n / 2
		s = s.and(s.shr(h))
		n -= h
	}
	if s == (pageSet{}) {
		return -1
	}
	return s.first()
}

// firstRun returns the first page in the set and how many follow it without a
// gap, itself included. The set must not be empty.
func (s pageSet) firstRun() (p, n int) {
	p = s.first()
	rest := s.shr(p)
	gap := pageSet{^rest[0], ^rest[1]}
	if gap == (pageSet{}) {
		return p, chunkPages
	}
	return p, gap.first()
}

// longestLog2 returns the largest k for which 2^k adjacent pages are in the
// set, -1 for the empty set.
func (s pageSet) longestLog2() int8 {
	k := int8(-1)
	for h := 1; s != (pageSet{}); h *= 2 {
		k++
		if h == chunkPages {
			break
		}
		s = s.and(s.shr(h))
	}
	return k
}
