package keyspace

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// mapper hands out the memory that arenas are cut from and counts it. All
// arenas of a Space share one.
type mapper struct {
	heap   bool
	mapped atomic.Int64
	lazy   atomic.Bool // the system cannot populate pages

	// Memory to be returned by digest, in slices.
	mu     sync.Mutex
	grave  []buried
	graves atomic.Int32 // len(grave)

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

// take maps n zeroed bytes. The error's text is a client's reply.
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
	b, err := mapMemory(n)
	if err != nil {
		return nil, fmt.Errorf("OOM cannot map memory: %w", err)
	}
	m.mapped.Add(int64(n))
	return b, nil
}

// give returns what take gave.
func (m *mapper) give(b []byte) {
	m.mapped.Add(-int64(len(b)))
	if !m.heap {
		unmapMemory(b)
	}
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

// Maps of at least lazyMap bytes are returned by digest, digestSlice at a time:
// the system works on them for long.
const (
	lazyMap     = 2 << 20
	digestSlice = 1 << 20
)

// bury takes maps that nobody uses any more.
func (m *mapper) bury(maps [][]byte, keys int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range maps {
		m.grave = append(m.grave, buried{b, len(b), keys})
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
	m.grave = m.grave[:n-1]
	m.mu.Unlock()
	if cut := min(g.left, digestSlice); !m.heap && cut > 0 {
		m.drop(g.b[g.left-cut : g.left])
		g.left -= cut
	} else {
		g.left = 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if g.left > 0 {
		m.grave = append(m.grave, g)
	} else {
		m.give(g.b)
		keys = g.keys
	}
	m.graves.Store(int32(len(m.grave)))
	return keys, len(m.grave) > 0
}

// pending returns how many keys wait in buried memory.
func (m *mapper) pending() (keys int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.grave {
		keys += g.keys
	}
	return keys
}
