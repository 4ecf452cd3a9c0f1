package main

import (
	"errors"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/keyspace"
)

// rules are the parameters that the admit layer asks for. They are set before the bus composes
// its chains anew, which is a moment before a changed configuration is published.
type rules struct {
	password atomic.Pointer[string]
}

func (r *rules) set(c *configs.Config) {
	p := c.Server.RequirePass
	r.password.Store(&p)
}

// requirePass is the password of the default user, "" if it needs none.
func (r *rules) requirePass() string { return *r.password.Load() }

var errLoading = errors.New("LOADING Redis is loading the dataset in memory")

// admission answers what the admit layer asks.
func (n *node) admission(deps *commands.Deps) *bus.Admission {
	r, space := &n.rules, n.space
	a := &bus.Admission{
		AuthRequired: func() bool { return r.requirePass() != "" },
		Protected:    deps.Protected,
		Paused:       &n.pause,
		Swaps:        &n.swaps,
		Monitored:    n.monitor.Any,
		Limited:      func() bool { return space.Limit().Max > 0 },
		Exceeded:     space.Exceeded,
		Room:         n.makeRoom,
	}
	p := n.persist
	a.Active = p.loading.Load
	a.Command = func(c *bus.Ctx) error {
		if c.Spec.Flags&bus.Loading == 0 && p.loading.Load() {
			return errLoading
		}
		return nil
	}
	a.Unsaved = p.refusal
	a.Writable = func() bus.Writable {
		if !p.layered.Load() {
			return nil
		}
		return &p.journal
	}
	return a
}

// logging is the log that commands append to.
func (n *node) logging() bus.Log {
	if !n.persist.layered.Load() {
		return nil
	}
	return &n.persist.journal
}

// makeRoom evicts keys until there is room; what goes is logged, each key as a group of its own.
func (n *node) makeRoom(c *bus.Ctx) (err error) {
	d := n.persist.dues.Get().(*dues)
	c.Tx.Sink = d
	n.watch.timed("eviction-cycle", func() { err = n.space.MakeRoom(c.Tx) })
	c.Tx.Sink = nil
	n.persist.dues.Put(d)
	return err
}

// limit is the limit of the keyspace.
func limit(c *configs.Config) keyspace.Limit {
	k := &c.Keyspace
	policy, _ := keyspace.ParsePolicy(k.Policy) // the configuration knows the same words
	return keyspace.Limit{
		Max: k.MaxMemory, Policy: policy, Samples: k.Eviction.Samples, Budget: k.Eviction.Budget(),
		LFULogFactor: k.Eviction.LFULogFactor, LFUDecayMinutes: int(k.Eviction.LFUDecay.Minutes()),
	}
}
