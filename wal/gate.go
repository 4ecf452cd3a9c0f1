package wal

// gates remember the last LSN of each slot and of each database's barriers. A slot's is read and
// written under the lock of its stripe, a database's in an exclusive phase or under the lock of any
// stripe, so none needs a lock of its own.
type gates struct {
	slots   [1 << 14]LSN
	barrier []LSN // by database
}

func (g *gates) init(databases int, last LSN) {
	g.barrier = make([]LSN, max(1, databases))
	for i := range g.barrier {
		g.barrier[i] = last
	}
}

// note records an entry of the group that ends with last. A barrier without a database of its own
// concerns all.
func (g *gates) note(e *Entry, last LSN) {
	if e.Slot != BarrierSlot {
		g.slots[e.Slot] = last
		return
	}
	for i := range g.barrier {
		g.barrier[i] = last
	}
}

// Gate is the LSN that a reply waits for which tells of a slot, or of its emptiness. The slot's stripe is held.
func (l *Log) Gate(db int, slot uint16) LSN {
	return max(l.gates.slots[slot], l.gates.barrier[db])
}
