package web

import "github.com/reredis/reredis/bus"

// Commands counts commands; *bus.Bus does.
type Commands interface {
	// Processed is the number of commands run since the start.
	Processed() uint64
	// Counts returns the figures of every command.
	Counts() []*bus.Counts
	// Unknown is the number of commands refused for their name or arity.
	Unknown() uint64
}

// Sources are where figures come from. A source that is nil has none.
type Sources struct {
	Commands Commands
	Net      func() Net
	Keyspace func() Keyspace
	WAL      func() WAL
	Config   func() Config
}

// Config are the figures of the configuration.
type Config struct {
	Failures int64 // reloads that changed nothing because of an error
	Stale    bool  // the last reload was one of them
	Pending  int64 // parameters that wait for a restart
	Unsaved  int64 // parameters that CONFIG SET changed and CONFIG REWRITE did not keep
	Loaded   int64 // Unix time of the last load without an error
}

// Net are the figures of RESP connections.
type Net struct {
	Clients    int64 // connected now
	MaxClients int64
	Blocked    int64 // of them waiting for something

	// Since the start.
	Received, Rejected int64 // connections accepted, and refused
	InputBytes         int64
	OutputBytes        int64
	OutputLimited      int64 // closed by an output limit
	QueryLimited       int64 // closed by the query limit
	IdleClosed         int64 // closed by the idle timeout
	Evicted            int64 // closed because all together held too much memory

	Memory int64 // bytes that clients hold now
}

// Keyspace are the figures of the data.
type Keyspace struct {
	UsedMemory, PeakMemory int64 // bytes
	MaxMemory              int64 // bytes, 0 = no limit
	MappedBytes            int64 // address space taken from the system
	Hits, Misses           int64 // look-ups since the start
	ExpiredKeys            int64 // since the start
	EvictedKeys            int64 // since the start
	LazyFreePending        int64 // keys whose memory waits to be freed

	// Lateness of active expiry in the last seconds, in milliseconds.
	ExpireLagP50, ExpireLagP99, ExpireLagMax int64

	Databases []Database // by number; empty ones are left out of the metrics
}

// Database are the figures of one database.
type Database struct {
	Keys    int64
	Expires int64 // keys with a deadline
}

// Build is what the binary is.
type Build struct {
	Version string
	Commit  string // "" if unknown
}
