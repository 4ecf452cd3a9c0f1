package bus

import (
	"errors"
	"time"

	"github.com/reredis/reredis/keyspace"
)

// Ctx carries one command through its chain. One event loop or connection
// goroutine owns it and reuses it.
type Ctx struct {
	// Args is the command and its arguments: slices of the read buffer, valid
	// until the handler returns.
	Args [][]byte
	// Raw is the command as received, nil if it was inline, queued or from a script.
	Raw    []byte
	Reply  Reply
	Tx     *keyspace.Tx
	Client *Client
	Spec   *Spec

	// Held says that the command runs inside EXEC: its locks are held, and it can not wait.
	Held bool

	// Shown is for an Observer: what it keeps of a transaction's commands until it is told of EXEC. EXEC
	// empties it when it begins.
	Shown []byte

	// Invalid is for package tracking: what it keeps while a command runs.
	Invalid any

	bus    *Bus
	start  ParkFunc
	cancel func()
	woken  any
	late   *late // nil: nothing

	began     time.Duration // when the command was run first, if it is measured; else 0
	postponed bool          // it parked before it had begun

	serving []byte // the key that a waiting command is served from
	serves  *Ctx   // runs the commands of served clients
	driver  *Ctx   // of such a Ctx: that of the connection that serves
	served  []byte // memory for replies of served clients
	refs    []KeyRef
	keys    [][]byte
	tally   []tally // per spec id
	dirty   []int   // ids with calls
	random  uint32  // decides which calls are measured
	group   group   // what the log layer collects
	gate    uint64  // what the replies wait for
	far     bool    // the reply may tell of another database than the Tx's

	channel   []byte // scratch of Event
	published bool   // see Published
}

// NewCtx returns a context for one driver goroutine.
func (b *Bus) NewCtx() *Ctx {
	c := &Ctx{bus: b, Tx: b.space.NewTx(), random: 1}
	c.Tx.Owner = c
	return c
}

// Bus is the bus that runs the command.
func (c *Ctx) Bus() *Bus { return c.bus }

// Now is the time of the driver's tick in unix milliseconds: no clock is read.
func (c *Ctx) Now() int64 { return c.Tx.Now }

// SetNow sets the time, once a tick.
func (c *Ctx) SetNow(unixMillis int64) { c.Tx.Now = unixMillis }

// ParkFunc is called once a command's connection is parked, outside every lock. It
// must arrange that wake is called exactly once, from any goroutine, also before
// it returns; the command then runs again from its start, with the value in Woken.
type ParkFunc func(wake func(v any))

// errParked is returned through the chain by a command that waits.
var errParked = errors.New("parked")

// Park makes the command wait without holding a loop: the handler returns what
// Park returns, and start is called when its connection is parked. Nothing may
// have been changed or be locked.
func (c *Ctx) Park(start ParkFunc) error {
	c.start, c.cancel, c.postponed = start, nil, false
	return errParked
}

// postpone is Park for a command that may not begin yet; the time until it may does not count as its duration.
func (c *Ctx) postpone(start ParkFunc, cancel func()) error {
	c.start, c.cancel, c.postponed = start, cancel, true
	return errParked
}

// ParkCancel is Park for waits that must be told when the connection goes away: then cancel is called,
// once, on the goroutine that owns the connection, perhaps without start having been called. After
// it wake need not be called.
func (c *Ctx) ParkCancel(start ParkFunc, cancel func()) error {
	c.start, c.cancel, c.postponed = start, cancel, false
	return errParked
}

// Woken returns what the wake of a parked command handed over, nil at its first run.
func (c *Ctx) Woken() any { return c.woken }

// parkExclusive waits for the end of an exclusive phase of the keyspace.
func (c *Ctx) parkExclusive() error {
	space := c.bus.space
	woken := c.woken
	return c.postpone(func(wake func(any)) {
		if !space.Opened(func() { wake(woken) }) {
			wake(woken)
		}
	}, nil)
}
