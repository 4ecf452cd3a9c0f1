package wal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

// ledger is what was appended, by LSN.
type ledger struct {
	mu      sync.Mutex
	effects []string
	ends    map[LSN]bool
}

// append appends a random group and notes it, in one step.
func (g *ledger) append(l *Log, rng *rand.Rand) LSN {
	g.mu.Lock()
	defer g.mu.Unlock()
	group := make([]Entry, 1+rng.IntN(3))
	for i := range group {
		text := fmt.Sprintf("%d %d %s", len(g.effects), rng.Uint32(), make([]byte, rng.IntN(60)))
		group[i] = entry(uint16(rng.IntN(3)), text)
		g.effects = append(g.effects, text)
	}
	last := l.Append(group)
	if int(last) != len(g.effects) {
		panic("the ledger and the log differ")
	}
	g.ends[last] = true
	return last
}

// check says what is wrong with a batch that was given as the one behind next-1.
func (g *ledger) check(b *Batch, next LSN) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b.First != next || b.Count == 0 {
		return fmt.Errorf("W11: LSN %d to %d, not from %d on", b.First, b.Last(), next)
	}
	return b.Groups(func(first LSN, group []Entry) error {
		for i, e := range group {
			if want := g.effects[first-1+LSN(i)]; string(e.Effect) != want {
				return fmt.Errorf("W11: LSN %d is %q, not %q", first+LSN(i), e.Effect, want)
			}
		}
		if last := first + LSN(len(group)) - 1; first > 1 && !g.ends[first-1] || !g.ends[last] {
			return fmt.Errorf("W11: LSN %d to %d is no whole group", first, last)
		}
		return nil
	})
}

// start is the first LSN of the group that holds lsn.
func (g *ledger) start(lsn LSN) LSN {
	g.mu.Lock()
	defer g.mu.Unlock()
	for lsn > 1 && !g.ends[lsn-1] {
		lsn--
	}
	return lsn
}

// readerRun is a log on a disk with faults, with writers, trims, and readers that come and go.
type readerRun struct {
	rng    *rand.Rand
	l      *Log
	book   ledger
	mu     sync.Mutex
	failed error
	safe   LSN         // some reader of durable entries has seen it
	seen   int         // entries, by all readers
	lost   int         // readers that were told ErrTrimmed
	held   error       // of one that held all the log
	noRoom atomic.Bool // the log was once without room, and then held nothing
}

func (r *readerRun) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}

// follow is one reader, until the log ends.
func (r *readerRun) follow(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 7))
	o := ReaderOptions{Level: Level(rng.IntN(3)), From: 1 + LSN(rng.IntN(int(r.l.Appended())+2)), Retain: []int64{0, 300, 3000, HoldAll}[rng.IntN(4)]}
	rd, err := r.l.Reader(o)
	if errors.Is(err, ErrTrimmed) || errors.Is(err, memfs.ErrOff) || err != nil && r.l.readers.closing.Load() {
		return
	}
	if err != nil {
		r.fail(err)
		return
	}
	defer rd.Close()
	next := LSN(0)
	for range 1 + rng.IntN(200) {
		b, err := rd.Next(context.Background())
		switch {
		case errors.Is(err, ErrTrimmed):
			r.mu.Lock()
			r.lost++
			if o.Retain == HoldAll {
				r.held = fmt.Errorf("%+v: %w", o, err)
			}
			r.mu.Unlock()
			return
		case errors.Is(err, ErrClosed) || errors.Is(err, memfs.ErrOff):
			return
		case err != nil:
			r.fail(err)
			return
		}
		if next == 0 {
			next = r.book.start(o.From)
		}
		if err := r.book.check(&b, next); err != nil {
			r.fail(fmt.Errorf("%+v: %w", o, err))
			return
		}
		if may := r.l.readable(o.Level); b.Last() > may {
			r.fail(fmt.Errorf("%+v: LSN %d was given, but the mark is %d", o, b.Last(), may))
			return
		}
		next = b.Last() + 1
		r.mu.Lock()
		r.seen += b.Count
		if o.Level == Durable {
			r.safe = max(r.safe, b.Last())
		}
		r.mu.Unlock()
		if rng.IntN(20) == 0 && b.First > 1 { // some of it again; without a hold it may be gone
			rd.Seek(b.First)
			next = b.First
		}
		for range rng.IntN(40) {
			runtime.Gosched() // a slow one
		}
	}
}

// readerModel does one run.
func readerModel(seed uint64) (seen, lost int, err error) {
	rng := rand.New(rand.NewPCG(seed, 8))
	disk := memfs.New(seed)
	o := FileOptions{SegmentSize: segHeaderSize + 3000, FirstSegment: segHeaderSize + 700, Now: func() int64 { return 1 }, Salt: rand.Uint64}
	b := NewFileBackend(disk, o)
	info, err := b.Open(context.Background(), nil)
	if err != nil {
		return 0, 0, err
	}
	r := &readerRun{rng: rng, book: ledger{ends: map[LSN]bool{}}}
	r.l = New(Options{Policy: Policy(rng.IntN(3)), Databases: 1, Changed: func() {
		if r.l.st.bits.Load()&stateNoSegment != 0 {
			r.noRoom.Store(true)
		}
	}}, b, info)
	r.l.readers.window = 1 + rng.IntN(2000)
	plan := memfs.Plan{At: map[int]memfs.Fault{}}
	for range rng.IntN(6) {
		plan.At[1+rng.IntN(300)] = []memfs.Fault{memfs.EIO, memfs.NoRoom, {Err: syscall.EIO, Short: rng.IntN(60)}}[rng.IntN(3)]
	}
	if rng.IntN(3) == 0 {
		plan.At[50+rng.IntN(300)] = memfs.Cut
	}
	disk.SetPlan(plan)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.l.Run(ctx) }()
	var all sync.WaitGroup
	for range 300 {
		last := r.book.append(r.l, rng)
		if rng.IntN(3) == 0 && r.l.Wait(last, nil) != nil {
			break // it failed for good
		}
		switch n := rng.IntN(30); {
		case n < 3:
			all.Go(func() { r.follow(seed<<20 + uint64(last)) })
		case n < 5:
			_ = r.l.Trim(LSN(rng.IntN(int(r.l.durable.Load()) + 1))) // a fault is as good as any
		case n == 5:
			synctest.Wait()
		}
	}
	cancel()
	<-ended
	all.Wait()
	if r.failed == nil && !r.noRoom.Load() {
		r.failed = r.held
	}
	if r.failed != nil {
		return r.seen, r.lost, r.failed
	}
	info, err = NewFileBackend(disk.Crash(rng), o).Open(context.Background(), nil)
	if err == nil && info.Last < r.safe {
		err = fmt.Errorf("W2: LSN %d was given as durable, but after a power cut the log ends with %d", r.safe, info.Last)
	}
	return r.seen, r.lost, err
}

// TestReaderModelW10W11: beside writers, rotations, rehomes, trims and power cuts every reader sees whole groups without gaps
// and nothing too early, or is told ErrTrimmed, which who holds the log never is.
func TestReaderModelW10W11(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	seen, lost := 0, 0
	for i := range uint64(modelRuns(t, 400)) {
		t.Run("", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, l, err := readerModel(seed + i)
				if err != nil {
					t.Errorf("seed %d: %v", seed+i, err)
				}
				seen, lost = seen+s, lost+l
			})
		})
	}
	t.Logf("%d entries seen, %d readers lost their place", seen, lost)
}

// TestReadersRace: readers of each kind beside writers of each kind, with rotations and trims, on all cores.
func TestReadersRace(t *testing.T) {
	t.Parallel()
	b, info := openFiles(t, memfs.New(1), FileOptions{})
	l := New(Options{Policy: EverySec, Databases: 1}, b, info)
	l.readers.window = 4 << 10
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	book := &ledger{ends: map[LSN]bool{}}
	const each, writers = 300, 4
	var reading, writing sync.WaitGroup
	for i := range 6 {
		r, err := l.Reader(ReaderOptions{Name: fmt.Sprint(i), From: 1, Level: []Level{Acknowledged, Written}[i%2], Retain: HoldAll})
		if err != nil {
			t.Fatal(err)
		}
		reading.Go(func() {
			defer r.Close()
			for next := LSN(1); ; {
				got, err := r.Next(t.Context())
				if errors.Is(err, ErrClosed) {
					if last := l.Appended(); next != last+1 {
						t.Errorf("reader %d ended before LSN %d of %d", i, next, last)
					}
					return
				}
				if err == nil {
					err = book.check(&got, next)
				}
				if err != nil {
					t.Error(err)
					return
				}
				next = got.Last() + 1
			}
		})
	}
	for i := range writers {
		writing.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for n := range each {
				if err := l.Wait(book.append(l, rng), nil); err != nil {
					t.Error(err)
				}
				if n%50 == 0 {
					if err := l.Trim(l.Marks().Durable); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writing.Wait()
	for _, r := range l.readers.feed.Load().list { // all come to the end before the log is closed
		for LSN(r.hold.Load()) <= l.Appended() {
			runtime.Gosched()
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	if l.readers.feed.Load() != nil {
		t.Error("the readers have gone, their window has not")
	}
}
