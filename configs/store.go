package configs

import (
	"sync"
	"sync/atomic"
)

// Store holds the running configuration: it publishes each new Config whole,
// by one atomic pointer, and applies changes all or nothing.
type Store struct {
	current atomic.Pointer[Config]

	mu       sync.Mutex        // one change at a time; guards what follows
	origins  map[string]Origin // by path; a path that is missing has its default
	appliers []applier
	warnings []string

	source      source
	base        layers  // below the overlay, as the last good load found them
	overlay     overlay // what CONFIG SET has changed
	saved       overlay // what its file holds
	overlayFile string
	seen        fileSet // what the last load has read, good or bad
	checkOnly   bool

	// state is written under mu; whoever reads it must not wait for a reload.
	state atomic.Pointer[State]
}

// Current returns the configuration in force: one atomic load.
func (s *Store) Current() *Config { return s.current.Load() }

// CheckOnly reports whether the command line asks to look at the configuration and start nothing.
func (s *Store) CheckOnly() bool { return s.checkOnly }

// File is the absolute name of the first configuration file, "" if there is none.
func (s *Store) File() string {
	if len(s.source.names) == 0 {
		return ""
	}
	return absolute(s.source.names[0])
}

// Warnings returns what is worth saying about a configuration that is good.
func (s *Store) Warnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warnings
}

// Origin tells which layer set a parameter, by its path.
func (s *Store) Origin(path string) Origin {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.origins[path]
}

// Applier makes a part of the server follow a change of configuration. It
// does everything that can fail and returns how to finish (commit) or how to
// undo it (rollback); both may be nil and must not fail. old and new must not
// be changed. The text of an error follows "CONFIG SET failed (possibly
// related to argument 'x') - ".
type Applier func(old, new *Config) (commit, rollback func(), err error)

type applier struct {
	names []string
	apply Applier
}

// Where is a parameter with the place its value comes from.
type Where struct {
	Path, Value  string // the value in native text, hidden if it is a secret
	Origin       Origin
	Pending      bool // after a restart it is AfterRestart
	AfterRestart string
}

// Where answers CONFIG ORIGIN: the parameters that a path, a Redis name or a pattern stands for, as in Get, each once.
// A name for several stands for each of them. one reports whether it can stand for no other.
func (s *Store) Where(pattern string) (list []Where, one bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, one := s.Current(), !isPattern(pattern)
	seen := map[*Param]bool{}
	for _, m := range theTable().match(pattern) {
		one = one && !m.p.Flags.Has(Composite)
		for _, p := range leavesOf(m.p) {
			if seen[p] {
				continue
			}
			seen[p] = true
			w := Where{Path: p.Path, Value: hidden(p, p.text(c)), Origin: s.origins[p.Path]}
			for _, d := range s.Pending() {
				if d.Path == p.Path {
					w.Pending, w.AfterRestart = true, d.New
				}
			}
			list = append(list, w)
		}
	}
	return list, one
}

// OnChange registers what has to follow when a parameter changes. Each name is
// a path ("server.port") or a section ("log"); the applier is called once for
// a change, however many of its parameters it touches, in the order of
// registration. A row that needs one (Applied: ports, addresses) can be changed
// at run time only if an applier names its own path. Call it before the server accepts connections.
func (s *Store) OnChange(names []string, apply Applier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.appliers = append(s.appliers, applier{names: names, apply: apply})
}
