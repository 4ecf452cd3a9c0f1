package keyspace

import "bytes"

// Apply makes the change of one effect, with its key's stripe held (or inside
// Exclusive, which FLUSHALL, FLUSHDB and SWAPDB need). Every key counts as live
// and deadlines in the past are stored (K7). It returns ErrEffect for anything
// that is no effect, and the errors of the mutating methods.
func (t *Tx) Apply(argv [][]byte) error {
	was := t.Applying
	t.Applying = true
	defer func() { t.Applying = was }()
	if len(argv) == 0 {
		return ErrEffect
	}
	for i := range appliers {
		a := &appliers[i]
		if bytes.EqualFold(a.word, argv[0]) {
			if len(argv) < a.args || len(argv) > a.most {
				return ErrEffect
			}
			return a.apply(t, argv)
		}
	}
	return ErrEffect
}

// applier is one kind of effect: its word, its number of words, what it does.
type applier struct {
	word       []byte
	args, most int
	apply      func(t *Tx, argv [][]byte) error
}

var appliers = [...]applier{
	{cmdSet, 3, 6, applySet},
	{cmdDel, 2, 2, func(t *Tx, argv [][]byte) error {
		t.Delete(argv[1])
		return nil
	}},
	{cmdPExpireAt, 3, 3, applyPExpireAt},
	{cmdPersist, 2, 2, func(t *Tx, argv [][]byte) error {
		t.Persist(argv[1])
		return nil
	}},
	{cmdAppend, 3, 3, func(t *Tx, argv [][]byte) error {
		_, err := t.Append(argv[1], argv[2])
		return err
	}},
	{cmdSetRange, 4, 4, func(t *Tx, argv [][]byte) error {
		off, ok := parseInt(argv[2])
		if !ok || off < 0 {
			return ErrEffect
		}
		_, err := t.SetRange(argv[1], int(off), argv[3])
		return err
	}},
	{cmdFlushAll, 1, 1, func(t *Tx, _ [][]byte) error {
		t.FlushAll()
		return nil
	}},
	{cmdFlushDB, 1, 1, func(t *Tx, _ [][]byte) error {
		t.FlushDB()
		return nil
	}},
	{cmdSwapDB, 3, 3, applySwapDB},
}

func applySet(t *Tx, argv [][]byte) error {
	ttl, set := NoTTL, (*Tx).SetBytes
	for i := 3; i < len(argv); i++ {
		switch {
		case bytes.EqualFold(argv[i], wordRaw):
			set = (*Tx).SetRaw
		case bytes.EqualFold(argv[i], wordText):
			set = (*Tx).SetText
		case bytes.EqualFold(argv[i], wordKeepTTL):
			ttl = KeepTTL
		case bytes.EqualFold(argv[i], wordPXAT) && i+1 < len(argv):
			i++
			ms, ok := parseInt(argv[i])
			if !ok {
				return ErrEffect
			}
			ttl = At(ms)
		default:
			return ErrEffect
		}
	}
	return set(t, argv[1], argv[2], ttl)
}

func applyPExpireAt(t *Tx, argv [][]byte) error {
	ms, ok := parseInt(argv[2])
	if !ok {
		return ErrEffect
	}
	t.ExpireAt(argv[1], ms)
	return nil
}

func applySwapDB(t *Tx, argv [][]byte) error {
	a, okA := parseInt(argv[1])
	b, okB := parseInt(argv[2])
	n := int64(t.s.opts.Databases)
	if !okA || !okB || a < 0 || a >= n || b < 0 || b >= n {
		return ErrEffect
	}
	t.SwapDB(int(a), int(b))
	return nil
}
