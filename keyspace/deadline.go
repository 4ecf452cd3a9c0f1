package keyspace

// orderKey is a key's place in SCAN order, in the wheel and in eviction pools:
// slot (14 bits) | fragment (32 bits).
func orderKey(slot uint16, frag uint32) uint64 { return uint64(slot)<<32 | uint64(frag) }

// reserveDeadline makes sure that fileDeadline cannot fail.
func (p *place) reserveDeadline() error {
	return p.d.wheel.reserve(&p.st.arena)
}

// fileDeadline notes that the key of a place gets a deadline, and returns the
// record's flags. kind and prev are those of its record so far, kind 0 for none.
func (t *Tx) fileDeadline(p *place, kind uint8, prev, deadline int64) uint8 {
	d := p.d
	if kind&flagExpiry != 0 {
		d.ttlSum.Add(ttlShare(deadline) - ttlShare(prev))
	} else {
		d.expires.Add(1)
		d.ttlSum.Add(ttlShare(deadline))
	}
	return d.wheel.file(&p.st.arena, &p.st.due, p.db, orderKey(p.slot, p.frag), kind, prev, deadline, t.Now)
}

// dropDeadline notes that the key of a place loses its deadline, or goes.
func (t *Tx) dropDeadline(p *place) {
	p.d.expires.Add(-1)
	p.d.ttlSum.Add(-ttlShare(p.r.deadline()))
	p.d.wheel.drop(&p.st.due, p.db)
}

// ttlBase and ttlShare let the sum of a stripe's deadlines fit 64 bits: they
// count from 2020 on, and none more than 139 years.
const ttlBase = 1_600_000_000_000

func ttlShare(ms int64) int64 { return min(max(ms-ttlBase, 0), 1<<42) }
