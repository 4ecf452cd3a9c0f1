package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// anyName stands for every name of a directory.
const anyName = "*"

// UnwatchedError says that the system does not tell of changes, so that they are found by looking alone.
type UnwatchedError struct{ Err error }

// Error names the limit that is probably the cause.
func (e *UnwatchedError) Error() string {
	text := "the system does not tell of changed files, they are looked at every second: " + e.Err.Error()
	for _, l := range inotifyLimits {
		if errors.Is(e.Err, l.err) {
			return text + " (see sysctl " + l.name + ")"
		}
	}
	return text
}

// Unwrap returns the cause.
func (e *UnwatchedError) Unwrap() error { return e.Err }

// inotifyLimits are Linux' words for them.
var inotifyLimits = []struct {
	err  error
	name string
}{
	{syscall.EMFILE, "fs.inotify.max_user_instances"},
	{syscall.ENOSPC, "fs.inotify.max_user_watches"},
}

// unwatched tells of an UnwatchedError, once.
func (w *watcher) unwatched(err error) {
	if !w.told {
		w.told = true
		w.done(Change{}, &UnwatchedError{err})
	}
}

// concerns reports whether an event is about a file of ours, a link on the way to one, or a directory of theirs.
func (w *watcher) concerns(e fsnotify.Event) bool {
	if w.names[e.Name] != nil {
		return true
	}
	names := w.names[filepath.Dir(e.Name)]
	return slices.Contains(names, filepath.Base(e.Name)) || slices.Contains(names, anyName)
}

// refresh watches the directories that matter now, and no others. One that was made anew is another one.
func (w *watcher) refresh(set fileSet) {
	if w.dirs == nil {
		return
	}
	names := map[string][]string{}
	for name, f := range set {
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
	for dir, was := range w.watched {
		if st, err := os.Stat(dir); names[dir] == nil || err != nil || !os.SameFile(st, was) {
			_ = w.dirs.Remove(dir) // it may be gone, and its watch with it
			delete(w.watched, dir)
		}
	}
	for dir := range names {
		st, err := os.Stat(dir)
		if err == nil {
			err = w.dirs.Add(dir)
		}
		if err == nil {
			w.watched[dir] = st
		} else if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, syscall.ENOTDIR) {
			w.unwatched(fmt.Errorf("%s: %w", dir, err))
		}
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
// it, each with the name that matters there. Of what is not there, that is the first directory that is missing.
func way(file string, names map[string][]string, links int) {
	dir := string(filepath.Separator)
	parts := strings.Split(strings.Trim(file, dir), dir)
	for i, part := range parts {
		here := filepath.Join(dir, part)
		target, err := os.Readlink(here)
		gone := errors.Is(err, fs.ErrNotExist)
		if err == nil || gone || i == len(parts)-1 {
			names[dir] = append(names[dir], part)
		}
		if gone {
			return
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
