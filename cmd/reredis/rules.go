package main

import (
	"sync/atomic"

	"github.com/reredis/reredis/bus"
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

// admission answers what the admit layer asks; protected decides about DEBUG.
func (r *rules) admission(space *keyspace.Space, protected func(c *bus.Ctx) error) *bus.Admission {
	return &bus.Admission{
		AuthRequired: func() bool { return r.requirePass() != "" },
		Protected:    protected,
		Limited:      func() bool { return space.Limit().Max > 0 },
		Room:         func(c *bus.Ctx) error { return space.MakeRoom(c.Tx) },
	}
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
