package tracking

import (
	"maps"
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// pending is what a command has changed and is told when it has run. It belongs to a Ctx.
type pending struct {
	open bool // a command runs
	refs []bus.KeyRef

	steps []step
	// spread is, for each prefix, the keys that have changed, with the client that is not told because it
	// changed them itself.
	spread map[string]map[string]*state
}

// step is a key that has changed, or all keys.
type step struct {
	all bool
	key []byte
	by  *state // who changed it, nil: nobody or one that never tracked
	to  []*state
}

// pendingOf is that of a Ctx.
func pendingOf(c *bus.Ctx) *pending {
	p, ok := c.Invalid.(*pending)
	if !ok {
		p = &pending{}
		c.Invalid = p
	}
	return p
}

func (p *pending) any() bool { return len(p.steps) > 0 || len(p.spread) > 0 }

// changed is the keyspace's hook.
func (t *Tracker) changed(tx *keyspace.Tx, _ int, key []byte, what keyspace.Change) {
	var p *pending
	var by *state
	if c, ok := tx.Owner.(*bus.Ctx); ok {
		if p = pendingOf(c); p.open && what == keyspace.Modified {
			by = stateOf(c.Client)
		}
	}
	if p == nil || !p.open {
		p = &pending{}
	}
	if what == keyspace.Emptied {
		p.addAll(t)
	} else {
		p.add(t, key, by)
	}
	if !p.open && p.any() {
		t.flush(p, t.Appended())
		if c, ok := tx.Owner.(*bus.Ctx); ok {
			c.Published() // it was evicted to make room for the command
		}
	}
}

// add notes a key that has changed.
func (p *pending) add(t *Tracker, key []byte, by *state) {
	if to := t.table.take(key); to != nil {
		p.steps = append(p.steps, step{key: slices.Clone(key), by: by, to: to})
	}
	prefixes := t.prefixes.Load()
	if prefixes == nil {
		return
	}
	for _, x := range *prefixes {
		if len(key) < len(x.name) || string(key[:len(x.name)]) != x.name {
			continue
		}
		if p.spread == nil {
			p.spread = map[string]map[string]*state{}
		}
		if p.spread[x.name] == nil {
			p.spread[x.name] = map[string]*state{}
		}
		p.spread[x.name][string(key)] = by
	}
}

// addAll notes that all keys have gone. Those of a single database cannot be told apart, so they are all keys, too.
func (p *pending) addAll(t *Tracker) {
	t.table.clear()
	if n := len(p.steps); n == 0 || !p.steps[n-1].all {
		p.steps = append(p.steps, step{all: true})
	}
}

// flush sends what is pending, which nobody may hear of before the LSN after is safe.
func (t *Tracker) flush(p *pending, after uint64) {
	for _, s := range p.steps {
		if s.all {
			t.sendAll(after)
			continue
		}
		t.send(s.to, s.by, s.key, after)
	}
	clear(p.steps)
	p.steps = p.steps[:0]
	if p.spread == nil {
		return
	}
	if prefixes := t.prefixes.Load(); prefixes != nil {
		for _, x := range *prefixes {
			if keys := p.spread[x.name]; keys != nil {
				t.sendSpread(x.clients, keys, after)
			}
		}
	}
	p.spread = nil
}

// sendSpread tells the clients of a prefix of keys, in order and each at once.
func (t *Tracker) sendSpread(clients []*state, keys map[string]*state, after uint64) {
	names := slices.Sorted(maps.Keys(keys))
	var all audience
	for _, st := range clients {
		o := st.opts.Load()
		if o == nil {
			continue
		}
		if !o.NoLoop {
			all.add(st, o)
			continue
		}
		var one audience
		one.add(st, o)
		one.send(keyList(slices.DeleteFunc(slices.Clone(names), func(k string) bool { return keys[k] == st })), after)
	}
	all.send(keyList(names), after)
}

// sendAll tells all that track that all keys have gone.
func (t *Tracker) sendAll(after uint64) {
	var a audience
	t.mu.Lock()
	for st := range t.all {
		a.add(st, st.opts.Load())
	}
	t.mu.Unlock()
	a.send(everything, after)
}

// send tells the readers of a key that it has changed.
func (t *Tracker) send(to []*state, by *state, key []byte, after uint64) {
	var a audience
	for _, st := range to {
		// One that has changed to prefixes hears of the key if it has one of these.
		if o := st.opts.Load(); o != nil && !o.Broadcast && (!o.NoLoop || st != by) {
			a.add(st, o)
		}
	}
	a.send(keyList([]string{string(key)}), after)
}

// sendOne tells one client that all keys have gone.
func (st *state) sendOne() {
	if o := st.opts.Load(); o != nil {
		var a audience
		a.add(st, o)
		a.send(everything, 0)
	}
}
