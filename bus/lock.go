package bus

import "fmt"

// Lock is the layer that takes the stripes of a command's keys, in ascending order, for
// the time of the handler, or the whole keyspace for exclusive commands. While another
// exclusive phase runs the command is parked and run again.
func Lock() Layer {
	return Layer{Name: "lock", Wrap: lock, Describe: describeLock}
}

func lock(s *Spec, next Handler) Handler {
	switch {
	case s.Lock == LockExclusive:
		return lockAll(next)
	case s.Lock == LockPlan:
		return lockPlan(s, next)
	case s.Lock == LockNone || (len(s.Keys) == 0 && s.Extract == nil):
		return next
	case s.single() == 1:
		return lockFirst(next)
	case s.single() > 1:
		return lockOne(s.single(), next)
	default:
		return lockMany(s, next)
	}
}

func describeLock(s *Spec) string {
	switch {
	case s.Lock == LockExclusive:
		return "the whole keyspace"
	case s.Lock == LockPlan:
		return "what the command's plan says"
	case s.single() > 0:
		return fmt.Sprintf("the stripe of argument %d", s.single())
	default:
		return "the stripes of all keys, ascending"
	}
}

// lockFirst is the path of GET and SET: the key is the first argument.
func lockFirst(next Handler) Handler {
	return func(c *Ctx) error {
		if !c.Tx.LockKey(c.Args[1]) {
			return c.parkExclusive()
		}
		err := next(c)
		c.Tx.Unlock()
		return err
	}
}

func lockOne(pos int, next Handler) Handler {
	return func(c *Ctx) error {
		if !c.Tx.LockKey(c.Args[pos]) {
			return c.parkExclusive()
		}
		err := next(c)
		c.Tx.Unlock()
		return err
	}
}

func lockMany(s *Spec, next Handler) Handler {
	return func(c *Ctx) error {
		refs, err := s.KeyRefs(c.Args, c.refs[:0])
		c.refs = refs
		if err != nil || len(refs) == 0 {
			// The handler finds the same fault and words it; it touches no key.
			return next(c)
		}
		c.keys = c.keys[:0]
		for _, r := range refs {
			c.keys = append(c.keys, c.Args[r.Pos])
		}
		if !c.Tx.LockKeys(c.keys) {
			return c.parkExclusive()
		}
		err = next(c)
		c.Tx.Unlock()
		return err
	}
}

func lockPlan(s *Spec, next Handler) Handler {
	all := lockAll(next)
	return func(c *Ctx) error {
		keys, whole := s.Plan(c)
		switch {
		case whole:
			return all(c)
		case !c.Tx.LockKeys(keys):
			return c.parkExclusive()
		}
		err := next(c)
		c.Tx.Unlock()
		return err
	}
}

func lockAll(next Handler) Handler {
	return func(c *Ctx) (err error) {
		if !c.Tx.Exclusive(func() { err = next(c) }) {
			return c.parkExclusive()
		}
		return err
	}
}
