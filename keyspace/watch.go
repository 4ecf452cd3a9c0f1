package keyspace

import "sync/atomic"

// interests are the marks on a stripe's keys and the hook for changes. Everything is guarded by the
// stripe's mutex but for the atomics in an interest. A stripe without marks and
// hook costs each change one test.
type interests struct {
	on    bool // there are marks, or a hook
	marks map[marked]*interest
	limit int                             // of marks before those without holders are swept
	hook  func(t *Tx, db int, key []byte) // nil: none
}

// marked is a key of a database; it need not exist.
type marked struct {
	db  int
	key string
}

// interest counts the changes of one key while marks are held.
type interest struct {
	version atomic.Uint64
	holders atomic.Int64
}

// Mark remembers a key as it was when Watch was called (WATCH, K13). It is used by one
// goroutine at a time.
type Mark struct {
	it      *interest
	version uint64
	db      int
	key     string
	alive   bool
}

// Watch marks a key, which need not exist, in the Tx's database; its stripe is held. A key whose deadline has passed counts
// as absent: that it is removed later is no change. Drop ends it.
func (t *Tx) Watch(key []byte) *Mark {
	var p place
	t.locate(&p, t.DB, key)
	if p.stale {
		t.dropExpired(&p, key)
	}
	in := &p.st.interests
	if in.marks == nil {
		in.marks, in.limit = map[marked]*interest{}, sweepMarks
	}
	if len(in.marks) >= in.limit {
		in.sweep()
	}
	id := marked{t.DB, string(key)}
	it := in.marks[id]
	if it == nil {
		it = &interest{}
		in.marks[id] = it
	}
	it.holders.Add(1)
	in.on = true
	return &Mark{it: it, version: it.version.Load(), db: t.DB, key: id.key, alive: p.live()}
}

// sweepMarks is how many marks a stripe keeps before it looks for those that nobody holds.
const sweepMarks = 64

// sweep forgets marks that nobody holds.
func (in *interests) sweep() {
	for id, it := range in.marks {
		if it.holders.Load() == 0 {
			delete(in.marks, id)
		}
	}
	in.limit = max(sweepMarks, 2*len(in.marks))
	in.on = len(in.marks) > 0 || in.hook != nil
}

// DB and Key are what is marked.
func (m *Mark) DB() int { return m.db }

// Key is the key; it must not be changed.
func (m *Mark) Key() []byte { return []byte(m.key) }

// IsKey reports whether key is what is marked.
func (m *Mark) IsKey(key []byte) bool { return m.key == string(key) }

// Touched reports whether the key was changed. Unlike Changed it may be called with nothing
// locked, and does not see that the key's deadline has passed.
func (m *Mark) Touched() bool { return m.it.version.Load() != m.version }

// Changed reports whether a key was changed since it was marked, or has expired since. Its stripe is held.
func (t *Tx) Changed(m *Mark) bool {
	if m.Touched() {
		return true
	}
	if !m.alive {
		return false
	}
	var p place
	t.locate(&p, m.db, []byte(m.key))
	return !p.live()
}

// Drop ends a mark, with or without locks.
func (m *Mark) Drop() { m.it.holders.Add(-1) }

// OnChanged has hook called for every key that changes, under its stripe's lock, just before or after the change; the key is valid
// during the call. When databases are emptied or swapped it is called once with a nil key. nil takes the hook away. The Tx must
// hold nothing, and no other goroutine may call OnChanged at the same time.
func (s *Space) OnChanged(hook func(t *Tx, db int, key []byte)) {
	t := s.NewTx()
	for !t.Exclusive(func() {
		for i := range s.stripes {
			in := &s.stripes[i].interests
			in.hook = hook
			in.on = hook != nil || len(in.marks) > 0
		}
	}) {
		opened := make(chan struct{})
		if s.Opened(func() { close(opened) }) {
			<-opened
		}
	}
}

// changed tells those who are interested that a key has changed. The caller has tested interests.on.
func (t *Tx) changed(st *stripe, db int, key []byte) {
	in := &st.interests
	if it := in.marks[marked{db, string(key)}]; it != nil {
		it.version.Add(1)
	}
	if in.hook != nil {
		in.hook(t, db, key)
	}
}

// emptied tells that all keys of some databases are about to go, or come from others: marks on keys that exist
// in one of them are touched, as in Redis. It is called in an exclusive phase, before the change.
func (t *Tx) emptied(dbs ...int) {
	hooked := false
	for i := range t.s.stripes {
		st := &t.s.stripes[i]
		if !st.interests.on {
			continue
		}
		for id, it := range st.interests.marks {
			if t.existsIn(id, dbs) {
				it.version.Add(1)
			}
		}
		if hook := st.interests.hook; hook != nil && !hooked {
			hooked = true
			for _, db := range dbs {
				hook(t, db, nil)
			}
		}
	}
}

// existsIn says whether a marked key of one of dbs exists, in any of them.
func (t *Tx) existsIn(id marked, dbs []int) bool {
	concerned, exists := false, false
	for _, db := range dbs {
		concerned = concerned || db == id.db
		exists = exists || t.liveIn(db, []byte(id.key))
	}
	return concerned && exists
}
