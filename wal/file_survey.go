package wal

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
)

// CorruptError is damage in a part of the log that was durable. It is ErrCorrupt to errors.Is.
type CorruptError struct {
	File        string
	Offset      int64
	First, Last LSN // what is lost, as far as it is known
	Why         string
}

// Error says where the damage is and what can be done.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("wal: corrupt: %s, offset %d, LSN %d to %d: %s. This was durable, so it is damage and no unfinished write. "+
		"Restore a backup, or sync from a replica, or give up all from LSN %d on: reredis wal repair --cut-at %d",
		e.File, e.Offset, e.First, e.Last, e.Why, e.First, e.First-1)
}

// Unwrap returns ErrCorrupt.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

// TornError is a torn tail that was not to be cut off.
type TornError struct {
	File   string
	Offset int64
	After  LSN // the last good one
	Bytes  int64
	Why    string
}

// Error says where it is and what can be done.
func (e *TornError) Error() string {
	return fmt.Sprintf("wal: %s, offset %d: the log ends unfinished after LSN %d (%s), with %d bytes that nobody was told are durable. "+
		"Start with wal.torn_tail keep, which moves them to a file beside, or: reredis wal repair --cut-at %d",
		e.File, e.Offset, e.After, e.Why, e.Bytes, e.After)
}

// survey is what a data directory holds. Making one changes nothing.
type survey struct {
	m       *manifest
	names   []string // in walDir
	segs    []*found // of the log, in order; those of an unfinished tail at the end
	useless []string // segments that hold nothing of the log
	bad     []string // segments behind the stop that can not be read
	nextID  uint32
	need    LSN // the first LSN that must be there
	end     ending
	proof   LSN   // durable for certain
	torn    int64 // bytes of an unfinished tail
}

// found is a segment that was found.
type found struct {
	*segment
	limit LSN // it is left behind that LSN; noLimit if it is not
}

// noLimit is the limit of a segment that nothing cuts.
const noLimit = LSN(math.MaxUint64)

// ending is where the good part of the log ends.
type ending struct {
	at   int    // index of the segment, -1 if there is none
	off  int64  // of what follows the last good frame
	next LSN    // the LSN that would follow
	why  string // what follows is no good frame
}

// file is where it is, for people.
func (e *ending) file(v *survey) string {
	if e.at < 0 {
		return walDir
	}
	return v.segs[e.at].name
}

// survey reads the directory: segments from the LSN from on, or the start of the MANIFEST, are checked. The search
// ends behind the LSN stop, or noLimit, whatever follows.
func (b *FileBackend) survey(m *manifest, from, stop LSN) (*survey, error) {
	v := &survey{m: m, need: max(from, m.First, 1), proof: m.Proven, nextID: 1}
	var err error
	if v.names, err = b.fs.List(walDir); err != nil {
		return nil, err
	}
	if err := b.findSegments(v, stop); err != nil {
		return nil, err
	}
	return v, b.findEnd(v, stop)
}

// findSegments reads the headers.
func (b *FileBackend) findSegments(v *survey, stop LSN) error {
	var all []*found
	for _, base := range v.names {
		first, ok := parseSegName(base)
		if !ok {
			continue
		}
		name := walDir + "/" + base
		s, err := b.readHeader(name)
		if err == nil && s.first != first {
			err = fmt.Errorf("%w: the header is one of LSN %d", ErrCorrupt, s.first)
		}
		switch {
		case err == nil && v.m.Off != nil && s.id >= v.m.Off.Spool && !b.broken.noSpool:
			v.nextID = max(v.nextID, s.id+1)
			v.useless = append(v.useless, name)
		case err == nil:
			v.nextID = max(v.nextID, s.id+1)
			all = append(all, &found{segment: s, limit: noLimit})
		case !errors.Is(err, ErrCorrupt):
			return fmt.Errorf("%s: %w", name, err)
		case first < v.m.First, v.m.Off != nil && first > v.m.Off.Last:
			v.useless = append(v.useless, name)
		case first > stop:
			v.bad = append(v.bad, name)
		default:
			return &CorruptError{File: name, First: first, Last: max(first, v.m.Proven), Why: err.Error()}
		}
	}
	slices.SortFunc(all, func(x, y *found) int { return cmp.Compare(x.id, y.id) })
	for i, s := range all {
		for _, later := range all[i+1:] {
			if !b.broken.noOrder {
				s.limit = min(s.limit, later.first-1)
			}
		}
		for _, c := range v.m.Cuts {
			if s.id < c.Below {
				s.limit = min(s.limit, c.After)
			}
		}
		if v.m.Off != nil && !b.broken.noSpool {
			s.limit = min(s.limit, v.m.Off.Last)
		}
		if s.limit < s.first || s.limit < v.m.First {
			v.useless = append(v.useless, s.name)
			continue
		}
		v.segs = append(v.segs, s)
	}
	for _, c := range v.m.Cuts {
		v.nextID = max(v.nextID, c.Below)
	}
	if v.m.Off != nil {
		v.nextID = max(v.nextID, v.m.Off.Spool)
	}
	slices.SortFunc(v.segs, func(x, y *found) int { return cmp.Compare(x.first, y.first) })
	var epoch uint64
	for _, s := range v.segs {
		if s.epoch < epoch {
			return &CorruptError{File: s.name, First: s.first, Last: max(s.first, v.m.Proven), Why: fmt.Sprintf("epoch %d after epoch %d", s.epoch, epoch)}
		}
		epoch = s.epoch
	}
	return nil
}

// readHeader opens a segment.
func (b *FileBackend) readHeader(name string) (*segment, error) {
	f, err := b.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	head := make([]byte, min(size, segHeaderSize))
	if err := readFull(f, head, 0); err != nil {
		return nil, err
	}
	h, err := decodeSegHeader(head)
	if err != nil {
		return nil, err
	}
	return &segment{segHeader: h, name: name, size: size, end: segHeaderSize, last: h.first - 1, synced: h.first - 1}, nil
}

// findEnd walks through the frames from v.need on.
func (b *FileBackend) findEnd(v *survey, stop LSN) error {
	at := -1
	for i, s := range v.segs {
		if s.first <= v.need {
			at = i
		}
	}
	for i := range max(at, 0) { // not needed, so not looked at
		s := v.segs[i]
		s.end, s.last = s.size, min(s.limit, v.segs[i+1].first-1)
	}
	v.end = ending{at: at, off: segHeaderSize, next: v.need, why: "no segment holds it"}
	for i := at; i >= 0 && i < len(v.segs); i++ {
		s := v.segs[i]
		if i > at && s.first != v.end.next {
			return nil
		}
		v.proof = max(v.proof, s.durable)
		var err error
		if v.end, err = b.walkSegment(v, i, stop); err != nil {
			return err
		}
		if v.end.next > stop {
			return nil
		}
	}
	return nil
}

// walkSegment finds the end of one segment.
func (b *FileBackend) walkSegment(v *survey, i int, stop LSN) (ending, error) {
	s := v.segs[i]
	file, err := b.fs.Open(s.name)
	if err != nil {
		return ending{}, err
	}
	defer file.Close()
	w := walk{b: b, s: s.segment, file: file, off: segHeaderSize, next: s.first, end: s.size, size: scanChunk, workers: runtime.GOMAXPROCS(0)}
	for {
		fs, why, err := w.chunk()
		if err != nil {
			return ending{}, err
		}
		for k := range fs {
			f := &fs[k]
			if f.Base <= s.limit && f.Last() > s.limit {
				why = fmt.Sprintf("the frame reaches over LSN %d, where the log goes on in another file", s.limit)
			}
			if f.Last() > s.limit || f.Base > stop {
				fs = fs[:k]
				if why == "" {
					why = "the log does not go on here"
				}
				break
			}
			v.proof = max(v.proof, f.Durable())
		}
		s.add(fs)
		if why != "" {
			return ending{at: i, off: s.end, next: s.last + 1, why: why}, nil
		}
	}
}

// judge looks for a proof that what follows the end was durable. If there is none, what follows is a torn tail.
func (b *FileBackend) judge(v *survey) error {
	e := &v.end
	seen := LSN(0)
	for i := max(e.at, 0); i < len(v.segs); i++ {
		s := v.segs[i]
		off := int64(segHeaderSize)
		if i == e.at {
			off = e.off
		} else {
			v.proof = max(v.proof, s.durable)
			seen = max(seen, s.first-1)
		}
		rel, err := b.relics(s, off, e.next)
		if err != nil {
			return err
		}
		v.proof = max(v.proof, rel.durable)
		seen = max(seen, rel.last)
		if i == e.at {
			v.torn = rel.end - off
		} else {
			v.torn += s.size
		}
	}
	if v.proof >= e.next && !b.broken.noProof {
		return &CorruptError{File: e.file(v), Offset: e.off, First: e.next, Last: max(v.proof, seen), Why: e.why}
	}
	return nil
}

// relic is what lies in a segment behind its last good frame.
type relic struct {
	end     int64 // of what looks like frames of this segment
	last    LSN   // of frames that are whole
	durable LSN   // the largest mark among them
}

// relics looks for frames of a segment at any byte from off on; whole ones count if they follow the LSN next and
// do not lie behind the segment's limit.
func (b *FileBackend) relics(s *found, off int64, next LSN) (relic, error) {
	r := relic{end: off}
	if s.size-off < FrameHeader || next > s.limit {
		return r, nil
	}
	file, err := b.fs.Open(s.name)
	if err != nil {
		return r, err
	}
	defer file.Close()
	buf := make([]byte, s.size-off)
	if err := readFull(file, buf, off); err != nil {
		return r, fmt.Errorf("wal: reading %s at offset %d: %w", s.name, off, err)
	}
	id, salt := b.keys(s.segment)
	tag := le.AppendUint64(nil, frameTag(id, salt))
	for at := 0; ; at++ {
		i := bytes.Index(buf[at:], tag)
		if i < 0 {
			return r, nil
		}
		at += i
		begin := at - 40
		r.end = max(r.end, off+int64(at)+8)
		if begin < 0 {
			continue
		}
		n := min(FrameHeader+int64(le.Uint32(buf[begin+4:])), int64(len(buf)-begin))
		if le.Uint32(buf[begin:]) != frameMagic {
			continue
		}
		r.end = max(r.end, off+int64(begin)+n)
		base := LSN(le.Uint64(buf[begin+16:]))
		if f, why := openFrame(buf[begin:], id, salt, base); why == "" && base > next && base <= s.limit {
			r.last = max(r.last, f.Last())
			r.durable = max(r.durable, f.Durable())
			at = begin + len(f.Bytes) - 1
		}
	}
}
