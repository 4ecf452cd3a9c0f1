package configs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// fakeDirs is a system that tells of what the test says, in the fake time of a test.
type fakeDirs struct {
	err    error // of Add
	events chan fsnotify.Event
	dirs   map[string]bool
}

func (f *fakeDirs) Add(dir string) error {
	if f.err == nil {
		f.dirs[dir] = true
	}
	return f.err
}

func (f *fakeDirs) Remove(dir string) error {
	delete(f.dirs, dir)
	return nil
}

// inFakeTime runs f beside a watcher with the times of the server, told of changes by the result of notify, or not.
func inFakeTime(t *testing.T, told bool, f func(w *watcher, tell func(name string), results func() []error), args ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		fake := &fakeDirs{events: make(chan fsnotify.Event), dirs: map[string]bool{}}
		var mu sync.Mutex
		var errs []error
		w := &watcher{store: mustLoad(t, args, nil), poll: pollEvery, settle: settle, watched: map[string]fs.FileInfo{}}
		w.done = func(_ Change, err error) {
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		}
		if told {
			w.dirs, w.events = fake, fake.events
		}
		ctx, cancel := context.WithCancel(t.Context())
		go w.run(ctx)
		synctest.Wait()
		f(w, func(name string) {
			if told {
				fake.events <- fsnotify.Event{Name: absolute(name), Op: fsnotify.Write}
			}
			synctest.Wait()
		}, func() []error {
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(errs)
		})
		cancel()
		synctest.Wait()
	})
}

// TestWatchSlowWriter: a file that is written in pieces, however many, with less than the time of settling between
// them, is loaded when it is whole, and then at once. Each piece alone would be a good configuration.
func TestWatchSlowWriter(t *testing.T) {
	for name, told := range map[string]bool{"notified": true, "polling": false} {
		t.Run(name, func(t *testing.T) {
			pieces := []string{"server:\n", "  maxclients: 2", "0", "0\n", "  backlog: 5\n", "keyspace:\n", "  maxmemory: 1", "0", "0", "MiB\n"}
			for _, file := range []string{"a.yaml", "conf.d/20.yaml"} { // one that is loaded, one that nobody knows
				here(t, "a.yaml", clients(1), "conf.d/10.yaml", "")
				inFakeTime(t, told, func(w *watcher, tell func(string), results func() []error) {
					f, err := os.Create(file)
					mustDo(t, err)
					defer f.Close()
					tell(file)
					for range 20 {
						for _, p := range pieces {
							time.Sleep(settle - time.Millisecond)
							_, err := f.WriteString(p)
							mustDo(t, err)
							tell(file)
						}
						if list := results(); len(list) > 0 || w.store.value("maxclients") == "200" {
							t.Fatalf("half of %s was loaded: %v", file, list)
						}
						mustDo(t, f.Truncate(0))
						_, err = f.Seek(0, 0)
						mustDo(t, err)
						tell(file)
					}
					time.Sleep(settle - time.Millisecond)
					_, err = f.WriteString(strings.Join(pieces, ""))
					mustDo(t, err)
					tell(file)
					wrote := time.Now()
					for len(results()) == 0 {
						time.Sleep(time.Millisecond)
					}
					if w.store.value("maxclients") != "200" || w.store.value("maxmemory") != "104857600" {
						t.Errorf("%v; maxclients %s", results(), w.store.value("maxclients"))
					}
					goal := 1500 * time.Millisecond
					if told {
						goal = 300 * time.Millisecond
					}
					if d := time.Since(wrote); d > goal {
						t.Errorf("loaded after %v", d)
					}
				}, "--config", "a.yaml", "--config", "conf.d")
			}
		})
	}
}

// TestReloadSettled: what changes between settling and loading is not loaded; nor is a file that settling did not see.
func TestReloadSettled(t *testing.T) {
	here(t, "redis.conf", "maxclients 1\n")
	s := mustLoad(t, []string{"redis.conf"}, nil)
	write(t, "redis.conf", "maxclients 2\ninclude more.conf\n")
	write(t, "more.conf", "timeout 3\n")
	settled := s.seen.again()
	write(t, "redis.conf", "maxclients 2")
	for range 2 {
		c, more, err := s.reloadSettled(settled)
		if more == nil || err != nil || len(c.Changed) > 0 || s.value("maxclients") != "1" {
			t.Fatalf("%v, %v, %v", c, more, err)
		}
		write(t, "redis.conf", "maxclients 2\ninclude more.conf\n")
	}
	_, more, _ := s.reloadSettled(settled)
	if _, more, err := s.reloadSettled(more); more != nil || err != nil || s.value("maxclients")+s.value("timeout") != "23" {
		t.Errorf("%v, %v, maxclients %s", more, err, s.value("maxclients"))
	}
	if st := s.State(); st.Failures != 0 || st.Error != "" {
		t.Errorf("%+v", st)
	}
}

// TestWatchWithoutWatches: when the system has no more watches, that is said once, and files are looked at every second. Of
// directories that are gone or closed to us nothing is said.
func TestWatchWithoutWatches(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.ENOSPC, "no space left on device (see sysctl fs.inotify.max_user_watches)"},
		{syscall.ENOMEM, "cannot allocate memory"},
		{syscall.EACCES, ""},
		{syscall.ENOENT, ""},
	} {
		here(t, "a.yaml", clients(1), "b.yaml", "")
		told := &fakeDirs{err: c.err}
		var errs []error
		s := mustLoad(t, []string{"--config", "a.yaml"}, nil)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := watcher{
				store: s, done: func(_ Change, err error) { errs = append(errs, err) }, poll: pollEvery, settle: settle,
				dirs: told, watched: map[string]fs.FileInfo{},
			}
			go w.run(ctx)
			for n := 2; n < 5; n++ {
				synctest.Wait()
				write(t, "a.yaml", clients(n))
				time.Sleep(pollEvery + settle)
				synctest.Wait()
				if got := s.value("maxclients"); got != fmt.Sprint(n) {
					t.Errorf("%v: maxclients is %s, not %d", c.err, got, n)
				}
			}
		})
		text := fmt.Sprint(errors.Join(errs...))
		if dir, _ := os.Getwd(); c.want != "" && !strings.HasSuffix(text, filepath.Clean(dir)+": "+c.want) || c.want == "" && text != "<nil>" {
			t.Errorf("%v: told %q", c.err, text)
		}
	}
	err := &UnwatchedError{fmt.Errorf("couldn't initialize inotify: %w", syscall.EMFILE)}
	if want := "too many open files (see sysctl fs.inotify.max_user_instances)"; !strings.HasSuffix(err.Error(), want) {
		t.Error(err)
	}
}
