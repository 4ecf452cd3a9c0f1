package wal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// tape is a backend in memory: what was written, how far it is durable, and faults on demand.
type tape struct {
	mu      sync.Mutex
	frames  []Frame
	marks   Marks
	full    bool          // the present file has no room: Rotate first
	errs    []error       // of the next calls of Append
	syncErr error         // of the next sync
	room    error         // of Prepare
	filling bool          // what Filling answers next
	gate    chan struct{} // if not nil, a sync takes one element
	rotated int
	rehomed int
	busy    atomic.Int32
	clean   *bool
}

func (b *tape) Open(context.Context, func(Marks, error)) (Info, error) { return Info{First: 1}, nil }

func (b *tape) Append(fs []Frame, sync bool) (Marks, error) {
	if b.busy.Add(1) != 1 {
		panic("two Appends at a time")
	}
	defer b.busy.Add(-1)
	b.mu.Lock()
	if len(b.errs) > 0 {
		err := b.errs[0]
		b.errs = b.errs[1:]
		b.mu.Unlock()
		return Marks{}, err
	}
	if b.full {
		b.mu.Unlock()
		return Marks{}, ErrRotate
	}
	for _, f := range fs {
		if f.Base != b.marks.Written+1 {
			panic(fmt.Sprintf("frame %d behind LSN %d", f.Base, b.marks.Written))
		}
		if err := checkEntries(f.Entries(), f.Count); err != nil {
			panic(err)
		}
		f.Bytes = slices.Clone(f.Bytes)
		b.frames = append(b.frames, f)
		b.marks.Written = f.Last()
	}
	b.mu.Unlock()
	if sync {
		return b.Sync()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.marks, nil
}

func (b *tape) Sync() (Marks, error) {
	b.mu.Lock()
	upTo, gate := b.marks.Written, b.gate
	b.mu.Unlock()
	if gate != nil {
		<-gate
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.syncErr; err != nil {
		b.syncErr = nil
		b.marks.Written = b.marks.Durable
		b.frames = slices.DeleteFunc(b.frames, func(f Frame) bool { return f.Last() > b.marks.Durable })
		return Marks{}, &SyncError{err}
	}
	b.marks.Durable = max(b.marks.Durable, upTo)
	return b.marks, nil
}

func (b *tape) Rotate() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rotated++
	b.full = false
	return nil
}

func (b *tape) Rehome(fs []Frame) (Marks, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.room != nil {
		return Marks{}, b.room
	}
	b.rehomed++
	for _, f := range fs {
		if f.Base != b.marks.Written+1 {
			panic(fmt.Sprintf("rehomed frame %d behind LSN %d", f.Base, b.marks.Written))
		}
		f.Bytes = slices.Clone(f.Bytes)
		b.frames = append(b.frames, f)
		b.marks.Written = f.Last()
	}
	b.marks.Durable = b.marks.Written
	return b.marks, nil
}

func (b *tape) Prepare(int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.room
}

func (b *tape) Filling() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.filling
	b.filling = false
	return was
}

func (b *tape) Read(LSN, func(Frame) error) error          { return nil }
func (b *tape) Truncate(LSN) error                         { return nil }
func (b *tape) Trim(LSN) error                             { return nil }
func (b *tape) NewSnapshot(SnapHeader) (SnapWriter, error) { return nil, errors.ErrUnsupported }
func (b *tape) OpenSnapshot(SnapID) (SnapReader, error)    { return nil, errors.ErrUnsupported }
func (b *tape) DropSnapshot(SnapID) error                  { return errors.ErrUnsupported }
func (b *tape) Close(clean bool) error                     { b.clean = &clean; return nil }
func entry(slot uint16, text string) Entry                 { return Entry{Slot: slot, Effect: []byte(text)} }

func (b *tape) texts() (list []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.frames {
		_ = f.Groups(func(first LSN, group []Entry) error {
			for i, e := range group {
				list = append(list, fmt.Sprintf("%d:%s", first+LSN(i), e.Effect))
			}
			return nil
		})
	}
	return list
}

// start runs a log on b and stops it at the end of the test.
func start(t *testing.T, b *tape, o Options) (*Log, func() error) {
	t.Helper()
	o.Databases = 2
	l := New(o, b, Info{First: 1})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() })
	return l, stop
}

func TestAppendCommit(t *testing.T) {
	b := &tape{}
	l, stop := start(t, b, Options{})
	if lsn := l.Append([]Entry{entry(1, "a"), entry(2, "b")}); lsn != 2 {
		t.Fatalf("LSN %d", lsn)
	}
	if got := l.Gate(0, 1); got != 2 {
		t.Fatalf("gate %d: a group is durable whole", got)
	}
	if l.Watermark() != 0 {
		t.Fatal("the watermark moved before a commit")
	}
	l.Append([]Entry{{Slot: BarrierSlot, Effect: []byte("flush")}})
	if l.Gate(1, 7) != 3 || l.Gate(0, 1) != 3 {
		t.Fatal("a barrier is the gate of every slot (W3)")
	}
	w := l.Register(func() {})
	if mark := w.Commit(3); mark != 3 {
		t.Fatalf("watermark %d", mark)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got, want := b.texts(), []string{"1:a", "2:b", "3:flush"}; !slices.Equal(got, want) {
		t.Fatalf("%v", got)
	}
	if b.clean == nil || !*b.clean {
		t.Fatal("not closed clean")
	}
}

// TestW3Policies: under always nothing passes the gate before its sync has returned, under the others
// once it was written.
func TestW3Policies(t *testing.T) {
	for _, p := range []Policy{Always, EverySec, No} {
		b := &tape{gate: make(chan struct{})}
		l, stop := start(t, b, Options{Policy: p})
		lsn := l.Append([]Entry{entry(1, "a")})
		done := make(chan error, 1)
		go func() { done <- l.Wait(lsn, nil) }()
		if p == Always {
			select {
			case <-done:
				t.Fatal("the gate opened before the sync")
			case b.gate <- struct{}{}:
			}
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if d := l.Marks().Durable; p == Always && d != 1 || p != Always && d != 0 {
			t.Errorf("%v: durable %d", p, d)
		}
		close(b.gate)
		if err := stop(); err != nil || b.marks.Durable != 1 {
			t.Errorf("%v: %v, durable %d after the end", p, err, b.marks.Durable)
		}
	}
}

// TestW13NoLostWakeUp lets loops and goroutines append and wait at random; every wait ends.
func TestW13NoLostWakeUp(t *testing.T) {
	for _, p := range []Policy{Always, EverySec} {
		b := &tape{}
		l, stop := start(t, b, Options{Policy: p})
		const each = 300
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() { // an event loop
				bell := make(chan struct{}, 1)
				w := l.Register(func() {
					select {
					case bell <- struct{}{}:
					default:
					}
				})
				for i := range each {
					gate := l.Append([]Entry{entry(uint16(n), fmt.Sprint(i))})
					for w.Commit(gate) < gate {
						<-bell
					}
				}
			})
			wg.Go(func() { // a connection with a goroutine
				for i := range each {
					if err := l.Wait(l.Append([]Entry{entry(uint16(10+n), fmt.Sprint(i))}), nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if n := len(b.texts()); n != 8*each {
			t.Fatalf("%d entries", n)
		}
	}
}

func TestRotationLeavesNoLoopWaiting(t *testing.T) {
	b := &tape{full: true}
	l, _ := start(t, b, Options{})
	bell := make(chan struct{}, 1)
	w := l.Register(func() { bell <- struct{}{} })
	gate := l.Append([]Entry{entry(1, "a")})
	for w.Commit(gate) < gate {
		<-bell
	}
	if b.rotated != 1 {
		t.Fatalf("%d rotations", b.rotated)
	}
}

// TestW8Rehome: after a failed sync the frames go elsewhere, and only then the gate opens.
func TestW8Rehome(t *testing.T) {
	for _, p := range []Policy{Always, EverySec} {
		b := &tape{syncErr: syscall.EIO}
		l, stop := start(t, b, Options{Policy: p})
		lsn := l.Append([]Entry{entry(1, "a")})
		if err := l.Wait(lsn, nil); err != nil {
			t.Fatal(err)
		}
		l.Append([]Entry{entry(1, "b")})
		if err := l.WaitDurable(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if b.rehomed != 1 || l.Stats().Rehomes != 1 {
			t.Fatalf("%v: %d rehomes", p, b.rehomed)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := b.texts(); !slices.Equal(got, []string{"1:a", "2:b"}) {
			t.Fatalf("%v: %v", p, got)
		}
	}
}

// TestW9FullDisk: writes are refused with Redis' words until there is room; what was acknowledged stays.
func TestW9FullDisk(t *testing.T) {
	b := &tape{errs: []error{syscall.ENOSPC}}
	l, _ := start(t, b, Options{})
	done := make(chan error, 1)
	lsn := l.Append([]Entry{entry(1, "a")})
	go func() { done <- l.Wait(lsn, nil) }()
	if err := <-done; err != nil { // after the retry
		t.Fatal(err)
	}
	if err := l.Admit(); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	l.st.refuse(stateNoSegment, fmt.Errorf("write: %w", syscall.ENOSPC))
	if err := l.Admit(); err == nil || err.Error() != "MISCONF Errors writing to the AOF file: No space left on device" {
		t.Fatalf("%v", err)
	}
}

// TestW9FoundEarly: writes are refused as soon as the next file can not be made, not when this one is full.
func TestW9FoundEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &tape{}
		l, _ := start(t, b, Options{Policy: No})
		synctest.Wait()
		b.mu.Lock()
		b.room = syscall.ENOSPC
		b.mu.Unlock()
		before := time.Now()
		for _, filling := range []bool{false, true} {
			if err := l.Admit(); err != nil {
				t.Fatalf("before the file fills up: %v", err)
			}
			b.mu.Lock()
			b.filling = filling
			b.mu.Unlock()
			l.Append([]Entry{entry(1, "x")})
			l.tryCommit()
			synctest.Wait()
		}
		if err := l.Admit(); !errors.Is(err, syscall.ENOSPC) || time.Since(before) != 0 {
			t.Errorf("%v after %v", err, time.Since(before))
		}
	})
}

// TestW9NamesTheCause: whatever keeps the next file from being made is what the log and clients are told of, also when it
// becomes something else.
func TestW9NamesTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &tape{}
		var says strings.Builder
		l, stop := start(t, b, Options{Policy: No, Log: slog.New(slog.NewTextHandler(&says, nil))})
		synctest.Wait()
		const (
			room  = "no room for the log: writes are refused until there is"
			other = "the log's next segment can not be prepared: writes are refused until it can"
		)
		for _, c := range []struct {
			err          error
			logged, told string
		}{
			{syscall.EACCES, other, "Permission denied"},
			{syscall.ENOSPC, room, "No space left on device"},
			{syscall.EDQUOT, room, "Disk quota exceeded"},
			{syscall.EIO, other, "Input/output error"},
			{syscall.EROFS, other, "Read-only file system"},
			{syscall.EMFILE, other, "Too many open files"},
		} {
			says.Reset()
			b.mu.Lock()
			b.room = fmt.Errorf("wal: preparing a segment: %w", &fs.PathError{Op: "open", Path: "wal/spare-1.seg", Err: c.err})
			b.mu.Unlock()
			time.Sleep(3 * retryEvery) // it is logged once
			synctest.Wait()
			if err := l.Admit(); err == nil || err.Error() != "MISCONF Errors writing to the AOF file: "+c.told {
				t.Errorf("%v: clients are told %v", c.err, err)
			}
			if got := says.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, c.logged) || !strings.Contains(got, b.room.Error()) {
				t.Errorf("%v: logged %q", c.err, got)
			}
		}
		b.mu.Lock()
		b.room = nil
		b.mu.Unlock()
		time.Sleep(retryEvery)
		synctest.Wait()
		if err := l.Admit(); err != nil {
			t.Errorf("it can be made again: %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestFatal: with the second file failing too the log gives up, says so once and opens no gate.
func TestFatal(t *testing.T) {
	b := &tape{syncErr: syscall.EIO, room: syscall.EIO}
	fatal := make(chan error, 2)
	l, stop := start(t, b, Options{Fatal: func(err error) { fatal <- err }})
	lsn := l.Append([]Entry{entry(1, "a")})
	done := make(chan error, 1)
	go func() { done <- l.Wait(lsn, nil) }()
	if err := <-fatal; !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	var refused *RefusedError
	if err := l.Admit(); !errors.As(err, &refused) || err.Error() != "MISCONF Errors writing to the AOF file: Input/output error" {
		t.Fatalf("%v", err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) { // before Run ends, which waits for those who append
		t.Fatalf("the gate opened: %v", err)
	}
	if err := stop(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("%v", err)
	}
	if *b.clean {
		t.Fatal("closed as if clean")
	}
}

// TestWaitGone: who has gone away does not wait for a disk that answers nothing, and the others still do.
func TestWaitGone(t *testing.T) {
	b := &tape{gate: make(chan struct{})}
	l, _ := start(t, b, Options{})
	lsn := l.Append([]Entry{entry(1, "a")})
	first, stays := make(chan error, 1), make(chan error, 1)
	go func() { first <- l.Wait(lsn, nil) }() // it commits
	for l.pending() {
		runtime.Gosched()
	}
	go func() { stays <- l.Wait(lsn, nil) }()
	gone := make(chan struct{})
	close(gone)
	if err := l.Wait(lsn, gone); !errors.Is(err, ErrClosed) {
		t.Fatalf("the gate opened: %v", err)
	}
	close(b.gate)
	if err := errors.Join(<-first, <-stays); err != nil {
		t.Fatal(err)
	}
}

// TestW12Backpressure: more than the limit unsynced parks writers, and they are woken below half of it.
func TestW12Backpressure(t *testing.T) {
	b := &tape{gate: make(chan struct{})}
	l, _ := start(t, b, Options{Limits: Limits{UnsyncedLimit: 100}})
	value := string(make([]byte, 60))
	l.Append([]Entry{entry(1, value)})
	if err := l.Admit(); err != nil {
		t.Fatal(err)
	}
	l.Append([]Entry{entry(1, value)})
	if err := l.Admit(); !errors.Is(err, ErrPark) {
		t.Fatalf("%v", err)
	}
	woken := make(chan struct{})
	if !l.Admitted(func() { close(woken) }) {
		t.Fatal("not parked")
	}
	go func() { _ = l.Wait(2, nil) }()
	b.gate <- struct{}{}
	<-woken
	if err := l.Admit(); err != nil {
		t.Fatal(err)
	}
	close(b.gate)
}

// TestLateSync: writes wait for a sync of everysec that is late, and are counted; those that wait for room are not.
func TestLateSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &tape{gate: make(chan struct{})}
		l, stop := start(t, b, Options{Policy: EverySec, Limits: Limits{SyncLate: 3 * time.Second, UnsyncedLimit: 100}})
		behind := func(want bool, delayed int64) {
			t.Helper()
			synctest.Wait()
			if s := l.Stats(); s.Behind != want || s.Delayed != delayed {
				t.Errorf("a sync runs: %v, %d writes were delayed; want %v, %d", s.Behind, s.Delayed, want, delayed)
			}
		}
		if err := l.Wait(l.Append([]Entry{entry(1, "a")}), nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(syncEvery + 2*time.Second)
		behind(true, 0)
		if err := l.Admit(); err != nil {
			t.Fatalf("it is not late yet, and %v", err)
		}
		time.Sleep(2 * time.Second)
		woken := make(chan struct{})
		for range 2 {
			if err := l.Admit(); !errors.Is(err, ErrPark) || !l.Admitted(func() { woken <- struct{}{} }) {
				t.Fatalf("the sync is late, and %v", err)
			}
		}
		behind(true, 2)
		b.gate <- struct{}{}
		<-woken
		<-woken
		behind(false, 2)
		l.ResetDelayed()
		l.Append([]Entry{entry(1, string(make([]byte, 200)))})
		if err := l.Admit(); !errors.Is(err, ErrPark) || !l.Admitted(func() {}) {
			t.Fatalf("too much is not durable, and %v", err)
		}
		behind(false, 0)
		close(b.gate)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// punctual is a backend whose syncs take as long as they may.
type punctual struct {
	tape
	takes time.Duration
}

func (p *punctual) Sync() (Marks, error) {
	time.Sleep(p.takes)
	return p.tape.Sync()
}

// TestLateSyncIsNotForEver: a sync ends at the moment from which it is late.
func TestLateSyncIsNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = 3 * time.Second
		l := New(Options{Databases: 1, Policy: EverySec, Limits: Limits{SyncLate: late}}, &punctual{takes: late}, Info{First: 1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- l.Run(ctx) }()
		for range 1000 {
			if err := l.Wait(l.Append([]Entry{entry(1, "a")}), nil); err != nil {
				t.Fatal(err)
			}
			for l.Marks().Durable < l.Appended() {
				time.Sleep(late)
			}
			synctest.Wait()
			if err := l.Admit(); err != nil {
				t.Errorf("nothing is to become durable, and yet %v", err)
				break
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}

// TestW12LimitsChange: a limit that is changed while writers are parked lets them go on, or parks others.
func TestW12LimitsChange(t *testing.T) {
	b := &tape{gate: make(chan struct{})}
	l, _ := start(t, b, Options{Limits: Limits{UnsyncedLimit: 100}})
	l.Append([]Entry{entry(1, string(make([]byte, 200)))})
	woken := make(chan struct{})
	if err := l.Admit(); !errors.Is(err, ErrPark) || !l.Admitted(func() { close(woken) }) {
		t.Fatalf("%v", err)
	}
	l.SetLimits(Limits{UnsyncedLimit: 1000})
	<-woken
	if err := l.Admit(); err != nil {
		t.Fatal(err)
	}
	l.SetLimits(Limits{UnsyncedLimit: 150})
	if err := l.Admit(); !errors.Is(err, ErrPark) {
		t.Fatalf("%v", err)
	}
	close(b.gate)
	if err := l.Wait(1, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Admit(); err != nil {
		t.Fatalf("all is durable, and yet %v", err)
	}
}

// TestFullIsNotForEver: a batch becomes durable between its being counted and its being found too much.
func TestFullIsNotForEver(t *testing.T) {
	l, _ := start(t, &tape{}, Options{Limits: Limits{UnsyncedLimit: 100}})
	l.full()
	if err := l.Admit(); err != nil {
		t.Fatalf("nothing is to become durable, and yet %v", err)
	}
}

// TestReadOnlyOnErrorChanges: what happens when the disk fails is what was said last.
func TestReadOnlyOnErrorChanges(t *testing.T) {
	b := &tape{syncErr: syscall.EIO, room: syscall.EIO}
	l, stop := start(t, b, Options{Fatal: func(err error) { t.Errorf("fatal: %v", err) }})
	l.SetLimits(Limits{ReadOnlyOnError: true})
	lsn := l.Append([]Entry{entry(1, "a")})
	if err := l.Wait(lsn, nil); !errors.Is(err, ErrClosed) {
		t.Fatalf("the gate opened: %v", err)
	}
	var refused *RefusedError
	if err := l.Admit(); !errors.As(err, &refused) {
		t.Fatalf("%v", err)
	}
	if err := stop(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("%v", err)
	}
}

func TestSetPolicyAlwaysSyncsFirst(t *testing.T) {
	b := &tape{}
	l, _ := start(t, b, Options{Policy: No})
	if err := l.Wait(l.Append([]Entry{entry(1, "a")}), nil); err != nil {
		t.Fatal(err)
	}
	if err := l.SetPolicy(t.Context(), Always); err != nil {
		t.Fatal(err)
	}
	if m := l.Marks(); m.Durable != 1 {
		t.Fatalf("%+v", m)
	}
}

// TestLargeGroups fills batches beyond their size: groups stay whole (W5), LSNs dense (W1).
func TestLargeGroups(t *testing.T) {
	b := &tape{}
	l, stop := start(t, b, Options{Policy: No})
	rng := rand.New(rand.NewPCG(1, 2))
	var want LSN
	for range 50 {
		group := make([]Entry, 1+rng.IntN(4))
		for i := range group {
			group[i] = entry(uint16(i), string(make([]byte, rng.IntN(200<<10))))
		}
		want += LSN(len(group))
		if got := l.Append(group); got != want {
			t.Fatalf("LSN %d, not %d", got, want)
		}
	}
	if err := l.Wait(want, nil); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for i := range b.frames {
		if err := b.frames[i].Groups(func(LSN, []Entry) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.texts()); n != int(want) {
		t.Fatalf("%d entries, not %d", n, want)
	}
}

// TestCommitted: each write of the log is told of, and whether it waited for a sync.
func TestCommitted(t *testing.T) {
	for policy, synced := range map[Policy]bool{No: false, EverySec: false, Always: true} {
		var told []bool
		l := New(Options{Policy: policy, Committed: func(took time.Duration, synced bool) {
			if took < 0 {
				t.Errorf("it took %v", took)
			}
			told = append(told, synced)
		}}, &sink{}, Info{First: 1})
		w := l.Register(func() {})
		l.Append([]Entry{entry(1, "text")})
		w.Commit(0)
		w.Commit(0)
		if !slices.Equal(told, []bool{synced}) {
			t.Errorf("%v: %v", policy, told)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	l := New(Options{Policy: No, Limits: Limits{UnsyncedLimit: 1 << 40}, Now: func() int64 { return 0 }}, &sink{}, Info{First: 1})
	group := []Entry{entry(1, string(make([]byte, 100)))}
	w := l.Register(func() {})
	b.ReportAllocs()
	for i := range b.N {
		l.Append(group)
		if i%64 == 0 {
			w.Commit(0)
		}
	}
}

// sink is a backend that forgets.
type sink struct{ tape }

func (s *sink) Append(fs []Frame, _ bool) (Marks, error) {
	last := fs[len(fs)-1].Last()
	return Marks{Written: last, Durable: last}, nil
}
