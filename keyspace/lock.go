package keyspace

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// States of the phase. Lockers test for anything but phaseOpen after they got
// a stripe's mutex.
const (
	phaseOpen   uint32 = iota
	phaseActive        // one exclusive request runs: nobody else touches data
	phaseGrace         // open, but exclusive requests are refused for a while
)

// phase is the exclusive mode of a Space. An exclusive request sets the state
// to active, then locks and unlocks each stripe once (drain); from then on it
// alone works, without any mutex, until it sets the state back.
//
// After a phase that somebody waited for, new phases are refused until as many
// stripes were locked, or requests refused, as there were waiters, twice over:
// so a stream of exclusive requests and the other commands take turns, and
// neither needs a clock to be sure of its turn.
type phase struct {
	state atomic.Uint32
	grace atomic.Int64 // what is left of phaseGrace

	mu      sync.Mutex // taken after everything else, for the waiters only
	waiters []func()
}

// begin makes the phase active, false if it must wait.
func (p *phase) begin() bool {
	for {
		switch p.state.Load() {
		case phaseActive:
			return false
		case phaseGrace:
			if p.grace.Add(-1) > 0 {
				runtime.Gosched()
				return false
			}
			if p.state.CompareAndSwap(phaseGrace, phaseActive) {
				return true
			}
		default:
			if p.state.CompareAndSwap(phaseOpen, phaseActive) {
				return true
			}
		}
	}
}

// end opens the phase and wakes who waited for that.
func (p *phase) end() {
	p.mu.Lock()
	wake := p.waiters
	p.waiters = nil
	if len(wake) > 0 {
		p.grace.Store(2 * int64(len(wake)))
		p.state.Store(phaseGrace)
	} else {
		p.state.Store(phaseOpen)
	}
	p.mu.Unlock()
	for _, f := range wake {
		f()
	}
}

// passed is asked by a locker that saw the state not open: may it go on?
func (p *phase) passed() bool {
	if p.state.Load() == phaseActive {
		return false
	}
	if p.grace.Add(-1) <= 0 {
		p.state.CompareAndSwap(phaseGrace, phaseOpen)
	}
	return true
}

// Opened registers wake, to be called once when the present exclusive phase
// ends, by the goroutine that ends it: wake must not block. It returns false if
// no phase is active now; then the caller retries at once.
func (s *Space) Opened(wake func()) bool {
	p := &s.phase
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.Load() != phaseActive {
		return false
	}
	p.waiters = append(p.waiters, wake)
	return true
}

// lockStripe locks a stripe for work that no Tx holds it for: upkeep, walks.
// It returns false, with nothing locked, while an exclusive phase is active.
func (s *Space) lockStripe(st *stripe) bool {
	st.mu.Lock()
	if s.phase.state.Load() != phaseOpen && !s.phase.passed() {
		st.mu.Unlock()
		return false
	}
	return true
}

// unlockStripe ends what lockStripe began.
func (s *Space) unlockStripe(st *stripe) {
	st.publish()
	st.mu.Unlock()
}

// enter is lockStripe for a Tx that may be the exclusive one, which locks nothing.
func (t *Tx) enter(st *stripe) bool { return t.excl || t.s.lockStripe(st) }

func (t *Tx) leave(st *stripe) {
	if t.excl {
		st.publish()
		return
	}
	t.s.unlockStripe(st)
}

// LockKey locks the stripe of one key, in all databases. It returns false, with
// nothing locked, while an exclusive phase is active. Slot and hash are
// remembered for methods that get the same slice.
func (t *Tx) LockKey(key []byte) bool {
	s := t.s
	var slot uint16
	if t.nextAhead < len(t.ahead) && t.ahead[t.nextAhead].is(key) {
		t.last = t.ahead[t.nextAhead]
		t.nextAhead++
		slot = t.last.slot
	} else {
		slot = Slot(key)
		if len(key) > 0 {
			t.last = hashed{p: &key[0], n: len(key), slot: slot, frag: uint32(s.sip.sum(key) >> 32)}
		}
	}
	t.slot[0] = slot
	if t.excl {
		return true
	}
	st := &s.stripes[slot&s.mask]
	if debug {
		t.checkNothingHeld()
	}
	st.mu.Lock()
	if s.phase.state.Load() != phaseOpen && !s.phase.passed() {
		st.mu.Unlock()
		t.last = hashed{}
		return false
	}
	t.one = st
	return true
}

// manyHashes is how many keys LockKeys remembers the hashes of.
const manyHashes = 4096

// LockKeys locks the stripes of several keys in ascending order, each once. It
// returns false, with nothing locked, while an exclusive phase is active.
func (t *Tx) LockKeys(keys [][]byte) bool {
	s := t.s
	if debug {
		t.checkNothingHeld()
	}
	t.many, t.slots = t.many[:0], t.slots[:0]
	t.hashes, t.nextHash = t.hashes[:0], 0
	for _, key := range keys {
		slot := Slot(key)
		t.many = append(t.many, slot&s.mask)
		t.slots = append(t.slots, slot)
		if len(key) > 0 && len(t.hashes) < manyHashes {
			t.hashes = append(t.hashes, hashed{p: &key[0], n: len(key), slot: slot, frag: uint32(s.sip.sum(key) >> 32)})
		}
	}
	if t.excl {
		return true
	}
	slices.Sort(t.many)
	t.many = slices.Compact(t.many)
	for i, n := range t.many {
		if !s.lockStripe(&s.stripes[n]) {
			t.Unlock()
			return false
		}
		t.held = i + 1
	}
	return true
}

// Unlock releases the stripes that the Tx holds.
func (t *Tx) Unlock() {
	if debug {
		t.endViews()
	}
	t.last = hashed{}
	if st := t.one; st != nil {
		t.one = nil
		if st.due.debt != 0 {
			t.payDebt(st)
		}
		st.publish()
		st.mu.Unlock()
		return
	}
	clear(t.hashes)
	t.hashes, t.nextHash = t.hashes[:0], 0
	for _, n := range t.many[:t.held] {
		st := &t.s.stripes[n]
		if st.due.debt != 0 {
			t.payDebt(st)
		}
		t.s.unlockStripe(st)
	}
	t.held = 0
}

// Exclusive runs run with the whole keyspace to itself: all other lockers fail
// meanwhile. The Tx must hold nothing. It returns false without running it if
// another phase is active (see Space.Opened) or just was (retry at once).
func (t *Tx) Exclusive(run func()) (ok bool) {
	if t.excl {
		run()
		return true
	}
	s := t.s
	if !s.phase.begin() {
		return false
	}
	for i := range s.stripes {
		st := &s.stripes[i]
		st.mu.Lock()
		st.publishAll()
		st.mu.Unlock()
	}
	t.excl = true
	defer func() {
		if debug {
			t.endViews()
		}
		t.excl = false
		t.last = hashed{}
		for i := range s.stripes {
			s.stripes[i].publish()
		}
		s.phase.end()
	}()
	run()
	return true
}

// checkNothingHeld enforces the lock order in debug builds.
func (t *Tx) checkNothingHeld() {
	if t.one != nil || t.held > 0 {
		panic("keyspace: Tx locks while it holds stripes")
	}
}

// checkHeld enforces K1 in debug builds: the slot's stripe is held.
func (t *Tx) checkHeld(slot uint16) {
	n := slot & t.s.mask
	if t.excl || t.one == &t.s.stripes[n] {
		return
	}
	if _, ok := slices.BinarySearch(t.many[:t.held], n); ok {
		return
	}
	panic("keyspace: slot used without its stripe (K1)")
}
