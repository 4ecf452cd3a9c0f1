package wal

import (
	"fmt"
	"sort"
)

// guard knows up to which LSN each fragment of each slot of each database is contained in the ranges of a
// snapshot: entries of its tail up to there are not applied again (W4). While it is
// filled it checks that every fragment is in exactly one range (W7).
type guard struct {
	dbs     []*dbGuard
	next    uint64 // slot and fragment behind the last range of the last database
	flushed flushes
}

// dbGuard is a guard of one database.
type dbGuard struct {
	slots   [numSlots]LSN // split: see parts
	covered int
	parts   map[uint16][]slotPart
	seen    [numSlots]bool
}

// slotPart is a range of a slot that has several.
type slotPart struct {
	hi uint32
	l  LSN
}

const splitSlot = ^LSN(0)

// db returns the guard of the database that frames come of.
func (g *guard) db(db uint16) (*dbGuard, error) {
	switch n := len(g.dbs); {
	case n > 0 && int(db) == n-1:
		return g.dbs[db], nil
	case int(db) == n:
		if err := g.complete(); err != nil {
			return nil, err
		}
		g.dbs = append(g.dbs, &dbGuard{})
		return g.dbs[db], nil
	}
	return nil, fmt.Errorf("%w: database %d in a snapshot behind %d", ErrCorrupt, db, len(g.dbs)-1)
}

// complete checks that the last database is there in full.
func (g *guard) complete() error {
	if n := len(g.dbs); n > 0 && (g.dbs[n-1].covered != numSlots || g.next != 0) {
		return fmt.Errorf("%w: a snapshot has %d slots of database %d", ErrCorrupt, g.dbs[n-1].covered, n-1)
	}
	return nil
}

// addRange adds a range with keys.
func (g *guard) addRange(f *SnapFrame) error {
	d, err := g.db(f.DB)
	if err != nil {
		return err
	}
	at := uint64(f.Slot)<<32 | uint64(f.Lo)
	if f.Slot >= numSlots || f.Lo > f.Hi || d.seen[f.Slot] || (f.Lo == 0) != (g.next == 0) || f.Lo > 0 && at != g.next {
		return fmt.Errorf("%w: fragments %#x to %#x of slot %d of database %d in a snapshot", ErrCorrupt, f.Lo, f.Hi, f.Slot, f.DB)
	}
	last := f.Hi == ^uint32(0)
	switch {
	case f.Lo == 0 && last:
		d.slots[f.Slot] = f.L
	default:
		if d.parts == nil {
			d.parts = map[uint16][]slotPart{}
		}
		d.slots[f.Slot] = splitSlot
		d.parts[f.Slot] = append(d.parts[f.Slot], slotPart{f.Hi, f.L})
	}
	if g.next = at + uint64(f.Hi-f.Lo) + 1; last {
		g.next = 0
		d.seen[f.Slot] = true
		d.covered++
	}
	return nil
}

// addTable adds the empty slots of a database.
func (g *guard) addTable(f *SnapFrame) error {
	d, err := g.db(f.DB)
	if err != nil {
		return err
	}
	runs, err := decodeSlotTable(f.Data)
	if err != nil {
		return err
	}
	for _, r := range runs {
		for slot := int(r.First); slot <= int(r.Last); slot++ {
			if d.seen[slot] {
				return fmt.Errorf("%w: slot %d of database %d is in a snapshot twice", ErrCorrupt, slot, f.DB)
			}
			d.seen[slot] = true
			d.slots[slot] = r.L
			d.covered++
		}
	}
	return nil
}

// contains says whether an entry is contained already. fragment is asked for slots of several ranges.
func (g *guard) contains(lsn LSN, e *Entry, fragment func(*Entry) uint32) bool {
	if int(e.DB) >= len(g.dbs) || e.Slot >= numSlots {
		return false
	}
	if lsn <= g.flushed.of(e.DB) {
		return true
	}
	d := g.dbs[e.DB]
	l := d.slots[e.Slot]
	if l == splitSlot {
		parts, frag := d.parts[e.Slot], fragment(e)
		l = parts[sort.Search(len(parts), func(i int) bool { return parts[i].hi >= frag })].l
	}
	return lsn <= l
}
