package bus

// Observer sees every command that ran, after its handler and under its locks, for
// tracking, MONITOR, the dashboard; events of keys have a way of their own (Ctx.Event). It
// must not block or keep c.
type Observer interface {
	Observe(c *Ctx, err error)
}

// Observe is the layer that calls the observer which current returns when the table is
// built; nil means that nobody listens, and the layer costs nothing.
func Observe(current func() Observer) Layer {
	return Layer{Name: "observe", Held: true, Wrap: func(_ *Spec, next Handler) Handler {
		o := current()
		if o == nil {
			return next
		}
		return func(c *Ctx) error {
			err := next(c)
			o.Observe(c, err)
			return err
		}
	}}
}
