package keyspace

// content is a string value to be stored.
type content struct {
	form form   // formInt, formStr or formRaw
	n    int64  // of formInt
	b    []byte // of the others; may lie in an arena
	as   []byte // wordRaw or wordText, where the effect must say so
}

// SetBytes stores a string, whatever was at the key. The text of an int64 is
// stored as a number, as Redis does.
func (t *Tx) SetBytes(key, val []byte, ttl TTL) error {
	if n, ok := parseInt(val); ok {
		return t.store(t.DB, key, content{form: formInt, n: n}, val, ttl)
	}
	return t.storeNew(key, content{form: formStr, b: val}, ttl)
}

// SetRaw stores a string whose encoding is "raw" whatever it looks like: the
// result of a command that changes strings in parts.
func (t *Tx) SetRaw(key, val []byte, ttl TTL) error {
	return t.storeNew(key, content{form: formRaw, b: val, as: wordRaw}, ttl)
}

// SetText stores a string that is not stored as a number even if it looks like
// one: what INCRBYFLOAT computes.
func (t *Tx) SetText(key, val []byte, ttl TTL) error {
	return t.storeNew(key, textContent(val), ttl)
}

// textContent is a string that stays text. Its effect says so if SetBytes would
// make a number of it.
func textContent(val []byte) content {
	c := content{form: formStr, b: val}
	if _, ok := parseInt(val); ok {
		c.as = wordText
	}
	return c
}

// SetInt stores a number, in place if the key holds one. Its effect is SET.
func (t *Tx) SetInt(key []byte, n int64, ttl TTL) error {
	return t.store(t.DB, key, content{form: formInt, n: n}, nil, ttl)
}

// parseInt returns the number that a text is the only canonical form of.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	i, neg := 0, false
	if b[0] == '-' {
		i, neg = 1, true
	}
	if i == len(b) || b[i] < '1' || b[i] > '9' {
		return 0, len(b) == 1 && b[0] == '0'
	}
	var u uint64
	for _, c := range b[i:] {
		d := uint64(c - '0')
		if d > 9 || u > (1<<63)/10 {
			return 0, false
		}
		u = u*10 + d // at most 2^63 + 9
	}
	switch {
	case neg && u <= 1<<63:
		return -int64(u), true
	case !neg && u < 1<<63:
		return int64(u), true
	}
	return 0, false
}

// layout is how a string lies in memory.
type layout struct {
	form   form
	vn     int // bytes in the record
	size   int // of the record
	expiry bool
}

// layoutOf chooses the layout of a string of n bytes (or of a number).
func layoutOf(f form, kn, n int, expiry bool) layout {
	if f == formInt {
		return layout{f, intBytes, recordSize(kn, intBytes, expiry), expiry}
	}
	if size := recordSize(kn, n, expiry); size <= maxCell || n < bigMin {
		return layout{f, n, size, expiry}
	}
	return layout{formBig, bigBytes, recordSize(kn, bigBytes, expiry), expiry}
}

// storeNew is store for text that comes from outside, which has a largest size.
func (t *Tx) storeNew(key []byte, c content, ttl TTL) error {
	if t.tooLong(0, len(c.b)) {
		return ErrTooLong
	}
	return t.store(t.DB, key, c, c.b, ttl)
}

// store stores a string at a key of a database. text is the value for the
// effect; nil: the number in text form. Everything that can fail comes before
// the effect, the effect before the first change (K5).
func (t *Tx) store(db int, key []byte, c content, text []byte, ttl TTL) error {
	if debug {
		defer t.endViews()
	}
	var p place
	t.locate(&p, db, key)
	if p.d == nil {
		p.d = t.s.db(p.st, db)
		p.sb = &p.d.subs[p.slot>>t.s.shift]
	}
	expiry, deadline := false, noDeadline
	switch {
	case ttl.kind == ttlAt:
		expiry, deadline = true, ttl.ms
	case ttl.kind == ttlKeep && p.live():
		expiry, deadline = p.r.expires(), p.r.deadline()
	}
	l := layoutOf(c.form, len(key), len(c.b), expiry)
	var err error
	if p.found && p.r.fits(&p.st.arena, &l) {
		err = t.overwrite(&p, key, &c, text, &l, ttl, deadline)
	} else {
		err = t.replace(&p, key, &c, text, &l, ttl, deadline)
	}
	if err == nil && !p.live() { // there was nothing before
		t.tellStored(&p, key)
	}
	return err
}

// tellStored tells that a key was stored at a place that had none, or a stale one: that one is
// gone then, which a replica does not know.
func (t *Tx) tellStored(p *place, key []byte) {
	if p.stale && !t.s.hideOnly.Load() {
		t.tellRemoved(p, key, Expired)
		t.s.expiredKeys.Add(1)
	}
	t.tellAdded(p.db, key)
}

// fits says whether a value of another layout can take the place of the
// record's: header and cell stay.
func (r *rec) fits(a *arena, l *layout) bool {
	return l.expiry == r.expires() && r.form() != formBig && l.form != formBig &&
		uvLen(l.vn) == uvLen(r.vn) && a.size(l.size) == a.size(r.size())
}

// overwrite changes the value of a record in its cell.
func (t *Tx) overwrite(p *place, key []byte, c *content, text []byte, l *layout, ttl TTL, deadline int64) error {
	r := &p.r
	file := l.expiry && deadline != r.deadline()
	if file {
		if err := p.reserveDeadline(); err != nil {
			return err
		}
	}
	if t.Sink != nil {
		t.emitSet(p, key, t.textOf(c, text), c.as, ttl)
	}
	flags := r.kind &^ formMask
	if file {
		flags = t.fileDeadline(p, r.kind, r.deadline(), deadline)
		r.setDeadline(deadline)
	}
	if l.vn != r.vn {
		r.setValueLen(l.vn)
	}
	c.put(r.value())
	r.kind = flags | uint8(l.form)
	r.touch(t.use(p))
	t.Changes++
	if p.st.interests.on.Load() {
		t.changed(p.st, p.db, key)
	}
	return nil
}

// replace puts a value in a new cell, and the old one, if any, away.
func (t *Tx) replace(p *place, key []byte, c *content, text []byte, l *layout, ttl TTL, deadline int64) error {
	n, err := t.newRecord(p, l, len(c.b))
	if err != nil {
		return err
	}
	if t.Sink != nil {
		t.emitSet(p, key, t.textOf(c, text), c.as, ttl)
	}
	t.finish(p, &n, l, key, deadline)
	if l.form == formBig {
		p.st.arena.warmUp(n.big.ref, n.big.n)
		copy(p.st.arena.bytes(n.big.ref, n.big.n), c.b)
	} else {
		c.put(n.r.value())
	}
	t.link(p, &n)
	return nil
}

// fresh is a record that is not linked yet.
type fresh struct {
	r   rec
	big big
}

// newRecord takes all memory that a new record of a place needs: its cell, its
// value's pages, a word, an entry in the wheel. On an error nothing changed.
func (t *Tx) newRecord(p *place, l *layout, n int) (f fresh, err error) {
	a := &p.st.arena
	if l.expiry {
		if err = p.reserveDeadline(); err != nil {
			return f, err
		}
	}
	if l.form == formBig {
		f.big = big{room: a.room(n), n: n}
		if f.big.ref, err = a.alloc(f.big.room); err != nil {
			return f, err
		}
	}
	if f.r.ref, err = a.alloc(l.size); err == nil && !p.found {
		if err = p.st.room(p.d, p.sb, p.frag); err != nil {
			a.free(f.r.ref, l.size)
		}
	}
	if err != nil && l.form == formBig {
		a.free(f.big.ref, f.big.room)
	}
	return f, err
}

// finish writes the header and key of a new record and files its deadline. The
// value is left to the caller.
func (t *Tx) finish(p *place, f *fresh, l *layout, key []byte, deadline int64) {
	kind := uint8(l.form)
	var was uint8
	prev := noDeadline
	if p.found {
		was, prev = p.r.kind, p.r.deadline()
	}
	switch {
	case !l.expiry:
		if was&flagExpiry != 0 {
			t.dropDeadline(p)
		}
	case was&flagExpiry != 0 && deadline == prev:
		kind |= was &^ formMask
	default:
		kind |= t.fileDeadline(p, was, prev, deadline)
	}
	f.r.encode(p.st.arena.bytes(f.r.ref, l.size), kind, t.use(p), key, l.vn, deadline)
	if l.form == formBig {
		f.r.setBig(f.big)
	}
}

// link lets the place's word refer to a new record and frees the old one.
func (t *Tx) link(p *place, f *fresh) {
	a := &p.st.arena
	t.Changes++
	if p.st.interests.on.Load() {
		t.changed(p.st, p.db, f.r.key())
	}
	if p.found {
		le.PutUint64(a.segment(p.h)[p.at*8:], word(p.frag, f.r.ref))
		a.freeRecord(&p.r)
		return
	}
	h, depth := p.d.segment(p.sb, p.frag) // room may have moved it
	insertWord(a.segment(h), int(h.groups), depth, word(p.frag, f.r.ref))
	h.used++
	t.s.addCount(p.d, p.slot, p.sb, 1)
}

// put writes the bytes of a value that lies in its record.
func (c *content) put(b []byte) {
	if c.form == formInt {
		le.PutUint64(b, uint64(c.n))
		return
	}
	copy(b, c.b)
}

// textOf returns the value of an effect.
func (t *Tx) textOf(c *content, text []byte) []byte {
	if text == nil && c.form == formInt {
		return t.number(0, c.n)
	}
	return text
}
