package commands

import (
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/latency"
	"github.com/reredis/reredis/bus/monitor"
	"github.com/reredis/reredis/bus/pubsub"
	"github.com/reredis/reredis/bus/slowlog"
	"github.com/reredis/reredis/bus/tracking"
)

// Deps is what the connection and server commands need of the rest of the
// program. The fields are set before the bus runs commands and not changed
// afterwards; everything in it may be called from any goroutine.
type Deps struct {
	// Server tells about the process what does not change while it runs.
	Server Identity
	// Databases is their number.
	Databases int
	// Config holds the parameters behind CONFIG.
	Config Config
	// Clients reaches the connections of all drivers.
	Clients Clients
	// Shutdown stops the server.
	Shutdown Shutdowner
	// Persistence keeps the data. It may be nil.
	Persistence Persistence
	// PubSub holds the channels.
	PubSub *pubsub.Hub
	// Monitor shows commands to those who monitor.
	Monitor *monitor.Feed
	// Tracking knows which clients may have which keys in their caches.
	Tracking *tracking.Tracker
	// Pause holds commands back for CLIENT PAUSE.
	Pause *bus.Pause
	// SlowLog is what SLOWLOG shows.
	SlowLog *slowlog.Log
	// Latency is what LATENCY shows, but for the histograms.
	Latency *latency.Monitor
	// Password returns requirepass, "" if none is set.
	Password func() string
	// Net returns the figures of the listeners and connections.
	Net func() Net
	// Reset sets the counters of Net to zero and those of Persistence that Redis resets, for CONFIG RESETSTAT.
	Reset func()
	// Rates measures what INFO calls instantaneous. It may be nil.
	Rates *Rates
	// Purge gives free memory back to the system and calls done once, from any goroutine, when that is
	// over. Purge itself does not wait.
	Purge func(done func())
	// HTTPPort is where HTTP is served, 0 if it is off. It may be nil.
	HTTPPort func() int
	// Log writes a line of the log on behalf of DEBUG LOG and of commands
	// that leave a trace there.
	Log func(message string)
}

// Identity is who the server is.
type Identity struct {
	Version    string // of Reredis, not the Redis version it is compatible with
	Commit     string // of the build, "" if unknown
	RunID      string // 40 hex digits, random for each start
	Port       int    // TCP port, 0 if there is none
	Executable string // path of the program
	ConfigFile string // path, "" if there is none
	Started    time.Time
	Loops      int // event loops, 0 for the goroutine driver
}

// KV is one parameter and its value in Redis' notation.
type KV struct{ Name, Value string }

// ConfigOrigin is a parameter with the place its value comes from.
type ConfigOrigin struct {
	Path         string
	Value        string // in native notation, hidden if it is a secret
	Origin       string
	Pending      bool   // after a restart it is AfterRestart
	AfterRestart string // in native notation
}

// ConfigState is how reloads went, and where what runs is not what a start would find.
type ConfigState struct {
	Pending  []string  // parameters that will have another value after a restart
	Unsaved  []string  // those that were set or unset and not written by CONFIG REWRITE
	Loaded   time.Time // when the files were last loaded without an error
	Failures int64     // reloads that changed nothing because of an error
	Error    string    // of the last reload, "" if it went well
}

// Config is the set of parameters as CONFIG shows it.
type Config interface {
	// Get returns the parameters that match any of the patterns, each once.
	// A pattern without wildcards also finds hidden parameters and aliases,
	// under the name asked for.
	Get(patterns []string) []KV
	// Set changes all or nothing on behalf of a user. Its error is the reply, including the code.
	// protectedOK says whether the client may set protected parameters. If settled is not nil, the change takes a
	// while: settled returns at once, and calls done when the change is in force, from any goroutine, or with the
	// error to reply with.
	Set(pairs []KV, user string, protectedOK bool) (settled func(done func(error)), err error)
	// Unset takes back what Set changed, all or nothing. Its error is the reply, including the code.
	Unset(names []string, protectedOK bool) error
	// Reload loads the configuration files again, all or nothing, and returns the parameters that have another
	// value now, and those that will have one after a restart.
	Reload() (changed, pending []string, err error)
	// Origins tells where the values of the parameters come from that a name or a pattern stands for, as in Get. one
	// reports whether it can stand for no other.
	Origins(pattern string) (list []ConfigOrigin, one bool)
	// State tells how the last reloads went and what differs from the next start.
	State() ConfigState
	// Secret reports whether nobody may see a parameter's value but who asks for it.
	Secret(name string) bool
	// Rewrite makes the values in force those of the next start. Its error
	// is the reply, including the code.
	Rewrite() error
}

// Clients reaches every connection, whichever loop drives it.
type Clients interface {
	// Each calls visit for every connection on the goroutine that owns it,
	// one after the other, and closes those for which it returns true. Then it
	// calls done, from any goroutine. Each itself does not wait.
	Each(visit func(c *bus.Client, st bus.ConnState) (kill bool), done func())
}

// Shutdowner stops the server.
type Shutdowner interface {
	// Begin starts a shutdown. begun is called once, from any goroutine: with nil
	// when the server is certain to stop, otherwise with the reason why it does not.
	Begin(o ShutdownOptions, begun func(error))
	// Abort takes a shutdown back that has not begun yet; false if there is none.
	Abort() bool
}

// ShutdownOptions are the modifiers of SHUTDOWN.
type ShutdownOptions struct {
	Save, NoSave bool // neither: save if save points are configured
	Now          bool // do not wait for lagging replicas
	Force        bool // exit even if saving fails
}

// Persistence keeps data beyond the end of the process.
type Persistence interface {
	// Save begins a snapshot, with which the log is made shorter, and calls done once, from any goroutine, when
	// it has ended. It returns false, and does nothing, while one is being made.
	Save(done func(error)) bool
	// Rewrite begins a snapshot for the sake of a shorter log, or has one made behind the one that is being made.
	Rewrite() (begun, scheduled bool)
	// Reload empties the keyspace and reads it back from the disk, for DEBUG. It calls done once, from any
	// goroutine; nobody else uses the keyspace meanwhile.
	Reload(o ReloadOptions, done func(error))
	// Status tells how things are.
	Status() PersistenceStatus
}

// ReloadOptions say how the keyspace is to be read back.
type ReloadOptions struct {
	NoSave  bool // from what is on disk already: the newest snapshot, and the log behind it
	NoFlush bool // the keyspace is not emptied
	Merge   bool // with NoFlush: keys may be there already
}

// PersistenceStatus is what INFO and LASTSAVE tell.
type PersistenceStatus struct {
	Loading     bool // data is being read at the start
	LoadStarted time.Time
	LoadTotal   int64 // bytes to read, 0 if not known
	LoadDone    int64 // bytes read
	Loaded      int64 // keys read from snapshots since the start

	Saving      bool // for SAVE, BGSAVE and save points
	Rewriting   bool // so that the log gets shorter, or begins
	Scheduled   bool // the same, behind the snapshot that is being made
	SaveStarted time.Time
	SaveKeys    int64     // keys written of the snapshot that is being made
	SaveTotal   int64     // keys that there were when it began
	LastSave    time.Time // when the newest snapshot was taken, zero: there is none
	SaveError   error     // of the last attempt for saving, nil once any succeeded
	LogError    error     // the same for rewriting
	LastTook    time.Duration
	Saves       int64 // snapshots made since the start
	Changes     int64 // since the last snapshot

	Log        bool  // there is a log, or one begins
	WriteError error // why writes are refused
	LogSize    int64 // bytes of the log
	LogBase    int64 // bytes of the last snapshot
	Pending    int64 // bytes of the log that are not on disk yet
	Behind     bool  // a sync of everysec runs
	Delayed    int64 // writes that waited for a late one
	Failures   int64 // of snapshots that were to make the log shorter, since the last one that was made
}

// Net is what the listeners and connections count. Counters grow since the start or the
// last Deps.Reset.
type Net struct {
	Clients    int   // connections at present
	MaxClients int   // their limit
	Blocked    int   // of them, whose command waits or is paused
	Timed      int   // of them, waiting with a timeout
	MaxInput   int64 // largest query buffer of late, bytes
	MaxOutput  int64 // largest output buffer of late, bytes
	Buffers    int64 // bytes that connections hold

	Received    int64 // connections accepted
	Rejected    int64 // connections refused because of the limit
	Evicted     int64 // connections closed because all together held too much memory
	InputBytes  int64
	OutputBytes int64
	Reads       int64 // read system calls that brought something
	Writes      int64
}

// setting returns the value of one parameter, "" if it does not exist.
func (d *Deps) setting(name string) string {
	if d.Config == nil {
		return ""
	}
	kvs := d.Config.Get([]string{name})
	if len(kvs) == 0 {
		return ""
	}
	return kvs[0].Value
}

// permits reports whether a parameter that says who may do something, "no", "yes", or
// "local" for clients on this machine, permits it to the client of c.
func (d *Deps) permits(name string, c *bus.Ctx) bool {
	switch d.setting(name) {
	case "yes":
		return true
	case "local":
		return c.Client.Local
	}
	return false
}

// password returns requirepass, "" if there is none.
func (d *Deps) password() string {
	if d.Password == nil {
		return ""
	}
	return d.Password()
}

// log writes a line of the log.
func (d *Deps) log(message string) {
	if d.Log != nil {
		d.Log(message)
	}
}
