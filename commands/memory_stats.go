package commands

import (
	"strconv"

	"github.com/reredis/reredis/bus"
)

// memoryStat is one field of MEMORY STATS.
type memoryStat struct {
	name  string
	write func(r *bus.Reply, f *memoryFigures)
}

// memoryBytes and memoryRatio make the fields of MEMORY STATS that are one number.
func memoryBytes(name string, value func(f *memoryFigures) int64) memoryStat {
	return memoryStat{name, func(r *bus.Reply, f *memoryFigures) { r.Int(value(f)) }}
}

func memoryRatio(name string, value func(f *memoryFigures) float64) memoryStat {
	return memoryStat{name, func(r *bus.Reply, f *memoryFigures) { r.Double(value(f)) }}
}

// noMemory is what a part takes that there is not.
func noMemory(*memoryFigures) int64 { return 0 }

// The fields of MEMORY STATS, those of the databases are between the two lists.
var (
	memoryStatsHead = []memoryStat{
		memoryBytes("peak.allocated", func(f *memoryFigures) int64 { return f.peak }),
		memoryBytes("total.allocated", func(f *memoryFigures) int64 { return f.used }),
		memoryBytes("startup.allocated", noMemory),
		memoryBytes("replication.backlog", noMemory),
		memoryBytes("clients.slaves", noMemory),
		memoryBytes("clients.normal", func(f *memoryFigures) int64 { return f.clients }),
		memoryBytes("cluster.links", noMemory),
		memoryBytes("aof.buffer", func(f *memoryFigures) int64 { return f.log }),
		memoryBytes("lua.caches", noMemory),
		memoryBytes("functions.caches", noMemory),
	}
	memoryStatsTail = []memoryStat{
		memoryBytes("overhead.total", func(f *memoryFigures) int64 { return f.overhead }),
		memoryBytes("keys.count", func(f *memoryFigures) int64 { return f.keys }),
		memoryBytes("keys.bytes-per-key", func(f *memoryFigures) int64 { return f.used / max(1, f.keys) * min(1, f.keys) }),
		memoryBytes("dataset.bytes", func(f *memoryFigures) int64 { return f.dataset }),
		memoryRatio("dataset.percentage", func(f *memoryFigures) float64 { return percent(f.dataset, f.used) }),
		memoryRatio("peak.percentage", func(f *memoryFigures) float64 { return percent(f.used, f.peak) }),
		memoryBytes("allocator.allocated", func(f *memoryFigures) int64 { return f.allocated }),
		memoryBytes("allocator.active", func(f *memoryFigures) int64 { return f.active }),
		memoryBytes("allocator.resident", func(f *memoryFigures) int64 { return f.resident }),
		memoryRatio("allocator-fragmentation.ratio", func(f *memoryFigures) float64 { return quotient(f.active, f.allocated) }),
		memoryBytes("allocator-fragmentation.bytes", func(f *memoryFigures) int64 { return f.active - f.allocated }),
		memoryRatio("allocator-rss.ratio", func(f *memoryFigures) float64 { return quotient(f.resident, f.active) }),
		memoryBytes("allocator-rss.bytes", func(f *memoryFigures) int64 { return f.resident - f.active }),
		memoryRatio("rss-overhead.ratio", func(f *memoryFigures) float64 { return quotient(f.rss, f.resident) }),
		memoryBytes("rss-overhead.bytes", func(f *memoryFigures) int64 { return f.rss - f.resident }),
		memoryRatio("fragmentation", func(f *memoryFigures) float64 { return quotient(f.rss, f.used) }),
		memoryBytes("fragmentation.bytes", func(f *memoryFigures) int64 { return f.rss - f.used }),
	}
)

func (h *server) memoryStats(c *bus.Ctx) error {
	f, err := h.memoryNow(c)
	if err != nil {
		return err
	}
	r := &c.Reply
	r.Map(len(memoryStatsHead) + len(f.databases) + len(memoryStatsTail))
	write := func(stats []memoryStat) {
		for _, s := range stats {
			r.BulkString(s.name)
			s.write(r, f)
		}
	}
	write(memoryStatsHead)
	for _, d := range f.databases {
		r.BulkString("db." + strconv.Itoa(d.db))
		r.Map(3)
		r.BulkString("overhead.hashtable.main")
		r.Int(d.Index)
		r.BulkString("overhead.hashtable.expires")
		r.Int(d.Expiry)
		r.BulkString("overhead.hashtable.slot-to-keys") // the index is by slots anyway
		r.Int(0)
	}
	write(memoryStatsTail)
	return nil
}

// memoryNow gathers the figures for a command of MEMORY.
func (h *server) memoryNow(c *bus.Ctx) (*memoryFigures, error) {
	st := c.Bus().Space().Stats()
	net := h.net()
	return h.memoryFigures(c, &st, &net)
}
