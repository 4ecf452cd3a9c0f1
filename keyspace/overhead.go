package keyspace

// Overhead is what a database takes beside its records, in bytes.
type Overhead struct {
	Index  int64 // what leads to the records: segments and their directories, tables by slot
	Expiry int64 // the wheels of deadlines: their tables and entries
}

// Overhead returns what a database takes beside its records. It looks at every slot, and so belongs into reports
// only. It returns ErrExclusive while an exclusive phase is active. The Tx must hold nothing; it may be inside Exclusive.
func (t *Tx) Overhead(db int) (o Overhead, err error) {
	s := t.s
	if !s.charged[db].Load() {
		return o, nil
	}
	o.Expiry = int64(len(s.stripes)) * wheelBytes
	o.Index = s.tableBytes() - o.Expiry
	for i := range s.stripes {
		st := &s.stripes[i]
		if !t.enter(st) {
			return Overhead{}, ErrExclusive
		}
		if d := st.dbs[db]; d != nil {
			d.overhead(&st.arena, &o)
		}
		t.leave(st)
	}
	return o, nil
}

// overhead adds what a stripe's part of a database has in the arena, and its directories.
func (d *dbState) overhead(a *arena, o *Overhead) {
	segment := func(h *segHead) {
		if h.groups != 0 {
			o.Index += int64(a.size(int(h.groups) * groupBytes))
		}
	}
	for i := range d.subs {
		segment(&d.subs[i].head)
	}
	for i := range d.dirs {
		e := d.dirs[i].entries
		o.Index += int64(len(e)) * dirEntryBytes
		for j := range e {
			segment(&e[j].segHead) // zero where a segment has more than one entry, but in the first
		}
	}
	if w := d.wheel.s; w != nil {
		o.Expiry += int64(w.entries) * 8
	}
}
