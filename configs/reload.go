package configs

import (
	"errors"
	"slices"
)

// Change is what a reload did.
type Change struct {
	Changed  []Diff   // in force now
	Pending  []Diff   // from now on, what takes a restart: running value, value of the next start
	Warnings []string // that were not given before
}

// VanishedError says that a file that was read before cannot be read now, or
// is empty and was not. The configuration stays as it is.
type VanishedError struct {
	Name  string
	Empty bool
}

// Error names the file.
func (e *VanishedError) Error() string {
	if e.Empty {
		return e.Name + " is empty now; the configuration stays as it is until the file is written, or a reload is asked for"
	}
	return e.Name + " cannot be read any more; the configuration stays as it is"
}

// Reload loads all layers anew, with the environment, the command line and the choice of files
// of the start, and puts in force what can change while the server runs. It is all or
// nothing: after any error the old configuration is in force, whole. An error
// of the configuration is a *LoadError that holds every problem.
func (s *Store) Reload() (Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.source.loader()
	return s.take(l, l.load())
}

// reloadSettled is Reload if it reads what settled has. Otherwise it changes nothing and returns what
// it has read, which has to settle first.
func (s *Store) reloadSettled(settled fileSet) (c Change, more fileSet, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.source.loader()
	base := l.load()
	if !base.seen.within(settled) {
		return Change{}, base.seen, nil
	}
	c, err = s.take(l, base)
	return c, nil, err
}

// take puts what was loaded in force, and counts if that fails; s.mu must be held.
func (s *Store) take(l *loader, base layers) (Change, error) {
	c, err := s.tryTake(l, base)
	s.reloaded(err)
	return c, err
}

func (s *Store) tryTake(l *loader, base layers) (Change, error) {
	s.seen = base.seen
	if len(l.problems) > 0 {
		return Change{}, &LoadError{Problems: l.problems}
	}
	was, pending := s.warnings, s.Pending()
	changed, err := s.install(base, s.overlay)
	if e, ok := errors.AsType[*installError](err); ok {
		return Change{}, &LoadError{Problems: e.problems}
	}
	if err != nil {
		return Change{}, err
	}
	s.warnings = slices.Concat(base.warnings, s.overlay.conflicts(base.cfg), warningsOf(s.Current(), s.origins))
	c := Change{Changed: changed}
	for _, d := range s.Pending() {
		if !slices.Contains(pending, d) {
			c.Pending = append(c.Pending, d)
		}
	}
	for _, w := range s.warnings {
		if !slices.Contains(was, w) {
			c.Warnings = append(c.Warnings, w)
		}
	}
	return c, nil
}
