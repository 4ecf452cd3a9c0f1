package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/configs"
)

// config is the parameters as the CONFIG command wants them.
type config struct{ n *node }

// Get returns the parameters that match the patterns.
func (c config) Get(patterns []string) []commands.KV {
	found := c.n.store.Get(patterns)
	list := make([]commands.KV, len(found))
	for i, kv := range found {
		list[i] = commands.KV(kv)
	}
	return list
}

// Set changes all pairs or none.
func (c config) Set(pairs []commands.KV, user string, protectedOK bool) (settled func(done func(error)), err error) {
	list := make([]configs.KV, len(pairs))
	for i, kv := range pairs {
		list[i] = configs.KV(kv)
	}
	if err := c.n.store.Set(list, user, protectedOK); err != nil {
		return nil, err
	}
	var slow []func() error
	for _, kv := range list {
		if w := c.n.persist.wish(kv.Name); w != nil {
			slow = append(slow, func() error {
				if <-w.over; w.err != nil {
					return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %w", kv.Name, w.err)
				}
				return nil
			})
		}
	}
	if len(slow) == 0 {
		return nil, nil //nolint:nilnil // nothing to wait for
	}
	return func(done func(error)) {
		go func() {
			var errs []error
			for _, f := range slow {
				errs = append(errs, f())
			}
			done(errors.Join(errs...))
		}()
	}, nil
}

// Unset takes back what Set changed.
func (c config) Unset(names []string, protectedOK bool) error {
	return c.n.store.Unset(names, protectedOK)
}

// Secret reports whether a parameter's value is for nobody's eyes.
func (c config) Secret(name string) bool { return c.n.store.Secret(name) }

// Rewrite keeps what Set has changed for the next start.
func (c config) Rewrite() error { return c.n.store.Rewrite() }

// Reload loads the configuration again.
func (c config) Reload() (changed, pending []string, err error) {
	change, err := c.n.store.Reload()
	c.n.reloaded("CONFIG RELOAD", change, err)
	return paths(change.Changed), paths(c.n.store.Pending()), err
}

// Origins tells where values come from.
func (c config) Origins(pattern string) (list []commands.ConfigOrigin, one bool) {
	found, one := c.n.store.Where(pattern)
	for _, w := range found {
		list = append(list, commands.ConfigOrigin{
			Path: w.Path, Value: w.Value, Origin: w.Origin.String(), Pending: w.Pending, AfterRestart: w.AfterRestart,
		})
	}
	return list, one
}

// State tells how the last reloads went and what differs from the next start.
func (c config) State() commands.ConfigState {
	st := c.n.store.State()
	return commands.ConfigState{
		Pending: paths(st.Pending), Unsaved: st.Unsaved, Loaded: st.Loaded, Failures: st.Failures, Error: st.Error,
	}
}

func paths(list []configs.Diff) []string {
	out := make([]string, len(list))
	for i, d := range list {
		out[i] = d.Path
	}
	return out
}

// followFiles reloads the configuration when a file changes or a SIGHUP comes, until ctx ends.
func (n *node) followFiles(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.store.Watch(ctx, func(c configs.Change, err error) { n.reloaded("a file changed", c, err) })
	}()
	for {
		select {
		case <-hup:
			c, err := n.store.Reload()
			n.reloaded("SIGHUP", c, err)
		case <-done:
			return
		}
	}
}

// reloaded logs what a reload did. One that changed nothing is worth nobody's attention.
func (n *node) reloaded(why string, c configs.Change, err error) {
	if v, ok := errors.AsType[*configs.VanishedError](err); ok {
		n.log.Warn(v.Error())
		return
	}
	if u, ok := errors.AsType[*configs.UnwatchedError](err); ok {
		n.log.Warn(u.Error())
		return
	}
	if load, ok := errors.AsType[*configs.LoadError](err); ok {
		for _, p := range load.Problems {
			n.log.Error("configuration: " + p.String())
		}
		err = fmt.Errorf("problems: %d", len(load.Problems))
	}
	if err != nil {
		n.log.Error("the configuration was not loaded again, all of the old one is in force", "why", why, "error", err)
		return
	}
	for _, w := range c.Warnings {
		n.log.Warn(w)
	}
	for _, d := range c.Pending {
		n.log.Warn("a parameter waits for a restart", "parameter", d.Path, "running", d.Old, "configured", d.New)
	}
	for _, d := range c.Changed {
		n.log.Info("a parameter has changed", "parameter", d.Path, "from", d.Old, "to", d.New)
	}
	if len(c.Changed) == 0 && len(c.Pending) == 0 {
		n.log.Debug("the configuration was loaded again, nothing has changed", "why", why)
	}
}
