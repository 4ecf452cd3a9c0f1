package wal

import "bytes"

// barrier is what an entry of BarrierSlot does, as far as snapshots must know.
type barrier uint8

const (
	barrierOther    barrier = iota
	barrierFlushAll         // empties all databases
	barrierFlushDB          // empties the entry's database
	barrierSwap             // exchanges two databases
)

var barrierWords = []struct {
	effect []byte // how the effect begins
	does   barrier
}{
	{[]byte("*1\r\n$8\r\nFLUSHALL\r\n"), barrierFlushAll},
	{[]byte("*1\r\n$7\r\nFLUSHDB\r\n"), barrierFlushDB},
	{[]byte("*3\r\n$6\r\nSWAPDB\r\n"), barrierSwap},
}

func barrierOf(e *Entry) barrier {
	for i := range barrierWords {
		if bytes.HasPrefix(e.Effect, barrierWords[i].effect) {
			return barrierWords[i].does
		}
	}
	return barrierOther
}

// flushes are the last LSNs at which databases were emptied.
type flushes struct {
	all LSN
	dbs map[uint16]LSN
}

// note takes a barrier into account and says whether it empties anything.
func (f *flushes) note(lsn LSN, e *Entry) bool {
	switch barrierOf(e) {
	case barrierFlushAll:
		f.all = lsn
	case barrierFlushDB:
		if f.dbs == nil {
			f.dbs = map[uint16]LSN{}
		}
		f.dbs[e.DB] = lsn
	default:
		return false
	}
	return true
}

// of returns the LSN at which a database was emptied last, 0 if never.
func (f *flushes) of(db uint16) LSN { return max(f.all, f.dbs[db]) }
