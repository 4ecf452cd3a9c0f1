package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// toy is a keyspace as simple as can be: some databases, few slots, strings.
type toy struct {
	mu    sync.Mutex // Apply comes from several workers
	dbs   []map[string]string
	swaps int
}

const toySlots = 3

func newToy(dbs int) *toy {
	t := &toy{}
	for range dbs {
		t.dbs = append(t.dbs, map[string]string{})
	}
	return t
}

// toySlot is the slot of a key, whose first byte says so.
func toySlot(key string) uint16 { return uint16(key[0]-'0') * 1000 }

func toyFragment(key string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(key))
	return h.Sum32() * 2654435761
}

func toyEffect(words ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

func toyWords(effect []byte) (words []string) {
	for i, line := range strings.Split(string(effect), "\r\n") {
		if i > 0 && i%2 == 0 {
			words = append(words, line)
		}
	}
	return words
}

// apply executes an effect. Only APPEND is relative, and RENAME, which is no effect, for the tests that must fail.
func (t *toy) apply(db uint16, effect []byte) {
	w := toyWords(effect)
	d := t.dbs[db]
	switch w[0] {
	case "SET":
		d[w[1]] = w[2]
	case "DEL":
		delete(d, w[1])
	case "APPEND":
		d[w[1]] += w[2]
	case "RENAME":
		if v, ok := d[w[1]]; ok {
			d[w[2]] = v
			delete(d, w[1])
		}
	case "FLUSHALL":
		for i := range t.dbs {
			t.dbs[i] = map[string]string{}
		}
	case "FLUSHDB":
		t.dbs[db] = map[string]string{}
	case "SWAPDB":
		a, _ := strconv.Atoi(w[1])
		b, _ := strconv.Atoi(w[2])
		t.dbs[a], t.dbs[b] = t.dbs[b], t.dbs[a]
		t.swaps++
	case "EPOCH":
	default:
		panic(fmt.Sprintf("no effect: %q", effect))
	}
}

func (t *toy) Range(_ int, f SnapFrame) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := f.Data
	for range f.Keys {
		e, rest, ok := nextEntry(b)
		if !ok || e.Slot != f.Slot || e.DB != f.DB {
			return fmt.Errorf("a bad entry in slot %d", f.Slot)
		}
		w := toyWords(e.Effect)
		if frag := toyFragment(w[1]); frag < f.Lo || frag > f.Hi {
			return fmt.Errorf("key %q out of its range", w[1])
		}
		if _, there := t.dbs[f.DB][w[1]]; there {
			return fmt.Errorf("key %q is there", w[1])
		}
		t.apply(e.DB, e.Effect)
		b = rest
	}
	if len(b) > 0 {
		return fmt.Errorf("%d bytes too many in slot %d", len(b), f.Slot)
	}
	return nil
}

func (t *toy) Apply(_ int, _ LSN, e Entry) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.apply(e.DB, e.Effect)
	return nil
}

func (t *toy) Fragment(_ int, e Entry) uint32 { return toyFragment(toyWords(e.Effect)[1]) }

func (t *toy) Reset() error {
	t.apply(0, toyEffect("FLUSHALL"))
	return nil
}

func (t *toy) equal(o *toy) bool { return slices.EqualFunc(t.dbs, o.dbs, maps.Equal) }

// toyWalk walks a toy; between two ranges, step may change it.
type toyWalk struct {
	t     *toy
	parts func() int // into how many ranges the next slot is cut
	step  func() error
}

func (w *toyWalk) Walk(ctx context.Context, appended func() LSN, emit func(SnapFrame) error) error {
	swaps := w.t.swaps
	var buf []byte
	for db := range w.t.dbs {
		slots := toySlots
		if len(w.t.dbs[db]) == 0 && w.parts()%2 == 0 {
			slots = 0
		}
		for slot := range numSlots {
			if slots == 0 {
				slot = AllSlots
			}
			n := 1
			used := slots > 0 && slot%1000 == 0 && slot/1000 < slots
			if used {
				n = w.parts()
			}
			for i := range n {
				if used || slots == 0 {
					if err := w.step(); err != nil {
						return err
					}
				}
				if w.t.swaps != swaps {
					return ErrRestart
				}
				if slots == 0 && len(w.t.dbs[db]) > 0 {
					return ErrRestart // it was empty; a real walker looks under the lock
				}
				f := SnapFrame{DB: uint16(db), Slot: uint16(slot), L: appended()}
				f.Lo = uint32(uint64(i) << 32 / uint64(n))
				f.Hi = uint32(uint64(i+1)<<32/uint64(n) - 1)
				buf = buf[:0]
				if used {
					for _, key := range slices.Sorted(maps.Keys(w.t.dbs[db])) {
						if frag := toyFragment(key); toySlot(key) == f.Slot && frag >= f.Lo && frag <= f.Hi {
							buf = appendEntry(buf, f.Slot, f.DB, 0, toyEffect("SET", key, w.t.dbs[db][key]))
							f.Keys++
						}
					}
				}
				f.Data = buf
				if err := emit(f); err != nil {
					return err
				}
			}
			if slots == 0 {
				break
			}
		}
	}
	return nil
}

// toyLog is a log of which a crash leaves a prefix, at least what is durable. It gives
// frames as a backend does; with a backend it keeps none, and passes them on.
type toyLog struct {
	back     *FileBackend
	first    LSN
	frames   []Frame
	appended LSN
	written  LSN
	durable  LSN
	open     []Entry // appended, not written
	liar     bool    // WaitDurable does not wait
	fail     func() error
}

func (l *toyLog) append(group []Entry) {
	for i := range group {
		e := group[i]
		e.Effect = bytes.Clone(e.Effect)
		e.Flags = 0
		if i+1 < len(group) {
			e.Flags = More
		}
		l.open = append(l.open, e)
	}
	l.appended += LSN(len(group))
}

func (l *toyLog) commit(sync bool) error {
	if len(l.open) > 0 {
		b := make([]byte, FrameHeader)
		for _, e := range l.open {
			b = appendEntry(b, e.Slot, e.DB, e.Flags, e.Effect)
		}
		f := newFrame(b, l.written+1, len(l.open), l.durable, 0)
		if l.back == nil {
			l.frames = append(l.frames, f)
		} else if err := l.store(f, sync); err != nil {
			return err
		}
		l.open, l.written = nil, l.appended
	}
	if !sync {
		return nil
	}
	if l.back != nil {
		if _, err := l.back.Sync(); err != nil {
			return err
		}
	}
	l.durable = l.written
	return nil
}

func (l *toyLog) store(f Frame, sync bool) error {
	_, err := l.back.Append([]Frame{f}, sync)
	if errors.Is(err, ErrRotate) {
		if err := l.back.Rotate(); err != nil {
			return err
		}
		if err := l.back.Prepare(1); err != nil {
			return err
		}
		_, err = l.back.Append([]Frame{f}, sync)
	}
	return err
}

// crash leaves frames up to keep, which is the end of one.
func (l *toyLog) crash(keep LSN) {
	l.frames = slices.DeleteFunc(l.frames, func(f Frame) bool { return f.Last() > keep })
	l.open, l.appended, l.written, l.durable = nil, keep, keep, keep
}

func (l *toyLog) trim(upTo LSN) error {
	if l.back != nil {
		return l.back.Trim(upTo)
	}
	l.frames = slices.DeleteFunc(l.frames, func(f Frame) bool {
		if f.Last() > upTo {
			return false
		}
		l.first = f.Last() + 1
		return true
	})
	return nil
}

func (l *toyLog) Appended() LSN { return l.appended }

func (l *toyLog) WaitDurable(_ context.Context, lsn LSN) error {
	if err := l.fail(); err != nil {
		return err
	}
	return l.commit(!l.liar)
}

func (l *toyLog) Read(from LSN, fn func(Frame) error) error {
	if l.back != nil {
		return l.back.Read(from, fn)
	}
	if from < l.first {
		return ErrTrimmed
	}
	for _, f := range l.frames {
		if f.Last() >= from {
			if err := fn(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// toyStore is a toyLog beside snapshots in files.
type toyStore struct {
	*toyLog
	Snaps
}
