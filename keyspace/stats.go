package keyspace

import "sync/atomic"

// publish writes the stripe's use of memory where it can be read without its mutex.
func (st *stripe) publish() {
	if st.arena.moved {
		st.sendScout()
	}
	if used := st.arena.used + st.tables; used != st.public.used.Load() {
		st.report(used)
	}
}

// report publishes the bytes in use and, if they changed by much, counts them in
// the Space's total.
func (st *stripe) report(used int64) {
	st.public.used.Store(used)
	if d, q := used-st.counted, st.total.quantum.Load(); d > q || d < -q {
		st.count(used)
	}
}

// count brings the Space's total up to date.
func (st *stripe) count(used int64) {
	st.total.bytes.Add(used - st.counted)
	st.counted = used
}

// total is the sum of what the stripes use, each to within quantum: a locker that
// changes little adds nothing, and who admits commands reads one number.
type total struct {
	bytes   atomic.Int64
	quantum atomic.Int64
	_       [48]byte // nothing that is written for other reasons shares its line
}

// maxQuantum is the quantum without a limit. With one it is such that all stripes
// together are off by a thousandth of it at most.
const maxQuantum = 64 << 10

// publishAll writes all figures of a stripe where they can be read without its mutex.
func (st *stripe) publishAll() {
	st.publish()
	if used := st.arena.used + st.tables; used != st.counted {
		st.count(used)
	}
	st.public.pages.Store(st.arena.pages)
	st.public.hits.Store(st.hits)
	st.public.misses.Store(st.misses)
}

// UsedMemory returns the bytes that count against maxmemory: live cells, page
// runs, own maps and tables. It takes no lock.
func (s *Space) UsedMemory() int64 {
	n := s.tables.Load()
	for i := range s.stripes {
		n += s.stripes[i].public.used.Load()
	}
	s.notePeak(n)
	return n
}

// notePeak raises the peak of used memory.
func (s *Space) notePeak(used int64) {
	for {
		was := s.peak.Load()
		if used <= was || s.peak.CompareAndSwap(was, used) {
			return
		}
	}
}

// Expires returns the number of keys with a deadline in all databases. It takes no lock.
func (s *Space) Expires() (n int64) {
	for db := range s.index {
		if x := s.index[db].Load(); x != nil {
			for i := range x.counts {
				n += x.counts[i].expires.Load()
			}
		}
	}
	return n
}

// Stats returns figures about the space. A stripe that is busy gives those that
// it published last: it never waits, and may be called with stripes held.
func (s *Space) Stats() Stats {
	o := Stats{
		MaxMemory:       s.Limit().Max,
		MappedBytes:     s.src.mapped.Load(),
		HugeBytes:       s.src.huge.bytes.Load(),
		ExpiredKeys:     s.expiredKeys.Load(),
		LazyFreePending: s.lazyPending.Load() + s.src.keys.Load(),
		LazyFreed:       s.lazyFreed.Load(),
	}
	o.ExpireMs, o.ExpireCapped = s.expireNS.Load()/1e6, s.expireCapped.Load()
	o.EvictedKeys = s.evictedKeys.Load()
	o.ExceededMs = s.exceededMs.Load()
	if since := s.exceeded.Load(); since != 0 {
		o.ExceededNowMs = max(0, s.opts.Now()-since)
		o.ExceededMs += o.ExceededNowMs
	}
	o.ExpireLagP50Ms, o.ExpireLagMs, o.ExpireLagMaxMs = s.expireLag()
	o.UsedMemory = s.tables.Load()
	for i := range s.stripes {
		st := &s.stripes[i]
		if st.mu.TryLock() {
			// In an exclusive phase somebody may work here without the mutex.
			if s.phase.state.Load() != phaseActive {
				st.publishAll()
			}
			st.mu.Unlock()
		}
		o.UsedMemory += st.public.used.Load()
		o.PageBytes += st.public.pages.Load() << pageShift
		o.Hits += st.public.hits.Load()
		o.Misses += st.public.misses.Load()
	}
	for db := range s.index {
		n := s.counts(db)
		o.Keys += n.keys
		o.Expires += n.expires
	}
	s.notePeak(o.UsedMemory)
	o.PeakMemory = s.peak.Load()
	return o
}

// sums are a database's counts over all stripes.
type sums struct {
	keys, expires int64
	ttlSum        float64
}

func (s *Space) counts(db int) (n sums) {
	x := s.index[db].Load()
	if x == nil {
		return n
	}
	for i := range x.counts {
		c := &x.counts[i]
		n.keys += c.keys.Load()
		n.expires += c.expires.Load()
		n.ttlSum += float64(c.ttlSum.Load())
	}
	return n
}

// Count returns the number of keys in the Tx's database. It takes no lock.
func (t *Tx) Count() int64 { return t.s.counts(t.DB).keys }

// Counts returns a database's keys, those with a deadline, and how far away
// that is on average, in milliseconds. It takes no lock.
func (t *Tx) Counts(db int) (keys, expires, avgTTLms int64) {
	n := t.s.counts(db)
	if n.expires > 0 {
		avgTTLms = max(0, int64(n.ttlSum/float64(n.expires))+ttlBase-t.Now)
	}
	return n.keys, n.expires, avgTTLms
}
