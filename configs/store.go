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
	overlayFile string
	seen        fileSet // what the last load has read, good or bad
	checkOnly   bool

	// pending is what only a start can change; whoever asks must not wait for a reload.
	pending atomic.Pointer[[]Diff]

	failures atomic.Int64 // reloads that changed nothing because of an error
	stale    atomic.Bool  // the last one did
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

// Where answers CONFIG ORIGIN: name is a path or a Redis name, false if there is none.
func (s *Store) Where(name string) (Where, bool) {
	p, _ := theTable().lookup(name)
	if p == nil {
		return Where{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	w := Where{Path: p.Path, Value: p.text(s.Current()), Origin: s.origins[p.Path]}
	if p.Flags.Has(Secret) && w.Value != "" {
		w.Value = redacted
	}
	for _, d := range s.Pending() {
		if d.Path == p.Path {
			w.Pending, w.AfterRestart = true, d.New
		}
	}
	return w, true
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
