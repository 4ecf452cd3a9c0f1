package tracking

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// shards is the number of parts of a table that have locks of their own.
const shards = 64

// table knows for each key who may have it in its cache. A key is the same in all databases, as in Redis.
type table struct {
	seed  maphash.Seed
	parts [shards]shard
	keys  atomic.Int64
	items atomic.Int64  // readers of all keys
	next  atomic.Uint32 // shard to drop a key of
}

type shard struct {
	mu   sync.Mutex
	keys map[string]*readers
	_    [48]byte // the next one is in another cache line
}

// readers are the clients that have read a key since it last changed.
type readers struct {
	list  []*state
	index map[*state]struct{} // of list, nil while that is short
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.parts {
		t.parts[i].keys = map[string]*readers{}
	}
	return t
}

func (t *table) shard(key []byte) *shard { return &t.parts[maphash.Bytes(t.seed, key)%shards] }

// add notes that st has read key.
func (t *table) add(key []byte, st *state) {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.keys[string(key)]
	if r == nil {
		r = &readers{}
		s.keys[string(key)] = r
		t.keys.Add(1)
	}
	t.items.Add(int64(r.add(st)))
}

// manyReaders is the length from which on a list has an index.
const manyReaders = 16

// add adds st if it is not there, and returns by how many the list grew, which forgets clients that have
// gone before it grows much.
func (r *readers) add(st *state) (grown int) {
	if r.index != nil {
		if _, ok := r.index[st]; ok {
			return 0
		}
	} else if slices.Contains(r.list, st) {
		return 0
	}
	before := len(r.list)
	if before == cap(r.list) {
		r.list = slices.DeleteFunc(r.list, func(s *state) bool { return s.client.Load() == nil })
		if len(r.list) < before && r.index != nil {
			r.index = map[*state]struct{}{}
			for _, s := range r.list {
				r.index[s] = struct{}{}
			}
		}
	}
	r.list = append(r.list, st)
	switch {
	case r.index != nil:
		r.index[st] = struct{}{}
	case len(r.list) > manyReaders:
		r.index = map[*state]struct{}{}
		for _, s := range r.list {
			r.index[s] = struct{}{}
		}
	}
	return len(r.list) - before
}

// take forgets a key and returns its readers.
func (t *table) take(key []byte) []*state {
	s := t.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.keys[string(key)]
	if r == nil {
		return nil
	}
	delete(s.keys, string(key))
	t.keys.Add(-1)
	t.items.Add(-int64(len(r.list)))
	return r.list
}

// takeAny forgets any key, and returns it with its readers.
func (t *table) takeAny() (key string, list []*state) {
	for range shards {
		s := &t.parts[t.next.Add(1)%shards]
		s.mu.Lock()
		for k, r := range s.keys {
			delete(s.keys, k)
			t.keys.Add(-1)
			t.items.Add(-int64(len(r.list)))
			s.mu.Unlock()
			return k, r.list
		}
		s.mu.Unlock()
	}
	return "", nil
}

// clear forgets all keys.
func (t *table) clear() {
	for i := range t.parts {
		s := &t.parts[i]
		s.mu.Lock()
		for _, r := range s.keys {
			t.keys.Add(-1)
			t.items.Add(-int64(len(r.list)))
		}
		s.keys = map[string]*readers{} // a map does not get smaller
		s.mu.Unlock()
	}
}
