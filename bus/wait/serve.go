package wait

// Types is a set of types of values, a bit for each.
type Types uint32

// Outcome is what became of a try.
type Outcome uint8

const (
	// Served ends the waiter.
	Served Outcome = iota
	// Nothing is there for it, it keeps its place.
	Nothing
	// Closed says that nobody can be tried now (an exclusive phase); Serve is to be called again.
	Closed
)

// Try tries to serve w from the key of this name, and returns what its wake is to get if it was served. It
// may lock stripes, and must not call Serve.
type Try func(w *Waiter, name []byte) (v any, o Outcome)

// Serve tries the waiters of a key in the order of their arrival, those who came before this
// call and want a type that the key had when it became ready. If somebody else serves the key it goes
// on when that is over. It reports false if a try was Closed. No lock may be held.
func (t *Table) Serve(k Key, had Types, try Try) bool {
	s := t.shard([]byte(k.Name))
	s.mu.Lock()
	q := s.queues[k]
	s.mu.Unlock()
	if q == nil {
		return true
	}
	q.turn.Lock()
	defer q.turn.Unlock()
	s.mu.Lock()
	last := q.arrivals
	s.mu.Unlock()
	var empty Types // of Sole waiters that found nothing
	for {
		p := s.next(q, last, had, empty)
		if p == nil {
			return true
		}
		if !p.w.begin() {
			continue
		}
		v, o := try(p.w, p.name)
		if o == Served {
			p.w.served(v)
			continue
		}
		p.w.over()
		if o == Closed {
			s.mu.Lock()
			q.cursor = nil
			s.mu.Unlock()
			return false
		}
		if p.w.Sole {
			empty |= 1 << p.w.Type
		}
	}
}

// next moves the cursor to the next spot that is to be tried, nil after the last.
func (s *shard) next(q *queue, last uint64, had, empty Types) *spot {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := q.head
	if q.cursor != nil {
		p = q.cursor.next
	}
	for p != nil && p.arrival <= last && !p.w.wants(had, empty) {
		p = p.next
	}
	if p != nil && p.arrival > last {
		p = nil
	}
	q.cursor = p
	return p
}

// wants reports whether a key that had values of these types can have something for w.
func (w *Waiter) wants(had, empty Types) bool {
	own := Types(1) << w.Type
	if w.Gone && had&^own != 0 {
		return true
	}
	return had&own != 0 && empty&own == 0
}
