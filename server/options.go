package server

import (
	"io/fs"
	"log/slog"
	"runtime"
	"time"

	"github.com/reredis/reredis/bus"
)

// Options is what a Server is made of.
type Options struct {
	Bus *bus.Bus
	Log *slog.Logger // nil: nothing is logged
	// WAL says when replies may leave, nil: at once.
	WAL Log

	Bind           []BindAddr // none: no TCP listener
	Port           int        // 0: a free one, the same for all addresses
	Backlog        int        // length of the listen queues, 0: the system's
	UnixSocket     string     // path, "": none
	UnixSocketPerm fs.FileMode

	Driver Driver // "" is DriverAuto
	Loops  int    // event loops, 0: DefaultLoops

	// Settings are the first ones; see SetSettings.
	Settings Settings
	// ShutdownGrace is how long Run waits for replies to leave once its context has
	// ended.
	ShutdownGrace time.Duration

	// Upkeep does periodic work for at most budget and reports whether more is due; if not, rest
	// is how long an idle loop may wait before it calls again, at most. It is
	// called on every loop, with the number of the loop (share) and of loops (of). It may
	// be nil.
	Upkeep func(c *bus.Ctx, share, of int, budget time.Duration) (more bool, rest time.Duration)
	// Now is the time in unix milliseconds, nil: the wall clock.
	Now func() int64
}

// BindAddr is one address to listen on. It is configs.BindAddr field by field.
type BindAddr struct {
	Host     string // "" = every address of Network
	Network  string // "tcp", "tcp4" or "tcp6"
	Optional bool   // that the machine does not have it is no error
}

// Driver names what drives the connections. The values are those of
// configs.Server.Driver.
type Driver string

// The drivers.
const (
	DriverAuto       Driver = "auto"       // the loops where the system has them
	DriverLoops      Driver = "loops"      // event loops on epoll
	DriverGoroutines Driver = "goroutines" // one goroutine for each connection
)

// Settings are the parameters that may change while the server runs.
type Settings struct {
	MaxClients  int           // 0: no limit
	Timeout     time.Duration // idle clients are closed after it, 0: never
	Keepalive   time.Duration // of TCP, 0: off
	QueryBuffer int64         // longest unfinished command in bytes, 0: no limit
	MaxBulk     int64         // longest argument in bytes, 0: Redis' 512 MB
	// ClientMemory is what all clients together may hold in bytes, 0: no limit. Beyond it
	// those that hold most are closed, but for those with Client.NoEvict.
	ClientMemory int64
	Output       OutputLimits
	// ProtectedMode refuses clients from other machines while no password is set.
	ProtectedMode bool
	// AuthRequired says that new clients are not authenticated and that the protocol's
	// limits for such clients hold.
	AuthRequired bool
}

// OutputLimits are the limits of the client classes.
type OutputLimits [bus.Classes]OutputLimit

// OutputLimit says when a client that does not read its replies is closed: at once above
// Hard, and when it was above Soft for longer than SoftFor. 0 means no limit.
type OutputLimit struct {
	Hard, Soft int64 // bytes beyond the first 16 KiB
	SoftFor    time.Duration
}

// The client classes of OutputLimits.
const (
	ClassNormal  = bus.ClassNormal
	ClassReplica = bus.ClassReplica
	ClassPubSub  = bus.ClassPubSub
)

// DefaultLoops is the number of event loops where nothing is set: one for each core that the
// process may use. GOMAXPROCS should be two more.
func DefaultLoops() int { return runtime.NumCPU() }
