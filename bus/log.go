package bus

import "github.com/reredis/reredis/internal/resp"

// Log takes the effects of commands and says what replies have to wait for. Package wal's log is
// joined to it by cmd/reredis.
type Log interface {
	// Append takes the effects of one command as one atomic group and returns the LSN of
	// its last entry. It is called with the keys' stripes locked. The slices are reused
	// after it returns.
	Append(effects []Effect) (lsn uint64)
	// Gate is the LSN that a reply waits for which tells of a slot, or of its emptiness. The
	// slot's stripe is locked.
	Gate(db int, slot uint16) uint64
	// Appended is the same for a reply that may tell of any slot.
	Appended() uint64
}

// Mortal is a Log that may fail for good while reads go on.
type Mortal interface {
	// Lost is asked when chains are composed. It returns nil as long as all that was appended can become safe. When the log
	// has failed it returns what tells of an LSN whether what waits for it is lost: its error is the reply. Nothing is
	// appended any more then.
	Lost() func(lsn uint64) error
}

// Effect is a self-contained change of one key, or of whole databases where Slot
// is keyspace.BarrierSlot.
type Effect struct {
	DB   uint16
	Slot uint16
	RESP []byte // the change as an encoded command
}

// group collects the effects of one command; it is the Sink of the Tx meanwhile.
type group struct {
	raw     []byte // the command as received
	text    []byte // the effects that are not
	effects []Effect
	ends    []int // of each effect in text, -1: it is raw
	events  []event
}

// keepText bounds the memory that a group keeps.
const keepText = 64 << 10

func (g *group) begin(raw []byte) {
	g.raw, g.text, g.effects, g.ends = raw, g.text[:0], g.effects[:0], g.ends[:0]
}

// Effect records one effect; argv is copied.
func (g *group) Effect(db int, slot uint16, argv [][]byte) {
	g.effects = append(g.effects, Effect{DB: uint16(db), Slot: slot})
	if argv == nil {
		g.ends = append(g.ends, -1)
		return
	}
	g.text = resp.AppendCommand(g.text, argv...)
	g.ends = append(g.ends, len(g.text))
}

// done returns the effects.
func (g *group) done() []Effect {
	start := 0
	for i, end := range g.ends {
		if end < 0 {
			g.effects[i].RESP = g.raw
			continue
		}
		g.effects[i].RESP = g.text[start:end]
		start = end
	}
	return g.effects
}

// end forgets them.
func (g *group) end() {
	clear(g.effects)
	g.raw = nil
	if cap(g.text) > keepText {
		g.text = nil
	}
}

// Logging is the layer that appends what a command changed, also what one that failed or
// only read removed as expired, and notes what its reply has to wait for. current is asked
// when the table is built; nil means no log, and the layer costs nothing.
func Logging(current func() Log) Layer {
	return Layer{Name: "log", Wrap: func(s *Spec, next Handler) Handler {
		l := current()
		if l == nil || !s.Touches() {
			return next
		}
		whole := s.Lock == LockNone || s.Lock == LockKeys && len(s.Keys) == 0 && s.Extract == nil
		if m, ok := l.(Mortal); ok {
			if lost := m.Lost(); lost != nil {
				return readable(l, lost, whole, next)
			}
		}
		return func(c *Ctx) error {
			g := &c.group
			g.begin(c.Raw)
			c.Tx.Sink, c.far = g, false
			err := next(c)
			c.Tx.Sink, c.Tx.Raw = nil, false
			switch {
			case len(g.effects) > 0:
				c.After(l.Append(g.done()))
				g.end()
			case err == errParked: //nolint:errorlint // a private sentinel that nobody wraps
			case whole || c.Tx.Whole() || c.far:
				c.After(l.Appended())
			default:
				for _, slot := range c.Tx.Slots() {
					c.After(l.Gate(c.Tx.DB, slot))
				}
			}
			if len(g.events) > 0 {
				c.publishEvents(g)
			}
			return err
		}
	}}
}

// readable keeps commands from what is lost. What they may see otherwise is safe, so that their replies wait for nothing.
func readable(l Log, lost func(uint64) error, whole bool, next Handler) Handler {
	return func(c *Ctx) error {
		gate := uint64(0)
		if whole || c.Tx.Whole() {
			gate = l.Appended()
		}
		for _, slot := range c.Tx.Slots() { // it is the same for all databases
			gate = max(gate, l.Gate(c.Tx.DB, slot))
		}
		if err := lost(gate); err != nil {
			return rejection{err}
		}
		return next(c)
	}
}

// Logged runs f, which changes keys whose stripes are held, for a command that the log layer does not surround: what f
// changes is a group of its own. In a transaction it belongs to that.
func (c *Ctx) Logged(f func() error) error {
	if c.Tx.Sink != nil || c.bus.events.log == nil {
		return f()
	}
	l := c.bus.events.log()
	if l == nil {
		return f()
	}
	g := &c.group
	g.begin(nil)
	c.Tx.Sink = g
	err := f()
	c.Tx.Sink = nil
	if len(g.effects) > 0 {
		c.After(l.Append(g.done()))
		g.end()
	}
	if len(g.events) > 0 {
		c.publishEvents(g)
	}
	return err
}

// publishEvents publishes the events of a command; they wait for what its reply waits for.
func (c *Ctx) publishEvents(g *group) {
	for _, ev := range g.events {
		c.channel = c.bus.events.publish(c.channel, ev, c.gate)
	}
	clear(g.events)
	g.events = g.events[:0]
}

// Tells says that the reply may tell of a key in a database, which may be another than the
// command's.
func (c *Ctx) Tells(db int) { c.far = c.far || db != c.Tx.DB }

// After says that the reply must not leave before an LSN is safe.
func (c *Ctx) After(lsn uint64) { c.gate = max(c.gate, lsn) }

// Gate is the LSN that the replies written since the last TakeGate have to wait for so far, 0: none.
func (c *Ctx) Gate() uint64 { return c.gate }

// TakeGate returns the LSN that the replies written since the last TakeGate have to wait for, 0 if they need
// not.
func (c *Ctx) TakeGate() uint64 {
	lsn := c.gate
	c.gate = 0
	return lsn
}
