package configs

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Files are looked at when the system tells of a change, and every second. What was found must
// then stay the same for a while, so that half a file is not loaded.
const (
	pollEvery = time.Second
	settle    = 100 * time.Millisecond
)

// Watch reloads whenever a file that the last load has read changes, until ctx
// ends: written in place, replaced, its directory or a link on the way to it
// swapped (a Kubernetes ConfigMap). done hears of every reload. A file that
// vanished is a *VanishedError, and nothing is loaded until it is back. Polling alone
// would do; notifications make it quicker, and where there are none done hears of an
// *UnwatchedError, once.
func (s *Store) Watch(ctx context.Context, done func(Change, error)) {
	w := watcher{store: s, done: done, poll: pollEvery, settle: settle, watched: map[string]fs.FileInfo{}}
	n, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = n.Close() }() // the process has no other use for it
		w.dirs, w.events, w.lost = n, n.Events, n.Errors
	} else {
		w.unwatched(err)
	}
	w.run(ctx)
}

// watcher looks at the files of a store.
type watcher struct {
	store  *Store
	done   func(Change, error)
	poll   time.Duration
	settle time.Duration

	dirs   dirWatcher // nil, as the channels: only polling
	events <-chan fsnotify.Event
	lost   <-chan error // why nobody was told of an event

	names    map[string][]string    // names to look at, by directory
	watched  map[string]fs.FileInfo // directories that the system tells of
	vanished *VanishedError         // what was complained about
	told     bool                   // of an UnwatchedError
}

// dirWatcher is what a watcher needs of fsnotify.
type dirWatcher interface {
	Add(dir string) error
	Remove(dir string) error
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	if w.differs() {
		w.look(ctx)
	}
	for w.wait(ctx, tick.C) {
		if w.differs() {
			w.look(ctx)
		}
	}
}

// wait waits for a tick or a change that concerns our files; false when ctx has ended.
func (w *watcher) wait(ctx context.Context, tick <-chan time.Time) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case err := <-w.lost:
			if !errors.Is(err, fsnotify.ErrEventOverflow) { // that is made good by looking
				w.unwatched(err)
			}
			return true
		case e := <-w.events:
			if w.concerns(e) {
				return true
			}
		}
	}
}

// seen is what the last load has read.
func (w *watcher) seen() fileSet {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.seen
}

// read reads what a set names. The directories are watched before, so that no change falls between.
//
// Files are read, not asked for their time: network file systems answer that from a cache, but not what follows
// an open, and times of some are too coarse to tell two changes apart.
func (w *watcher) read(set fileSet) fileSet {
	w.refresh(set)
	return set.again()
}

// differs reports whether the files are not what is loaded.
func (w *watcher) differs() bool {
	seen := w.seen()
	return !w.read(seen).equal(seen)
}

// look waits until the files stay the same and reloads if they differ from what is loaded, until they are what is loaded.
func (w *watcher) look(ctx context.Context) {
	for set := w.seen(); ; {
		now, ok := w.settled(ctx, set)
		if !ok {
			return
		}
		old := w.seen()
		if gone := old.vanished(now); gone != nil {
			if w.vanished == nil || *gone != *w.vanished {
				w.done(Change{}, gone)
			}
			w.vanished = gone
			return
		}
		w.vanished = nil
		if now.equal(old) {
			return
		}
		c, more, err := w.store.reloadSettled(now)
		if more != nil {
			set = more
			continue
		}
		w.done(c, err)
		if !w.differs() {
			return
		}
		set = w.seen()
	}
}

// settled waits until two readings of what a set names are equal and far enough apart, with none
// between that differs. It returns false when ctx has ended.
func (w *watcher) settled(ctx context.Context, set fileSet) (fileSet, bool) {
	now := w.read(set)
	over := time.NewTimer(w.settle)
	defer over.Stop()
	for {
		late := false
		select {
		case <-ctx.Done():
			return nil, false
		case e := <-w.events:
			if !w.concerns(e) {
				continue
			}
		case <-over.C:
			late = true
		}
		next := w.read(set)
		same := next.equal(now)
		if same && late {
			return next, true
		}
		if !same {
			now = next
			over.Reset(w.settle)
		}
	}
}
