package configs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// KV is a parameter's name and its value.
type KV struct{ Name, Value string }

// ErrNoConfigFile is what Rewrite returns; the text is the client's.
var ErrNoConfigFile = errors.New("ERR The server is running without a config file")

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
		if !strings.ContainsAny(pattern, "[*?") {
			switch p, isPath := t.lookup(pattern); {
			case p == nil:
			case isPath:
				add(pattern, p.text(c))
			default:
				add(pattern, p.redis(c))
			}
			continue
		}
		byPath := strings.Contains(pattern, ".")
		for i := range t.rows {
			p := &t.rows[i]
			switch {
			case p.Flags.Has(Hidden):
			case byPath:
				if !p.Flags.Has(Composite) && glob(pattern, p.Path) {
					add(p.Path, p.text(c))
				}
			default:
				for _, name := range p.redisNames() {
					if glob(pattern, name) {
						add(name, p.redis(c))
					}
				}
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
// in Redis' notation, or paths with native ones. protectedOK says whether this
// client may set protected parameters (Admin.ProtectedConfigs). The text of
// an error is the client's, with its code.
func (s *Store) Set(pairs []KV, protectedOK bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, err := s.settable(pairs, protectedOK)
	if err != nil {
		return err
	}
	old := s.Current()
	next := *old
	for i, kv := range pairs {
		if err := setAtRuntime(&next, rows[i], kv); err != nil {
			return setError(kv.Name, err)
		}
	}
	next.normalize()
	for i, kv := range pairs {
		if err := s.changeable(rows[i], old, &next); err != nil {
			return setError(kv.Name, err)
		}
	}
	if name, err := s.apply(old, &next, rows); err != nil {
		return setError(pairs[name].Name, err)
	}
	for i, p := range rows {
		if !p.same(old, &next) {
			s.origins[p.Path] = Origin{Layer: LayerRuntime, Name: pairs[i].Name}
		}
	}
	return nil
}

// settable finds the rows of the pairs. The first wrong pair decides.
func (s *Store) settable(pairs []KV, protectedOK bool) ([]*Param, error) {
	t := theTable()
	rows := make([]*Param, len(pairs))
	for i, kv := range pairs {
		p, isPath := t.lookup(kv.Name)
		switch {
		case p == nil:
			return nil, fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", kv.Name)
		case p.Flags.Has(Immutable) && !isPath:
			return nil, setError(kv.Name, errImmutable)
		case p.Flags.Has(Protected) && !protectedOK:
			return nil, setError(kv.Name, errProtected)
		}
		if slices.ContainsFunc(pairs[:i], func(b KV) bool { return strings.EqualFold(b.Name, kv.Name) }) {
			return nil, setError(kv.Name, errDuplicate)
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
func (s *Store) changeable(p *Param, old, next *Config) error {
	if p.same(old, next) {
		return nil
	}
	switch {
	case p.Set == Restart || p.Set == Fixed:
		return errImmutable
	case p.Flags.Has(Applied) && !slices.ContainsFunc(s.appliers, func(a applier) bool { return slices.Contains(a.names, p.Path) }):
		return errStart
	}
	return nil
}

// covers reports whether the applier was registered for a path.
func (a applier) covers(path string) bool {
	return slices.ContainsFunc(a.names, func(n string) bool { return path == n || strings.HasPrefix(path, n+".") })
}

// apply prepares every applier that is concerned, commits all, and publishes
// next. If one fails, those before it are rolled back, and the number of the
// pair that it is about is returned.
func (s *Store) apply(old, next *Config, rows []*Param) (int, error) {
	var commits, rollbacks []func()
	for _, a := range s.appliers {
		if !concerns(a, old, next) {
			continue
		}
		commit, rollback, err := a.apply(old, next)
		if err != nil {
			for _, undo := range slices.Backward(rollbacks) {
				undo()
			}
			return max(0, slices.IndexFunc(rows, func(p *Param) bool {
				return touches(a, p) && !p.same(old, next)
			})), err
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
	return 0, nil
}

// concerns reports whether a parameter of the applier has another value.
func concerns(a applier, old, next *Config) bool {
	t := theTable()
	for i := range t.rows {
		if p := &t.rows[i]; a.covers(p.Path) && !p.same(old, next) {
			return true
		}
	}
	return false
}

// touches reports whether a row is one of the applier's, or a composite of
// some of them.
func touches(a applier, p *Param) bool {
	return a.covers(p.Path) || p.Flags.Has(Composite) &&
		slices.ContainsFunc(a.names, func(n string) bool { return strings.HasPrefix(n, p.Path+".") })
}

// Rewrite answers CONFIG REWRITE. A user's file is never written, and there is
// no file of the server's own for runtime values yet, so it always refuses.
func (s *Store) Rewrite() error { return ErrNoConfigFile }
