package wait

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// Key is a key of a database.
type Key struct {
	DB   int
	Name string
}

// Table holds the waiters of a server. The zero value is not usable; see NewTable.
type Table struct {
	seed  maphash.Seed
	count atomic.Int64
	timed atomic.Int64
	keyed atomic.Int64 // waiters with keys

	mu      sync.Mutex // guards clients; a leaf
	clients map[int64]*Waiter

	shards [shards]shard
}

const shards = 64

// shard holds the queues of a part of the keys. Its mutex is a leaf.
type shard struct {
	mu     sync.Mutex
	queues map[Key]*queue
}

// queue holds the waiters of one key in the order of their arrival.
type queue struct {
	turn sync.Mutex // held by who serves the queue

	// Guarded by the shard's mutex:
	head, tail *spot
	cursor     *spot // the spot tried last by who serves, or the one before it; nil: none
	arrivals   uint64
}

// spot is a waiter's place in the queue of one of its keys, guarded by the shard's mutex.
type spot struct {
	w          *Waiter
	q          *queue
	key        Key
	name       []byte // of the key
	arrival    uint64
	prev, next *spot
}

// NewTable returns a table without waiters.
func NewTable() *Table {
	t := &Table{seed: maphash.MakeSeed(), clients: map[int64]*Waiter{}}
	for i := range t.shards {
		t.shards[i].queues = map[Key]*queue{}
	}
	return t
}

func (t *Table) shard(name []byte) *shard {
	return &t.shards[maphash.Bytes(t.seed, name)%shards]
}

// Count is the number of waiters, Timed that of those with a timeout.
func (t *Table) Count() int { return int(t.count.Load()) }

// Timed is the number of waiters that have a timeout.
func (t *Table) Timed() int { return int(t.timed.Load()) }

// Any reports whether anybody waits for a key. For a caller with a key's stripe locked false means that
// nobody waits for that key.
func (t *Table) Any() bool { return t.keyed.Load() != 0 }

// Add lets w wait, behind all others that wait for its keys; a key named twice counts once. The stripes
// of the keys must be locked, so that none becomes ready between the look at it and this.
func (t *Table) Add(w *Waiter, db int, keys [][]byte) {
	w.table = t
	t.count.Add(1)
	if w.Timeout > 0 {
		t.timed.Add(1)
	}
	if len(keys) > 0 {
		t.keyed.Add(1)
	}
	w.spots = make([]*spot, 0, len(keys))
	for _, name := range keys {
		s := t.shard(name)
		s.mu.Lock()
		q := s.queues[Key{db, string(name)}]
		if q != nil && q.tail.w == w { // named twice: nobody else came in between, the stripe is locked
			s.mu.Unlock()
			continue
		}
		p := &spot{w: w, key: Key{db, string(name)}}
		p.name = []byte(p.key.Name)
		if q == nil {
			q = &queue{}
			s.queues[p.key] = q
		}
		q.push(p)
		w.spots = append(w.spots, p)
		s.mu.Unlock()
	}
	// Last: from now on others can end it.
	t.mu.Lock()
	t.clients[w.Client] = w
	t.mu.Unlock()
}

// push adds a spot at the end.
func (q *queue) push(p *spot) {
	q.arrivals++
	p.q, p.arrival, p.prev = q, q.arrivals, q.tail
	if q.tail == nil {
		q.head = p
	} else {
		q.tail.next = p
	}
	q.tail = p
}

// cut removes a spot.
func (q *queue) cut(p *spot) {
	if q.cursor == p {
		q.cursor = p.prev
	}
	if p.prev == nil {
		q.head = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		q.tail = p.prev
	} else {
		p.next.prev = p.prev
	}
}

// remove takes a waiter that has ended out of all queues.
func (t *Table) remove(w *Waiter) {
	for _, p := range w.spots {
		s := t.shard(p.name)
		s.mu.Lock()
		p.q.cut(p)
		if p.q.head == nil {
			delete(s.queues, p.key)
		}
		s.mu.Unlock()
	}
	t.mu.Lock()
	if t.clients[w.Client] == w {
		delete(t.clients, w.Client)
	}
	t.mu.Unlock()
	if len(w.spots) > 0 {
		t.keyed.Add(-1)
	}
	if w.Timeout > 0 {
		t.timed.Add(-1)
	}
	t.count.Add(-1)
}

// Find returns the waiter of a connection, nil if it does not wait.
func (t *Table) Find(client int64) *Waiter {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clients[client]
}

// Waited reports whether anybody waits for a key.
func (t *Table) Waited(db int, name []byte) bool {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queues[Key{db, string(name)}] != nil
}

// Queued reports whether a Sole waiter of the type waits for a key: with the key's stripe locked and a value there
// for it, it has not had its turn yet.
func (t *Table) Queued(db int, name []byte, typ uint8) bool {
	s := t.shard(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[Key{db, string(name)}]
	if q == nil {
		return false
	}
	for p := q.head; p != nil; p = p.next {
		if p.w.Type == typ && p.w.Sole {
			return true
		}
	}
	return false
}

// Keys lists the keys of a database that anybody waits for, in no order.
func (t *Table) Keys(db int) []Key {
	var list []Key
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for k := range s.queues {
			if k.DB == db {
				list = append(list, k)
			}
		}
		s.mu.Unlock()
	}
	return list
}
