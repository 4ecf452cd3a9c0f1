package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reredis/reredis/bus"
)

// configFlags are what the subcommands of CONFIG have in common.
const configFlags = bus.Admin | bus.NoScript | bus.Loading | bus.Stale

// configSpec is the container CONFIG.
func configSpec(h *server) bus.Spec {
	return bus.Spec{
		Name: "config", Arity: -2, Group: "server", Since: "2.0.0", Complexity: "Depends on subcommand.",
		Summary: "The commands about parameters.",
		Subs: []bus.Spec{
			{
				Name: "get", Run: h.configGet, Arity: -3, Flags: configFlags,
				Group: "server", Since: "2.0.0", Complexity: "O(N) when N is the number of configuration parameters provided",
				Usage:   "parameter [parameter ...]",
				Summary: "Tells the values of the parameters that match any of the patterns.",
				History: []bus.Change{{Version: "7.0.0", Note: "Several patterns in one call."}},
			},
			{
				Name: "set", Run: h.configSet, Secrets: h.configSecrets, Arity: -4, Flags: configFlags,
				Group: "server", Since: "2.0.0", Complexity: "O(N) when N is the number of configuration parameters provided",
				Usage:   "parameter value [parameter value ...]",
				Summary: "Changes parameters of the running server, all or none.",
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
				History: []bus.Change{{Version: "7.0.0", Note: "Several parameters in one call."}},
			},
			{
				Name: "resetstat", Run: h.configResetStat, Arity: 2, Flags: configFlags,
				Group: "server", Since: "2.0.0", Complexity: "O(1)",
				Summary: "Sets the counters of INFO to zero.",
			},
			{
				Name: "rewrite", Run: h.configRewrite, Arity: 2, Flags: configFlags,
				Group: "server", Since: "2.8.0", Complexity: "O(1)",
				Summary: "Keeps what SET has changed for the next start, in a file of the server's own.",
			},
			{
				Name: "unset", Run: h.configUnset, Arity: -3, Flags: configFlags,
				Group: "server", Since: "7.0.0", Complexity: "O(N) when N is the number of configuration parameters provided",
				Usage:   "parameter [parameter ...]",
				Summary: "Takes back what SET has changed, all or none. Redis has no such command.",
			},
			{
				Name: "reload", Run: h.configReload, Arity: 2, Flags: configFlags | bus.NoMulti,
				Group: "server", Since: "7.0.0", Complexity: "O(N) where N is the size of the configuration files",
				Summary: "Loads the configuration files again, all or nothing. Redis has no such command.",
			},
			{
				Name: "origin", Run: h.configOrigin, Arity: 3, Flags: configFlags,
				Group: "server", Since: "7.0.0", Complexity: "O(N) when N is the number of configuration parameters",
				Usage:   "parameter",
				Summary: "Tells where values come from: of a parameter, or a list for a pattern. Redis has no such command.",
			},
			{
				Name: "help", Run: configHelp, Arity: 2, Flags: bus.Loading | bus.Stale,
				Group: "server", Since: "5.0.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

func (h *server) configGet(c *bus.Ctx) error {
	patterns := make([]string, 0, len(c.Args)-2)
	for _, a := range c.Args[2:] {
		patterns = append(patterns, string(a))
	}
	kvs := h.d.Config.Get(patterns)
	c.Reply.Map(len(kvs))
	for _, kv := range kvs {
		c.Reply.BulkString(kv.Name)
		c.Reply.BulkString(kv.Value)
	}
	return nil
}

func (h *server) configSet(c *bus.Ctx) error {
	if done, ok := c.Woken().(configured); ok {
		return okUnless(c, done.err)
	}
	if len(c.Args)%2 != 0 {
		return bus.ErrSyntax
	}
	pairs := make([]KV, 0, len(c.Args)/2-1)
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, KV{string(c.Args[i]), string(c.Args[i+1])})
	}
	if h.deniedWhileLoading(pairs) {
		return errLoading
	}
	settled, err := h.d.Config.Set(pairs, c.Client.User, h.d.permits("enable-protected-configs", c))
	switch {
	case err != nil || settled == nil:
		return okUnless(c, err)
	case c.Held: // nothing waits in a transaction
		c.Reply.OK()
		return nil
	}
	return c.Park(func(wake func(any)) {
		settled(func(err error) { wake(configured{err}) })
	})
}

// deniedWhileLoading reports whether data is being loaded and one of the pairs must not change meanwhile.
func (h *server) deniedWhileLoading(pairs []KV) bool {
	denied := func(kv KV) bool {
		return strings.EqualFold(kv.Name, "dir") || strings.EqualFold(kv.Name, "repl-diskless-load")
	}
	return slices.ContainsFunc(pairs, denied) && h.persistence().Loading
}

// configured is what the wake of a CONFIG SET hands over: the error to reply with, if any.
type configured struct{ err error }

// configSecrets are the values of secret parameters.
func (h *server) configSecrets(args [][]byte) (secrets []int) {
	for i := 2; i+1 < len(args); i += 2 {
		if h.d.Config.Secret(string(args[i])) {
			secrets = append(secrets, i+1)
		}
	}
	return secrets
}

func (h *server) configResetStat(c *bus.Ctx) error {
	c.Bus().ResetCounts()
	if h.d.Reset != nil {
		h.d.Reset()
	}
	stats := c.Bus().Space().Stats()
	h.base.Store(&stats)
	h.d.Rates.Reset()
	c.Reply.OK()
	return nil
}

func (h *server) configRewrite(c *bus.Ctx) error {
	if err := h.d.Config.Rewrite(); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

func (h *server) configUnset(c *bus.Ctx) error {
	names := make([]string, 0, len(c.Args)-2)
	for _, a := range c.Args[2:] {
		names = append(names, string(a))
	}
	if err := h.d.Config.Unset(names, h.d.permits("enable-protected-configs", c)); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

// configReloaded is what the wake of a CONFIG RELOAD hands over.
type configReloaded struct {
	changed, pending []string
	err              error
}

// configReload waits for the files to be read and all parts to follow, but no other client waits with it.
func (h *server) configReload(c *bus.Ctx) error {
	r, ok := c.Woken().(configReloaded)
	if !ok {
		return c.Park(func(wake func(any)) {
			go func() {
				changed, pending, err := h.d.Config.Reload()
				wake(configReloaded{changed, pending, err})
			}()
		})
	}
	if r.err != nil {
		return fmt.Errorf("ERR CONFIG RELOAD failed, nothing has changed - %s", strings.ReplaceAll(r.err.Error(), "\n", "; "))
	}
	c.Reply.Map(2)
	for _, list := range []struct {
		name  string
		paths []string
	}{{"changed", r.changed}, {"needs_restart", r.pending}} {
		c.Reply.BulkString(list.name)
		c.Reply.Array(len(list.paths))
		for _, p := range list.paths {
			c.Reply.BulkString(p)
		}
	}
	return nil
}

var errNoParameter = errors.New("ERR there is no such parameter")

func (h *server) configOrigin(c *bus.Ctx) error {
	list, one := h.d.Config.Origins(string(c.Args[2]))
	switch {
	case one && len(list) == 0:
		return errNoParameter
	case !one:
		c.Reply.Array(len(list))
	}
	for _, o := range list {
		c.Reply.Map(4)
		for _, kv := range []KV{{"parameter", o.Path}, {"value", o.Value}, {"origin", o.Origin}} {
			c.Reply.BulkString(kv.Name)
			c.Reply.BulkString(kv.Value)
		}
		c.Reply.BulkString("after_restart")
		if o.Pending {
			c.Reply.BulkString(o.AfterRestart)
		} else {
			c.Reply.Null()
		}
	}
	return nil
}

func configHelp(c *bus.Ctx) error {
	c.Reply.Help("CONFIG",
		"GET <pattern>",
		"    Return parameters matching the glob-like <pattern> and their values.",
		"SET <directive> <value>",
		"    Set the configuration <directive> to <value>.",
		"RESETSTAT",
		"    Reset statistics reported by the INFO command.",
		"REWRITE",
		"    Rewrite the configuration file.",
		"UNSET <directive> [<directive> ...]",
		"    Take back what SET has changed.",
		"RELOAD",
		"    Load the configuration files again, all or nothing.",
		"ORIGIN <pattern>",
		"    Tell where the values of the parameters matching the <pattern> come from.",
	)
	return nil
}
