package keyspace

import "strconv"

// Append adds to the end of the string at a key and returns its new length. The
// encoding becomes "raw"; an absent key is set to the tail.
func (t *Tx) Append(key, tail []byte) (n int, err error) {
	if debug {
		defer t.endViews()
	}
	var p place
	if err := t.locateString(&p, key); err != nil {
		return 0, err
	}
	if !p.live() {
		return len(tail), t.SetBytes(key, tail, NoTTL)
	}
	off := p.r.length()
	if t.tooLong(off, len(tail)) {
		return 0, ErrTooLong
	}
	return t.modify(&p, key, off, tail, true)
}

// SetRange writes val over the string at a key from byte off on, fills a gap
// with zeros and returns the new length. An empty val changes nothing. The
// encoding becomes "raw".
func (t *Tx) SetRange(key []byte, off int, val []byte) (n int, err error) {
	if debug {
		defer t.endViews()
	}
	var p place
	if err := t.locateString(&p, key); err != nil {
		return 0, err
	}
	if len(val) == 0 {
		if !p.live() {
			return 0, nil
		}
		return p.r.length(), nil
	}
	if t.tooLong(off, len(val)) {
		return 0, ErrTooLong
	}
	return t.modify(&p, key, off, val, false)
}

// Patch is SetRange for a command with a limit of its own: val, which is not
// empty, may reach beyond MaxValue.
func (t *Tx) Patch(key []byte, off int, val []byte) error {
	if debug {
		defer t.endViews()
	}
	var p place
	if err := t.locateString(&p, key); err != nil {
		return err
	}
	_, err := t.modify(&p, key, off, val, false)
	return err
}

// PatchSame is Patch with bytes that are there already: the string's encoding becomes "raw", which is no change to
// those who watch the key.
func (t *Tx) PatchSame(key []byte, off int, val []byte) error {
	was := t.Changes
	t.quiet = true
	defer func() { t.quiet, t.Changes = false, was }()
	return t.Patch(key, off, val)
}

// tooLong says whether n bytes from off on end behind MaxValue. What was stored
// once is not too long for those who apply effects.
func (t *Tx) tooLong(off, n int) bool {
	room := t.s.maxValue.Load() - int64(off)
	return !t.Applying && int64(n) > room
}

// locateString finds a key whose value must be a string.
func (t *Tx) locateString(p *place, key []byte) error {
	t.locate(p, t.DB, key)
	if p.stale {
		t.dropExpired(p, key)
	}
	if p.live() && formTypes[p.r.form()] != TypeString {
		return ErrWrongType
	}
	return nil
}

// length returns the length of a string in bytes.
func (r *rec) length() int {
	switch r.form() {
	case formInt:
		return intLen(int64(le.Uint64(r.b[r.vo:])))
	case formBig:
		return r.big().n
	}
	return r.vn
}

// intLen returns the length of a number's text.
func intLen(n int64) int {
	var b [20]byte
	return len(strconv.AppendInt(b[:0], n, 10))
}

// text returns the bytes of a string; a number is formatted into scratch.
func (a *arena) text(r *rec, scratch []byte) []byte {
	switch r.form() {
	case formInt:
		return strconv.AppendInt(scratch[:0], int64(le.Uint64(r.b[r.vo:])), 10)
	case formBig:
		g := r.big()
		return a.bytes(g.ref, g.n)
	}
	return r.value()
}

// modify writes patch over the string of a place from byte off on, after zeros
// if there is a gap. The patch may lie in the string itself.
func (t *Tx) modify(p *place, key []byte, off int, patch []byte, appends bool) (int, error) {
	if p.d == nil {
		p.d = t.s.db(p.st, p.db)
		p.sb = &p.d.subs[p.slot>>t.s.shift]
	}
	a := &p.st.arena
	var old []byte
	expiry, deadline := false, noDeadline
	if p.live() {
		old = a.text(&p.r, t.text[:])
		expiry, deadline = p.r.expires(), p.r.deadline()
	}
	n := max(len(old), off+len(patch))
	l := layoutOf(formRaw, len(key), n, expiry)
	switch {
	case p.live() && p.r.form() == formBig && l.form == formBig:
		return n, t.modifyBig(p, key, off, patch, appends, n)
	case p.live() && p.r.form() != formInt && p.r.fits(a, &l):
		t.emitModify(p, key, off, patch, appends)
		p.r.setValueLen(n)
		p.r.kind = p.r.kind&^formMask | uint8(formRaw)
		patchInto(p.r.value(), len(old), off, patch)
		p.r.touch(t.use(p))
		t.Changes++
		if p.st.interests.on.Load() {
			t.changed(p.st, p.db, key)
		}
		return n, nil
	}
	f, err := t.newRecord(p, &l, n)
	if err != nil {
		return 0, err
	}
	t.emitModify(p, key, off, patch, appends)
	t.finish(p, &f, &l, key, deadline)
	to := f.r.value()
	if l.form == formBig {
		a.warmUp(f.big.ref, n)
		to = a.bytes(f.big.ref, n)
	}
	copy(to, old)
	patchInto(to, len(old), off, patch)
	t.link(p, &f)
	if !p.live() { // there was nothing before
		t.tellAdded(p.db, key)
	}
	return n, nil
}

// modifyBig is modify for a string that lies outside of its record and stays there.
func (t *Tx) modifyBig(p *place, key []byte, off int, patch []byte, appends bool, n int) error {
	a := &p.st.arena
	g := p.r.big()
	was := g
	if n > g.room {
		// A quarter more, so that repeated APPENDs copy little.
		g.room = a.room(n + n/4)
		ref, err := a.alloc(g.room)
		if err != nil {
			return err
		}
		g.ref = ref
	}
	t.emitModify(p, key, off, patch, appends)
	g.n = n
	to := a.bytes(g.ref, n)
	if g.ref != was.ref {
		a.warmUp(g.ref, n)
		copy(to, a.bytes(was.ref, was.n))
	}
	patchInto(to, was.n, off, patch)
	if g.ref != was.ref {
		a.free(was.ref, was.room)
	}
	p.r.setBig(g)
	p.r.touch(t.use(p))
	t.Changes++
	if p.st.interests.on.Load() {
		t.changed(p.st, p.db, key)
	}
	return nil
}

// patchInto writes patch to b at off; a gap behind the first had bytes is filled with zeros.
func patchInto(b []byte, had, off int, patch []byte) {
	copy(b[off:], patch)
	if off > had {
		clear(b[had:off])
	}
}

func (t *Tx) emitModify(p *place, key []byte, off int, patch []byte, appends bool) {
	if t.Sink == nil {
		return
	}
	if t.Raw {
		t.Sink.Effect(p.db, p.slot, nil)
		return
	}
	if appends {
		t.emit(p, append(t.argv[:0], cmdAppend, key, patch))
		return
	}
	t.emit(p, append(t.argv[:0], cmdSetRange, key, t.number(0, int64(off)), patch))
}
