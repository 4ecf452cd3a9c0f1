package server

import (
	"math/bits"
	"sync"
	"sync/atomic"
)

// clientMemory is what connections hold, for Settings.ClientMemory. A connection is
// counted anew when its buffers change; one that holds none changes nothing here.
type clientMemory struct {
	total   atomic.Int64              // bytes of all connections but those of replicas
	classes [sizeClasses]atomic.Int64 // of those that may be closed to save memory, by size
	evicted atomic.Int64              // connections closed to save memory

	closing sync.Mutex // held by the driver that closes some, before whatever closing takes
}

// Connections are told apart by size as far as a factor of two: below 32 KiB, below
// 64 KiB, ... and 4 GiB or more.
const (
	sizeClasses  = 19
	smallestBits = 15
)

// sizeClass returns the number of a size's class, from 0 on.
func sizeClass(n int) int { return min(max(bits.Len(uint(n))-smallestBits, 0), sizeClasses-1) }

// counted is how a connection stands in clientMemory.
type counted struct {
	bytes int
	class int8 // 1 + its number; 0: it is not closed to save memory
}

// memory is what the connection holds. Output that leaves in this tick does not count.
func (c *conn) memory() int {
	n := connSize + cap(c.in) + c.held.mem + c.sending + c.client.Memory()
	if c.parked != nil {
		n += c.parked.size()
	}
	if c.push != nil {
		n += c.push.waiting()
	}
	return n
}

// account counts the connection anew if what it holds has changed. It returns true if
// that has grown.
func (c *conn) account(m *clientMemory) (grown bool) {
	now := counted{bytes: c.memory()}
	switch {
	case c.flags&flagDead != 0 || c.client.Class == ClassReplica:
		now.bytes = 0
	case !c.client.NoEvict:
		now.class = int8(1 + sizeClass(now.bytes))
	}
	if now == c.counted {
		return false
	}
	was := c.counted
	c.counted = now
	m.total.Add(int64(now.bytes - was.bytes))
	if was.class > 0 {
		m.classes[was.class-1].Add(-int64(was.bytes))
	}
	if now.class > 0 {
		m.classes[now.class-1].Add(int64(now.bytes))
	}
	return now.bytes > was.bytes || now.class > was.class
}

// over returns by how many bytes the connections are above the limit.
func (s *Server) over() int64 {
	limit := s.settings.Load().ClientMemory
	if limit <= 0 {
		return 0
	}
	return s.memory.total.Load() - limit
}

// closeLargest closes connections of one owner until all of them fit the limit, those
// of the largest size classes first. Of what is to be closed and others own it
// supposes that they will. each visits the owner's connections, and closes and
// counts those for which visit returns true. closeLargest returns whether the
// limit is still exceeded.
func (s *Server) closeLargest(each func(visit func(c *conn) (kill bool))) (over bool) {
	m := &s.memory
	m.closing.Lock()
	defer m.closing.Unlock()
	left := s.over()
	for class := sizeClasses - 1; class >= 0 && left > 0; class-- {
		bytes := m.classes[class].Load()
		whole := bytes <= left
		each(func(c *conn) bool {
			if int(c.counted.class) != class+1 || !whole && left <= 0 {
				return false
			}
			s.log.Info("closing client: all clients together hold too much memory",
				"id", c.client.ID, "addr", c.client.Addr, "name", c.client.Name, "bytes", c.counted.bytes)
			m.evicted.Add(1)
			if !whole {
				left -= int64(c.counted.bytes)
			}
			return true
		})
		if whole {
			left -= bytes
		}
	}
	return s.over() > 0
}
