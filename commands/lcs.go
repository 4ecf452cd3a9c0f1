package commands

import "math/bits"

// lcsTable holds what is needed to find a longest common subsequence of two strings
// a and b: for each prefix of a, one bit for each byte of b, set where the length for
// (a[:i], b[:j]) exceeds that for (a[:i], b[:j-1]). Rows are computed 64 columns at a
// time (Hyyrö 2004), and the table takes a 32nd part of one of uint32 lengths.
type lcsTable struct {
	a, b  []byte
	words int      // per row
	rows  []uint64 // len(a) rows
}

// newLCS computes the table for a and b.
func newLCS(a, b []byte) *lcsTable {
	t := &lcsTable{a: a, b: b, words: (len(b) + 63) / 64}
	t.rows = make([]uint64, len(a)*t.words)
	if len(t.rows) == 0 {
		return t
	}
	// where[ch] is the set of the positions of ch in b, for the bytes of a.
	var where [256][]uint64
	for _, ch := range a {
		if where[ch] == nil {
			where[ch] = make([]uint64, t.words)
		}
	}
	for j, ch := range b {
		if set := where[ch]; set != nil {
			set[j/64] |= 1 << (j % 64)
		}
	}
	var above []uint64
	for i, ch := range a {
		row := t.row(i)
		lcsRow(row, above, where[ch])
		above = row
	}
	return t
}

// row is the row of a[:i+1].
func (t *lcsTable) row(i int) []uint64 { return t.rows[i*t.words : (i+1)*t.words] }

// lcsRow computes a row from the one above it (nil: all zero) and the positions of
// the row's byte. With v = ^row the step is v + (v & m) | v &^ m.
func lcsRow(row, above, match []uint64) {
	var carry uint64
	for w, m := range match {
		v := ^uint64(0)
		if above != nil {
			v = ^above[w]
		}
		var sum uint64
		sum, carry = bits.Add64(v, v&m, carry)
		row[w] = ^(sum | v&^m)
	}
}

// length is the length of the longest common subsequence.
func (t *lcsTable) length() (n int) {
	if len(t.rows) == 0 {
		return 0
	}
	// Bits behind the end of b stay zero: no position matches there.
	for _, w := range t.row(len(t.a) - 1) {
		n += bits.OnesCount64(w)
	}
	return n
}

// lcsMatch is one run of bytes that a and b share: a[aFrom:aFrom+size] = b[bFrom:bFrom+size].
type lcsMatch struct{ aFrom, bFrom, size int }

// walk goes from the ends of a and b to their beginnings, along the same path as
// Redis, and calls visit for each run, the last first.
func (t *lcsTable) walk(visit func(lcsMatch)) {
	if len(t.rows) == 0 {
		return
	}
	var run lcsMatch
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		if t.a[i-1] == t.b[j-1] {
			i, j = i-1, j-1
			run = lcsMatch{aFrom: i, bFrom: j, size: run.size + 1}
			continue
		}
		if run.size > 0 {
			visit(run)
			run.size = 0
		}
		if t.row(i - 1)[(j-1)/64]>>((j-1)%64)&1 != 0 {
			i--
		} else {
			j--
		}
	}
	if run.size > 0 {
		visit(run)
	}
}

// text returns the subsequence itself.
func (t *lcsTable) text() []byte {
	out := make([]byte, t.length())
	end := len(out)
	t.walk(func(m lcsMatch) {
		end -= m.size
		copy(out[end:], t.a[m.aFrom:m.aFrom+m.size])
	})
	return out
}
