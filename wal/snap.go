package wal

import (
	"fmt"

	"github.com/klauspost/compress/s2"
)

// A frame of a snapshot has a header of 48 bytes, little endian, and then its data:
//
//	0     4     8     12     13      14   16     18    20  24  28     32  40        44
//	| magic| len | crc | kind | flags | db | slot | 0   | lo| hi| keys | L | raw len | number | data
//	| u32  | u32 | u32 | u8   | u8    | u16| u16  | u16 | u32 u32 u32  |u64| u32     | u32    | len bytes
//
// crc is CRC-32C over bytes 12 to 48+len, started from the snapshot's id. number counts the frames from 0
// on. raw len is the length of the data once it is decompressed. The data is, by kind,
//
//	SnapRange   keys entries, as in the log, one for each key of a range of a slot; they contain the log up to L
//	SnapTable   runs of slots of the database that were empty: | first u16 | last u16 | 0 u32 | L u64 |
//	SnapTail    keys entries of the log, the first of which has the LSN L
//
// The frames of a database come together, its ranges in the order of slot and fragment, its table behind them; the tail
// comes last.
const (
	snapMagic   = 0x73767252 // "Rrvs"
	snapHeader  = 48
	snapRunSize = 16

	snapFlagS2 = 1 // the data is compressed

	// AllSlots stands for all slots of a database in a frame without keys.
	AllSlots = 0xFFFF
	numSlots = 1 << 14
)

// snapEncoder encodes the frames of a snapshot.
type snapEncoder struct {
	id       SnapID
	compress bool
	number   uint32
	buf      []byte
}

// encode returns a frame; it is valid until the next call.
func (e *snapEncoder) encode(f *SnapFrame) ([]byte, error) {
	if uint64(len(f.Data)) > 1<<32-1 {
		return nil, fmt.Errorf("wal: %d bytes in a frame of a snapshot", len(f.Data))
	}
	need := len(f.Data)
	if e.compress {
		if need = s2.MaxEncodedLen(need); need < 0 {
			return nil, fmt.Errorf("wal: %d bytes in a compressed frame of a snapshot", len(f.Data))
		}
	}
	if cap(e.buf) < snapHeader+need || cap(e.buf) > 8<<20 {
		e.buf = make([]byte, snapHeader+need)
	}
	b := e.buf[:snapHeader]
	clear(b)
	var data []byte
	if e.compress {
		if data = s2.Encode(e.buf[snapHeader:cap(e.buf)], f.Data); len(data) < len(f.Data) {
			b[13] = snapFlagS2
		} else {
			data = nil
		}
	}
	if b[13] == 0 {
		b = append(b, f.Data...)
	} else {
		b = e.buf[:snapHeader+len(data)]
	}
	le.PutUint32(b, snapMagic)
	le.PutUint32(b[4:], uint32(len(b)-snapHeader))
	b[12] = byte(f.Kind)
	le.PutUint16(b[14:], f.DB)
	le.PutUint16(b[16:], f.Slot)
	le.PutUint32(b[20:], f.Lo)
	le.PutUint32(b[24:], f.Hi)
	le.PutUint32(b[28:], f.Keys)
	le.PutUint64(b[32:], uint64(f.L))
	le.PutUint32(b[40:], uint32(len(f.Data)))
	le.PutUint32(b[44:], e.number)
	le.PutUint32(b[8:], frameCRC(b, uint64(e.id)))
	e.number++
	return b, nil
}

// snapFrameSize returns the length of the frame that begins with a header, 0 if none begins there.
func snapFrameSize(header []byte) int64 {
	if len(header) < snapHeader || le.Uint32(header) != snapMagic {
		return 0
	}
	return snapHeader + int64(le.Uint32(header[4:]))
}

// peekSnapFrame returns a frame without its data, which nobody has checked yet.
func peekSnapFrame(b []byte) (f SnapFrame, err error) {
	if snapFrameSize(b) != int64(len(b)) {
		return f, fmt.Errorf("%w: no frame of a snapshot begins here", ErrCorrupt)
	}
	return SnapFrame{
		Kind: SnapKind(b[12]), DB: le.Uint16(b[14:]), Slot: le.Uint16(b[16:]),
		Lo: le.Uint32(b[20:]), Hi: le.Uint32(b[24:]), Keys: le.Uint32(b[28:]), L: LSN(le.Uint64(b[32:])),
	}, nil
}

// decodeSnapFrame checks a frame. Its data lies in b, or in scratch if that was large enough to
// decompress it.
func decodeSnapFrame(b []byte, id SnapID, number uint32, scratch []byte) (f SnapFrame, err error) {
	if f, err = peekSnapFrame(b); err != nil {
		return f, err
	}
	switch {
	case le.Uint32(b[8:]) != frameCRC(b, uint64(id)):
		return f, fmt.Errorf("%w: the checksum of frame %d of a snapshot is wrong", ErrCorrupt, number)
	case le.Uint32(b[44:]) != number:
		return f, fmt.Errorf("%w: frame %d of a snapshot stands where %d should", ErrCorrupt, le.Uint32(b[44:]), number)
	}
	f.Data = b[snapHeader:len(b):len(b)]
	if b[13]&snapFlagS2 != 0 {
		raw := le.Uint32(b[40:])
		if n, err := s2.DecodedLen(f.Data); err != nil || n != int(raw) {
			return f, fmt.Errorf("%w: the compressed frame %d of a snapshot is no such thing", ErrCorrupt, number)
		}
		if f.Data, err = s2.Decode(scratch[:cap(scratch)], f.Data); err != nil {
			return f, fmt.Errorf("%w: frame %d of a snapshot: %w", ErrCorrupt, number, err)
		}
	}
	if len(f.Data) != int(le.Uint32(b[40:])) {
		return f, fmt.Errorf("%w: frame %d of a snapshot has %d bytes, not %d", ErrCorrupt, number, len(f.Data), le.Uint32(b[40:]))
	}
	return f, nil
}

// slotRun is slots First to Last of a database that were empty when the log reached L.
type slotRun struct {
	First, Last uint16
	L           LSN
}

// slotTable collects such slots in their order.
type slotTable struct{ runs []slotRun }

// add adds a slot, or AllSlots.
func (t *slotTable) add(slot uint16, l LSN) {
	if slot == AllSlots {
		t.runs = append(t.runs, slotRun{0, numSlots - 1, l})
		return
	}
	if n := len(t.runs); n > 0 && t.runs[n-1].Last+1 == slot && t.runs[n-1].L == l {
		t.runs[n-1].Last = slot
		return
	}
	t.runs = append(t.runs, slotRun{slot, slot, l})
}

func (t *slotTable) encode() []byte {
	b := make([]byte, 0, len(t.runs)*snapRunSize)
	for _, r := range t.runs {
		b = le.AppendUint16(b, r.First)
		b = le.AppendUint16(b, r.Last)
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(r.L))
	}
	return b
}

func decodeSlotTable(b []byte) (runs []slotRun, err error) {
	if len(b)%snapRunSize != 0 {
		return nil, fmt.Errorf("%w: a table of slots of %d bytes", ErrCorrupt, len(b))
	}
	for ; len(b) > 0; b = b[snapRunSize:] {
		r := slotRun{le.Uint16(b), le.Uint16(b[2:]), LSN(le.Uint64(b[8:]))}
		if r.First > r.Last || r.Last >= numSlots {
			return nil, fmt.Errorf("%w: slots %d to %d in a table", ErrCorrupt, r.First, r.Last)
		}
		runs = append(runs, r)
	}
	return runs, nil
}
