package keyspace

import (
	"sync"
	"sync/atomic"
)

// Change says what happens to a key.
type Change uint8

// The changes.
const (
	Modified Change = iota // a command, or eviction, changes or removes it
	Lapsed                 // it is removed because its deadline has passed
	Emptied                // its whole database is emptied: there is no key
)

// ChangeHook is told of changes of keys. It must not block and must not reach for keys with the Tx; key is valid
// during the call.
type ChangeHook func(t *Tx, db int, key []byte, what Change)

// interests are the marks on a stripe's keys and the hook for changes. A stripe without marks and hook costs
// each change one test of on.
type interests struct {
	on   atomic.Bool // there are marks, or a hook
	hook ChangeHook  // nil: none; guarded by the stripe's mutex, and written with mu too

	mu    sync.Mutex // a leaf: taken with or without the stripe's mutex
	marks map[marked]*interest
}

// marked is a key of a database; it need not exist.
type marked struct {
	db  int
	key string
}

// interest counts what happens to one key while it is marked. The counters only change with the stripe's mutex held.
type interest struct {
	changes atomic.Uint64
	lapses  atomic.Int64 // how often a record whose deadline had passed went, less how often one came
	holders int          // guarded by interests.mu
}

// Mark remembers a key as it was when Watch was called (WATCH, K13). It is used by one
// goroutine at a time.
type Mark struct {
	in *interests
	it *interest
	id marked

	changes uint64
	// lapses is what the key's lapses may come to without being a change: one more than there were if the
	// deadline of its record had passed already.
	lapses int64
}

// Watch marks a key, which need not exist, in the Tx's database; its stripe is held. A key whose deadline has
// passed counts as absent: that it is removed later is no change. Drop ends it.
func (t *Tx) Watch(key []byte) *Mark {
	var p place
	t.locate(&p, t.DB, key)
	in := &p.st.interests
	m := &Mark{in: in, id: marked{t.DB, string(key)}}
	in.mu.Lock()
	if in.marks == nil {
		in.marks = map[marked]*interest{}
	}
	m.it = in.marks[m.id]
	if m.it == nil {
		m.it = &interest{}
		in.marks[m.id] = m.it
	}
	m.it.holders++
	in.on.Store(true)
	in.mu.Unlock()
	m.changes, m.lapses = m.it.changes.Load(), m.it.lapses.Load()
	if p.stale {
		m.lapses++
	}
	return m
}

// Touched reports whether the key was changed. Unlike Changed it may be called with nothing
// locked, and does not see that the key's deadline has passed.
func (m *Mark) Touched() bool {
	return m.it.changes.Load() != m.changes || m.it.lapses.Load() > m.lapses
}

// Changed reports whether a key was changed since it was marked, or has expired since. Its stripe is held.
func (t *Tx) Changed(m *Mark) bool {
	if m.Touched() {
		return true
	}
	var p place
	t.locate(&p, m.id.db, []byte(m.id.key))
	return p.stale && m.it.lapses.Load() == m.lapses
}

// Drop ends a mark, with or without locks. It is called once.
func (m *Mark) Drop() {
	in := m.in
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.it.holders--; m.it.holders > 0 {
		return
	}
	delete(in.marks, m.id)
	if len(in.marks) == 0 {
		in.marks = nil // a map does not get smaller
		in.on.Store(in.hook != nil)
	}
}

// OnChanged has hook called for every key that changes, under its stripe's lock, just before or after the
// change and after its effect went to the Sink. When OnChanged returns, all changes that are not told are over. nil takes the
// hook away. The caller holds no stripe, and no other goroutine may call OnChanged at the same time.
func (s *Space) OnChanged(hook ChangeHook) {
	s.NewTx().Exclusively(func() {
		for i := range s.stripes {
			in := &s.stripes[i].interests
			in.mu.Lock()
			in.hook = hook
			in.on.Store(hook != nil || in.marks != nil)
			in.mu.Unlock()
		}
	})
}

// interest returns what a key is marked with, nil if nobody marks it.
func (in *interests) interest(db int, key []byte) *interest {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.marks[marked{db, string(key)}]
}

// changed tells those who are interested that a key changes. The caller has tested interests.on.
func (t *Tx) changed(st *stripe, db int, key []byte) {
	if t.quiet {
		return
	}
	in := &st.interests
	if it := in.interest(db, key); it != nil {
		it.changes.Add(1)
	}
	if in.hook != nil {
		in.hook(t, db, key, Modified)
	}
}

// lapsed tells them that a key whose deadline has passed is removed.
func (t *Tx) lapsed(st *stripe, db int, key []byte) {
	in := &st.interests
	if it := in.interest(db, key); it != nil {
		it.lapses.Add(1)
	}
	if in.hook != nil {
		in.hook(t, db, key, Lapsed)
	}
}

// emptied tells them that the keys of a database go, or with db < 0 those of all. It is called in an exclusive
// phase, before the change.
func (t *Tx) emptied(db int) {
	t.eachMark(func(id marked, it *interest) {
		if db >= 0 && db != id.db {
			return
		}
		switch here, _ := t.states(id, 0); here {
		case present:
			it.changes.Add(1)
		case stale:
			it.lapses.Add(1)
		}
	})
	hook := t.s.stripes[0].interests.hook
	if hook == nil {
		return
	}
	for d := range t.s.index {
		if db < 0 || d == db {
			hook(t, d, nil, Emptied)
		}
	}
}

// swapped tells them that two databases change places. As in Redis a key changes if it exists in one of them, even
// with the same value, but the hook is not called.
func (t *Tx) swapped(a, b int) {
	t.eachMark(func(id marked, it *interest) {
		var here, there presence
		switch id.db {
		case a:
			here, there = t.states(id, b)
		case b:
			here, there = t.states(id, a)
		}
		switch {
		case here == present || there == present:
			it.changes.Add(1)
		case here == stale && there == absent:
			it.lapses.Add(1)
		case here == absent && there == stale:
			it.lapses.Add(-1)
		}
	})
}

// eachMark visits all marked keys, in an exclusive phase.
func (t *Tx) eachMark(visit func(id marked, it *interest)) {
	for i := range t.s.stripes {
		in := &t.s.stripes[i].interests
		if !in.on.Load() {
			continue
		}
		in.mu.Lock()
		for id, it := range in.marks {
			visit(id, it)
		}
		in.mu.Unlock()
	}
}

// presence is what a database has of a key.
type presence uint8

const (
	absent presence = iota
	present
	stale // its deadline has passed, and it was not removed yet
)

// states tells about a marked key in its database and in another.
func (t *Tx) states(id marked, other int) (here, there presence) {
	state := func(db int) presence {
		var p place
		t.locate(&p, db, []byte(id.key))
		switch {
		case p.live():
			return present
		case p.stale:
			return stale
		}
		return absent
	}
	return state(id.db), state(other)
}
