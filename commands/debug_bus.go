package commands

import (
	"errors"
	"fmt"
	"strings"

	"github.com/reredis/reredis/bus"
)

var errNoCommand = errors.New("ERR No such command")

// debugBus shows the layers that a command passes through, outermost first.
func (h *server) debugBus(c *bus.Ctx) error {
	s := c.Bus().Spec(c.Args[2:]...)
	if len(c.Args) == 3 {
		s = specNamed(c.Bus(), c.Args[2])
	}
	if s == nil {
		return errNoCommand
	}
	var b strings.Builder
	line := func(name, what string) { fmt.Fprintf(&b, "%-8s %s\n", name, what) }
	for _, l := range c.Bus().Chain(s) {
		what := "-"
		if l.Active {
			what = "on"
			if l.Note != "" {
				what += ": " + l.Note
			}
			if l.Held {
				what += " (also inside MULTI and scripts)"
			}
		}
		line(l.Name, what)
	}
	line("handler", s.FullName())
	c.Reply.Verbatim("txt", b.String())
	return nil
}
