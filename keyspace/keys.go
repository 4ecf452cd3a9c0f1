package keyspace

import "bytes"

// Delete removes a key and says whether there was one. A key whose deadline has
// passed counts as absent: it is removed like by Look, and the answer is false.
func (t *Tx) Delete(key []byte) bool {
	if debug {
		defer t.endViews()
	}
	var p place
	t.locate(&p, t.DB, key)
	if p.stale {
		t.dropExpired(&p, key)
	}
	if !p.live() {
		return false
	}
	if t.Sink != nil {
		t.emitOwn(&p, append(t.argv[:0], cmdDel, key))
	}
	t.remove(&p)
	t.Changes++
	return true
}

// ExpireAt sets a key's deadline in unix milliseconds. It returns false if there
// is no such key, or no memory for the deadline; then nothing has changed. A
// deadline in the past is stored like any other: the caller decides what it means.
func (t *Tx) ExpireAt(key []byte, ms int64) bool {
	if debug {
		defer t.endViews()
	}
	var p place
	t.locate(&p, t.DB, key)
	if p.stale {
		t.dropExpired(&p, key)
	}
	if !p.live() || p.reserveDeadline() != nil {
		return false
	}
	if p.r.kind&flagExpiry != 0 {
		if t.Sink != nil {
			t.emitOwn(&p, append(t.argv[:0], cmdPExpireAt, key, t.number(0, ms)))
		}
		flags := t.fileDeadline(&p, p.r.kind, p.r.deadline(), ms)
		p.r.setDeadline(ms)
		p.r.setKind(flags | uint8(p.r.form()))
		t.Changes++
		if p.st.interests.on.Load() {
			t.changed(p.st, p.db, key)
		}
		return true
	}
	c, ok := t.newCell(&p, p.r.size()+8)
	if !ok {
		return false
	}
	if t.Sink != nil {
		t.emitOwn(&p, append(t.argv[:0], cmdPExpireAt, key, t.number(0, ms)))
	}
	flags := t.fileDeadline(&p, p.r.kind, noDeadline, ms)
	t.moveRecord(&p, c, flags, ms)
	return true
}

// Persist removes a key's deadline and says whether it had one; false also if
// there is no memory to move the record, then nothing has changed.
func (t *Tx) Persist(key []byte) bool {
	if debug {
		defer t.endViews()
	}
	var p place
	t.locate(&p, t.DB, key)
	if p.stale {
		t.dropExpired(&p, key)
	}
	if !p.live() || p.r.kind&flagExpiry == 0 {
		return false
	}
	c, ok := t.newCell(&p, p.r.size()-8)
	if !ok {
		return false
	}
	if t.Sink != nil {
		t.emitOwn(&p, append(t.argv[:0], cmdPersist, key))
	}
	t.dropDeadline(&p)
	t.moveRecord(&p, c, 0, noDeadline)
	return true
}

// newCell takes a cell for the record of a place when it gets another size: its
// own if that fits.
func (t *Tx) newCell(p *place, size int) (ref uint32, ok bool) {
	a := &p.st.arena
	if a.size(size) == a.size(p.r.size()) {
		return p.r.ref, true
	}
	ref, err := a.alloc(size)
	return ref, err == nil
}

// moveRecord writes the record of a place anew, with or without a deadline, to
// a cell of newCell.
func (t *Tx) moveRecord(p *place, ref uint32, flags uint8, deadline int64) {
	a := &p.st.arena
	t.Changes++
	if p.st.interests.on.Load() {
		t.changed(p.st, p.db, p.r.key())
	}
	old := p.r
	head := old.ko
	if old.kind&flagExpiry != 0 {
		head -= 8
	}
	body := old.b[old.ko : old.vo+old.vn]
	n := head + len(body)
	if flags != 0 {
		n += 8
	}
	b := a.bytes(ref, n)
	copy(b[n-len(body):], body) // first: it may move within its cell
	copy(b[:head], old.b[:head])
	b[0] = flags | uint8(old.form())
	if flags != 0 {
		le.PutUint64(b[head:], uint64(deadline))
	}
	if ref != old.ref {
		le.PutUint64(a.segment(p.h)[p.at*8:], word(p.frag, ref))
		a.free(old.ref, old.size())
	}
}

// Rename gives a key another name, in the same database, with its deadline and
// use; what was at dst is gone. It returns false if there is no src.
// Both stripes must be held. Its effects are SET dst and DEL src.
func (t *Tx) Rename(src, dst []byte) (ok bool, err error) {
	if debug {
		defer t.endViews()
	}
	if bytes.Equal(src, dst) {
		_, ok := t.Peek(src)
		return ok, nil
	}
	return t.transfer(src, t.DB, dst, true)
}

// Move moves a key to another database. It returns false if there is no such
// key, or one there already. Its effects are SET there and DEL here.
func (t *Tx) Move(key []byte, dstDB int) (ok bool, err error) {
	if debug {
		defer t.endViews()
	}
	if dstDB == t.DB || t.liveIn(dstDB, key) {
		return false, nil
	}
	return t.transfer(key, dstDB, key, true)
}

// Copy copies a key's value and deadline, but not its use, to another key or database. It returns
// false if there is no src, or if there is a dst and replace is false. Both
// stripes must be held. Its effect is SET dst.
func (t *Tx) Copy(src []byte, dstDB int, dst []byte, replace bool) (ok bool, err error) {
	if debug {
		defer t.endViews()
	}
	if dstDB == t.DB && bytes.Equal(src, dst) {
		return false, nil
	}
	if !replace && t.liveIn(dstDB, dst) {
		return false, nil
	}
	return t.transfer(src, dstDB, dst, false)
}

// liveIn says whether a database has a key. To be in the way is a use.
func (t *Tx) liveIn(db int, key []byte) bool {
	var p place
	t.locate(&p, db, key)
	if !p.live() {
		return false
	}
	if !t.NoTouch {
		p.r.touch(t.use(&p))
	}
	return true
}

// exists says whether a database has a key, which is no use of it.
func (t *Tx) exists(db int, key []byte) bool {
	var p place
	t.locate(&p, db, key)
	return p.live()
}

// transfer stores the value of src at dst, and removes src if it moves.
func (t *Tx) transfer(src []byte, dstDB int, dst []byte, moves bool) (bool, error) {
	var p place
	t.locate(&p, t.DB, src)
	if p.stale {
		t.dropExpired(&p, src)
	}
	if !p.live() {
		return false, nil
	}
	raw := t.Raw
	t.Raw = false // two keys: the command is no effect of one key
	defer func() { t.Raw = raw }()
	ttl := NoTTL
	if p.r.kind&flagExpiry != 0 {
		ttl = At(p.r.deadline())
	}
	var c content
	switch p.r.form() {
	case formInt:
		c = content{form: formInt, n: int64(le.Uint64(p.r.b[p.r.vo:]))}
	case formStr:
		c = textContent(p.r.value())
	case formRaw:
		c = content{form: formRaw, b: p.r.value(), as: wordRaw}
	case formBig:
		// A long string is "raw" anyway.
		c = content{form: formRaw, b: p.st.arena.text(&p.r, nil), as: wordRaw}
	}
	renewed := t.s.added.Load() != nil && t.exists(dstDB, dst)
	use := t.freshUse()
	if moves {
		use = p.r.lru()
	}
	if err := t.store(dstDB, dst, c, c.b, ttl); err != nil {
		return false, err
	}
	t.setUse(dstDB, dst, use)
	if renewed {
		t.tellAdded(dstDB, dst) // as in Redis, where the old one is deleted first
	}
	if !moves {
		return true, nil
	}
	t.locate(&p, t.DB, src) // its word may have moved
	if t.Sink != nil {
		t.emitKey(&p, cmdDel, src)
	}
	t.remove(&p)
	return true, nil
}

// setUse gives a record the bits about its use.
func (t *Tx) setUse(db int, key []byte, use uint32) {
	var p place
	t.locate(&p, db, key)
	p.r.touch(use)
}
