package commands

import (
	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// memoryFigures is how memory is used, in bytes: what INFO, MEMORY STATS and MEMORY DOCTOR tell.
type memoryFigures struct {
	used, peak int64 // of the data: what maxmemory is compared with
	keys       int64
	clients    int64 // what connections hold, which is not data
	log        int64 // what the log has not written yet, which is not data either

	databases []databaseOverhead // of those that have keys
	overhead  int64              // of used, what is beside keys and values
	dataset   int64              // of used, keys and values

	heap      heapFigures
	allocated int64 // arenas and Go heap: what is in use of them
	active    int64 // the pages that that lies in
	resident  int64 // what both have of the system
	rss       int64 // what the process has
}

// databaseOverhead is what a database takes beside keys and values.
type databaseOverhead struct {
	db int
	keyspace.Overhead
}

// memoryFigures gathers them. It returns keyspace.ErrExclusive while somebody has the keyspace to himself.
func (h *server) memoryFigures(c *bus.Ctx, st *keyspace.Stats, net *Net) (*memoryFigures, error) {
	f := &memoryFigures{
		used: st.UsedMemory, peak: max(st.PeakMemory, st.UsedMemory), keys: st.Keys,
		clients: net.Buffers, log: h.persistence().Pending,
		heap: readHeap(), rss: residentBytes(),
	}
	f.allocated = f.used + f.heap.objects
	f.active = st.PageBytes + f.heap.inUse
	f.resident = max(f.active, st.PageBytes+f.heap.mapped) // the arenas' unused address space is not memory
	for db := range h.d.Databases {
		o, err := c.Tx.Overhead(db)
		if err != nil {
			return nil, err
		}
		f.overhead += o.Index + o.Expiry
		if keys, _, _ := c.Tx.Counts(db); keys > 0 {
			f.databases = append(f.databases, databaseOverhead{db, o})
		}
	}
	f.overhead = min(f.overhead, f.used) // somebody may have changed it meanwhile
	f.dataset = f.used - f.overhead
	return f, nil
}

// percent is a in percent of b, 100 if b is 0.
func percent(a, b int64) float64 {
	if b == 0 {
		return 100
	}
	return float64(a) / float64(b) * 100
}

// quotient is a / b, 1 if b is 0.
func quotient(a, b int64) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}
