package keyspace

import "strconv"

// The words of effects. Each changes one key and is self-contained:
//
//	SET key value [PXAT ms | KEEPTTL] [RAW | TEXT]
//	    RAW: the encoding stays "raw"; TEXT: what looks like a number is none
//	DEL key
//	PEXPIREAT key ms
//	PERSIST key
//	APPEND key tail
//	SETRANGE key offset value
//
// and with BarrierSlot FLUSHALL, FLUSHDB and SWAPDB a b.
var (
	cmdSet       = []byte("SET")
	cmdDel       = []byte("DEL")
	cmdPExpireAt = []byte("PEXPIREAT")
	cmdPersist   = []byte("PERSIST")
	cmdAppend    = []byte("APPEND")
	cmdSetRange  = []byte("SETRANGE")
	cmdFlushAll  = []byte("FLUSHALL")
	cmdFlushDB   = []byte("FLUSHDB")
	cmdSwapDB    = []byte("SWAPDB")
	wordPXAT     = []byte("PXAT")
	wordKeepTTL  = []byte("KEEPTTL")
	wordRaw      = []byte("RAW")
	wordText     = []byte("TEXT")
)

// number formats n into the i-th scratch buffer for numbers.
func (t *Tx) number(i int, n int64) []byte { return strconv.AppendInt(t.numbers[i][:0], n, 10) }

// emit gives the effect in the first n words of t.argv to the Sink. It is called
// before anything changes.
func (t *Tx) emit(p *place, argv [][]byte) {
	t.Sink.Effect(p.db, p.slot, argv)
	clear(argv)
}

// emitKey emits an effect of a word and a key that the received command does
// not stand for.
func (t *Tx) emitKey(p *place, word, key []byte) {
	if t.Sink != nil {
		t.emit(p, append(t.argv[:0], word, key))
	}
}

// emitOwn emits the effect that a command is about, or says that the command
// is its own effect.
func (t *Tx) emitOwn(p *place, argv [][]byte) {
	if t.Raw {
		argv = nil
	}
	t.emit(p, argv)
}

// emitSet emits SET key value with its options. It sees the TTL as it was asked
// for, and whether the key exists: KEEPTTL of an absent or expired key keeps nothing.
func (t *Tx) emitSet(p *place, key, val, as []byte, ttl TTL) {
	if t.Raw {
		t.Sink.Effect(p.db, p.slot, nil)
		return
	}
	argv := append(t.argv[:0], cmdSet, key, val)
	switch {
	case ttl.kind == ttlAt:
		argv = append(argv, wordPXAT, t.number(1, ttl.ms))
	case ttl.kind == ttlKeep && p.live():
		argv = append(argv, wordKeepTTL)
	}
	if as != nil {
		argv = append(argv, as)
	}
	t.emit(p, argv)
}
