package configs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watching is a store whose files are watched.
type watching struct {
	*Store
	t       *testing.T
	results chan error
}

const watchPatience = 30 * time.Second

// watched starts to watch, with notifications or by polling alone.
func watched(t *testing.T, notify bool, args ...string) *watching {
	t.Helper()
	w := &watching{Store: mustLoad(t, args, nil), t: t, results: make(chan error, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	report := func(_ Change, err error) { w.results <- err }
	go func() {
		defer close(ended)
		if notify {
			w.Watch(ctx, report)
			return
		}
		(&watcher{store: w.Store, done: report, poll: 10 * time.Millisecond, settle: 10 * time.Millisecond}).run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return w
}

// await waits for a value, or for an error that contains a text.
func (w *watching) await(name, want, bad string) {
	w.t.Helper()
	deadline := time.After(watchPatience)
	for {
		select {
		case err := <-w.results:
			if bad != "" && err != nil && strings.Contains(err.Error(), bad) {
				return
			}
			if bad == "" && err == nil && w.value(name) == want {
				return
			}
		case <-deadline:
			w.t.Fatalf("%s is %s, not %s; or no error has %q", name, w.value(name), want, bad)
		}
	}
}

// mustDo fails the test at the first error.
func mustDo(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func clients(n int) string { return fmt.Sprintf("server: {maxclients: %d}\n", n) }

// TestWatch changes files in every way there is.
func TestWatch(t *testing.T) {
	for name, notify := range map[string]bool{"notified": true, "polling": false} {
		t.Run(name, func(t *testing.T) {
			t.Run("file", func(t *testing.T) {
				here(t, "a.yaml", clients(1))
				w := watched(t, notify, "--config", "a.yaml")
				write(t, "a.yaml", clients(2)) // in place
				w.await("maxclients", "2", "")
				write(t, "b.yaml", clients(3))
				mustDo(t, os.Rename("b.yaml", "a.yaml")) // replaced
				w.await("maxclients", "3", "")
				write(t, "a.yaml", clients(0)) // bad
				w.await("", "", "must be between")
				write(t, "a.yaml", clients(4))
				w.await("maxclients", "4", "")
				mustDo(t, os.Remove("a.yaml")) // gone
				w.await("", "", "cannot be read any more")
				if w.value("maxclients") != "4" {
					t.Error("a file that is gone has changed something")
				}
				write(t, "a.yaml", clients(5)) // back
				w.await("maxclients", "5", "")
				mustDo(t, os.Truncate("a.yaml", 0)) // written by somebody whose disk is full
				w.await("", "", "is empty now")
				if w.value("maxclients") != "5" {
					t.Error("a file that is empty has changed something")
				}
				write(t, "a.yaml", clients(6))
				w.await("maxclients", "6", "")
			})
			t.Run("ConfigMap", func(t *testing.T) {
				here(t, "v1/a.yaml", clients(1), "v2/a.yaml", clients(2))
				mustDo(t, os.Symlink("v1", "..data"), os.Symlink("..data/a.yaml", "a.yaml"))
				w := watched(t, notify, "a.yaml")
				mustDo(t, os.Symlink("v2", "..tmp"), os.Rename("..tmp", "..data"), os.RemoveAll("v1"))
				w.await("maxclients", "2", "")
			})
			t.Run("directory", func(t *testing.T) {
				here(t, "conf.d/10.yaml", clients(1), "conf.d/notes.txt", "nonsense")
				w := watched(t, notify, "--config", "conf.d")
				write(t, "conf.d/20.conf", "maxclients 2\n")
				w.await("maxclients", "2", "")
				write(t, "conf.d/20.conf", "maxclients 3\n")
				w.await("maxclients", "3", "")
				mustDo(t, os.Remove("conf.d/20.conf"))
				w.await("maxclients", "1", "")
			})
			t.Run("made anew", func(t *testing.T) {
				here(t, "etc/conf/a.yaml", clients(1))
				w := watched(t, notify, "--config", "etc/conf/a.yaml")
				for n := 2; n < 12; n += 2 {
					mustDo(t, os.RemoveAll("etc"))
					w.await("", "", "cannot be read any more")
					write(t, "etc/conf/a.yaml", clients(n))
					w.await("maxclients", fmt.Sprint(n), "")
					write(t, "new/a.yaml", clients(n+1)) // another directory gets the name
					mustDo(t, os.Rename("etc/conf", fmt.Sprint("old", n)), os.Rename("new", "etc/conf"))
					w.await("maxclients", fmt.Sprint(n+1), "")
				}
			})
			t.Run("include", func(t *testing.T) {
				here(t, "redis.conf", "include more/*.conf\ninclude last.conf\n", "more/a.conf", "maxclients 1\n", "last.conf", "timeout 1\n")
				w := watched(t, notify, "redis.conf")
				write(t, "last.conf", "timeout 2\n")
				w.await("timeout", "2", "")
				write(t, "more/b.conf", "maxclients 2\n")
				w.await("maxclients", "2", "")
			})
			t.Run("secret", func(t *testing.T) {
				here(t, "pw", "a")
				w := watched(t, notify, "--server.auth.password_file", "pw")
				write(t, "pw", "b")
				w.await("requirepass", "b", "")
			})
		})
	}
}

// TestWay: the directories of a file and of every link on the way to it.
func TestWay(t *testing.T) {
	here(t, "v1/a.yaml", "")
	mustDo(t, os.Symlink("v1", "..data"), os.Symlink("..data/a.yaml", "a.yaml"), os.Symlink("loop", "loop"))
	dir, err := os.Getwd()
	mustDo(t, err)
	names := map[string][]string{}
	way(dir+"/a.yaml", names, 0)
	if got := fmt.Sprint(names[dir], names[dir+"/v1"], len(names)); got != "[a.yaml ..data] [a.yaml] 2" {
		t.Error(got, names)
	}
	way(dir+"/gone/conf/a.yaml", names, 0)
	if got := fmt.Sprint(names[dir]); got != "[a.yaml ..data gone]" {
		t.Error(got)
	}
	way(dir+"/loop", names, 0)
	w := watcher{names: names}
	for name, want := range map[string]bool{"/a.yaml": true, "/..data": true, "/v1/a.yaml": true, "/v1": true, "/b.yaml": false, "/v1/b": false} {
		if w.concerns(fsnotify.Event{Name: dir + name}) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
}

// TestLostEvents: events that were too many are made good by looking; any other error means that nothing is told of
// changes any more, which is said once.
func TestLostEvents(t *testing.T) {
	lost := make(chan error, 1)
	var told []error
	w := watcher{lost: lost, done: func(_ Change, err error) { told = append(told, err) }}
	for _, err := range []error{fsnotify.ErrEventOverflow, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF} {
		lost <- err
		if !w.wait(t.Context(), nil) {
			t.Fatal("it does not look")
		}
	}
	if len(told) != 1 || !errors.Is(told[0], io.ErrUnexpectedEOF) {
		t.Errorf("told %v", told)
	}
}
