package configs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// KV is a parameter's name and its value.
type KV struct{ Name, Value string }

var (
	errImmutable = errors.New("can't set immutable config")
	errProtected = errors.New("can't set protected config")
	errDuplicate = errors.New("duplicate parameter")
	errStart     = errors.New("it is read at the start only: change it there")
)

// Get answers CONFIG GET: the parameters that match any pattern, each once, in
// the order of the patterns and of the table. A pattern with a dot is about
// paths and native values, any other about Redis names; an exact name is
// returned as it was written, and only an exact name finds hidden rows.
func (s *Store) Get(patterns []string) []KV {
	c := s.Current()
	t := theTable()
	var out []KV
	seen := map[string]bool{}
	add := func(shown string, value string) {
		if key := strings.ToLower(shown); !seen[key] {
			seen[key] = true
			out = append(out, KV{shown, value})
		}
	}
	for _, pattern := range patterns {
		for _, m := range t.match(pattern) {
			if m.isPath {
				add(m.name, m.p.text(c))
			} else {
				add(m.name, m.p.redis(c))
			}
		}
	}
	return out
}

// Secret reports whether the value of the parameter with this Redis name or path is a secret.
func (s *Store) Secret(name string) bool {
	p, _ := theTable().lookup(name)
	return p != nil && p.Flags.Has(Secret)
}

// Set answers CONFIG SET: all pairs or none. Names are Redis names with values
// in Redis' notation, or paths with native ones. user is who asks, and
// protectedOK says whether this client may set protected parameters
// (Admin.ProtectedConfigs). The text of an error is the client's, with its code.
func (s *Store) Set(pairs []KV, user string, protectedOK bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.settable(pairs, protectedOK)
	if err != nil {
		return err
	}
	old := s.Current()
	asked := *old
	for i, kv := range pairs {
		if err := setAtRuntime(&asked, rows[i], kv); err != nil {
			return setError(kv.Name, err)
		}
	}
	over, now := s.overlay, time.Now()
	for i, kv := range pairs {
		for _, p := range leavesOf(rows[i]) {
			if p.same(old, &asked) {
				continue
			}
			if err := s.changeable(p); err != nil {
				return setError(kv.Name, err)
			}
			over = over.with(p, p.text(&asked), s.base.cfg, now, user)
		}
	}
	if _, err := s.install(s.base, over); err != nil {
		return setError(pairs[blame(err, rows)].Name, err)
	}
	return nil
}

// blame is the number of the pair that an error of install is about, 0 if none is.
func blame(err error, rows []*Param) int {
	e, ok := errors.AsType[*installError](err)
	if !ok {
		return 0
	}
	return max(0, slices.IndexFunc(rows, func(p *Param) bool {
		return slices.ContainsFunc(e.paths, func(path string) bool {
			return p.Path == path || p.Flags.Has(Composite) && strings.HasPrefix(path, p.Path+".")
		})
	}))
}

// leavesOf is the row itself, or the rows that a composite one stands for.
func leavesOf(p *Param) []*Param {
	if !p.Flags.Has(Composite) {
		return []*Param{p}
	}
	var out []*Param
	t := theTable()
	for i := range t.rows {
		if strings.HasPrefix(t.rows[i].Path, p.Path+".") {
			out = append(out, &t.rows[i])
		}
	}
	return out
}

// Unset answers CONFIG UNSET: what CONFIG SET changed gives way to files, environment and
// command line. Names are Redis names or paths; what was not set stays as it is.
func (s *Store) Unset(names []string, protectedOK bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	over := maps.Clone(s.overlay)
	var rows []*Param
	for _, name := range names {
		p, _ := theTable().lookup(name)
		switch {
		case p == nil:
			return fmt.Errorf("ERR Unknown option or number of arguments for CONFIG UNSET - '%s'", name)
		case p.Flags.Has(Protected) && !protectedOK:
			return unsetError(name, errProtected)
		}
		rows = append(rows, p)
		for _, leaf := range leavesOf(p) {
			delete(over, leaf.Path)
		}
	}
	if _, err := s.install(s.base, over); err != nil {
		return unsetError(names[blame(err, rows)], err)
	}
	return nil
}

func unsetError(name string, err error) error {
	return fmt.Errorf("ERR CONFIG UNSET failed (possibly related to argument '%s') - %w", name, err)
}

// settable finds the rows of the pairs. The first wrong pair decides.
func (s *Store) settable(pairs []KV, protectedOK bool) ([]*Param, error) {
	t := theTable()
	rows := make([]*Param, len(pairs))
	for i, kv := range pairs {
		p, isPath := t.lookup(kv.Name)
		switch {
		case p == nil:
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", cString(kv.Name))
		case p.Flags.Has(Immutable) && !isPath:
			return nil, setError(kv.Name, errImmutable)
		case p.Flags.Has(Protected) && !protectedOK:
			return nil, setError(kv.Name, errProtected)
		}
		for j, b := range pairs[:i] {
			// Redis takes two of its names for one value.
			if rows[j] == p && (isPath || strings.Contains(b.Name, ".") || strings.EqualFold(b.Name, kv.Name)) {
				return nil, setError(kv.Name, errDuplicate)
			}
		}
		rows[i] = p
	}
	return rows, nil
}

func setError(name string, err error) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %w", name, err)
}

// setAtRuntime parses one value into c.
func setAtRuntime(c *Config, p *Param, kv KV) error {
	if strings.Contains(kv.Name, ".") {
		return p.setText(c, kv.Value)
	}
	if p.clear != nil {
		p.clear(c)
	}
	return p.setRedis(c, splitArgs(kv.Value, p.multi))
}

// changeable refuses a new value for what only a start can change. The present
// value is taken, so that whatever CONFIG GET returns can be set again.
func (s *Store) changeable(p *Param) error {
	switch {
	case p.Set == Restart || p.Set == Fixed:
		return errImmutable
	case !s.followed(p):
		return errStart
	}
	return nil
}

// followed reports whether a change of p takes effect at run time.
func (s *Store) followed(p *Param) bool {
	return !p.Flags.Has(Applied) || slices.ContainsFunc(s.appliers, func(a applier) bool { return slices.Contains(a.names, p.Path) })
}

// cString is what C sees of a text: that before its first zero byte.
func cString(s string) string {
	before, _, _ := strings.Cut(s, "\x00")
	return before
}
