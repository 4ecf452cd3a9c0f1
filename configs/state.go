package configs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// State is what became of the loads, and where what runs is not what a start would find.
type State struct {
	Pending  []Diff    // another value after a restart: running value, value of the next start
	Unsaved  []string  // parameters that CONFIG SET or UNSET changed since CONFIG REWRITE
	Loaded   time.Time // when the files were last loaded without an error
	Failures int64     // reloads that changed nothing because of an error
	Error    string    // of the last reload, in one line; "" if it went well
}

// State returns the state as the last change left it. Its slices must not be changed.
func (s *Store) State() State { return *s.state.Load() }

// Pending returns the parameters that have another value after a restart.
func (s *Store) Pending() []Diff { return s.state.Load().Pending }

// note changes the state; s.mu must be held.
func (s *Store) note(change func(*State)) {
	next := *s.state.Load()
	change(&next)
	s.state.Store(&next)
}

// reloaded notes how a reload ended; s.mu must be held.
func (s *Store) reloaded(err error) {
	s.note(func(st *State) {
		if st.Error = inOneLine(err); err != nil {
			st.Failures++
			return
		}
		st.Loaded = time.Now()
	})
}

// inOneLine is the text of an error, of many problems the first one.
func inOneLine(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if load, ok := errors.AsType[*LoadError](err); ok {
		text = load.Problems[0].String()
		if more := len(load.Problems) - 1; more > 0 {
			text += fmt.Sprintf(" (and %d more)", more)
		}
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// unlike are the paths in order that have different values in two overlays.
func (o overlay) unlike(other overlay) []string {
	all := maps.Clone(other)
	if all == nil {
		all = overlay{}
	}
	maps.Copy(all, o)
	maps.DeleteFunc(all, func(path string, _ entry) bool {
		a, inO := o[path]
		b, inOther := other[path]
		return inO && inOther && a.Value == b.Value
	})
	return slices.Sorted(maps.Keys(all))
}
