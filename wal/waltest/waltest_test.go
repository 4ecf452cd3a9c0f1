package waltest

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
	"github.com/reredis/reredis/wal"
)

// small makes segments small enough that all rules rotate.
var small = wal.FileOptions{SegmentSize: 16 << 10, FirstSegment: 8 << 10, Now: func() int64 { return 1 }}

// osStore is a directory.
type osStore struct{ dir string }

func (s osStore) Backend() wal.Backend { return wal.NewFileBackend(vfs.OS(s.dir), small) }

// memStore is a file system in memory.
type memStore struct {
	fs   *memfs.FS
	at   int
	wrap func(*wal.FileBackend) wal.Backend
}

func (s *memStore) Backend() wal.Backend {
	b := wal.NewFileBackend(s.fs, small)
	if s.wrap != nil {
		return s.wrap(b)
	}
	return b
}

func (s *memStore) Crash(rng *rand.Rand) { s.fs = s.fs.Crash(rng) }

func (s *memStore) Fail(at int, err error) {
	s.at = at
	s.fs.SetPlan(memfs.Plan{At: map[int]memfs.Fault{at: {Err: err}}})
}

func (s *memStore) Failed() bool { return s.at > 0 && s.fs.Ops() >= s.at }

func TestFilesOnTheSystem(t *testing.T) {
	t.Parallel()
	Run(t, func(tb testing.TB) Store { return osStore{tb.TempDir()} })
}

func TestFilesInMemory(t *testing.T) {
	t.Parallel()
	Run(t, func(testing.TB) Store { return &memStore{fs: memfs.New(1)} })
}

// wrong is a backend that does nearly everything right.
type wrong struct {
	*wal.FileBackend

	open     func(wal.Info) wal.Info
	append   func([]wal.Frame, bool) (wal.Marks, error)
	sync     func() (wal.Marks, error)
	read     func(wal.LSN, func(wal.Frame) error) error
	truncate func(wal.LSN) error
	trim     func(wal.LSN) error
	snapshot func(wal.SnapWriter) wal.SnapWriter
	drop     func(wal.SnapID) error
	close    func(bool) error
}

func (w *wrong) Open(ctx context.Context, notify func(wal.Marks, error)) (wal.Info, error) {
	info, err := w.FileBackend.Open(ctx, notify)
	if err == nil && w.open != nil {
		info = w.open(info)
	}
	return info, err
}

func (w *wrong) Append(fs []wal.Frame, sync bool) (wal.Marks, error) {
	if w.append != nil {
		return w.append(fs, sync)
	}
	return w.FileBackend.Append(fs, sync)
}

func (w *wrong) Sync() (wal.Marks, error) {
	if w.sync != nil {
		return w.sync()
	}
	return w.FileBackend.Sync()
}

func (w *wrong) Read(from wal.LSN, fn func(wal.Frame) error) error {
	if w.read != nil {
		return w.read(from, fn)
	}
	return w.FileBackend.Read(from, fn)
}

func (w *wrong) Truncate(after wal.LSN) error {
	if w.truncate != nil {
		return w.truncate(after)
	}
	return w.FileBackend.Truncate(after)
}

func (w *wrong) Trim(upTo wal.LSN) error {
	if w.trim != nil {
		return w.trim(upTo)
	}
	return w.FileBackend.Trim(upTo)
}

func (w *wrong) NewSnapshot(h wal.SnapHeader) (wal.SnapWriter, error) {
	out, err := w.FileBackend.NewSnapshot(h)
	if err == nil && w.snapshot != nil {
		out = w.snapshot(out)
	}
	return out, err
}

func (w *wrong) DropSnapshot(id wal.SnapID) error {
	if w.drop != nil {
		return w.drop(id)
	}
	return w.FileBackend.DropSnapshot(id)
}

func (w *wrong) Close(clean bool) error {
	if w.close != nil {
		return w.close(clean)
	}
	return w.FileBackend.Close(clean)
}

// early publishes without the last chunk, or at the first one.
type early struct {
	wal.SnapWriter
	chunk func([]byte) error
	abort func() error
}

func (e *early) Chunk(b []byte) error { return e.chunk(b) }
func (e *early) Abort() error         { return e.abort() }

// verdict is a testing.TB that only notes.
type verdict struct {
	testing.TB
	mu   sync.Mutex
	text []string
}

func (v *verdict) note(s string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.text = append(v.text, s)
}

func (v *verdict) Helper()                   {}
func (v *verdict) Error(args ...any)         { v.note("error") }
func (v *verdict) Errorf(f string, a ...any) { v.note(f) }
func (v *verdict) Fatal(args ...any)         { v.note("fatal"); runtime.Goexit() }
func (v *verdict) Fatalf(f string, a ...any) { v.note(f); runtime.Goexit() }

// refused says whether a rule refuses a store.
func refused(t *testing.T, r Rule, s Store) []string {
	v := &verdict{TB: t}
	var all sync.WaitGroup
	all.Go(func() { r.Run(v, s) })
	all.Wait()
	return v.text
}

// flaws are ways to be wrong, each under the rule that must see it.
var flaws = map[string]func(w *wrong){
	"Empty: begins with LSN 0": func(w *wrong) {
		w.open = func(i wal.Info) wal.Info { i.First = 0; return i }
	},
	"Frames: of a frame that is read from its middle nothing comes": func(w *wrong) {
		w.read = func(from wal.LSN, fn func(wal.Frame) error) error {
			return w.FileBackend.Read(from, func(f wal.Frame) error {
				if f.Base < from {
					return nil
				}
				return fn(f)
			})
		}
	},
	"ReadError: goes on": func(w *wrong) {
		w.read = func(from wal.LSN, fn func(wal.Frame) error) error {
			var first error
			err := w.FileBackend.Read(from, func(f wal.Frame) error {
				if e := fn(f); first == nil {
					first = e
				}
				return nil
			})
			return errors.Join(first, err)
		}
	},
	"Marks: durable before it is written": func(w *wrong) {
		w.append = func(fs []wal.Frame, sync bool) (wal.Marks, error) {
			m, err := w.FileBackend.Append(fs, sync)
			m.Durable = m.Written + 1
			return m, err
		}
	},
	"Order: takes what does not follow, and forgets it": func(w *wrong) {
		w.append = func(fs []wal.Frame, sync bool) (wal.Marks, error) {
			if m := w.Marks(); fs[0].Base != m.Written+1 {
				return m, nil
			}
			return w.FileBackend.Append(fs, sync)
		}
	},
	"Reopen: a close loses what was not synced": func(w *wrong) {
		w.close = func(bool) error {
			m := w.Marks()
			if m.Durable < m.Written {
				if err := w.FileBackend.Truncate(m.Durable); err != nil {
					return err
				}
			}
			return w.FileBackend.Close(true)
		}
	},
	"Large: no frame above a megabyte": func(w *wrong) {
		w.append = func(fs []wal.Frame, sync bool) (wal.Marks, error) {
			if len(fs[0].Bytes) > 1<<20 {
				return w.Marks(), errors.New("too large")
			}
			return w.FileBackend.Append(fs, sync)
		}
	},
	"Beside: from the third time on a read sees frames twice": func(w *wrong) {
		var reads atomic.Int64
		w.read = func(from wal.LSN, fn func(wal.Frame) error) error {
			twice := reads.Add(1) > 2
			return w.FileBackend.Read(from, func(f wal.Frame) error {
				if twice {
					if err := fn(f); err != nil {
						return err
					}
				}
				return fn(f)
			})
		}
	},
	"Trim: passes over what is gone": func(w *wrong) {
		w.read = func(from wal.LSN, fn func(wal.Frame) error) error {
			err := w.FileBackend.Read(from, fn)
			for errors.Is(err, wal.ErrTrimmed) && from <= w.Marks().Written {
				from++
				err = w.FileBackend.Read(from, fn)
			}
			return err
		}
	},
	"Truncate: in memory only": func(w *wrong) {
		end := ^wal.LSN(0)
		w.truncate = func(after wal.LSN) error { end = after; return nil }
		w.read = func(from wal.LSN, fn func(wal.Frame) error) error {
			return w.FileBackend.Read(from, func(f wal.Frame) error {
				if f.Base > end {
					return nil
				}
				return fn(f)
			})
		}
	},
	"Snapshot: a frame is missing": func(w *wrong) {
		w.snapshot = func(out wal.SnapWriter) wal.SnapWriter {
			n := 0
			return &early{out, func(b []byte) error {
				if n++; n == 1 {
					return nil
				}
				return out.Chunk(b)
			}, out.Abort}
		}
	},
	"Abort: publishes instead": func(w *wrong) {
		w.snapshot = func(out wal.SnapWriter) wal.SnapWriter {
			return &early{out, out.Chunk, func() error { return out.Publish(wal.SnapFooter{}) }}
		}
	},
	"Drop: nothing is dropped": func(w *wrong) { w.drop = func(wal.SnapID) error { return nil } },
	"Crash: calls durable what is only written": func(w *wrong) {
		w.append = func(fs []wal.Frame, _ bool) (wal.Marks, error) {
			m, err := w.FileBackend.Append(fs, false)
			m.Durable = m.Written
			return m, err
		}
	},
	"CrashTruncate: comes back": func(w *wrong) {
		w.truncate = func(wal.LSN) error { return nil }
	},
	"CrashSnapshot: an old one goes first": func(w *wrong) {
		w.snapshot = func(out wal.SnapWriter) wal.SnapWriter {
			if r, err := w.OpenSnapshot(1); err == nil {
				_ = errors.Join(r.Close(), w.FileBackend.DropSnapshot(1))
			}
			return out
		}
	},
	"Errors: says that a failed write went well": func(w *wrong) {
		w.append = func(fs []wal.Frame, sync bool) (wal.Marks, error) {
			m, err := w.FileBackend.Append(fs, sync)
			if err != nil && !errors.Is(err, wal.ErrRotate) {
				m.Written, err = fs[len(fs)-1].Last(), nil
			}
			return m, err
		}
	},
	"FailedSync: believes the second one": func(w *wrong) {
		w.sync = func() (wal.Marks, error) {
			m, err := w.FileBackend.Sync()
			if failed := (*wal.SyncError)(nil); errors.As(err, &failed) {
				return wal.Marks{Written: m.Written, Durable: m.Written}, nil
			}
			return m, err
		}
	},
}

// TestKitSeesFlaws: a kit is worth something only if each of its rules refuses a backend that is wrong.
func TestKitSeesFlaws(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{"Lock": true} // below
	for name, flaw := range flaws {
		rule, _, _ := strings.Cut(name, ":")
		seen[rule] = true
		i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == rule })
		if i < 0 {
			t.Fatalf("%s: no such rule", rule)
		}
		t.Run(name, func(t *testing.T) {
			s := &memStore{fs: memfs.New(1)}
			s.wrap = func(b *wal.FileBackend) wal.Backend {
				w := &wrong{FileBackend: b}
				flaw(w)
				return w
			}
			why := refused(t, Rules()[i], s)
			if len(why) == 0 {
				t.Error("the kit does not see it")
			}
			t.Logf("%.100q", why)
		})
	}
	for _, r := range Rules() {
		if !seen[r.Name] {
			t.Errorf("no flaw shows that the rule %s sees anything", r.Name)
		}
	}
}

// unlocked is a file system without locks.
type unlocked struct{ *memfs.FS }

func (unlocked) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

type unlockedStore struct{ fs unlocked }

func (s unlockedStore) Backend() wal.Backend { return wal.NewFileBackend(s.fs, small) }

func TestKitSeesNoLock(t *testing.T) {
	i := slices.IndexFunc(Rules(), func(r Rule) bool { return r.Name == "Lock" })
	if why := refused(t, Rules()[i], unlockedStore{unlocked{memfs.New(1)}}); len(why) == 0 {
		t.Error("the kit does not see that there is no lock")
	}
}
