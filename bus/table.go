package bus

import (
	"fmt"
	"strings"
)

// maxName bounds the length of a command's name.
const maxName = 32

// command is a spec with its two composed chains.
type command struct {
	spec     *Spec
	run      Handler
	runHeld  Handler
	queue    Handler // queues it
	ended    Handler // for a wait that was not served
	aborted  Handler // of EXEC: for its refusal
	subs     *table  // nil unless a container
	min, max int     // arguments with the name; max 0 = no bound
	key      int     // argument index of the only key, which the lock layer locks alone; 0 = other
}

// table finds commands by name in any case: open addressing over a hash of the folded
// name. It is immutable once published, so reading it takes no lock.
type table struct {
	slots []*command
	list  []*command // sorted by registration
}

// newTable makes a table of commands whose names differ.
func newTable(cmds []*command) *table {
	size := 8
	for size < 4*len(cmds) {
		size *= 2
	}
	t := &table{slots: make([]*command, size), list: cmds}
	for _, c := range cmds {
		_, h := foldString(c.spec.Name)
		i := int(h) & (size - 1)
		for t.slots[i] != nil {
			i = (i + 1) & (size - 1)
		}
		t.slots[i] = c
	}
	return t
}

// find returns the command of that name, nil if there is none. It does not allocate.
func (t *table) find(name []byte) *command {
	if len(name) > maxName {
		return nil
	}
	var buf [maxName]byte
	h := uint32(len(name))
	for i, ch := range name {
		ch = lower[ch]
		buf[i] = ch
		h = (h ^ uint32(ch)) * 16777619
	}
	h ^= h >> 15
	mask := len(t.slots) - 1
	for i := int(h) & mask; ; i = (i + 1) & mask {
		c := t.slots[i]
		if c == nil {
			return nil
		}
		if c.spec.Name == string(buf[:len(name)]) {
			return c
		}
	}
}

// foldString is find's hash for a name that is lower case already.
func foldString(name string) (string, uint32) {
	h := uint32(len(name))
	for i := range len(name) {
		h = (h ^ uint32(lower[name[i]])) * 16777619
	}
	return name, h ^ h>>15
}

// check reports what is wrong with a spec before it is registered.
func (s *Spec) check(container string) error {
	name := s.Name
	if container != "" {
		name = container + "|" + name
	}
	fail := func(format string, args ...any) error {
		return fmt.Errorf("bus: command %q: %s", name, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Name == "" || len(s.Name) > maxName:
		return fail("a name has 1 to %d bytes", maxName)
	case s.Name != strings.ToLower(s.Name) || strings.ContainsAny(s.Name, " \r\n\t|"):
		return fail("a name is lower case, without blanks and '|'")
	case s.Arity == 0:
		return fail("no arity")
	case s.Run == nil && len(s.Subs) == 0:
		return fail("neither a handler nor subcommands")
	case s.Flags&Write != 0 && s.Flags&ReadOnly != 0:
		return fail("both write and readonly")
	case container != "" && len(s.Subs) > 0:
		return fail("a subcommand with subcommands")
	case container != "" && s.Arity > -2 && s.Arity < 2:
		return fail("a subcommand's arity counts its container's name: at least 2")
	case (len(s.Keys) > 0 || s.Extract != nil) && s.Flags&(Write|ReadOnly) == 0 && !s.Immediate && !s.onlyNotKeys():
		return fail("keys, but neither write nor readonly")
	}
	for i := range s.Keys {
		if err := s.Keys[i].check(s); err != nil {
			return fail("%s", err)
		}
	}
	seen := map[string]bool{}
	for i := range s.Subs {
		if err := s.Subs[i].check(s.Name); err != nil {
			return err
		}
		if seen[s.Subs[i].Name] {
			return fail("subcommand %q twice", s.Subs[i].Name)
		}
		seen[s.Subs[i].Name] = true
	}
	return nil
}

// onlyNotKeys reports whether every key spec is flagged not_key (channels routed like keys),
// or incomplete metadata such as OBJECT's and MEMORY's that carry no data flag.
func (s *Spec) onlyNotKeys() bool {
	for _, k := range s.Keys {
		if k.Flags&KeyNotKey == 0 {
			return false
		}
	}
	return true
}

// HasKeys reports whether the command names keys; names of channels are none.
func (s *Spec) HasKeys() bool { return s.Extract != nil || len(s.Keys) > 0 && !s.onlyNotKeys() }
