package keyspace

import (
	"errors"
	"sync/atomic"
)

// hugeSize is the size of a huge page: two chunks.
const hugeSize = 2 * chunkSize

// unit is two chunks side by side that a huge page can hold. It becomes one when all of
// it has physical memory and nearly all is in use, so that it costs nothing: until then
// its pages are small. When upkeep gives some of its pages back they are small again.
type unit struct {
	b      []byte // hugeSize bytes from a multiple of it on
	region []byte // that it was cut from
	chunks [2]uint32
	state  unitState
}

type unitState uint8

const (
	unitSmall   unitState = iota
	unitFull              // waits in arena.full
	unitMerging           // MergePages works on it, without the stripe's mutex
	unitHuge
)

// hugeFree is how many pages of a chunk may be free in a huge page. They have physical
// memory already: sizes that fit no gap leave such.
const hugeFree = chunkPages / 32

// merger is what a mapper knows of huge pages.
type merger struct {
	bytes atomic.Int64
	off   atomic.Bool
	wake  chan struct{} // has an element when a unit became full

	// Of the mapper's mu: the region in which a huge page is being made. If it is given
	// back meanwhile it stays in late until that is over.
	busy, late []byte
}

// nudge wakes MergePages.
func (h *merger) nudge() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// keeps takes a region that is given back if a huge page is being made in it.
func (h *merger) keeps(region []byte) bool {
	if len(h.busy) == 0 || &h.busy[0] != &region[0] {
		return false
	}
	h.late = region
	return true
}

// beginMerge keeps a region from being used by another arena until endMerge.
func (m *mapper) beginMerge(region []byte) {
	m.mu.Lock()
	m.huge.busy = region
	m.mu.Unlock()
}

// endMerge follows beginMerge.
func (m *mapper) endMerge() {
	m.mu.Lock()
	if m.huge.late != nil {
		m.ranges = append(m.ranges, m.huge.late)
	}
	m.huge.busy, m.huge.late = nil, nil
	m.mu.Unlock()
}

// pair makes a unit of the chunk that was just cut and the one before it, if it is the second half.
func (a *arena) pair(k uint32) {
	region := a.regions[len(a.regions)-1]
	at := len(region) - len(a.rest)
	if len(region) == regionSize && at%hugeSize == 0 {
		a.units = append(a.units, unit{b: region[at-hugeSize : at], region: region, chunks: [2]uint32{a.cut, k}})
		for _, k := range a.units[len(a.units)-1].chunks {
			a.chunks[k].unit = int32(len(a.units))
		}
	}
	a.cut = k
}

// filled follows an allocation in a chunk: its unit may be full now.
func (a *arena) filled(c *chunk) {
	if c.unit == 0 || c.free.len() > hugeFree {
		return
	}
	if u := &a.units[c.unit-1]; u.state == unitSmall && a.isFull(u) {
		a.wait(c.unit - 1)
	}
}

// wait has MergePages look at a unit.
func (a *arena) wait(n int32) {
	a.units[n].state = unitFull
	a.full = append(a.full, n)
	a.src.huge.nudge()
}

// isFull says whether a huge page would take no more memory than the unit has, and not be
// broken soon.
func (a *arena) isFull(u *unit) bool {
	for _, k := range u.chunks {
		if c := &a.chunks[k]; c.resident != allPages() || c.free.len() > hugeFree {
			return false
		}
	}
	return true
}

// broken follows the loss of a chunk's physical memory.
func (a *arena) broken(c *chunk) {
	if c.unit == 0 {
		return
	}
	if u := &a.units[c.unit-1]; u.state == unitHuge {
		u.state = unitSmall
		a.src.huge.bytes.Add(-hugeSize)
	}
}

// scatter forgets all huge pages, because the arena is released.
func (a *arena) scatter() {
	for i := range a.units {
		if a.units[i].state == unitHuge {
			a.src.huge.bytes.Add(-hugeSize)
		}
	}
}

// nextFull returns a unit to be merged, -1 if there is none. The caller merges it without
// the stripe's mutex, locks again and calls merged; only one may do so at a time.
func (a *arena) nextFull() int32 {
	for len(a.full) > 0 {
		n := a.full[0]
		a.full = a.full[1:]
		u := &a.units[n]
		if a.isFull(u) {
			u.state = unitMerging
			a.src.beginMerge(u.region)
			return n
		}
		u.state = unitSmall
	}
	return -1
}

// merged notes that a unit was merged, or the error. If pages of it were given back
// meanwhile, that is done again, since merging gave them memory, and an error means nothing.
func (a *arena) merged(n int32, err error) error {
	u := &a.units[n]
	u.state = unitSmall
	whole := true
	for _, k := range u.chunks {
		for set := allPages().without(a.chunks[k].resident); set != (pageSet{}); whole = false {
			p, n := set.firstRun()
			a.src.drop(a.mem[k][p<<pageShift : (p+n)<<pageShift])
			set.clear(p, n)
		}
	}
	switch {
	case !whole:
		return nil
	case err == nil:
		u.state = unitHuge
		a.src.huge.bytes.Add(hugeSize)
	case !errors.Is(err, errors.ErrUnsupported):
		a.wait(n)
	}
	return err
}
