package web

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newRegistry holds the figures of the process, of Go and of the server; the
// global registry is not used.
func newRegistry(s Sources, b Build) (*prometheus.Registry, error) {
	reg := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewGoCollector(),
		&collector{sources: s, build: b},
	} {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return reg, nil
}

// collector reads the sources when somebody scrapes.
type collector struct {
	sources Sources
	build   Build
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("reredis_"+name, help, labels, nil)
}

// figure is a metric without labels that is read from a source.
type figure[T any] struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(T) int64
}

var netFigures = []figure[Net]{
	{desc("connected_clients", "Clients connected now."), prometheus.GaugeValue, func(n Net) int64 { return n.Clients }},
	{desc("max_clients", "Clients that may be connected at once."), prometheus.GaugeValue, func(n Net) int64 { return n.MaxClients }},
	{desc("blocked_clients", "Clients that wait for something."), prometheus.GaugeValue, func(n Net) int64 { return n.Blocked }},
	{desc("connections_received_total", "Connections accepted."), prometheus.CounterValue, func(n Net) int64 { return n.Received }},
	{desc("connections_rejected_total", "Connections refused: too many, protected mode, no descriptors."), prometheus.CounterValue, func(n Net) int64 { return n.Rejected }},
	{desc("net_input_bytes_total", "Bytes read from clients."), prometheus.CounterValue, func(n Net) int64 { return n.InputBytes }},
	{desc("net_output_bytes_total", "Bytes written to clients."), prometheus.CounterValue, func(n Net) int64 { return n.OutputBytes }},
	{desc("clients_closed_output_limit_total", "Clients closed because they did not read their replies."), prometheus.CounterValue, func(n Net) int64 { return n.OutputLimited }},
	{desc("clients_closed_query_limit_total", "Clients closed because of an unfinished command that was too long."), prometheus.CounterValue, func(n Net) int64 { return n.QueryLimited }},
	{desc("clients_closed_idle_total", "Clients closed because they sent nothing."), prometheus.CounterValue, func(n Net) int64 { return n.IdleClosed }},
	{desc("clients_closed_memory_limit_total", "Clients closed because all together held too much memory."), prometheus.CounterValue, func(n Net) int64 { return n.Evicted }},
	{desc("clients_memory_bytes", "Memory that clients hold."), prometheus.GaugeValue, func(n Net) int64 { return n.Memory }},
}

var keyspaceFigures = []figure[Keyspace]{
	{desc("memory_used_bytes", "Memory of the data."), prometheus.GaugeValue, func(k Keyspace) int64 { return k.UsedMemory }},
	{desc("memory_peak_bytes", "Most memory that the data took."), prometheus.GaugeValue, func(k Keyspace) int64 { return k.PeakMemory }},
	{desc("memory_max_bytes", "Limit of the data's memory, 0 for none."), prometheus.GaugeValue, func(k Keyspace) int64 { return k.MaxMemory }},
	{desc("memory_mapped_bytes", "Address space taken from the system for data."), prometheus.GaugeValue, func(k Keyspace) int64 { return k.MappedBytes }},
	{desc("keyspace_hits_total", "Look-ups that found a key."), prometheus.CounterValue, func(k Keyspace) int64 { return k.Hits }},
	{desc("keyspace_misses_total", "Look-ups that found none."), prometheus.CounterValue, func(k Keyspace) int64 { return k.Misses }},
	{desc("expired_keys_total", "Keys removed at their deadline."), prometheus.CounterValue, func(k Keyspace) int64 { return k.ExpiredKeys }},
	{desc("evicted_keys_total", "Keys removed to make room."), prometheus.CounterValue, func(k Keyspace) int64 { return k.EvictedKeys }},
	{desc("lazyfree_pending_keys", "Keys whose memory waits to be freed."), prometheus.GaugeValue, func(k Keyspace) int64 { return k.LazyFreePending }},
}

var configFigures = []figure[Config]{
	{desc("config_reload_failures_total", "Reloads of the configuration that changed nothing because of an error."), prometheus.CounterValue, func(c Config) int64 { return c.Failures }},
	{desc("config_stale", "1 if the last reload of the configuration failed, so that an older one is in force."), prometheus.GaugeValue, func(c Config) int64 {
		if c.Stale {
			return 1
		}
		return 0
	}},
	{desc("config_needs_restart", "Parameters that get another value at the next start."), prometheus.GaugeValue, func(c Config) int64 { return c.Pending }},
	{desc("config_unsaved", "Parameters that CONFIG SET or UNSET changed since CONFIG REWRITE."), prometheus.GaugeValue, func(c Config) int64 { return c.Unsaved }},
	{desc("config_loaded_timestamp_seconds", "When the configuration was last loaded without an error."), prometheus.GaugeValue, func(c Config) int64 { return c.Loaded }},
}

// expireLags are the quantiles of reredis_expire_lag_seconds.
var expireLags = []struct {
	quantile string
	millis   func(Keyspace) int64
}{
	{"0.5", func(k Keyspace) int64 { return k.ExpireLagP50 }},
	{"0.99", func(k Keyspace) int64 { return k.ExpireLagP99 }},
	{"1", func(k Keyspace) int64 { return k.ExpireLagMax }},
}

var (
	descBuild     = desc("build_info", "1, with the version of the server.", "version", "commit")
	descProcessed = desc("commands_processed_total", "Commands run.")
	descUnknown   = desc("commands_unknown_total", "Commands refused for their name or number of arguments.")
	descCalls     = desc("command_calls_total", "Calls of a command.", "command")
	descFailed    = desc("command_failed_total", "Calls that a command answered with an error.", "command")
	descRejected  = desc("command_rejected_total", "Calls refused before the command ran.", "command")
	descKeys      = desc("db_keys", "Keys of a database.", "db")
	descExpires   = desc("db_keys_expiring", "Keys of a database that have a deadline.", "db")
	descLag       = desc("expire_lag_seconds", "How late keys were removed in the last seconds in which some were: median, 99th percentile and maximum.", "quantile")
)

// Describe sends nothing: which metrics there are depends on the sources.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads each source once.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	send(descBuild, prometheus.GaugeValue, 1, c.build.Version, c.build.Commit)
	if c.sources.Commands != nil {
		send(descProcessed, prometheus.CounterValue, float64(c.sources.Commands.Processed()))
		send(descUnknown, prometheus.CounterValue, float64(c.sources.Commands.Unknown()))
		for _, n := range c.sources.Commands.Counts() {
			calls, failed, rejected := n.Calls.Load(), n.Failed.Load(), n.Rejected.Load()
			if calls == 0 && rejected == 0 {
				continue // most commands are never called
			}
			send(descCalls, prometheus.CounterValue, float64(calls), n.Spec.FullName())
			send(descFailed, prometheus.CounterValue, float64(failed), n.Spec.FullName())
			send(descRejected, prometheus.CounterValue, float64(rejected), n.Spec.FullName())
		}
	}
	if c.sources.Net != nil {
		n := c.sources.Net()
		for _, f := range netFigures {
			send(f.desc, f.kind, float64(f.read(n)))
		}
	}
	if c.sources.Config != nil {
		g := c.sources.Config()
		for _, f := range configFigures {
			send(f.desc, f.kind, float64(f.read(g)))
		}
	}
	if c.sources.WAL != nil {
		collectWAL(send, c.sources.WAL())
	}
	if c.sources.Keyspace != nil {
		k := c.sources.Keyspace()
		for _, f := range keyspaceFigures {
			send(f.desc, f.kind, float64(f.read(k)))
		}
		for _, l := range expireLags {
			send(descLag, prometheus.GaugeValue, float64(l.millis(k))/1000, l.quantile)
		}
		for db, d := range k.Databases {
			if d.Keys == 0 && db != 0 {
				continue
			}
			send(descKeys, prometheus.GaugeValue, float64(d.Keys), strconv.Itoa(db))
			send(descExpires, prometheus.GaugeValue, float64(d.Expires), strconv.Itoa(db))
		}
	}
}
