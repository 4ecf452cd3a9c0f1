package bus

// Log takes the effects of commands. Package wal's log is joined to it by cmd/reredis.
type Log interface {
	// Append takes the effects of one command as one atomic group and returns the
	// LSN of its last entry. It is called with the keys' stripes locked. The slices
	// are reused after it returns.
	Append(effects []Effect) (lsn uint64, err error)
}

// Effect is a self-contained change of one key, or of whole databases where Slot
// is keyspace.BarrierSlot.
type Effect struct {
	DB   int
	Slot uint16
	// Argv is the effect as a command. It is nil if the command as received, in
	// Raw, is its own effect.
	Argv [][]byte
	Raw  []byte
}

// group collects the effects of one command; it is the Sink of the Tx meanwhile.
type group struct {
	raw     []byte
	effects []Effect
}

// Effect records one effect; argv is copied.
func (g *group) Effect(db int, slot uint16, argv [][]byte) {
	e := Effect{DB: db, Slot: slot}
	if argv == nil {
		e.Raw = g.raw
	} else {
		e.Argv = make([][]byte, len(argv))
		for i, a := range argv {
			e.Argv[i] = append([]byte(nil), a...)
		}
	}
	g.effects = append(g.effects, e)
}

// Logging is the layer that appends what a command changed, also what one that failed or
// only read removed as expired. current is asked when the table is built; nil
// means no log, and the layer costs nothing.
func Logging(current func() Log) Layer {
	return Layer{Name: "log", Wrap: func(s *Spec, next Handler) Handler {
		l := current()
		if l == nil || !s.Touches() {
			return next
		}
		return func(c *Ctx) error {
			g := &c.group
			g.raw, g.effects = c.Raw, g.effects[:0]
			c.Tx.Sink = g
			err := next(c)
			c.Tx.Sink, c.Tx.Raw = nil, false
			if len(g.effects) == 0 {
				return err
			}
			if _, logErr := l.Append(g.effects); logErr != nil && err == nil {
				err = logErr
			}
			return err
		}
	}}
}
