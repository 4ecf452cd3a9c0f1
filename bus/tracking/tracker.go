package tracking

import (
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// Tracker knows who tracks what. The fields are set before the bus runs commands.
type Tracker struct {
	// Space is told to call the hook.
	Space *keyspace.Space
	// Changed makes the bus compose its chains anew.
	Changed func()
	// Appended is the LSN up to which the log has what has changed, 0: there is no log.
	Appended func() uint64

	table    *table
	max      atomic.Int64 // keys in the table, 0: any number
	clients  atomic.Int64 // that track
	prefixes atomic.Pointer[[]*prefix]

	want  atomic.Bool // the layer is to be there
	ready atomic.Bool // layer and hook are there; changed with mu held

	switching sync.Mutex     // held while the hook is put in or taken away
	work      sync.WaitGroup // the goroutines that do so: the keyspace may let them wait, and no event loop may

	mu       sync.Mutex
	starting int                            // calls of Prepare that are not over
	all      map[*state]struct{}            // those who track
	targets  map[int64]*Target              // by the client's number
	members  map[string]map[*state]struct{} // of each prefix
}

// New returns a tracker with an empty table.
func New() *Tracker {
	return &Tracker{table: newTable(), all: map[*state]struct{}{}, targets: map[int64]*Target{}, members: map[string]map[*state]struct{}{}}
}

// SetMax bounds the number of keys in the table, 0: it has no bound. Beyond it any key is dropped, as if it had
// changed.
func (t *Tracker) SetMax(n int64) {
	t.max.Store(n)
	t.limit(limitEffort)
}

// limitEffort is how many keys at most are dropped along with something else; Tick drops tickEffort.
const (
	limitEffort = 100
	tickEffort  = 10_000
)

// Figures are what INFO tells.
type Figures struct{ Clients, Keys, Items, Prefixes int64 }

// Figures counts.
func (t *Tracker) Figures() Figures {
	f := Figures{Clients: t.clients.Load(), Keys: t.table.keys.Load(), Items: t.table.items.Load()}
	if p := t.prefixes.Load(); p != nil {
		f.Prefixes = int64(len(*p))
	}
	return f
}

// Clients reaches every connection; package server's Server does.
type Clients interface {
	// Each calls visit for every connection on the goroutine that owns it, and then done. It does not wait.
	Each(visit func(c *bus.Client, st bus.ConnState) (kill bool), done func())
}

// Ready reports whether clients can track without Prepare.
func (t *Tracker) Ready() bool { return t.ready.Load() }

// Prepare lets clients track, and looks for the client with a number, 0: none. Then it calls done, from any goroutine,
// with that client, nil if there is none. Prepare does not wait; the caller holds no stripe.
func (t *Tracker) Prepare(all Clients, id int64, done func(*Target)) {
	t.mu.Lock()
	t.starting++
	t.want.Store(true)
	composed := t.ready.Load()
	t.mu.Unlock()
	if !composed {
		t.Changed()
	}
	var found *Target
	// What runs at this moment may have been composed before; when all have been visited it is over.
	all.Each(func(c *bus.Client, _ bus.ConnState) bool {
		if c.ID == id {
			found = t.target(c)
		}
		return false
	}, func() {
		t.work.Go(func() {
			t.start()
			done(found)
		})
	})
}

// Wait waits for what Prepare and Tick have begun. It comes before the end of the keyspace.
func (t *Tracker) Wait() { t.work.Wait() }

// start puts the hook in.
func (t *Tracker) start() {
	t.switching.Lock()
	defer t.switching.Unlock()
	if !t.ready.Load() {
		t.Space.OnChanged(t.changed)
	}
	t.mu.Lock()
	t.ready.Store(true)
	t.starting--
	t.mu.Unlock()
}

// EnableLate is Enable for c's client where it is too late to prepare, because locks are held: the client is told that
// all keys have gone when the tracker is ready, because until then nobody notes what it reads.
func (t *Tracker) EnableLate(c *bus.Ctx, all Clients, o Options) {
	t.enable(c.Client, o, true)
	st := stateOf(c.Client)
	c.AfterUnlock(func() { t.Prepare(all, 0, func(*Target) { st.sendOne() }) })
}

// Tick drops keys that are too many, and has hook and layer taken away when nobody tracks any more. It is called now and
// then, by one goroutine, with nothing locked. It does not wait.
func (t *Tracker) Tick() {
	if !t.ready.Load() {
		return
	}
	t.limit(tickEffort)
	if t.clients.Load() > 0 || !t.switching.TryLock() {
		return
	}
	t.work.Go(func() {
		defer t.switching.Unlock()
		t.stop()
	})
}

// stop takes hook and layer away, unless somebody tracks, or is about to; switching is held.
func (t *Tracker) stop() {
	t.mu.Lock()
	idle := t.ready.Load() && len(t.all) == 0 && t.starting == 0
	if idle {
		t.ready.Store(false)
		t.want.Store(false)
	}
	t.mu.Unlock()
	if idle {
		t.Space.OnChanged(nil)
		t.table.clear()
		t.Changed()
	}
}

// limit drops keys that are too many, but no more than effort.
func (t *Tracker) limit(effort int) {
	for most := t.max.Load(); most > 0 && effort > 0 && t.table.keys.Load() > most; effort-- {
		key, list := t.table.takeAny()
		if list == nil {
			return
		}
		t.send(list, nil, []byte(key), 0)
	}
}
