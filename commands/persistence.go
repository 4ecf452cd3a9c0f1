package commands

import (
	"errors"
	"fmt"

	"github.com/reredis/reredis/bus"
)

// persistenceFlags are what the commands that make snapshots have in common.
const persistenceFlags = bus.Admin | bus.NoScript | bus.NoAsyncLoading

// persistenceSpecs are the commands about what keeps the data.
func persistenceSpecs(h *server) []bus.Spec {
	return []bus.Spec{
		{
			Name: "save", Run: h.save, Arity: 1, Flags: persistenceFlags | bus.NoMulti,
			Group: "server", Since: "1.0.0", Complexity: "O(N) where N is the number of keys in all databases",
			Summary: "Takes a snapshot of all data and answers when it is on disk; other clients go on.",
		},
		{
			Name: "bgsave", Run: h.bgSave, Arity: -1, Flags: persistenceFlags,
			Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Usage:   "[SCHEDULE]",
			Args:    []bus.ArgNote{{Arg: "schedule", Since: "3.2.2"}},
			Summary: "Begins a snapshot of all data.",
			History: []bus.Change{{Version: "3.2.2", Note: "The option `SCHEDULE`."}},
		},
		{
			Name: "bgrewriteaof", Run: h.bgRewriteAOF, Arity: 1, Flags: persistenceFlags,
			Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Begins to make the log shorter: a snapshot is taken, and what the log had before it is dropped.",
		},
		{
			Name: "lastsave", Run: h.lastSave, Arity: 1, Flags: bus.Loading | bus.Stale | bus.Fast, Cats: bus.CatAdmin | bus.CatDangerous,
			Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Tells when the last snapshot was taken, in seconds of unix time.",
			Tips:    []string{"nondeterministic_output"},
		},
	}
}

var (
	errSaving     = errors.New("ERR Background save already in progress")
	errRewriting  = errors.New("ERR Background append only file rewriting already in progress")
	errMemoryOnly = errors.New("ERR this server keeps its data in memory only")
)

// saved is what the wake of a SAVE hands over: the error to reply with, if any.
type saved struct{ err error }

// save waits for the snapshot, but no other client waits with it.
func (h *server) save(c *bus.Ctx) error {
	if s, ok := c.Woken().(saved); ok {
		return okUnless(c, s.err)
	}
	if h.d.Persistence == nil {
		return errMemoryOnly
	}
	if st := h.d.Persistence.Status(); st.Saving || st.Rewriting {
		return errSaving
	}
	c.Publish() // what has changed is part of it
	return c.Park(func(wake func(any)) {
		done := func(err error) {
			if err != nil {
				err = fmt.Errorf("ERR %w", err)
			}
			wake(saved{err})
		}
		if !h.d.Persistence.Save(done) {
			wake(saved{errSaving})
		}
	})
}

func (h *server) bgSave(c *bus.Ctx) error {
	schedule := false
	if len(c.Args) > 1 {
		if len(c.Args) > 2 || !bus.EqualFold(c.Args[1], "SCHEDULE") {
			return bus.ErrSyntax
		}
		schedule = true
	}
	if h.d.Persistence == nil {
		return errMemoryOnly
	}
	c.Publish() // what has changed is part of it
	switch {
	case h.d.Persistence.Save(func(error) {}):
		c.Reply.Status("Background saving started")
	case schedule:
		c.Reply.Status("Background saving scheduled") // the one that is being made will do
	default:
		return errSaving
	}
	return nil
}

func (h *server) bgRewriteAOF(c *bus.Ctx) error {
	if h.d.Persistence == nil {
		return errMemoryOnly
	}
	switch begun, scheduled := h.d.Persistence.Rewrite(); {
	case begun:
		c.Reply.Status("Background append only file rewriting started")
	case scheduled:
		c.Reply.Status("Background append only file rewriting scheduled")
	default:
		return errRewriting
	}
	return nil
}

func (h *server) lastSave(c *bus.Ctx) error {
	c.Reply.Int(h.persistence().LastSave.Unix())
	return nil
}

// persistence returns the status, with a start in place of a snapshot that was never taken.
func (h *server) persistence() PersistenceStatus {
	var st PersistenceStatus
	if h.d.Persistence != nil {
		st = h.d.Persistence.Status()
	}
	if st.LastSave.IsZero() {
		st.LastSave = h.d.Server.Started
	}
	return st
}
