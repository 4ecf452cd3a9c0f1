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

// narrowers tell for commands whose key flags depend on their options ("variable_flags")
// what the flags are for given arguments.
var narrowers = map[string]func(args [][]byte) bus.KeyFlags{
	"set": func(args [][]byte) bus.KeyFlags {
		for _, a := range args[3:] {
			if bus.EqualFold(a, "GET") {
				return bus.KeyRW | bus.KeyAccess | bus.KeyUpdate
			}
		}
		return bus.KeyOW | bus.KeyUpdate
	},
	"bitfield": func(args [][]byte) bus.KeyFlags {
		if onlyReadsFields(args[2:]) {
			return bus.KeyRO | bus.KeyAccess
		}
		return bus.KeyRW | bus.KeyAccess | bus.KeyUpdate
	},
}

// onlyReadsFields reports whether a BITFIELD with these operations changes nothing. A faulty one might.
func onlyReadsFields(ops [][]byte) bool {
	for len(ops) > 0 {
		switch {
		case bus.EqualFold(ops[0], "GET") && len(ops) > 2:
			ops = ops[3:]
		case bus.EqualFold(ops[0], "OVERFLOW") && len(ops) > 1:
			ops = ops[2:]
		default:
			return false
		}
	}
	return true
}

// narrow returns the flags of a command's key for these arguments.
func narrow(s *bus.Spec, args [][]byte, f bus.KeyFlags) bus.KeyFlags {
	if f&bus.KeyVariableFlags == 0 || narrowers[s.FullName()] == nil {
		return f
	}
	return narrowers[s.FullName()](args)
}

// writeKeys answers with the keys of the command in the arguments.
func writeKeys(c *bus.Ctx, withFlags bool) error {
	args := c.Args[2:]
	s := c.Bus().Spec(args...)
	switch {
	case s == nil:
		return errKeysUnknown
	case !s.HasKeys():
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
			writeStatusSet(&c.Reply, "", narrow(s, args, r.Flags).Names())
		}
	}
	return nil
}
