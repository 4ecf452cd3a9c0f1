package wal

import (
	"fmt"
	"hash/crc32"
	"strings"
)

// A segment file begins with a header of 4096 bytes, of which the first 76 are used:
//
//	0       8         12           16     24      32          40         56           64            72    76
//	| magic | version | segment id | salt | epoch | first LSN | run id   | created ms | durable LSN | crc |
//	| 8 B   | u32     | u32        | u64  | u64   | u64       | 16 B     | u64        | u64         | u32 |
//
// crc is CRC-32C of the bytes before it. durable is the mark when the segment began, as in a frame.
// Of two segments the one with the larger id is the later one: what the other holds from its first LSN
// on is no part of the log.
const (
	segMagic      = "RRWALSEG"
	segVersion    = 1
	segHeaderSize = 4096
	segHeaderUsed = 72
)

// segHeader says what a segment file holds.
type segHeader struct {
	id      uint32
	salt    uint64 // random: part of every frame's checksum
	epoch   uint64
	first   LSN // of its first frame
	run     [16]byte
	created int64 // unix ms
	durable LSN   // when it was created
}

// encode returns the 4096 bytes.
func (h *segHeader) encode() []byte {
	b := make([]byte, segHeaderSize)
	copy(b, segMagic)
	le.PutUint32(b[8:], segVersion)
	le.PutUint32(b[12:], h.id)
	le.PutUint64(b[16:], h.salt)
	le.PutUint64(b[24:], h.epoch)
	le.PutUint64(b[32:], uint64(h.first))
	copy(b[40:56], h.run[:])
	le.PutUint64(b[56:], uint64(h.created))
	le.PutUint64(b[64:], uint64(h.durable))
	le.PutUint32(b[segHeaderUsed:], crc32.Checksum(b[:segHeaderUsed], castagnoli))
	return b
}

// decodeSegHeader reads a header. A file that was never used holds zeros, which is an error too.
func decodeSegHeader(b []byte) (h segHeader, err error) {
	switch {
	case len(b) < segHeaderSize:
		return h, fmt.Errorf("%w: a segment of %d bytes has no header", ErrCorrupt, len(b))
	case string(b[:8]) != segMagic:
		return h, fmt.Errorf("%w: no segment header", ErrCorrupt)
	case le.Uint32(b[segHeaderUsed:]) != crc32.Checksum(b[:segHeaderUsed], castagnoli):
		return h, fmt.Errorf("%w: the checksum of the segment header is wrong", ErrCorrupt)
	case le.Uint32(b[8:]) != segVersion:
		return h, fmt.Errorf("wal: segment of version %d; this program reads version %d", le.Uint32(b[8:]), segVersion)
	}
	h = segHeader{
		id: le.Uint32(b[12:]), salt: le.Uint64(b[16:]), epoch: le.Uint64(b[24:]),
		first: LSN(le.Uint64(b[32:])), created: int64(le.Uint64(b[56:])),
		durable: LSN(le.Uint64(b[64:])),
	}
	copy(h.run[:], b[40:56])
	return h, nil
}

// Names in the data directory.
const (
	walDir      = "wal"
	snapDir     = "snap"
	segSuffix   = ".seg"
	sparePrefix = "spare-"
	tempSuffix  = ".tmp"
	tornSuffix  = ".torn"
	snapSuffix  = ".rrs"
)

// segName is the file of the segment that begins with first.
func segName(first LSN) string { return fmt.Sprintf("%s/%016x%s", walDir, uint64(first), segSuffix) }

// parseSegName is the inverse of segName for a name without its directory.
func parseSegName(name string) (first LSN, ok bool) {
	digits, ok := strings.CutSuffix(name, segSuffix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		switch {
		case c >= '0' && c <= '9':
			first = first<<4 | LSN(c-'0')
		case c >= 'a' && c <= 'f':
			first = first<<4 | LSN(c-'a'+10)
		default:
			return 0, false
		}
	}
	return first, true
}
