package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

var (
	errKeysUnknown = errors.New("ERR Invalid command specified")
	errKeysNone    = errors.New("ERR The command has no key arguments")
	errKeysArity   = errors.New("ERR Invalid number of arguments specified for command")
)

func (h *server) commandGetKeys(c *bus.Ctx) error { return writeKeys(c, false) }

func (h *server) commandGetKeysAndFlags(c *bus.Ctx) error { return writeKeys(c, true) }

// writeKeys answers with the keys of the command in the arguments.
func writeKeys(c *bus.Ctx, withFlags bool) error {
	args := c.Args[2:]
	s := c.Bus().Spec(args...)
	switch {
	case s == nil:
		return errKeysUnknown
	case len(s.Keys) == 0 && s.Extract == nil:
		return errKeysNone
	case s.Arity > 0 && s.Arity != len(args), len(args) < -s.Arity:
		return errKeysArity
	}
	refs, err := s.KeyRefs(args, nil)
	if (err != nil || len(refs) == 0) && s.Flags&bus.NoMandatoryKeys == 0 {
		return bus.ErrBadKeys
	}
	if err != nil {
		refs = nil
	}
	c.Reply.Array(len(refs))
	for _, r := range refs {
		if withFlags {
			c.Reply.Array(2)
		}
		c.Reply.Bulk(args[r.Pos])
		if withFlags {
			writeStatusSet(&c.Reply, "", r.Flags.Names())
		}
	}
	return nil
}
