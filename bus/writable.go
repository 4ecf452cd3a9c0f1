package bus

import "errors"

// Writable says whether writes may execute now.
type Writable interface {
	// Admit is asked before a write executes and before anything is locked. It returns nil, ErrBehind if the
	// write has to wait, or the error to reply with.
	Admit() error
	// Admitted arranges that wake is called once, from any goroutine, when a write that got
	// ErrBehind should ask again; false if it should at once.
	Admitted(wake func()) bool
}

// ErrBehind is what Writable.Admit returns for a write that has to wait.
var ErrBehind = errors.New("bus: the log is behind")

// refused is the error that writes are refused with, nil if they are taken or only have to wait.
func refused(w Writable) func(*Ctx) error {
	return func(*Ctx) error {
		if err := w.Admit(); err != nil && !errors.Is(err, ErrBehind) {
			return err
		}
		return nil
	}
}

// admitWrites asks w before every write; one that has to wait is parked.
func admitWrites(w Writable) func(Handler) Handler {
	return func(next Handler) Handler {
		return func(c *Ctx) error {
			switch err := w.Admit(); {
			case err == nil, c.serving != nil && errors.Is(err, ErrBehind):
				// A command that is served belongs to the write that was let in before.
				return next(c)
			case !errors.Is(err, ErrBehind):
				return rejection{err}
			}
			woken := c.woken
			return c.postpone(func(wake func(any)) {
				if !w.Admitted(func() { wake(woken) }) {
					wake(woken)
				}
			}, nil)
		}
	}
}
