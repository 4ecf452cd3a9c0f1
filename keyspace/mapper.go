package keyspace

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
)

// mapper hands out the memory that arenas are cut from and counts it. All
// arenas of a Space share one.
type mapper struct {
	heap   bool
	mapped atomic.Int64
	lazy   atomic.Bool // the system cannot populate pages

	mu sync.Mutex
	// Memory to be returned by digest, in slices.
	grave  []buried
	graves atomic.Int32 // len(grave)
	keys   atomic.Int64 // that wait in it
	buried atomic.Int64 // bytes that wait in it
	// Regions without physical memory, to be used again. They stay mapped until
	// close: Tx.Ahead may still read them.
	ranges [][]byte
	whole  [][]byte // all that regions were cut from, as mapped
	huge   merger

	// failForTest, if set, is asked before each mapping.
	failForTest func() error
}

// regionBytes is the size of a region that chunks are cut from: large with
// mmap, so that the number of mappings stays far below vm.max_map_count.
func (m *mapper) regionBytes() int {
	if m.heap {
		return chunkSize
	}
	return regionSize
}

// take maps n bytes, whose content is not defined. The error's text is a client's reply.
func (m *mapper) take(n int) ([]byte, error) {
	if m.failForTest != nil {
		if err := m.failForTest(); err != nil {
			return nil, fmt.Errorf("OOM cannot map memory: %w", err)
		}
	}
	if m.heap {
		m.mapped.Add(int64(n))
		return make([]byte, n), nil
	}
	b, err := m.oldRange(n), error(nil)
	switch {
	case b != nil:
	case n == regionSize:
		b, err = m.newRegion()
	default:
		b, err = mapMemory(n)
	}
	if err != nil {
		return nil, fmt.Errorf("OOM cannot map memory: %w", err)
	}
	m.mapped.Add(int64(n))
	return b, nil
}

// newRegion maps a region that begins at a multiple of hugeSize. Linux gives such an
// address from 6.7 on; before, the region is cut from a larger map.
func (m *mapper) newRegion() ([]byte, error) {
	b, err := mapMemory(regionSize)
	if err == nil && hugeOffset(b) != 0 {
		unmapMemory(b)
		b, err = mapMemory(regionSize + hugeSize)
	}
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.whole = append(m.whole, b)
	m.mu.Unlock()
	from := (hugeSize - hugeOffset(b)) % hugeSize
	return b[from : from+regionSize : from+regionSize], nil
}

// hugeOffset returns how far after a multiple of hugeSize b begins.
func hugeOffset(b []byte) int { return int(reflect.ValueOf(b).Pointer() % hugeSize) }

// give returns what take gave; b's capacity counts. What has the size of a
// region stays mapped; its physical memory must have been given back.
func (m *mapper) give(b []byte) {
	b = b[:cap(b)]
	m.mapped.Add(-int64(len(b)))
	switch {
	case m.heap:
	case len(b) == regionSize:
		m.mu.Lock()
		if !m.huge.keeps(b) {
			m.ranges = append(m.ranges, b)
		}
		m.mu.Unlock()
	default:
		unmapMemory(b)
	}
}

// oldRange returns a range of n bytes that was given back, nil if there is none.
func (m *mapper) oldRange(n int) (b []byte) {
	if n != regionSize {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := len(m.ranges) - 1; i >= 0 {
		b, m.ranges = m.ranges[i], m.ranges[:i]
	}
	return b
}

// close unmaps all regions. Nothing may read them any more.
func (m *mapper) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.whole {
		unmapMemory(b)
	}
	m.ranges, m.whole = nil, nil
}

// populate gives whole pages physical memory, in calls of at most populateMax,
// so that the memory of other goroutines' faults is not held up for long.
func (m *mapper) populate(b []byte) {
	for !m.heap && !m.lazy.Load() && len(b) > 0 {
		n := min(len(b), populateMax)
		if errors.Is(populatePages(b[:n]), errors.ErrUnsupported) {
			m.lazy.Store(true)
		}
		b = b[n:]
	}
}

const populateMax = 1 << 20

// drop gives the physical memory of whole pages back.
func (m *mapper) drop(b []byte) {
	if !m.heap {
		dropPages(b)
	}
}

// buried is a map that waits to be returned, and how many keys went with it.
type buried struct {
	b    []byte
	left int // bytes whose physical memory was not given back yet
	keys int64
}

// Maps of at least lazyMap bytes, and regions of which more than digestSlice is
// used, are returned by digest, digestSlice at a time: the system works on them
// for long.
const (
	lazyMap     = 2 << 20
	digestSlice = 1 << 20
)

// buryArena takes the maps of an arena that nobody uses any more, which had keys,
// and returns how many of them are gone at once. A little memory goes at once:
// a client that fills and flushes without end does it faster than upkeep could.
func (m *mapper) buryArena(maps [][]byte, keys int64) (gone int64) {
	if !m.heap && len(maps) == 1 && len(maps[0]) <= digestSlice {
		m.drop(maps[0])
		m.give(maps[0])
		return keys
	}
	m.bury(maps, keys)
	return 0
}

// bury takes maps that nobody uses any more.
func (m *mapper) bury(maps [][]byte, keys int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys.Add(keys)
	for _, b := range maps {
		m.grave = append(m.grave, buried{b, len(b), keys})
		m.buried.Add(int64(len(b)))
		keys = 0
	}
	m.graves.Store(int32(len(m.grave)))
}

// idle says whether digest has nothing to do.
func (m *mapper) idle() bool { return m.graves.Load() == 0 }

// digest returns a slice of the buried memory to the system. It tells how many
// keys went with it and whether there is more.
func (m *mapper) digest() (keys int64, more bool) {
	m.mu.Lock()
	n := len(m.grave)
	if n == 0 {
		m.mu.Unlock()
		return 0, false
	}
	g := m.grave[n-1]
	was := g.left
	m.grave = m.grave[:n-1]
	m.mu.Unlock()
	if cut := min(g.left, digestSlice); !m.heap && cut > 0 {
		m.drop(g.b[g.left-cut : g.left])
		g.left -= cut
	} else {
		g.left = 0
	}
	m.buried.Add(int64(g.left - was))
	if g.left == 0 {
		m.give(g.b)
		keys = g.keys
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.left > 0 {
		m.grave = append(m.grave, g)
	}
	m.graves.Store(int32(len(m.grave)))
	return keys, len(m.grave) > 0
}
