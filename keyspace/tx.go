package keyspace

// Tx is one goroutine's access to a Space.
type Tx struct {
	DB       int
	Now      int64
	Sink     Sink
	Raw      bool
	Applying bool

	s *Space
}

// NewTx makes a Tx.
func (s *Space) NewTx() *Tx { return &Tx{s: s} }

// Space returns the Space that the Tx belongs to.
func (t *Tx) Space() *Space { return t.s }

func (t *Tx) LockKey(key []byte) bool                                     { return true }
func (t *Tx) LockKeys(keys [][]byte) bool                                 { return true }
func (t *Tx) Unlock()                                                     {}
func (t *Tx) Exclusive(run func()) (ok bool)                              { run(); return true }
func (t *Tx) Look(key []byte) (Item, bool)                                { return Item{}, false }
func (t *Tx) Peek(key []byte) (Item, bool)                                { return Item{}, false }
func (t *Tx) SetBytes(key, val []byte, ttl TTL) error                     { return nil }
func (t *Tx) SetRaw(key, val []byte, ttl TTL) error                       { return nil }
func (t *Tx) SetInt(key []byte, n int64, ttl TTL) error                   { return nil }
func (t *Tx) Append(key, tail []byte) (n int, err error)                  { return 0, nil }
func (t *Tx) SetRange(key []byte, off int, val []byte) (n int, err error) { return 0, nil }
func (t *Tx) Delete(key []byte) bool                                      { return false }
func (t *Tx) ExpireAt(key []byte, ms int64) bool                          { return false }
func (t *Tx) Persist(key []byte) bool                                     { return false }
func (t *Tx) Rename(src, dst []byte) (ok bool, err error)                 { return false, nil }
func (t *Tx) Copy(src []byte, dstDB int, dst []byte, replace bool) (ok bool, err error) {
	return false, nil
}
func (t *Tx) Move(key []byte, dstDB int) (ok bool, err error)       { return false, nil }
func (t *Tx) Apply(argv [][]byte) error                             { return nil }
func (t *Tx) Count() int64                                          { return 0 }
func (t *Tx) Counts(db int) (keys, expires, avgTTLms int64)         { return 0, 0, 0 }
func (t *Tx) RandomKey(dst []byte) (key []byte, ok bool, err error) { return nil, false, nil }
func (t *Tx) Scan(cursor uint64, count int, only ScanHint, emit func(key []byte, it Item)) (next uint64, err error) {
	return 0, nil
}
func (t *Tx) Keys(only ScanHint, emit func(key []byte, it Item)) error { return nil }
func (t *Tx) FlushAll()                                                {}
func (t *Tx) FlushDB()                                                 {}
func (t *Tx) SwapDB(a, b int)                                          {}
