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
//	| magic| len  | crc  | count| base LSN| durable LSN | unix ms | segid | flags | entries
//	| u32  | u32  | u32  | u32  | u64     | u64         | u64     | u32   | u32   | len bytes
//
//	entry: | len u32 | slot u16 | db 14 bits, flags 2 bits | len bytes of effect |
//
// crc is CRC-32C over bytes 12 to 48+len, started from the salt of the segment, so that
// neither a stale frame of a recycled file nor a client's value passes for one. durable is the mark
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
	le.PutUint32(f.Bytes[40:], segid)
	le.PutUint32(f.Bytes[8:], frameCRC(f.Bytes, salt))
}

func frameCRC(b []byte, salt uint64) uint32 {
	var s [8]byte
	le.PutUint64(s[:], salt)
	return crc32.Update(crc32.Checksum(s[:], castagnoli), castagnoli, b[12:])
}

// openFrame checks the frame that begins at b for a segment, and that its first LSN is want. The frame's Bytes
// are a part of b. why says what is wrong; at the end of what was ever written that is the rule.
func openFrame(b []byte, segid uint32, salt uint64, want LSN) (f Frame, why string) {
	if len(b) < FrameHeader {
		return f, "no room for a header"
	}
	if le.Uint32(b) != frameMagic {
		return f, "no frame begins here"
	}
	n := int(le.Uint32(b[4:]))
	if n > len(b)-FrameHeader {
		return f, "the frame is longer than what is left"
	}
	if le.Uint32(b[40:]) != segid {
		return f, "the frame belongs to another segment"
	}
	b = b[: FrameHeader+n : FrameHeader+n]
	if le.Uint32(b[8:]) != frameCRC(b, salt) {
		return f, "the checksum is wrong"
	}
	f = Frame{Base: LSN(le.Uint64(b[16:])), Count: int(le.Uint32(b[12:])), Bytes: b}
	if f.Base != want {
		return f, fmt.Sprintf("the frame begins with LSN %d, not %d", f.Base, want)
	}
	if err := checkEntries(f.Entries(), f.Count); err != nil {
		return f, err.Error()
	}
	return f, ""
}

// appendEntry appends an entry whose effect is written by its parts, one behind the other.
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
	var group []Entry
	lsn, b := f.Base, f.Entries()
	for range f.Count {
		e, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("%w: a cut entry in the batch of LSN %d", ErrCorrupt, f.Base)
		}
		b = rest
		group = append(group, e)
		if e.Flags&More == 0 {
			if err := visit(lsn, group); err != nil {
				return err
			}
			lsn += LSN(len(group))
			group = group[:0]
		}
	}
	return nil
}
