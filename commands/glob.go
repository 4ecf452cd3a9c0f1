package commands

import (
	"bytes"

	"github.com/reredis/reredis/keyspace"
)

// globHint tells where keys that match pattern can be: if it begins with literal text that
// holds a complete {tag}, or has no special bytes at all, they are all in one slot.
func globHint(pattern []byte) keyspace.ScanHint {
	special := bytes.IndexAny(pattern, `*?[\`)
	if special < 0 {
		return keyspace.ScanHint{Slot: int(keyspace.Slot(pattern))}
	}
	literal := pattern[:special]
	_, tag, found := bytes.Cut(literal, []byte("{"))
	if !found || bytes.IndexByte(tag, '}') <= 0 {
		return keyspace.AnySlot
	}
	return keyspace.ScanHint{Slot: int(keyspace.Slot(literal))}
}
