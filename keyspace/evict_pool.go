package keyspace

import (
	"math/rand/v2"
	"slices"
)

// candidate is a key that may be removed to make room, as it was when it was
// drawn. Its key bytes are not kept: the word with its fragment and ref is found
// again, or the candidate is void.
type candidate struct {
	score int64
	order uint64 // slot and fragment
	ref   uint32
	db    int32
}

// evictPool is what a Tx keeps from one removal to the next: the best candidates
// it has met, and where keys are.
type evictPool struct {
	limit *limit // that the scores belong to
	best  [16]candidate
	n     int // of best, ascending by score

	parts []part
	draws int // until parts is made anew

	found []candidate // scratch
	refs  [16]uint32
	words [16]uint64
	cells []chain
}

// part is one database's share of a stripe. sum is its number of keys that may go
// and those of the parts before it.
type part struct {
	sum    int64
	stripe uint16
	db     uint16
}

// drawsPerCount is how often parts serves before the keys are counted again.
const drawsPerCount = 64

// evictPool returns the pool of the Tx, emptied if the limit is another one.
func (t *Tx) evictPool(l *limit) *evictPool {
	if t.pool == nil {
		t.pool = &evictPool{}
	}
	if p := t.pool; p.limit != l {
		p.limit, p.n, p.draws = l, 0, 0
	}
	return t.pool
}

// offer adds a candidate if it is better than the worst, or if there is room.
func (p *evictPool) offer(c *candidate) {
	for i := range p.n {
		if o := &p.best[i]; o.ref == c.ref && o.order == c.order && o.db == c.db {
			copy(p.best[i:p.n-1], p.best[i+1:p.n])
			p.n--
			break
		}
	}
	i := 0
	for i < p.n && p.best[i].score < c.score {
		i++
	}
	switch {
	case p.n < len(p.best):
		copy(p.best[i+1:p.n+1], p.best[i:p.n])
		p.best[i] = *c
		p.n++
	case i > 0:
		copy(p.best[:i-1], p.best[1:i])
		p.best[i-1] = *c
	}
}

// enter locks a stripe, with a chance by its keys, and says for which database.
func (p *evictPool) enter(t *Tx) (st *stripe, db int, e eviction) {
	if p.draws == 0 {
		p.count(t.s)
		p.draws = drawsPerCount
	}
	p.draws--
	if len(p.parts) == 0 {
		p.draws = 0
		return nil, 0, nothingLeft
	}
	r := rand.Int64N(p.parts[len(p.parts)-1].sum)
	i, _ := slices.BinarySearchFunc(p.parts, r+1, func(p part, r int64) int { return int(p.sum - r) })
	st, db = &t.s.stripes[p.parts[i].stripe], int(p.parts[i].db)
	if !t.s.lockStripe(st) {
		return nil, 0, shut
	}
	return st, db, removed
}

// count notes where the keys are that may go.
func (p *evictPool) count(s *Space) {
	p.parts = p.parts[:0]
	sum := int64(0)
	for db := range s.index {
		x := s.index[db].Load()
		if x == nil {
			continue
		}
		for i := range x.counts {
			c := &x.counts[i].keys
			if p.limit.Policy.volatile() {
				c = &x.counts[i].expires
			}
			if n := c.Load(); n > 0 {
				sum += n
				p.parts = append(p.parts, part{sum, uint16(i), uint16(db)})
			}
		}
	}
}
