package wal

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// snapScan reads a snapshot from its beginning to its end and checks that it is whole (W7): the order and number
// of its frames, that every fragment of every slot is in exactly one range, that the tail has no gap. The checksums of
// ranges are left to whoever decodes them, perhaps on another core.
type snapScan struct {
	in     SnapReader
	id     SnapID
	number uint32 // of the next frame
	keys   int64
	next   LSN // of the next entry of the tail
	guard  guard
	bytes  int64
	tail   bool
}

func openScan(s Snaps, id SnapID) (*snapScan, error) {
	in, err := s.OpenSnapshot(id)
	if err != nil {
		return nil, err
	}
	return &snapScan{in: in, id: id, next: in.Header().MinL + 1, bytes: snapFileHeader}, nil
}

// placed is a SnapReader that can name places in what it reads.
type placed interface{ place(off int64) string }

// at says where an error was found.
func (s *snapScan) at(off int64, err error) error {
	if p, ok := s.in.(placed); ok {
		return fmt.Errorf("wal: %s: %w", p.place(off), err)
	}
	return fmt.Errorf("wal: snapshot %d, offset %d: %w", s.id, off, err)
}

// frame reads the next frame. Of a range it returns the frame without its data, undecoded in raw; of the tail the frame
// with its data. Tables it keeps to itself. It returns io.EOF after the last one, when all is found to be whole.
func (s *snapScan) frame(buf []byte) (f SnapFrame, raw []byte, err error) {
	for {
		raw, err = s.in.Next(buf)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = s.end()
			}
			return f, nil, err
		}
		if f, err = peekSnapFrame(raw); err != nil {
			return f, nil, s.at(s.bytes, err)
		}
		s.number++
		s.bytes += int64(len(raw))
		if s.tail && f.Kind != SnapTail {
			return f, nil, fmt.Errorf("%w: a frame behind the tail of a snapshot", ErrCorrupt)
		}
		switch f.Kind {
		case SnapRange:
			s.keys += int64(f.Keys)
			return f, raw, s.guard.addRange(&f)
		case SnapTable:
			if f, err = decodeSnapFrame(raw, s.id, s.number-1, nil); err == nil {
				err = s.guard.addTable(&f)
			}
			if err != nil {
				return f, nil, s.at(s.bytes-int64(len(raw)), err)
			}
			buf = raw
		case SnapTail:
			if f, err = s.tailFrame(raw); err != nil {
				err = s.at(s.bytes-int64(len(raw)), err)
			}
			return f, raw, err
		default:
			return f, nil, fmt.Errorf("%w: a frame of kind %d in a snapshot", ErrCorrupt, f.Kind)
		}
	}
}

func (s *snapScan) tailFrame(raw []byte) (SnapFrame, error) {
	s.tail = true
	f, err := decodeSnapFrame(raw, s.id, s.number-1, nil)
	if err != nil {
		return f, err
	}
	if f.L != s.next {
		return f, fmt.Errorf("%w: the tail of a snapshot goes on with LSN %d, not %d", ErrCorrupt, f.L, s.next)
	}
	s.next += LSN(f.Keys)
	return f, checkCount(f.Data, int(f.Keys))
}

// checkCount checks that b is count whole entries.
func checkCount(b []byte, count int) error {
	for range count {
		_, rest, ok := nextEntry(b)
		if !ok {
			return fmt.Errorf("%w: an entry is cut", ErrCorrupt)
		}
		b = rest
	}
	if len(b) > 0 {
		return fmt.Errorf("%w: %d bytes behind the last entry", ErrCorrupt, len(b))
	}
	return nil
}

// end checks what only the end can tell.
func (s *snapScan) end() error {
	f := s.in.Footer()
	if err := s.guard.complete(); err != nil {
		return err
	}
	switch {
	case len(s.guard.dbs) == 0:
		return fmt.Errorf("%w: a snapshot without databases", ErrCorrupt)
	case f.Frames != int64(s.number):
		return fmt.Errorf("%w: a snapshot of %d frames has %d", ErrCorrupt, f.Frames, s.number)
	case f.Keys != s.keys:
		return fmt.Errorf("%w: a snapshot of %d keys has %d", ErrCorrupt, f.Keys, s.keys)
	case f.MaxL != s.next-1:
		return fmt.Errorf("%w: the tail of a snapshot ends with LSN %d, not %d", ErrCorrupt, s.next-1, f.MaxL)
	}
	return io.EOF
}

// Verify reads a snapshot and returns what is wrong with it.
func Verify(ctx context.Context, s Snaps, id SnapID) (err error) {
	return verify(ctx, s, id, new(pace))
}

func verify(ctx context.Context, s Snaps, id SnapID, p *pace) (err error) {
	scan, err := openScan(s, id)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, scan.in.Close()) }()
	var buf, scratch []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		f, raw, err := scan.frame(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		buf = raw
		if f.Kind != SnapRange {
			continue
		}
		if f, err = decodeSnapFrame(raw, id, scan.number-1, scratch); err != nil {
			return scan.at(scan.bytes-int64(len(raw)), err)
		}
		if cap(f.Data) > cap(scratch) && !inside(f.Data, raw) {
			scratch = f.Data
		}
		if err := checkCount(f.Data, int(f.Keys)); err != nil {
			return err
		}
		p.rest()
	}
}

// inside says whether b is a part of whole.
func inside(b, whole []byte) bool {
	return cap(b) > 0 && len(whole) > snapHeader && len(b) <= len(whole) && &whole[snapHeader] == &b[:1][0]
}
