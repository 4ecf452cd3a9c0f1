package commands

import "github.com/reredis/reredis/bus"

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
				Summary: "Writes the values in force to the configuration file.",
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
	if len(c.Args)%2 != 0 {
		return bus.ErrSyntax
	}
	pairs := make([]KV, 0, len(c.Args)/2-1)
	for i := 2; i < len(c.Args); i += 2 {
		pairs = append(pairs, KV{string(c.Args[i]), string(c.Args[i+1])})
	}
	if err := h.d.Config.Set(pairs, h.d.permits("enable-protected-configs", c)); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

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
	)
	return nil
}
