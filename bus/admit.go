package bus

import "errors"

// Admission is what the admit layer asks before a command runs and before anything is
// locked. A nil field is a question that nobody has; the layer then costs nothing.
// Bus.Recompose makes a change of the fields effective.
type Admission struct {
	// AuthRequired says whether clients must authenticate.
	AuthRequired func() bool
	// Protected decides about commands that need a permission of the configuration
	// (DEBUG, MODULE); its error is the reply.
	Protected func(c *Ctx) error
	// Room is asked before commands flagged denyoom, if Limited: it makes room
	// or returns the error to reply with. It may lock stripes, so it does nothing for
	// commands whose caller holds some. Other commands make room, too, but are not refused: they
	// ask Exceeded first, if that is set, which is cheaper.
	Limited  func() bool
	Exceeded func() bool
	Room     func(c *Ctx) error
	// Writable returns what is asked before writes, nil if nothing: the log.
	Writable func() Writable
	// Unsaved returns the error to reply to writes with, and to probes, nil if there is none: the data can not be saved.
	Unsaved func() error
	// Command is asked before every command: ACL rules, loading and paused states. Active
	// says whether it is needed at all.
	Active  func() bool
	Command func(c *Ctx) error
	// Monitored says whether any client monitors, which must not use keys.
	Monitored func() bool
	// Paused holds commands back, those that all others would let run.
	Paused *Pause
	// Swaps holds those back that swap databases.
	Swaps *Swaps
}

// rejection marks an error of a layer in front of the handler.
type rejection struct{ error }

func (r rejection) Unwrap() error { return r.error }

func isRejection(err error) bool {
	var r rejection
	return errors.As(err, &r)
}

// Admit is the layer that decides whether a command may run at all.
func Admit(a *Admission) Layer {
	return Layer{
		Name: "admit", Held: true,
		Wrap: func(s *Spec, next Handler) Handler { return a.wrap(s, s.Flags, next) },
		// Whatever is queued takes memory.
		WrapQueue: func(s *Spec, next Handler) Handler { return a.wrap(s, s.Flags|DenyOOM, next) },
		// What makes room or waits has been asked when the command was queued, and for EXEC.
		WrapHeld: func(_ *Spec, next Handler) Handler {
			if a.Active != nil && a.Active() {
				return guard(a.Command)(next)
			}
			return next
		},
		Describe: a.describe,
	}
}

func (a *Admission) wrap(s *Spec, flags Flags, next Handler) Handler {
	for _, check := range a.checks(s, flags) {
		next = check(next)
	}
	return next
}

// checks lists what applies to s if it has these flags, innermost first.
func (a *Admission) checks(s *Spec, flags Flags) []func(Handler) Handler {
	var list []func(Handler) Handler
	if a.Swaps != nil {
		list = append(list, a.Swaps.checks(s)...)
	}
	if a.Paused != nil {
		list = append(list, a.Paused.checks(s)...)
	}
	if s.Flags&(Write|ReadOnly|MayReplicate) != 0 && a.Monitored != nil && a.Monitored() {
		list = append(list, guard(aloof))
	}
	if (flags&Write != 0 || s.Plan != nil) && a.Writable != nil {
		if w := a.Writable(); w != nil {
			list = append(list, ifQueued(s, Write, admitWrites(w)))
		}
	}
	if s.Probe && a.Writable != nil {
		if w := a.Writable(); w != nil {
			list = append(list, guard(refused(w)))
		}
	}
	if (flags&Write != 0 || s.Plan != nil || s.Probe) && a.Unsaved != nil && a.Unsaved() != nil {
		list = append(list, ifQueued(s, Write, guard(func(*Ctx) error { return a.Unsaved() })))
	}
	if a.Limited != nil && a.Limited() {
		if flags&DenyOOM != 0 || s.Plan != nil {
			list = append(list, ifQueued(s, DenyOOM, guard(a.Room)))
		}
		if flags&DenyOOM == 0 && a.Exceeded != nil {
			list = append(list, a.relieve)
		}
	}
	if a.Active != nil && a.Active() {
		list = append(list, guard(a.Command))
	}
	if flags&NoAuth == 0 && a.AuthRequired != nil && a.AuthRequired() {
		list = append(list, authenticated)
	}
	if flags&Protected != 0 && a.Protected != nil {
		list = append(list, guard(a.Protected))
	}
	return list
}

// relieved is what a command is woken with that has made room.
type relieved struct{}

// relieve makes room if need be, and lets the command run in any case. If clients were told of keys that went the command is
// run behind that, so that its own client hears of them before the reply.
func (a *Admission) relieve(next Handler) Handler {
	return func(c *Ctx) error {
		switch c.woken.(type) {
		case relieved:
			c.woken = nil
			return next(c)
		case nil:
		default:
			return next(c) // it has been here before
		}
		if !a.Exceeded() {
			return next(c)
		}
		before := c.published
		c.published = false
		_ = a.Room(c)
		told := c.published
		c.published = before || told
		if !told || c.serving != nil {
			return next(c)
		}
		return c.postpone(func(wake func(any)) { wake(relieved{}) }, nil)
	}
}

func (a *Admission) describe(s *Spec) string {
	note := ""
	add := func(on bool, text string) {
		if on {
			if note != "" {
				note += ", "
			}
			note += text
		}
	}
	add(s.Flags&Protected != 0 && a.Protected != nil, "permission")
	add(s.Flags&NoAuth == 0 && a.AuthRequired != nil && a.AuthRequired(), "password")
	add(a.Active != nil && a.Active(), "rules")
	add((s.Flags&Write != 0 || s.Probe) && a.Writable != nil && a.Writable() != nil, "log")
	add((s.Flags&Write != 0 || s.Probe) && a.Unsaved != nil && a.Unsaved() != nil, "unsaved")
	add(a.Paused != nil && len(a.Paused.checks(s)) > 0, "pause")
	add(a.Swaps != nil && len(a.Swaps.checks(s)) > 0, "snapshot")
	add((s.Flags&DenyOOM != 0 || a.Exceeded != nil) && a.Limited != nil && a.Limited(), "memory limit")
	return note
}

// ifQueued makes a check of EXEC one that is made only if a queued command has the flag.
func ifQueued(s *Spec, flag Flags, check func(Handler) Handler) func(Handler) Handler {
	if s.Plan == nil {
		return check
	}
	return func(next Handler) Handler {
		checked := check(next)
		return func(c *Ctx) error {
			if m := c.Client.Multi; m != nil && m.open && m.flags&flag != 0 {
				return checked(c)
			}
			return next(c)
		}
	}
}

// guard makes a check of a question.
func guard(ask func(c *Ctx) error) func(Handler) Handler {
	return func(next Handler) Handler {
		return func(c *Ctx) error {
			if err := ask(c); err != nil {
				return rejection{err}
			}
			return next(c)
		}
	}
}

// errAloof is the reply to a client that monitors, in Redis' words, for which such a client is a replica.
var errAloof = errors.New("ERR Replica can't interact with the keyspace")

// aloof refuses clients that monitor.
func aloof(c *Ctx) error {
	if c.Client.Monitoring() {
		return errAloof
	}
	return nil
}

// authenticated refuses clients that have not authenticated.
func authenticated(next Handler) Handler {
	return func(c *Ctx) error {
		if !c.Client.Authenticated {
			return rejection{ErrNoAuth}
		}
		return next(c)
	}
}
