package configs

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// Diff is a parameter with two values, in native text; those of secrets are hidden.
type Diff struct{ Path, Old, New string }

// installError is why a configuration was not taken, and which parameters that is about.
type installError struct {
	paths    []string
	err      error
	problems []Problem // the same, each with its place
}

func (e *installError) Error() string { return e.err.Error() }
func (e *installError) Unwrap() error { return e.err }

// candidate is what would be in force after a start: the layers with the overlay above them.
func (s *Store) candidate(base layers, over overlay) (*Config, map[string]Origin) {
	next := *base.cfg
	origins := maps.Clone(base.origins)
	for path, e := range over {
		p := theTable().leaf(path)
		if err := p.setText(&next, e.Value); err != nil {
			continue // it was read before, so there is none
		}
		origins[path] = Origin{Layer: LayerRuntime, Name: path, At: e.Time, User: e.User}
	}
	next.normalize(origins)
	return &next, origins
}

// freeze puts what only a start can change back to what is running, and returns what that
// is. What is fixed with the data is an error instead.
func (s *Store) freeze(old, next *Config, origins map[string]Origin) ([]Diff, error) {
	var pending []Diff
	var fixed []Problem
	t := theTable()
	for i := range t.rows {
		p := &t.rows[i]
		if p.Flags.Has(Composite) || p.same(old, next) || (p.Set != Restart && p.Set != Fixed && s.followed(p)) {
			continue
		}
		d := p.diff(old, next)
		if p.Set == Fixed {
			fixed = append(fixed, Problem{Where: origins[p.Path], Name: p.Path, Text: d.Old + " is fixed with the data, it can not become " + d.New})
			continue
		}
		pending = append(pending, d)
		_ = p.setText(next, p.text(old)) // it is in force, so it is good
		setOrigin(origins, p.Path, s.origins[p.Path])
	}
	if err := problemsOf(fixed); err != nil {
		return nil, err
	}
	next.normalize(origins)
	return pending, nil
}

func setOrigin(origins map[string]Origin, path string, o Origin) {
	if o.IsDefault() {
		delete(origins, path)
		return
	}
	origins[path] = o
}

// diff names the two values of a row.
func (p *Param) diff(old, next *Config) Diff {
	if p.Flags.Has(Secret) {
		return Diff{p.Path, redacted, redacted}
	}
	return Diff{p.Path, p.text(old), p.text(next)}
}

// install makes the layers with the overlay above them the running configuration, or
// changes nothing: whatever can fail is done before anything takes effect. s.mu must be held.
func (s *Store) install(base layers, over overlay) ([]Diff, error) {
	next, origins := s.candidate(base, over)
	if err := problemsOf(next.validate(origins)); err != nil { // after a start
		return nil, err
	}
	old := s.Current()
	pending, err := s.freeze(old, next, origins)
	if err != nil {
		return nil, err
	}
	if err := problemsOf(next.validate(origins)); err != nil { // now
		return nil, err
	}
	changed := differences(old, next)
	if len(changed) > 0 {
		if err := s.apply(old, next, origins); err != nil {
			return nil, err
		}
	}
	s.base, s.overlay, s.origins = base, over, origins
	s.note(func(st *State) { st.Pending, st.Unsaved = pending, over.unlike(s.saved) })
	return changed, nil
}

// problemsOf is the error of what is wrong with a configuration, nil if nothing is.
func problemsOf(problems []Problem) error {
	if len(problems) == 0 {
		return nil
	}
	e := &installError{problems: problems}
	var errs []error
	for _, p := range problems {
		e.paths = append(e.paths, p.Name)
		errs = append(errs, errors.New(p.Text))
	}
	e.err = errors.Join(errs...)
	return e
}

// differences are the rows that have another value.
func differences(old, next *Config) []Diff {
	var out []Diff
	t := theTable()
	for i := range t.rows {
		if p := &t.rows[i]; !p.Flags.Has(Composite) && !p.same(old, next) {
			out = append(out, p.diff(old, next))
		}
	}
	return out
}

// covers reports whether the applier was registered for a path.
func (a applier) covers(path string) bool {
	return slices.ContainsFunc(a.names, func(n string) bool { return path == n || strings.HasPrefix(path, n+".") })
}

// apply prepares every applier that is concerned, commits all, and publishes
// next. If one fails, those before it are rolled back.
func (s *Store) apply(old, next *Config, origins map[string]Origin) error {
	var commits, rollbacks []func()
	for _, a := range s.appliers {
		paths := concerned(a, old, next)
		if len(paths) == 0 {
			continue
		}
		commit, rollback, err := a.apply(old, next)
		if err != nil {
			for _, undo := range slices.Backward(rollbacks) {
				undo()
			}
			return &installError{paths, err, []Problem{{Where: origins[paths[0]], Name: paths[0], Text: err.Error()}}}
		}
		if commit != nil {
			commits = append(commits, commit)
		}
		if rollback != nil {
			rollbacks = append(rollbacks, rollback)
		}
	}
	for _, commit := range commits {
		commit()
	}
	s.current.Store(next)
	return nil
}

// concerned are the applier's parameters that have another value.
func concerned(a applier, old, next *Config) []string {
	var paths []string
	t := theTable()
	for i := range t.rows {
		if p := &t.rows[i]; !p.Flags.Has(Composite) && a.covers(p.Path) && !p.same(old, next) {
			paths = append(paths, p.Path)
		}
	}
	return paths
}
