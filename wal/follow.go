package wal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

const (
	followEvery = 100 * time.Millisecond
	followChunk = 64 << 10
)

// Follow calls fn as Entries does, and then for what the process that writes the log adds, until ctx ends; it looks
// ten times a second. What it gives is written, but perhaps not durable yet. The error is ErrTrimmed if the log was cut, or
// moved on, faster than fn took it.
func (in *Inspection) Follow(ctx context.Context, from LSN, fn func(lsn LSN, millis int64, e Entry) error) error {
	if err := in.Entries(from, fn); err != nil {
		return err
	}
	f := &follower{b: in.b, next: max(from, in.Last+1), fn: fn}
	if n := len(in.b.segs); n > 0 {
		f.at = in.b.segs[n-1]
	}
	t := time.NewTicker(followEvery)
	defer t.Stop()
	for {
		if err := f.look(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// follower reads a log that another process writes.
type follower struct {
	b    *FileBackend
	at   *segment // nil before there is one; end and last say how far it was read
	next LSN      // to be given
	fn   func(LSN, int64, Entry) error
}

// look gives what is new.
func (f *follower) look() error {
	for {
		if err := f.rest(); err != nil {
			return err
		}
		s, err := f.successor()
		if s == nil || err != nil {
			return err
		}
		// What was written to the old segment before it was left is there by now.
		if err := f.rest(); err != nil {
			return err
		}
		if s.first > f.next {
			return fmt.Errorf("%w: LSN %d", ErrTrimmed, f.next)
		}
		s.end, s.last = segHeaderSize, s.first-1
		f.at = s
	}
}

// rest reads the segment up to its last whole frame.
func (f *follower) rest() error {
	s := f.at
	if s == nil {
		return nil
	}
	file, err := f.b.fs.Open(s.name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // trimmed: a later one is there
	}
	if err != nil {
		return err
	}
	defer file.Close()
	w := walk{b: f.b, s: s, file: file, off: s.end, next: s.last + 1, end: s.size, size: followChunk}
	for {
		frames, why, err := w.chunk()
		if err != nil {
			return err
		}
		for _, fr := range frames {
			if err := f.give(fr.batch()); err != nil {
				return err
			}
		}
		s.end, s.last = w.off, w.next-1
		if why != "" || len(frames) == 0 {
			return nil
		}
	}
}

// give passes on what has not been given. After a failed sync the log repeats entries in another segment.
func (f *follower) give(b Batch) error {
	return b.Groups(func(first LSN, g []Entry) error {
		for i, e := range g {
			if lsn := first + LSN(i); lsn >= f.next {
				if err := f.fn(lsn, b.Millis, e); err != nil {
					return err
				}
				f.next = lsn + 1
			}
		}
		return nil
	})
}

// successor is the segment that was begun after the present one, nil if there is none.
func (f *follower) successor() (next *segment, err error) {
	names, err := f.b.fs.List(walDir)
	if err != nil {
		return nil, err
	}
	for _, base := range names {
		first, ok := parseSegName(base)
		if !ok || f.at != nil && first < f.at.first {
			continue
		}
		s, err := f.b.readHeader(walDir + "/" + base)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrCorrupt) {
			continue // trimmed this moment, or being made
		}
		if err != nil {
			return nil, err
		}
		if (f.at == nil || s.id > f.at.id) && (next == nil || s.id < next.id) {
			next = s
		}
	}
	return next, nil
}
