package keyspace

import "bytes"

// view is a copy that ViewCopy gave out instead of a slice of the arena, and
// what it held then: nobody may write to it.
type view struct{ given, kept []byte }

// viewOf returns a copy of b in the mode ViewCopy.
func (t *Tx) viewOf(b []byte) []byte {
	if t.s.opts.Arena&ViewCopy == 0 {
		return b
	}
	v := view{given: bytes.Clone(b), kept: bytes.Clone(b)}
	if v.given == nil {
		v.given = []byte{}
	}
	t.views = append(t.views, v)
	return v.given
}

// endViews poisons all views: the slices that they stand for are not valid any more (K6).
func (t *Tx) endViews() {
	for i := range t.views {
		v := &t.views[i]
		if !bytes.Equal(v.given, v.kept) {
			panic("keyspace: a slice of the arena was written outside (K6)")
		}
		fillPoison(v.given)
	}
	clear(t.views)
	t.views = t.views[:0]
}
