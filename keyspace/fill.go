package keyspace

// SetFilled stores a string of n bytes, whatever was at the key, removes the
// deadline and lets fill write all the bytes into the place where they stay: no
// copy of a large result is made. Its encoding is "raw" and its effect a SET.
// What fill gets is not zeroed. Slices of Items looked up before, also of this
// key, are valid in fill, which must call no method of the Tx. n may exceed
// MaxValue, since what is computed of stored strings is no longer than they are.
func (t *Tx) SetFilled(key []byte, n int, fill func(b []byte)) error {
	if debug {
		defer t.endViews()
	}
	var p place
	t.locate(&p, t.DB, key)
	if p.d == nil {
		p.d = t.s.db(p.st, t.DB)
		p.sb = &p.d.subs[p.slot>>t.s.shift]
	}
	l := layoutOf(formRaw, len(key), n, false)
	f, err := t.newRecord(&p, &l, n)
	if err != nil {
		return err
	}
	val := t.freshValue(&p, &f, &l, key, n)
	fill(val)
	if t.Sink != nil {
		t.emitSet(&p, key, val, wordRaw, NoTTL)
	}
	t.finish(&p, &f, &l, key, noDeadline)
	t.link(&p, &f)
	if !p.live() { // there was nothing before
		t.tellStored(&p, key)
	}
	return nil
}

// freshValue returns where the value of a record that is not linked yet lies.
func (t *Tx) freshValue(p *place, f *fresh, l *layout, key []byte, n int) []byte {
	a := &p.st.arena
	if l.form == formBig {
		a.warmUp(f.big.ref, n)
		return a.bytes(f.big.ref, n)
	}
	f.r.encode(a.bytes(f.r.ref, l.size), uint8(l.form), lruClock(t.Now), key, n, noDeadline)
	return f.r.value()
}
