package wal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

var (
	le         = binary.LittleEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// A batch frame has a header of 48 bytes, little endian, and then its entries:
//
//	0      4      8      12     16        24            32        40      44      48
//	| magic| len  | crc  | count| base LSN| durable LSN | unix ms | segid | tag   | entries
//	| u32  | u32  | u32  | u32  | u64     | u64         | u64     | u32   | u32   | len bytes
//
//	entry: | len u32 | slot u16 | db 14 bits, flags 2 bits | len bytes of effect |
//
// crc is CRC-32C over bytes 12 to 48+len, started from the lower half of the segment's salt, so that
// neither a stale frame of a recycled file nor a client's value passes for one. tag is the upper half: with the
// segment's id it tells, at any byte of the file and without a checksum, whether this looks like a frame of it. durable is the mark
// when the batch was built: it proves that frames before it were complete (section 10 of the
// design: a bad frame with an LSN at or below a later durable is corruption, not a torn tail).
const (
	frameMagic  = 0x66767252 // "Rrvf"
	FrameHeader = 48         // bytes before the entries of a frame
	entryHeader = 8
	maxDB       = 1<<14 - 1
)

// Frame is a batch: whole groups with consecutive LSNs.
type Frame struct {
	Base  LSN // of the first entry
	Count int
	// Bytes is the frame with its header. The backend seals the header for the place
	// where it writes it; the rest is not changed after Append.
	Bytes []byte
}

// Last is the LSN of the last entry.
func (f *Frame) Last() LSN { return f.Base + LSN(f.Count) - 1 }

// Entries are the bytes of the entries.
func (f *Frame) Entries() []byte { return f.Bytes[FrameHeader:] }

// Durable is the durable mark when the batch was built.
func (f *Frame) Durable() LSN { return LSN(le.Uint64(f.Bytes[24:])) }

// Millis is when the batch was built, in unix milliseconds.
func (f *Frame) Millis() int64 { return int64(le.Uint64(f.Bytes[32:])) }

// NewFrame makes a frame of groups, for those who feed a backend themselves. Log makes its own.
func NewFrame(base, durable LSN, millis int64, groups ...[]Entry) Frame {
	b, count := make([]byte, FrameHeader), 0
	for _, group := range groups {
		for i := range group {
			flags := group[i].Flags &^ More
			if i+1 < len(group) {
				flags |= More
			}
			b = appendEntry(b, group[i].Slot, group[i].DB, flags, group[i].Effect)
		}
		count += len(group)
	}
	return newFrame(b, base, count, durable, millis)
}

// newFrame writes all of the header that does not depend on the segment. b has room for the
// header in front of the entries, and becomes the frame's.
func newFrame(b []byte, base LSN, count int, durable LSN, millis int64) Frame {
	le.PutUint32(b[0:], frameMagic)
	le.PutUint32(b[4:], uint32(len(b)-FrameHeader))
	le.PutUint32(b[8:], 0)
	le.PutUint32(b[12:], uint32(count))
	le.PutUint64(b[16:], uint64(base))
	le.PutUint64(b[24:], uint64(durable))
	le.PutUint64(b[32:], uint64(millis))
	le.PutUint64(b[40:], 0)
	return Frame{Base: base, Count: count, Bytes: b}
}

// seal completes the header for a segment.
func (f *Frame) seal(segid uint32, salt uint64) {
	le.PutUint64(f.Bytes[40:], frameTag(segid, salt))
	le.PutUint32(f.Bytes[8:], frameCRC(f.Bytes, salt))
}

// frameTag is the segment's id and the tag, as they lie in the header.
func frameTag(segid uint32, salt uint64) uint64 { return uint64(segid) | salt>>32<<32 }

func frameCRC(b []byte, salt uint64) uint32 {
	return crc32.Update(uint32(salt), castagnoli, b[12:])
}

// openHeader checks the header of the frame that begins at b, of which left bytes are left in the file, but
// for its checksum. It returns the frame's length.
func openHeader(b []byte, left int64, segid uint32, salt uint64, want LSN) (n int64, why string) {
	if len(b) < FrameHeader || left < FrameHeader {
		return 0, "no room for a header"
	}
	n = FrameHeader + int64(le.Uint32(b[4:]))
	switch {
	case le.Uint32(b) != frameMagic:
		return 0, "no frame begins here"
	case le.Uint64(b[40:]) != frameTag(segid, salt):
		return 0, "the frame belongs to another segment"
	case n > left:
		return 0, "the frame is longer than what is left"
	case LSN(le.Uint64(b[16:])) != want:
		return 0, fmt.Sprintf("the frame begins with LSN %d, not %d", le.Uint64(b[16:]), want)
	case le.Uint32(b[12:]) == 0:
		return 0, "the frame is empty"
	}
	return n, ""
}

// frameAt is the frame that b is.
func frameAt(b []byte) Frame {
	return Frame{Base: LSN(le.Uint64(b[16:])), Count: int(le.Uint32(b[12:])), Bytes: b}
}

// openFrame checks the frame that begins at b for a segment, and that its first LSN is want. The frame's Bytes
// are a part of b. why says what is wrong; at the end of what was ever written that is the rule.
func openFrame(b []byte, segid uint32, salt uint64, want LSN) (f Frame, why string) {
	n, why := openHeader(b, int64(len(b)), segid, salt, want)
	if why != "" {
		return f, why
	}
	b = b[:n:n]
	if le.Uint32(b[8:]) != frameCRC(b, salt) {
		return f, "the checksum is wrong"
	}
	f = frameAt(b)
	if err := checkEntries(f.Entries(), f.Count); err != nil {
		return f, err.Error()
	}
	return f, ""
}

// appendEntry appends an entry.
func appendEntry(b []byte, slot, db uint16, flags Flags, effect []byte) []byte {
	b = le.AppendUint32(b, uint32(len(effect)))
	b = le.AppendUint16(b, slot)
	b = le.AppendUint16(b, db<<2|uint16(flags))
	return append(b, effect...)
}

// nextEntry splits the first entry off b. ok is false if b does not hold a whole one.
func nextEntry(b []byte) (e Entry, rest []byte, ok bool) {
	if len(b) < entryHeader {
		return e, b, false
	}
	n := uint64(le.Uint32(b))
	if n > uint64(len(b)-entryHeader) {
		return e, b, false
	}
	word := le.Uint16(b[6:])
	end := entryHeader + int(n)
	e = Entry{Slot: le.Uint16(b[4:]), DB: word >> 2, Flags: Flags(word & 3), Effect: b[entryHeader:end:end]}
	return e, b[end:], true
}

// checkEntries reports what is wrong with the entries of a frame whose checksum is right.
func checkEntries(b []byte, count int) error {
	more := false
	for i := range count {
		e, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("entry %d of %d is cut", i+1, count)
		}
		b, more = rest, e.Flags&More != 0
	}
	switch {
	case len(b) > 0:
		return fmt.Errorf("%d bytes behind the last entry", len(b))
	case more:
		return fmt.Errorf("the last group is cut")
	}
	return nil
}

// Groups calls visit for each group of a frame with the LSN of its first entry. The
// entries lie in the frame; the slice is reused.
func (f *Frame) Groups(visit func(first LSN, group []Entry) error) error {
	b := f.batch()
	return b.Groups(visit)
}
