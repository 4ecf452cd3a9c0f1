package keyspace

// Tx is what one goroutine (an event loop) reaches keys with. It is reused from
// command to command: whoever drives it sets the exported fields, locks, lets
// the handler work and unlocks. It must not be shared.
type Tx struct {
	DB   int   // the database that keys are in
	Now  int64 // unix time in milliseconds
	Sink Sink  // takes the effects; nil: nobody wants them
	// Raw says that the received command, on one key, is its own effect: the
	// Sink gets argv == nil instead of the change itself.
	Raw bool
	// Applying says that effects are being applied: every key is live whatever
	// its deadline (K7).
	Applying bool
	// NoTouch says that Look and LookWrite leave the access time alone (CLIENT
	// NO-TOUCH). Methods that store a value set it all the same.
	NoTouch bool
	// Changes counts the changes that commands made of keys, as Redis counts them: a key that moves is one, and one that
	// expires or is evicted is none. Whoever drives the Tx takes them away.
	Changes int64
	// Owner is for whoever drives the Tx: what the hooks that get the Tx know it by.
	Owner any

	s    *Space
	excl bool     // inside Exclusive
	one  *stripe  // held by LockKey
	many []uint16 // stripes of LockKeys, ascending
	held int      // how many of them are held

	slot     [1]uint16 // of the key of LockKey
	slots    []uint16  // of the keys of LockKeys, in their order
	last     hashed    // of LockKey, or the one of hashes used last
	hashes   []hashed  // of LockKeys, in the order of its keys
	nextHash int

	ahead     []hashed // of Ahead, in the order of its keys
	nextAhead int
	loaded    uint64 // of what Ahead loaded, so that it is loaded

	argv    [6][]byte // scratch for effects
	numbers [2][20]byte
	text    [20]byte // scratch for a value in text form
	words   [][]byte // of the effect that is being applied

	wheels recordView // the stripe's records as its wheels see them
	pool   *evictPool // nil until MakeRoom or Tick removes a key

	quiet bool // nothing changes: PatchSame

	views []view // debug builds: slices given out by ViewCopy
}

// hashed is a key's slot and fragment, found again by the slice's identity.
type hashed struct {
	p       *byte
	n       int
	slot    uint16
	counted bool // a look-up has counted the use (LFU): a store does not count it again
	frag    uint32
}

func (h *hashed) is(key []byte) bool { return len(key) == h.n && h.n > 0 && &key[0] == h.p }

// NewTx makes a Tx.
func (s *Space) NewTx() *Tx { return &Tx{s: s, Now: s.opts.Now()} }

// Slots are those of the keys that the Tx holds, in the order of LockKeys, not without
// duplicates. The slice is valid until Unlock.
func (t *Tx) Slots() []uint16 {
	if t.one != nil {
		return t.slot[:]
	}
	if t.held > 0 {
		return t.slots
	}
	return nil
}

// Whole says that the Tx runs in an exclusive phase.
func (t *Tx) Whole() bool { return t.excl }

// Space returns the Space that the Tx belongs to.
func (t *Tx) Space() *Space { return t.s }

// hash returns a key's slot and fragment: those that LockKey or LockKeys found
// for this slice, or new ones.
func (t *Tx) hash(key []byte) (slot uint16, frag uint32) {
	if !t.last.is(key) {
		return t.hashAgain(key)
	}
	return t.last.slot, t.last.frag
}

func (t *Tx) hashAgain(key []byte) (slot uint16, frag uint32) {
	// Commands use their keys in the order in which they locked them.
	if t.nextHash < len(t.hashes) && t.hashes[t.nextHash].is(key) {
		t.last = t.hashes[t.nextHash]
		t.nextHash++
		return t.last.slot, t.last.frag
	}
	return Slot(key), t.s.fragment(key)
}

// fragment returns the hash of a key that orders it in its slot.
func (s *Space) fragment(key []byte) uint32 { return uint32(s.sip.sum(key) >> 32) }

// place is where a key is, or where it would be.
type place struct {
	st    *stripe
	d     *dbState // nil: the database has nothing in this stripe
	sb    *sub
	db    int
	slot  uint16
	frag  uint32
	h     *segHead // of the segment with the word
	depth uint8
	at    int // number of the word in its segment
	r     rec
	found bool // there is a record, live or not
	stale bool // its deadline has passed, and it does not count
}

// live says whether the place has a key as clients see it.
func (p *place) live() bool { return p.found && !p.stale }

// locate finds a key in database db.
func (t *Tx) locate(p *place, db int, key []byte) {
	p.slot, p.frag = t.hash(key)
	if debug {
		t.checkHeld(p.slot)
	}
	p.db = db
	p.st = &t.s.stripes[p.slot&t.s.mask]
	p.found, p.stale = false, false
	if p.d = p.st.dbs[db]; p.d == nil {
		return
	}
	p.sb = &p.d.subs[p.slot>>t.s.shift]
	p.h, p.depth, p.at, p.found = p.st.find(p.d, p.sb, p.frag, key, &p.r)
	if p.found && p.r.kind&flagExpiry != 0 {
		p.stale = t.expired(&p.r)
	}
}

// expired says whether a record's deadline has passed, as far as this Tx sees it (K7).
func (t *Tx) expired(r *rec) bool { return r.deadline() < t.Now && !t.Applying }

// Look finds a key for a command that reads, touches its access time and counts
// a hit or a miss. A key whose deadline has passed is not found; it is removed
// with a DEL effect, or only hidden (HideOnly).
func (t *Tx) Look(key []byte) (it Item, ok bool) {
	if ok = t.look(&it, key); ok {
		it.st.hits++
	} else {
		it.st.misses++
		t.tellMissed(key)
	}
	return it, ok
}

// LookAt is Look for a command that tells about the key's record: it neither touches the
// access time nor tells of a miss (OnMissed).
func (t *Tx) LookAt(key []byte) (it Item, ok bool) {
	noTouch := t.NoTouch
	t.NoTouch = true
	if ok = t.look(&it, key); ok {
		it.st.hits++
	} else {
		it.st.misses++
	}
	t.NoTouch = noTouch
	return it, ok
}

// LookWrite is Look for a command that writes: as in Redis, it counts neither a
// hit nor a miss.
func (t *Tx) LookWrite(key []byte) (it Item, ok bool) {
	ok = t.look(&it, key)
	return it, ok
}

// look finds a key. It sets it.st in any case, the rest if it returns true.
func (t *Tx) look(it *Item, key []byte) bool {
	slot, frag := t.hash(key)
	st := &t.s.stripes[slot&t.s.mask]
	if debug {
		t.checkHeld(slot)
	}
	it.t, it.st = t, st
	d := st.dbs[t.DB]
	if d == nil {
		return false
	}
	if _, _, _, ok := st.find(d, &d.subs[slot>>t.s.shift], frag, key, &it.r); !ok {
		return false
	}
	if it.r.kind&flagExpiry != 0 && t.expired(&it.r) {
		t.removeExpired(key)
		return false
	}
	if !t.NoTouch {
		if l := t.s.lfu.Load(); l != nil {
			t.countUse(l, &it.r)
		} else {
			it.r.touch(lruClock(t.Now))
		}
	}
	return true
}

// Peek is Look without touching the access time and the hit counters.
func (t *Tx) Peek(key []byte) (Item, bool) {
	var p place
	t.locate(&p, t.DB, key)
	if p.stale {
		t.dropExpired(&p, key)
	}
	if !p.live() {
		return Item{}, false
	}
	return Item{r: p.r, t: t, st: p.st}, true
}

// removeExpired removes an expired key, or hides it.
func (t *Tx) removeExpired(key []byte) {
	var p place
	t.locate(&p, t.DB, key)
	t.dropExpired(&p, key)
}

// dropExpired removes the expired key of a place with a DEL effect. On a
// replica, while loading and while the log refuses writes it stays, hidden. The
// place must be located again before its word is used.
func (t *Tx) dropExpired(p *place, key []byte) {
	if t.s.hideOnly.Load() {
		return
	}
	t.emitKey(p, cmdDel, key)
	t.tellRemoved(p, key, Expired)
	p.stale = true // Tick does not ask
	t.remove(p)
	t.s.expiredKeys.Add(1)
}

// remove removes the record of a place.
func (t *Tx) remove(p *place) {
	st, d := p.st, p.d
	if st.interests.on.Load() {
		if p.stale {
			t.lapsed(st, p.db, p.r.key())
		} else {
			t.changed(st, p.db, p.r.key())
		}
	}
	if p.r.kind&flagExpiry != 0 {
		t.dropDeadline(p)
	}
	removeWord(st.arena.segment(p.h), int(p.h.groups), p.depth, p.at)
	p.h.used--
	t.s.addCount(d, p.slot, p.sb, -1)
	st.arena.freeRecord(&p.r)
	st.shrink(d, p.sb, p.h, p.depth)
	p.found, p.stale = false, false
}
