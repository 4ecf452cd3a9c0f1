package configs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// How the files are watched: changes that the system tells of are looked at at once, others by
// looking every second. What was found must then stay the same for a while, so that
// half a file is not loaded.
const (
	pollEvery = time.Second
	settle    = 80 * time.Millisecond
	settled   = 2 // times settle
)

// Watch reloads whenever a file that the last load has read changes, until ctx
// ends: written in place, replaced, its directory or a link on the way to it
// swapped (a Kubernetes ConfigMap). done hears of every reload; a file that
// vanished is a *VanishedError, and nothing is loaded until it is back. Polling alone
// would do; notifications make it quicker.
func (s *Store) Watch(ctx context.Context, done func(Change, error)) {
	w := watcher{store: s, done: done, poll: pollEvery, settle: settle}
	if n, err := fsnotify.NewWatcher(); err == nil {
		defer func() { _ = n.Close() }() // the process has no other use for it
		w.notify = n
	}
	w.run(ctx)
}

// watcher looks at the files of a store.
type watcher struct {
	store  *Store
	done   func(Change, error)
	notify *fsnotify.Watcher // nil: only polling
	poll   time.Duration
	settle time.Duration

	names    map[string][]string // names to look at, by watched directory
	stats    string              // of all files, when they were looked at last
	vanished string              // what was complained about
}

func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	w.refresh()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.refresh()
			if now := w.seen().stats(); now != w.stats {
				w.look(ctx)
			}
		case e := <-w.events():
			if w.concerns(e) {
				w.look(ctx)
			}
		case <-w.errors():
			// Some events are lost; the next tick looks.
		}
	}
}

func (w *watcher) events() chan fsnotify.Event {
	if w.notify == nil {
		return nil
	}
	return w.notify.Events
}

func (w *watcher) errors() chan error {
	if w.notify == nil {
		return nil
	}
	return w.notify.Errors
}

// seen is what the last load has read.
func (w *watcher) seen() fileSet {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	return w.store.seen
}

// concerns reports whether an event is about a file of ours, or a link or directory on the way to one.
func (w *watcher) concerns(e fsnotify.Event) bool {
	names := w.names[filepath.Dir(e.Name)]
	return slices.Contains(names, filepath.Base(e.Name)) || slices.Contains(names, anyName)
}

// look waits until the files stay the same and reloads if they differ from what is loaded.
func (w *watcher) look(ctx context.Context) {
	old := w.seen()
	now := old.again()
	for same := 0; same < settled; {
		if !w.wait(ctx) {
			return
		}
		w.stats = old.stats() // before they are read: what changes later is looked at again
		next := old.again()
		if same++; !next.equal(now) {
			same = 0
		}
		now = next
	}
	if gone := old.vanished(now); gone != "" {
		if gone != w.vanished {
			w.vanished = gone
			w.done(Change{}, &VanishedError{gone})
		}
		return
	}
	w.vanished = ""
	if now.equal(old) {
		return
	}
	c, err := w.store.Reload()
	w.refresh()
	w.done(c, err)
}

// wait lets the files settle. What is told meanwhile needs no look of its own: they are read
// afterwards. It returns false when ctx has ended.
func (w *watcher) wait(ctx context.Context) bool {
	over := time.After(w.settle)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-over:
			return true
		case <-w.events():
		}
	}
}

// anyName stands for every name of a directory.
const anyName = "*"

// refresh watches the directories that matter now, and no others.
func (w *watcher) refresh() {
	if w.notify == nil {
		return
	}
	names := map[string][]string{}
	for name, f := range w.seen() {
		switch f.kind {
		case seenDir:
			names[absolute(name)] = append(names[absolute(name)], anyName)
		case seenGlob:
			dir := absolute(filepath.Dir(name))
			names[dir] = append(names[dir], anyName)
			continue
		}
		way(absolute(name), names, 0)
	}
	for dir := range w.names {
		if names[dir] == nil {
			_ = w.notify.Remove(dir) // it may be gone, and its watch with it
		}
	}
	for dir := range names {
		_ = w.notify.Add(dir) // what cannot be watched is polled
	}
	w.names = names
}

func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

const maxLinks = 40 // on the way to one file, as the kernel has it

// way adds to names the directory of file, and those of the links on the way to
// it, each with the name that matters there.
func way(file string, names map[string][]string, links int) {
	dir := string(filepath.Separator)
	parts := strings.Split(strings.Trim(file, dir), dir)
	for i, part := range parts {
		here := filepath.Join(dir, part)
		target, err := os.Readlink(here)
		if err == nil || i == len(parts)-1 {
			names[dir] = append(names[dir], part)
		}
		if err == nil && links < maxLinks {
			if !filepath.IsAbs(target) {
				target = filepath.Join(dir, target)
			}
			way(filepath.Join(append([]string{target}, parts[i+1:]...)...), names, links+1)
			return
		}
		dir = here
	}
}

// stats is a text that changes when a file is written, replaced or removed.
func (s fileSet) stats() string {
	var b strings.Builder
	names := make([]string, 0, len(s))
	for name := range s {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if s[name].kind == seenGlob {
			list, _ := filepath.Glob(name) // the pattern was good before
			fmt.Fprintln(&b, name, list)
			continue
		}
		st, err := os.Stat(name)
		if err != nil {
			fmt.Fprintln(&b, name, bare(err))
			continue
		}
		fmt.Fprintln(&b, name, inode(st), st.Size(), st.ModTime().UnixNano())
	}
	return b.String()
}
