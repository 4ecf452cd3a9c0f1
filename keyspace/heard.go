package keyspace

// OnAdded lets f be called for each key that comes into being, under the stripe's
// lock just after it has; key is only valid during the call. nil ends that. f
// must not block and must not reach for keys with the Tx.
func (s *Space) OnAdded(f func(t *Tx, db int, key []byte)) { s.added.Store(listener(f)) }

// OnMissed is OnAdded for each key that Look did not find.
func (s *Space) OnMissed(f func(t *Tx, db int, key []byte)) { s.missed.Store(listener(f)) }

func listener(f func(t *Tx, db int, key []byte)) *func(*Tx, int, []byte) {
	if f == nil {
		return nil
	}
	return &f
}

// tellAdded calls what OnAdded set.
func (t *Tx) tellAdded(db int, key []byte) {
	if f := t.s.added.Load(); f != nil {
		(*f)(t, db, key)
	}
}

// tellMissed calls what OnMissed set. It is no part of Look, which would become slower where it
// finds something.
//
//go:noinline
func (t *Tx) tellMissed(key []byte) {
	if f := t.s.missed.Load(); f != nil {
		(*f)(t, t.DB, key)
	}
}
