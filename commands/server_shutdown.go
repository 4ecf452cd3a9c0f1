package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

var (
	errNoShutdown = errors.New("ERR No shutdown in progress.")
	errShutdown   = errors.New("ERR Errors trying to SHUTDOWN. Check logs.")
)

// shutdownDone is what the wake of a SHUTDOWN hands over.
type shutdownDone struct{ err error }

// shutdown has no reply if it succeeds: the connection closes, as all others.
func (h *server) shutdown(c *bus.Ctx) error {
	if done, ok := c.Woken().(shutdownDone); ok {
		if done.err != nil {
			h.d.log("SHUTDOWN failed: " + done.err.Error())
			return errShutdown
		}
		c.Client.CloseAfterReply = true
		return nil
	}
	o, abort, err := parseShutdown(c.Args[1:])
	if err != nil {
		return err
	}
	if abort {
		if !h.d.Shutdown.Abort() {
			return errNoShutdown
		}
		c.Reply.OK()
		return nil
	}
	return c.Park(func(wake func(any)) {
		h.d.Shutdown.Begin(o, func(err error) { wake(shutdownDone{err}) })
	})
}

// parseShutdown reads the modifiers.
func parseShutdown(args [][]byte) (o ShutdownOptions, abort bool, err error) {
	for _, a := range args {
		switch {
		case bus.EqualFold(a, "NOSAVE"):
			o.NoSave = true
		case bus.EqualFold(a, "SAVE"):
			o.Save = true
		case bus.EqualFold(a, "NOW"):
			o.Now = true
		case bus.EqualFold(a, "FORCE"):
			o.Force = true
		case bus.EqualFold(a, "ABORT"):
			abort = true
		default:
			return o, false, bus.ErrSyntax
		}
	}
	if (abort && o != ShutdownOptions{}) || (o.Save && o.NoSave) {
		return o, false, bus.ErrSyntax
	}
	return o, abort, nil
}
