package configs

import (
	"io/fs"
	"math"
	"time"
)

// Config is one complete, valid set of values. Whoever gets one from
// Store.Current or in an applier must not change it.
type Config struct {
	Server   Server
	Limits   Limits
	Admin    Admin
	HTTP     HTTP
	Keyspace Keyspace
	WAL      WAL
	Observe  Observe
	Log      Log
	Compat   Compat
}

// Server is where and how the server listens for RESP clients.
type Server struct {
	Bind            []string      // hosts as written; see Addrs for what to listen on
	Port            int           // 0 = no TCP listener
	UnixSocket      string        // path, "" = none
	UnixSocketPerm  fs.FileMode   // 0 = what the umask leaves
	TCPBacklog      int           // length of the listen queue
	TCPKeepalive    time.Duration // 0 = off
	MaxClients      int
	Timeout         time.Duration // idle clients are closed after it; 0 = never
	ShutdownTimeout time.Duration // longest wait for replies to drain
	ProtectedMode   bool
	RequirePass     string // of the default user, "" = none
	Dir             string // absolute
	Driver          string // DriverAuto, DriverLoops or DriverGoroutines
	Loops           int    // event loops, 0 = one per core
}

// The values of Server.Driver.
const (
	DriverAuto       = "auto"       // loops where the system has them
	DriverLoops      = "loops"      // event loops on epoll
	DriverGoroutines = "goroutines" // one goroutine for each connection
)

// Limits bound what clients can make the server hold, in bytes.
type Limits struct {
	ProtoMaxBulk  int64 // longest bulk string, and so the longest value
	QueryBuffer   int64 // longest unfinished command
	ClientsMemory int64 // of all clients together; below 0: percent of Keyspace.MaxMemory; 0 = no limit
	TrackedKeys   int64 // for client-side caching; 0 = no limit
	OutputNormal  OutputLimit
	OutputReplica OutputLimit
	OutputPubSub  OutputLimit
}

// OutputLimit says when a client that does not read its replies is closed: at
// once above Hard, and after SoftSeconds above Soft. 0 means no limit.
type OutputLimit struct {
	Hard, Soft  int64 // bytes
	SoftSeconds int64
}

// Admin says who may use the commands that can harm the server: each string is
// AllowNo, AllowLocal (clients on this machine) or AllowYes.
type Admin struct {
	ProtectedConfigs string
	DebugCommand     string
	ModuleCommand    string
	Renames          []Rename // in the order of the commands
}

// The values of the fields of Admin.
const (
	AllowNo    = "no"
	AllowLocal = "local"
	AllowYes   = "yes"
)

// HTTP is the listener for health, metrics and the dashboard.
type HTTP struct {
	Enabled bool // false when the port is 0
	Bind    []string
	Port    int
}

// Keyspace is what holds the data.
type Keyspace struct {
	Databases int
	Stripes   int    // 0 = eight for each event loop
	MaxMemory int64  // bytes, 0 = no limit
	HugePages string // "auto" or "off"
	Policy    string // eviction policy in Redis' words
	Eviction  Eviction
	Version   string // "7.0" or "7.2": whose encodings are reported
}

// Eviction is how keys are chosen that make room for others.
type Eviction struct {
	Samples      int           // keys looked at to choose one
	Tenacity     int           // 0 to 100: how long a command makes room
	LFULogFactor int           // how much harder each step of a counter is
	LFUDecay     time.Duration // whole minutes that take one from a counter; 0 = none do
}

// Budget is how long one command may make room, as Redis reckons it.
func (e Eviction) Budget() time.Duration {
	switch {
	case e.Tenacity <= 10:
		return max(time.Nanosecond, 50*time.Microsecond*time.Duration(e.Tenacity))
	case e.Tenacity < 100:
		return time.Duration(500 * math.Pow(1.15, float64(e.Tenacity-10)) * float64(time.Microsecond))
	}
	return math.MaxInt64
}

// WAL is the write-ahead log.
type WAL struct {
	Enabled bool
	Policy  string // "always", "everysec" or "no"

	SegmentSize   int64         // bytes
	UnsyncedLimit int64         // bytes
	SyncLate      time.Duration // of policy everysec
	OnSyncError   string        // "stop" or "readonly"
	TornTail      string        // "truncate" or "refuse"

	Save        []SavePoint
	StopWrites  bool   // without a log, when a snapshot failed
	LogSize     int64  // bytes
	Growth      int64  // percent, 0 = off
	Keep        int    // snapshots
	Rate        int64  // bytes a second, 0 = no limit
	Compression string // "none" or "s2"
}

// SavePoint asks for a snapshot when After has passed with at least Changes
// changes.
type SavePoint struct {
	After   time.Duration // whole seconds
	Changes int64
}

// Observe is what the server watches and tells about itself.
type Observe struct {
	SlowlogOver   time.Duration // commands slower than it are kept; 0 = all, -1 = none
	SlowlogMax    int64
	Latency       bool // per command latency histograms
	Percentiles   []float64
	LatencyOver   time.Duration // events slower than it are kept; 0 = none
	KeyspaceEvent string        // Redis' letters in their usual order, "" = no events
}

// Log is the server's own log.
type Log struct {
	Level  string // "debug", "verbose", "info", "warning" or "nothing"
	Format string // "text", "json" or "redis"
	File   string // "" = standard error
}

// BindAddr is one address to listen on.
type BindAddr struct {
	Host     string // "" = every address of Network
	Network  string // "tcp", "tcp4" or "tcp6"
	Optional bool   // a failure to listen here is no error, if another address works
}

// Addrs says what the hosts of a bind list mean: "*" is every IPv4 address,
// "::*" every IPv6 one, "localhost" both loopback addresses (the IPv6 one only
// where the machine has it), and a leading "-" makes an address optional.
func Addrs(bind []string) []BindAddr {
	out := make([]BindAddr, 0, len(bind)+1)
	for _, h := range bind {
		a := BindAddr{Host: h, Network: "tcp"}
		if len(h) > 1 && h[0] == '-' {
			a.Host, a.Optional = h[1:], true
		}
		switch a.Host {
		case "*":
			a.Host, a.Network = "", "tcp4"
		case "::*":
			a.Host, a.Network = "", "tcp6"
		case "localhost":
			a.Host = "127.0.0.1"
			out = append(out, a, BindAddr{Host: "::1", Network: "tcp6", Optional: true})
			continue
		}
		out = append(out, a)
	}
	return out
}
