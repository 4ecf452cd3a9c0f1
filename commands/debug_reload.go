package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

var (
	errReloadOption = errors.New("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")
	errNoLog        = errors.New("ERR DEBUG LOADAOF needs a log, and appendonly is no")
)

// debugReload reads the data back from a snapshot that it takes, and from the log behind that.
func (h *server) debugReload(c *bus.Ctx) error {
	var o ReloadOptions
	for _, a := range c.Args[2:] {
		switch {
		case bus.EqualFold(a, "MERGE"):
			o.Merge = true
		case bus.EqualFold(a, "NOFLUSH"):
			o.NoFlush = true
		case bus.EqualFold(a, "NOSAVE"):
			o.NoSave = true
		default:
			return errReloadOption
		}
	}
	return h.reload(c, o)
}

// debugLoadAOF reads the data back from the log, and from the snapshot that it begins with.
func (h *server) debugLoadAOF(c *bus.Ctx) error {
	if h.d.Persistence != nil && !h.d.Persistence.Status().Log {
		return errNoLog
	}
	return h.reload(c, ReloadOptions{NoSave: true})
}

// reloaded is what the wake of a reload hands over: the error to reply with, if any.
type reloaded struct{ err error }

func (h *server) reload(c *bus.Ctx, o ReloadOptions) error {
	if r, ok := c.Woken().(reloaded); ok {
		return okUnless(c, r.err)
	}
	if h.d.Persistence == nil {
		return errMemoryOnly
	}
	return c.Park(func(wake func(any)) {
		h.d.Persistence.Reload(o, func(err error) { wake(reloaded{err}) })
	})
}
