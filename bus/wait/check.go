package wait

import "fmt"

// Check verifies B3 and the counters while nothing else happens. It is for tests.
func (t *Table) Check() error {
	seen := map[*Waiter]int{}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for k, q := range s.queues {
			if q.head == nil || q.cursor != nil {
				s.mu.Unlock()
				return fmt.Errorf("wait: the queue of %v is empty, or served", k)
			}
			var prev *spot
			for p := q.head; p != nil; prev, p = p, p.next {
				if p.prev != prev || p.key != k || p.q != q || prev != nil && prev.arrival >= p.arrival {
					s.mu.Unlock()
					return fmt.Errorf("wait: the queue of %v is broken", k)
				}
				seen[p.w]++
			}
			if q.tail != prev {
				s.mu.Unlock()
				return fmt.Errorf("wait: the queue of %v has another end", k)
			}
		}
		s.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	keyed, timed := 0, 0
	for _, w := range t.clients {
		if seen[w] != len(w.spots) {
			return fmt.Errorf("wait: client %d is in %d queues, has %d keys", w.Client, seen[w], len(w.spots))
		}
		delete(seen, w)
		if len(w.spots) > 0 {
			keyed++
		}
		if w.Timeout > 0 {
			timed++
		}
	}
	switch {
	case len(seen) > 0:
		return fmt.Errorf("wait: %d waiters that have ended are in queues (B3)", len(seen))
	case int64(len(t.clients)) != t.count.Load() || int64(keyed) != t.keyed.Load() || int64(timed) != t.timed.Load():
		return fmt.Errorf("wait: %d clients, %d keyed, %d timed; counted %d, %d, %d", len(t.clients), keyed, timed,
			t.count.Load(), t.keyed.Load(), t.timed.Load())
	}
	return nil
}
