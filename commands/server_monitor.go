package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

func monitorSpec(h *server) bus.Spec {
	return bus.Spec{
		Name: "monitor", Run: h.monitor, Arity: 1, Flags: bus.Admin | bus.NoScript | bus.Loading | bus.Stale, Lock: bus.LockNone,
		Group: "server", Since: "1.0.0", Complexity: "O(1)",
		Summary: "Shows the connection every command that any connection sends from now on.",
	}
}

// errHeldMonitor is the error of MONITOR inside a transaction, in Redis' words.
var errHeldMonitor = errors.New("ERR MONITOR isn't allowed for DENY BLOCKING client")

// monitor does not answer a client that monitors already.
func (h *server) monitor(c *bus.Ctx) error {
	switch {
	case c.Held:
		return errHeldMonitor
	case !c.Client.Monitoring():
		h.d.Monitor.Join(c.Client)
		c.Reply.OK()
	}
	return nil
}
