package main

import "github.com/reredis/reredis/configs"

// track joins client-side caching to the keyspace, the bus and the log.
func (n *node) track(cfg *configs.Config) {
	t := n.tracking
	t.Space, t.Changed = n.space, n.bus.Recompose
	t.Appended = n.persist.journal.Appended
	t.SetMax(cfg.Limits.TrackedKeys)
}
