package wal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
	"github.com/reredis/reredis/keyspace"
)

// The log beside a real keyspace, joined as cmd/reredis does it.

type spaceWalker struct{ s *keyspace.Space }

func (w spaceWalker) Walk(ctx context.Context, appended func() LSN, emit func(SnapFrame) error) error {
	err := w.s.NewTx().Walk(ctx, func() uint64 { return uint64(appended()) }, func(r *keyspace.Range) error {
		return emit(SnapFrame{
			DB: uint16(r.DB), Slot: r.Slot, Lo: r.Lo, Hi: r.Hi, Keys: uint32(r.Keys), L: LSN(r.Mark), Data: r.Data,
		})
	})
	if errors.Is(err, keyspace.ErrSwapped) {
		return ErrRestart
	}
	return err
}

type spaceApplier []*keyspace.Tx

func newSpaceApplier(s *keyspace.Space, workers int) (a spaceApplier) {
	for range workers {
		a = append(a, s.NewTx())
	}
	return a
}

func (a spaceApplier) Range(w int, f SnapFrame) error {
	return a[w].ApplyRange(&keyspace.Range{
		DB: int(f.DB), Slot: f.Slot, Lo: f.Lo, Hi: f.Hi, Keys: int(f.Keys), Data: f.Data,
	})
}

func (a spaceApplier) Apply(w int, _ LSN, e Entry) error {
	return a[w].ApplyEntry(int(e.DB), e.Slot, e.Effect)
}

func (a spaceApplier) Fragment(w int, e Entry) uint32 { return a[w].Fragment(e.Effect) }

func (a spaceApplier) Reset() error {
	a[0].Exclusive(a[0].FlushAll)
	return nil
}

func newSpace(tb testing.TB, o keyspace.Options) *keyspace.Space {
	s, err := keyspace.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// memLog is a toyLog for several goroutines, and the Sink of a keyspace.
type memLog struct {
	mu sync.Mutex
	toyLog
}

func (l *memLog) Effect(db int, slot uint16, argv [][]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.append([]Entry{{DB: uint16(db), Slot: slot, Effect: resp.AppendCommand(nil, argv...)}})
}

func (l *memLog) Appended() LSN {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.appended
}

func (l *memLog) WaitDurable(context.Context, LSN) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commit(true)
}

func (l *memLog) Read(from LSN, fn func(Frame) error) error {
	l.mu.Lock()
	frames := slices.Clone(l.frames)
	l.mu.Unlock()
	copied := toyLog{first: l.first, frames: frames}
	return copied.Read(from, fn)
}

type memStore struct {
	*memLog
	Snaps
}

func retry(s *keyspace.Space, lock func() bool) {
	for !lock() {
		opened := make(chan struct{})
		if s.Opened(func() { close(opened) }) {
			<-opened
		}
	}
}

// dumpSpace writes all that can be seen of a keyspace, without what has expired being hidden.
func dumpSpace(tb testing.TB, s *keyspace.Space) string {
	tx := s.NewTx()
	tx.Applying = true
	var lines []string
	for db := range s.Databases() {
		tx.DB = db
		if err := tx.Keys(keyspace.AnySlot, func(key []byte, it keyspace.Item) {
			ms, ok := it.ExpireAt()
			lines = append(lines, fmt.Sprintf("%d %q %s %q %d %v", db, key, it.Encoding(), it.AppendTo(nil), ms, ok))
		}); err != nil {
			tb.Fatal(err)
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestSnapshotBesideWritersW4: snapshots of a keyspace that several goroutines write to give, with the log behind
// them, its state at the end.
func TestSnapshotBesideWritersW4(t *testing.T) {
	o := keyspace.Options{Databases: 3, Stripes: 4, HashKey: [16]byte{7}}
	s := newSpace(t, o)
	l := &memLog{toyLog: toyLog{first: 1}}
	fs := memfs.New(1)
	if err := fs.MkdirAll(snapDir); err != nil {
		t.Fatal(err)
	}
	store := memStore{l, &FileBackend{fs: fs, manifest: &manifest{First: 1}}}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(n), 3))
			tx := s.NewTx()
			tx.Sink = l
			for {
				select {
				case <-stop:
					return
				default:
				}
				writeSome(t, s, tx, rng)
			}
		})
	}
	snap := NewSnapshotter(SnapOptions{HashKey: o.HashKey, Compress: true}, store, l, Info{})
	var made []SnapInfo
	for range 4 {
		info, err := snap.Make(t.Context(), spaceWalker{s})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, info)
	}
	close(stop)
	writers.Wait()
	if err := l.commit(true); err != nil {
		t.Fatal(err)
	}
	want := dumpSpace(t, s)
	for _, info := range made[2:] {
		got := newSpace(t, o)
		done, err := Recover(t.Context(), store, Info{First: 1, Last: l.written, Snapshots: []SnapInfo{info}},
			newSpaceApplier(got, 2), RecoverOptions{Workers: 2, HashKey: o.HashKey})
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Check(); err != nil {
			t.Fatal(err)
		}
		if have := dumpSpace(t, got); have != want {
			t.Fatalf("%+v: %d bytes of state, not %d", done, len(have), len(want))
		}
		t.Logf("%+v", done)
	}
}

func writeSome(t *testing.T, s *keyspace.Space, tx *keyspace.Tx, rng *rand.Rand) {
	tx.DB = rng.IntN(3)
	key := fmt.Appendf(nil, "{hot}%d", rng.IntN(8000))
	if rng.IntN(2) == 0 {
		key = fmt.Appendf(nil, "key%d", rng.IntN(3000))
	}
	switch n := rng.IntN(2000); {
	case n < 1900:
		retry(s, func() bool { return tx.LockKey(key) })
		defer tx.Unlock()
		var err error
		switch n % 5 {
		case 0:
			_, err = tx.Append(key, []byte("+1"))
		case 1:
			err = tx.SetBytes(key, key, keyspace.At(tx.Now+int64(n)))
		case 2:
			err = tx.SetInt(key, int64(n), keyspace.KeepTTL)
		case 3:
			tx.Delete(key)
		default:
			_, err = tx.SetRange(key, n%50, []byte("xyz"))
		}
		if err != nil {
			t.Error(err)
		}
	case n < 1995:
		tx.Now++
		s.Tick(tx, 0, 1, time.Millisecond)
	case rng.IntN(4) == 0:
		retry(s, func() bool {
			return tx.Exclusive(func() {
				switch n {
				case 1995:
					tx.FlushAll()
				case 1996, 1997:
					tx.FlushDB()
				}
			})
		})
	}
}

// benchSize is how many keys the benchmarks have: WAL_BENCH_KEYS, or a million.
func benchSize(tb testing.TB) int {
	v := os.Getenv("WAL_BENCH_KEYS")
	if v == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

func benchKey(key []byte, i int) {
	copy(key, "key:")
	for p := 15; p >= 4; p-- {
		key[p] = byte('0' + i%10)
		i /= 10
	}
}

// benchSpace has n keys of 16 bytes with values of 64.
func benchSpace(tb testing.TB, n int) *keyspace.Space {
	s := newSpace(tb, keyspace.Options{})
	tx := s.NewTx()
	key, val := make([]byte, 16), bytes.Repeat([]byte{'x'}, 64)
	for i := range n {
		benchKey(key, i)
		tx.LockKey(key)
		if err := tx.SetBytes(key, val, keyspace.NoTTL); err != nil {
			tb.Fatal(err)
		}
		tx.Unlock()
	}
	return s
}

func benchBackend(tb testing.TB) *FileBackend {
	fs := vfs.OS(tb.TempDir())
	if err := fs.MkdirAll(snapDir); err != nil {
		tb.Fatal(err)
	}
	return &FileBackend{fs: fs, manifest: &manifest{First: 1}}
}

func BenchmarkSnapshot(b *testing.B) {
	n := benchSize(b)
	s := benchSpace(b, n)
	for _, compress := range []bool{false, true} {
		b.Run(fmt.Sprintf("write/compress=%v", compress), func(b *testing.B) {
			l := &memLog{toyLog: toyLog{first: 1}}
			snap := NewSnapshotter(SnapOptions{Compress: compress}, memStore{l, benchBackend(b)}, l, Info{})
			var info SnapInfo
			for b.Loop() {
				var err error
				if info, err = snap.once(context.Background(), spaceWalker{s}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "keys/s")
			b.ReportMetric(float64(info.Bytes)/float64(n), "B/key")
		})
	}
	for _, compress := range []bool{false, true} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("load/compress=%v/workers=%d", compress, workers), func(b *testing.B) {
				l := &memLog{toyLog: toyLog{first: 1}}
				store := memStore{l, benchBackend(b)}
				info, err := NewSnapshotter(SnapOptions{Compress: compress}, store, l, Info{}).once(context.Background(), spaceWalker{s})
				if err != nil {
					b.Fatal(err)
				}
				recoverBench(b, store, Info{First: 1, Snapshots: []SnapInfo{info}}, workers, n)
			})
		}
	}
	b.Run("verify", func(b *testing.B) {
		l := &memLog{toyLog: toyLog{first: 1}}
		store := memStore{l, benchBackend(b)}
		info, err := NewSnapshotter(SnapOptions{}, store, l, Info{}).once(context.Background(), spaceWalker{s})
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := Verify(context.Background(), store, info.ID); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "keys/s")
	})
}

// recoverBench measures recovery into a keyspace that is new each time.
func recoverBench(b *testing.B, store SnapStore, info Info, workers, n int) {
	for b.Loop() {
		b.StopTimer()
		s, err := keyspace.New(keyspace.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := Recover(context.Background(), store, info, newSpaceApplier(s, workers), RecoverOptions{Workers: workers}); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if got := s.NewTx().Count(); got != int64(n) {
			b.Fatalf("%d keys", got)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "keys/s")
}

// benchLog is SET of n keys in an order without order, in batches as a busy server makes them.
func benchLog(n int) *memLog {
	l := &memLog{toyLog: toyLog{first: 1}}
	key, val := make([]byte, 16), bytes.Repeat([]byte{'x'}, 64)
	rng := rand.New(rand.NewPCG(1, 2))
	var b []byte
	count := 0
	push := func() {
		if count > 0 {
			l.frames = append(l.frames, newFrame(b, l.written+1, count, l.durable, 0))
			l.written += LSN(count)
			l.durable, l.appended = l.written, l.written
		}
		b, count = make([]byte, FrameHeader, 64<<10), 0
	}
	push()
	for _, i := range rng.Perm(n) {
		benchKey(key, i)
		b = appendEntry(b, keyspace.Slot(key), 0, 0, resp.AppendCommand(nil, []byte("SET"), key, val))
		if count++; len(b) > 60<<10 {
			push()
		}
	}
	push()
	return l
}

func BenchmarkReplay(b *testing.B) {
	n := benchSize(b)
	back := NewFileBackend(vfs.OS(b.TempDir()), FileOptions{})
	if _, err := back.Open(context.Background(), nil); err != nil {
		b.Fatal(err)
	}
	l := &toyLog{back: back}
	for _, f := range benchLog(n).frames {
		if err := l.store(f, false); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := back.Sync(); err != nil {
		b.Fatal(err)
	}
	info := Info{First: 1, Last: back.Marks().Written}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			recoverBench(b, back, info, workers, n)
		})
	}
	if err := back.Close(true); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRedisLoad is redis-server's start from an RDB file and from an AOF of the same keys, where there is one, for
// comparison in the same run.
func BenchmarkRedisLoad(b *testing.B) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		b.Skip("no redis-server")
	}
	n := benchSize(b)
	dir := b.TempDir()
	aof := filepath.Join(dir, "appendonlydir")
	if err := os.Mkdir(aof, 0o755); err != nil {
		b.Fatal(err)
	}
	f, err := os.Create(filepath.Join(aof, "appendonly.aof.1.incr.aof"))
	if err != nil {
		b.Fatal(err)
	}
	var text []byte
	l := benchLog(n)
	text = resp.AppendCommand(text, []byte("SELECT"), []byte("0"))
	if err := l.Read(1, func(fr Frame) error {
		for rest := fr.Entries(); len(rest) > 0; {
			var e Entry
			e, rest, _ = nextEntry(rest)
			text = append(text, e.Effect...)
		}
		_, err := f.Write(text)
		text = text[:0]
		return err
	}); err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(f.Close(), os.WriteFile(filepath.Join(aof, "appendonly.aof.manifest"),
		[]byte("file appendonly.aof.1.incr.aof seq 1 type i\n"), 0o644)); err != nil {
		b.Fatal(err)
	}
	l = nil
	runtime.GC()
	b.Run("aof", func(b *testing.B) {
		redisStarts(b, dir, n, "--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0")
	})
	b.Run("rdb", func(b *testing.B) {
		redisStarts(b, dir, n, "--appendonly", "no")
	})
}

// redisStarts measures how long redis-server says that loading took; at the end it has an RDB file.
func redisStarts(b *testing.B, dir string, n int, args ...string) {
	var took time.Duration
	sock := filepath.Join(dir, "sock")
	cli := func(args ...string) string {
		out, _ := exec.Command("redis-cli", append([]string{"-s", sock}, args...)...).CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	for range b.N {
		log := filepath.Join(dir, "log")
		_ = os.Remove(log)
		cmd := exec.Command("redis-server", append([]string{
			"--port", "0", "--unixsocket", sock, "--dir", dir, "--save", "", "--logfile", log,
		}, args...)...)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		for cli("PING") != "PONG" {
			runtime.Gosched()
		}
		if got := cli("DBSIZE"); got != strconv.Itoa(n) {
			b.Errorf("%s keys in redis-server", got)
		}
		text, err := os.ReadFile(log)
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "DB loaded from ")
		_, seconds, _ := strings.Cut(after, ": ")
		seconds, _, _ = strings.Cut(seconds, " seconds")
		s, err := strconv.ParseFloat(seconds, 64)
		if err != nil {
			b.Fatalf("redis-server's log: %s", text)
		}
		took += time.Duration(s * float64(time.Second))
		cli("SHUTDOWN", "SAVE")
		if err := cmd.Wait(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "load-ns/op")
	b.ReportMetric(float64(b.N*n)/took.Seconds(), "keys/s")
}
