package memfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

const sector = 512

// Crash cuts the power and returns what the next start finds: what was synced, and of the rest
// what chance leaves. f itself answers ErrOff from then on.
func (f *FS) Crash(rng *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.off = true
	after := New(rng.Uint64())
	after.dirs, after.capacity = f.dirs, f.capacity
	after.names = maps.Clone(f.synced)
	survive(rng, f.pending, after.names)

	luck := rng.IntN(4) // 0: nothing that was not synced survives, 1: all, otherwise as it comes
	found := map[*inode]*inode{}
	for _, name := range slices.Sorted(maps.Keys(after.names)) { // the same order each time
		n := after.names[name]
		if found[n] == nil {
			disk := slices.Clone(n.disk)
			for _, w := range n.dirty {
				switch luck {
				case 0:
				case 1:
					disk = w.apply(disk)
				default:
					disk = w.survive(rng, disk)
				}
			}
			found[n] = &inode{data: slices.Clone(disk), disk: disk, links: 1}
			after.used += int64(len(disk))
		}
		after.names[name] = found[n]
	}
	after.synced = maps.Clone(after.names)
	return after
}

// survive makes some of the changes of names. A change that is lost takes with it the later ones of the
// same names or file, and in half of the cases all later ones.
func survive(rng *rand.Rand, changes []rename, names map[string]*inode) {
	inOrder := rng.IntN(2) == 0
	odds := rng.IntN(5) // of 4
	lostNames, lostNodes := map[string]bool{}, map[*inode]bool{}
	for _, r := range changes {
		lost := rng.IntN(4) >= odds || inOrder && len(lostNames) > 0 ||
			lostNames[r.from] || lostNames[r.to] || lostNodes[r.node]
		if !lost {
			r.apply(names)
			continue
		}
		for _, name := range []string{r.from, r.to} {
			if name != "" {
				lostNames[name] = true
			}
		}
		if r.node != nil {
			lostNodes[r.node] = true
		}
	}
}

// survive applies what a crash leaves of a write.
func (w write) survive(rng *rand.Rand, disk []byte) []byte {
	if w.data == nil {
		if rng.IntN(2) == 0 {
			disk = w.apply(disk)
		}
		return disk
	}
	switch rng.IntN(5) {
	case 0: // lost
	case 1:
		disk = w.apply(disk)
	case 2: // cut at a byte
		disk = w.part(disk, 0, rng.IntN(len(w.data)+1))
	case 3: // the length is there, the data is not
		if end := int(w.off) + len(w.data); end > len(disk) {
			disk = resize(disk, end)
		}
	default: // some of its sectors
		odds := 1 + rng.IntN(4)
		for at := 0; at < len(w.data); {
			end := min(len(w.data), at+sector-(int(w.off)+at)%sector)
			if rng.IntN(5) < odds {
				disk = w.part(disk, at, end)
			}
			at = end
		}
	}
	return disk
}

// part applies the bytes lo to hi of a write.
func (w write) part(disk []byte, lo, hi int) []byte {
	if lo == hi {
		return disk
	}
	return write{w.off + int64(lo), w.data[lo:hi]}.apply(disk)
}
