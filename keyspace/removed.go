package keyspace

// Removal says why a key went that no command removed.
type Removal uint8

const (
	// Expired keys had a deadline that has passed.
	Expired Removal = iota
	// Evicted keys made room for others.
	Evicted
)

// OnRemoved lets f be called for each key that no command removes, under the
// stripe's lock just before it goes, or just after if another value took its place, with
// the key's database; key is only valid during the call. nil ends that. f must not block and must not reach for
// keys with the Tx.
func (s *Space) OnRemoved(f func(t *Tx, db int, key []byte, why Removal)) {
	if f == nil {
		s.told.Store(nil)
		return
	}
	s.told.Store(&f)
}

// tellRemoved calls what OnRemoved set.
func (t *Tx) tellRemoved(p *place, key []byte, why Removal) {
	if f := t.s.told.Load(); f != nil {
		(*f)(t, p.db, key, why)
	}
}
