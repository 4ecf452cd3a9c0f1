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
}

// Current returns the configuration in force: one atomic load.
func (s *Store) Current() *Config { return s.current.Load() }

// Warnings returns what is worth saying about a configuration that is good.
func (s *Store) Warnings() []string { return s.warnings }

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
