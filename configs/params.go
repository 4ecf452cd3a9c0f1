package configs

import (
	"fmt"
	"io/fs"
	"math"
	"time"
)

// params is the table, in the order of the reference and of CONFIG GET.
func params() []Param {
	var all []Param
	for _, section := range []func() []Param{
		serverParams, limitParams, adminParams, httpParams, keyspaceParams, walParams, observeParams, logParams, compatParams,
	} {
		all = append(all, section()...)
	}
	for i := range all {
		if all[i].Since == "" {
			all[i].Since = "0.1.0"
		}
	}
	return all
}

// seconds is a time that Redis gives as a C int of seconds.
func seconds() timing { return timing{unit: time.Second, hi: math.MaxInt32} }

func serverParams() []Param {
	foreground := seconds()
	foreground.noOff = true
	return []Param{
		row(hosts(), func(c *Config) *[]string { return &c.Server.Bind }, Param{
			Path: "server.bind", Redis: "bind", Default: "localhost", Flags: Applied,
			Doc: `Addresses to listen on: hosts, "*" for every IPv4 address, "::*" for every IPv6 one. A "-" in front of an address lets the start go on without it`,
		}),
		row(integer[int](0, 65535), func(c *Config) *int { return &c.Server.Port }, Param{
			Path: "server.port", Redis: "port", Default: "6379", Flags: Applied,
			Doc: "TCP port for clients, 0 for none",
		}),
		row(text(), func(c *Config) *string { return &c.Server.Dir }, Param{
			Path: "server.dir", Redis: "dir", Default: "", Set: Restart, Flags: Protected | NoOverlay,
			Doc: `Directory of everything the server writes; empty for reredis-data/<port>. A relative one starts at the working directory`,
		}),
		row(text(), func(c *Config) *string { return &c.Server.UnixSocket }, Param{
			Path: "server.unix.path", Redis: "unixsocket", Default: "", Set: Restart, Flags: Immutable,
			Doc: "Unix socket for clients, empty for none",
		}),
		row(octal(), func(c *Config) *fs.FileMode { return &c.Server.UnixSocketPerm }, Param{
			Path: "server.unix.mode", Redis: "unixsocketperm", Default: "0700", Set: Restart, Flags: Immutable,
			Doc: `Permissions of the unix socket, an octal number in quotes; "0000" for what the umask leaves`,
		}),
		row(integer[int](0, math.MaxInt32), func(c *Config) *int { return &c.Server.TCPBacklog }, Param{
			Path: "server.backlog", Redis: "tcp-backlog", Default: "511", Set: Restart, Flags: Immutable,
			Doc: "Connections that may wait to be accepted; the system may allow fewer",
		}),
		row(boolean(), func(c *Config) *bool { return &c.Server.ProtectedMode }, Param{
			Path: "server.protected_mode", Redis: "protected-mode", Default: "true",
			Doc: "Without a password, only clients on this machine are served",
		}),
		row(integer[int](1, math.MaxUint32), func(c *Config) *int { return &c.Server.MaxClients }, Param{
			Path: "server.maxclients", Redis: "maxclients", Default: "10000",
			Doc: "Clients that may be connected at once",
		}),
		row(duration(seconds()), func(c *Config) *time.Duration { return &c.Server.Timeout }, Param{
			Path: "server.timeouts.idle", Redis: "timeout", Default: "off",
			Doc: "Clients that send nothing for this long are closed",
		}),
		row(duration(seconds()), func(c *Config) *time.Duration { return &c.Server.TCPKeepalive }, Param{
			Path: "server.timeouts.keepalive", Redis: "tcp-keepalive", Default: "300s", Set: New,
			Doc: "The system probes silent connections this often",
		}),
		row(duration(foreground), func(c *Config) *time.Duration { return &c.Server.ShutdownTimeout }, Param{
			Path: "server.timeouts.shutdown", Redis: "shutdown-timeout", Default: "10s",
			Doc: "A shutdown waits this long for replies to be sent",
		}),
		row(enum(DriverAuto, DriverLoops, DriverGoroutines), func(c *Config) *string { return &c.Server.Driver }, Param{
			Path: "server.io.driver", Default: "auto", Set: Restart,
			Doc: "What serves connections: event loops (Linux) or a goroutine for each; auto takes loops where there are some",
		}),
		row(orAuto(integer[int](1, 256)), func(c *Config) *int { return &c.Server.Loops }, Param{
			Path: "server.io.loops", Default: "auto", Set: Restart,
			Doc: "Number of event loops; auto is one for each core",
		}),
		row(text(), func(c *Config) *string { return &c.Server.RequirePass }, Param{
			Path: "server.auth.password", Redis: "requirepass", Default: "", Flags: Secret,
			Doc: "Password of the default user, empty for none",
		}),
	}
}

func limitParams() []Param {
	limits := row(outputLimits(), func(c *Config) *Limits { return &c.Limits }, Param{
		Path: outputPath, Redis: "client-output-buffer-limit", Flags: Composite,
		Default: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
		Doc:     "All nine limits of output at once; classes that are not named keep theirs",
	})
	limits.sets = setsOutputLimit
	rows := []Param{
		row(size(1<<20), func(c *Config) *int64 { return &c.Limits.QueryBuffer }, Param{
			Path: "server.limits.query_buffer", Redis: "client-query-buffer-limit", Default: "1GiB",
			Doc: "A client whose unfinished command is longer is closed",
		}),
		row(size(1<<20), func(c *Config) *int64 { return &c.Limits.ProtoMaxBulk }, Param{
			Path: "server.limits.max_bulk", Redis: "proto-max-bulk-len", Default: "512MiB",
			Doc: "Longest argument of a command, and so longest string",
		}),
		row(sizeOrShare(), func(c *Config) *int64 { return &c.Limits.ClientsMemory }, Param{
			Path: "server.limits.clients_memory", Redis: "maxmemory-clients", Default: "off",
			Doc: "Memory for all clients' buffers; beyond it those with the largest are closed. A percentage is of maxmemory",
		}),
		row(integer[int64](0, math.MaxInt64), func(c *Config) *int64 { return &c.Limits.TrackedKeys }, Param{
			Path: "server.limits.tracked_keys", Redis: "tracking-table-max-keys", Default: "1000000",
			Doc: "Keys remembered for client-side caching; beyond it some are dropped from the caches. 0 for no limit",
		}),
		limits,
	}
	defaults := map[string][3]string{
		"normal": {"0", "0", "0s"}, "replica": {"256MiB", "64MiB", "60s"}, "pubsub": {"32MiB", "8MiB", "60s"},
	}
	for _, class := range outputClasses {
		path, def := outputPath+"."+class.name, defaults[class.name]
		limit := func(c *Config) *OutputLimit { return class.limit(&c.Limits) }
		rows = append(rows,
			row(size(0), func(c *Config) *int64 { return &limit(c).Hard }, Param{
				Path: path + ".hard", Default: def[0],
				Doc: fmt.Sprintf("A %s client with more unsent output is closed at once; 0 for no limit", class.name),
			}),
			row(size(0), func(c *Config) *int64 { return &limit(c).Soft }, Param{
				Path: path + ".soft", Default: def[1],
				Doc: fmt.Sprintf("A %s client with more unsent output for soft_for is closed; 0 for no limit", class.name),
			}),
			row(wholeSeconds(), func(c *Config) *int64 { return &limit(c).SoftSeconds }, Param{
				Path: path + ".soft_for", Default: def[2],
				Doc: fmt.Sprintf("How long a %s client may be above its soft limit", class.name),
			}),
		)
	}
	return rows
}

func adminParams() []Param {
	allow := enum(AllowNo, AllowLocal, AllowYes)
	// Redis lists them in this order.
	allow.fromRedis = enumAs([]string{AllowNo, AllowYes, AllowLocal}, []string{AllowNo, AllowYes, AllowLocal}).fromRedis
	names := row(renames(), func(c *Config) *[]Rename { return &c.Admin.Renames }, Param{
		Path: renamesPath, Default: "", Set: Restart,
		Doc: "Commands with another name, or none: what rename-command lines of a redis.conf say",
	})
	names.clear = func(c *Config) { c.Admin.Renames = nil }
	return []Param{
		names,
		row(allow, func(c *Config) *string { return &c.Admin.ProtectedConfigs }, Param{
			Path: "server.admin.protected_configs", Redis: "enable-protected-configs", Default: "no", Set: Restart, Flags: Immutable,
			Doc: "Who may set protected parameters at run time: nobody, clients on this machine, everybody",
		}),
		row(allow, func(c *Config) *string { return &c.Admin.DebugCommand }, Param{
			Path: "server.admin.debug_command", Redis: "enable-debug-command", Default: "no", Set: Restart, Flags: Immutable,
			Doc: "Who may use DEBUG",
		}),
		row(allow, func(c *Config) *string { return &c.Admin.ModuleCommand }, Param{
			Path: "server.admin.module_command", Redis: "enable-module-command", Default: "no", Set: Restart, Flags: Immutable,
			Doc: "Who may use MODULE",
		}),
	}
}

func httpParams() []Param {
	return []Param{
		row(boolean(), func(c *Config) *bool { return &c.HTTP.Enabled }, Param{
			Path: "http.enabled", Default: "true", Flags: Applied,
			Doc: "Serves health, readiness and metrics over HTTP",
		}),
		row(hosts(), func(c *Config) *[]string { return &c.HTTP.Bind }, Param{
			Path: "http.bind", Default: "localhost", Flags: Applied,
			Doc: "Addresses to serve HTTP on, written as in server.bind",
		}),
		row(integer[int](0, 65535), func(c *Config) *int { return &c.HTTP.Port }, Param{
			Path: "http.port", Flag: "http-port", Default: "8080", Flags: Applied,
			Doc: "HTTP port; 0 is http.enabled: false. If it is busy and nobody set it, the next free one is taken",
		}),
	}
}

func keyspaceParams() []Param {
	powerOfTwo := func(n int) error {
		if n > 0 && n&(n-1) != 0 {
			return fmt.Errorf("%d: must be a power of two", n)
		}
		return nil
	}
	version := enum("7.0", "7.2")
	version.fromFile = quotedVersion(version.fromFile)
	return []Param{
		row(integer[int](1, 16384), func(c *Config) *int { return &c.Keyspace.Databases }, Param{
			Path: "keyspace.databases", Redis: "databases", Default: "16", Set: Fixed, Flags: Immutable,
			Doc: "Number of databases that SELECT knows",
		}),
		row(checked(orAuto(integer[int](1, 16384)), powerOfTwo), func(c *Config) *int { return &c.Keyspace.Stripes }, Param{
			Path: "keyspace.stripes", Default: "auto", Set: Restart,
			Doc: "Parts of the keyspace with a lock and memory of their own, a power of two; auto is eight for each event loop",
		}),
		row(version, func(c *Config) *string { return &c.Keyspace.Version }, Param{
			Path: "keyspace.compat", Redis: "compat-version", Default: "7.0", Set: Restart,
			Doc: "Redis version whose encodings OBJECT ENCODING reports, in quotes",
		}),
		row(enum("auto", "off"), func(c *Config) *string { return &c.Keyspace.HugePages }, Param{
			Path: "keyspace.huge_pages", Default: "auto",
			Doc: "Whether memory that is full becomes huge pages, for speed; auto: where the system has them. It takes no more memory",
		}),
		row(sizeOrOff(TotalMemory), func(c *Config) *int64 { return &c.Keyspace.MaxMemory }, Param{
			Path: "keyspace.maxmemory", Redis: "maxmemory", Default: "off",
			Doc: "Memory for data; a percentage is of what the container or the machine has. What happens beyond, the policy says",
		}),
		row(evictionPolicy(), func(c *Config) *string { return &c.Keyspace.Policy }, Param{
			Path: "keyspace.policy", Redis: "maxmemory-policy", Default: "noeviction",
			Doc: "Which keys go when maxmemory is reached: of all or of those with a deadline, in which order; or none",
		}),
		row(integer[int](1, math.MaxInt32), func(c *Config) *int { return &c.Keyspace.Eviction.Samples }, Param{
			Path: "keyspace.eviction.samples", Redis: "maxmemory-samples", Default: "5",
			Doc: "How many keys are looked at to choose one that goes, 64 at most; more choose better and take longer",
		}),
		row(integer[int](0, 100), func(c *Config) *int { return &c.Keyspace.Eviction.Tenacity }, Param{
			Path: "keyspace.eviction.tenacity", Redis: "maxmemory-eviction-tenacity", Default: "10",
			Doc: "How long a command makes room: 50 us a point up to 10, then 15 % more for each, without end at 100",
		}),
		row(integer[int](0, math.MaxInt32), func(c *Config) *int { return &c.Keyspace.Eviction.LFULogFactor }, Param{
			Path: "keyspace.eviction.lfu_log_factor", Redis: "lfu-log-factor", Default: "10",
			Doc: "How many uses a step of the LFU policies' counter takes; the higher, the more uses tell keys apart",
		}),
		row(duration(timing{unit: time.Minute, hi: math.MaxInt32, noOff: true}), func(c *Config) *time.Duration { return &c.Keyspace.Eviction.LFUDecay }, Param{
			Path: "keyspace.eviction.lfu_decay", Redis: "lfu-decay-time", Default: "1m",
			Doc: "After how long without use the LFU policies' counter of a key loses one; 0s for never",
		}),
	}
}

func walParams() []Param {
	save := row(savePoints(), func(c *Config) *[]SavePoint { return &c.WAL.Save }, Param{
		Path: "wal.snapshot.save", Redis: "save", Default: "",
		Doc: "When to take a snapshot: after so much time, if there were so many changes",
	})
	save.clear = func(c *Config) { c.WAL.Save = nil }
	policy := enumAs([]string{"always", "everysec", "no"}, []string{"always", "everysec", "no"})
	policy.fromRedis = enum("everysec", "always", "no").fromRedis // Redis' order
	torn := enumAs([]string{"truncate", "refuse"}, []string{"yes", "no"})
	torn.fromRedis = func(_ string, args []string) (string, error) {
		yes, err := boolean().fromRedis(false, args)
		if yes {
			return "truncate", err
		}
		return "refuse", err
	}
	return []Param{
		row(boolean(), func(c *Config) *bool { return &c.WAL.Enabled }, Param{
			Path: "wal.enabled", Redis: "appendonly", Default: "true",
			Doc: "Keeps the data on disk: every change is logged. Without it only snapshots do",
		}),
		row(policy, func(c *Config) *string { return &c.WAL.Policy }, Param{
			Path: "wal.policy", Redis: "appendfsync", Default: "always",
			Doc: "When a reply may leave: after its data is on disk, or written and synced within a second or by the system",
		}),
		row(size(1<<20), func(c *Config) *int64 { return &c.WAL.SegmentSize }, Param{
			Path: "wal.segment_size", Default: "64MiB", Set: New,
			Doc: "Length of the log's files; the first ones are smaller",
		}),
		row(size(1<<20), func(c *Config) *int64 { return &c.WAL.UnsyncedLimit }, Param{
			Path: "wal.unsynced_limit", Default: "64MiB",
			Doc: "Writers wait while more of the log than this is not on disk yet",
		}),
		row(duration(timing{unit: time.Millisecond, lo: 1, hi: math.MaxInt32, noOff: true}), func(c *Config) *time.Duration { return &c.WAL.SyncLate }, Param{
			Path: "wal.sync_late", Default: "2s",
			Doc: "Under everysec writers wait while a sync is later than this; a change holds from the next sync on",
		}),
		row(enum("stop", "readonly"), func(c *Config) *string { return &c.WAL.OnSyncError }, Param{
			Path: "wal.on_sync_error", Default: "stop",
			Doc: "When the disk fails for good: stop the server, or go on without writes",
		}),
		row(torn, func(c *Config) *string { return &c.WAL.TornTail }, Param{
			Path: "wal.torn_tail", Redis: "aof-load-truncated", Default: "truncate",
			Doc: "What to do with an unfinished end of the log at the start; damage before it always refuses",
		}),
		save,
		row(boolean(), func(c *Config) *bool { return &c.WAL.StopWrites }, Param{
			Path: "wal.snapshot.stop_writes", Redis: "stop-writes-on-bgsave-error", Default: "true",
			Doc: "Without a log, but with save points: refuses writes when the last snapshot failed, until one succeeds",
		}),
		row(size(0), func(c *Config) *int64 { return &c.WAL.LogSize }, Param{
			Path: "wal.snapshot.log_size", Redis: "auto-aof-rewrite-min-size", Default: "256MiB",
			Doc: "The log is compacted once it is longer than this and has grown enough",
		}),
		row(integer[int64](0, math.MaxInt32), func(c *Config) *int64 { return &c.WAL.Growth }, Param{
			Path: "wal.snapshot.growth", Redis: "auto-aof-rewrite-percentage", Default: "100",
			Doc: "Growth of the log in percent of the last snapshot after which it is compacted; 0 for never",
		}),
		row(integer[int](1, 100), func(c *Config) *int { return &c.WAL.Keep }, Param{
			Path: "wal.snapshot.keep", Default: "2",
			Doc: "Snapshots that are kept; those that are too many go with the next one",
		}),
		row(size(0), func(c *Config) *int64 { return &c.WAL.Rate }, Param{
			Path: "wal.snapshot.rate", Default: "0",
			Doc: "Bytes a second that a snapshot may write; 0 for no limit",
		}),
		row(enum("none", "s2"), func(c *Config) *string { return &c.WAL.Compression }, Param{
			Path: "wal.snapshot.compression", Default: "none",
			Doc: "Compression of snapshots",
		}),
	}
}

func observeParams() []Param {
	slow := timing{unit: time.Microsecond, lo: -1, hi: math.MaxInt64, off: -1}
	late := timing{unit: time.Millisecond, hi: math.MaxInt64}
	return []Param{
		row(duration(slow), func(c *Config) *time.Duration { return &c.Observe.SlowlogOver }, Param{
			Path: "observe.slowlog.over", Redis: "slowlog-log-slower-than", Default: "10ms",
			Doc: "Commands that take longer are kept in the slow log; 0s keeps all",
		}),
		row(integer[int64](0, math.MaxInt64), func(c *Config) *int64 { return &c.Observe.SlowlogMax }, Param{
			Path: "observe.slowlog.max", Redis: "slowlog-max-len", Default: "128",
			Doc: "Entries that the slow log keeps",
		}),
		row(boolean(), func(c *Config) *bool { return &c.Observe.Latency }, Param{
			Path: "observe.latency.tracking", Redis: "latency-tracking", Default: "true",
			Doc: "Counts how long each command takes",
		}),
		row(percentiles(), func(c *Config) *[]float64 { return &c.Observe.Percentiles }, Param{
			Path: "observe.latency.percentiles", Redis: "latency-tracking-info-percentiles", Default: "50,99,99.9",
			Doc: "Percentiles that INFO latencystats shows",
		}),
		row(duration(late), func(c *Config) *time.Duration { return &c.Observe.LatencyOver }, Param{
			Path: "observe.latency.over", Redis: "latency-monitor-threshold", Default: "off",
			Doc: "Events that take longer are kept for LATENCY",
		}),
		row(events(), func(c *Config) *string { return &c.Observe.KeyspaceEvent }, Param{
			Path: "observe.events", Redis: "notify-keyspace-events", Default: "",
			Doc: "Events that are published, in Redis' letters, for instance KEA",
		}),
	}
}

func logParams() []Param {
	return []Param{
		row(enumAs([]string{"debug", "verbose", "info", "warning", "nothing"}, []string{"debug", "verbose", "notice", "warning", ""}),
			func(c *Config) *string { return &c.Log.Level }, Param{
				Path: "log.level", Redis: "loglevel", Default: "info",
				Doc: "How much is logged; info is Redis' notice",
			}),
		row(enum("text", "json", "redis"), func(c *Config) *string { return &c.Log.Format }, Param{
			Path: "log.format", Default: "text", Set: Restart,
			Doc: "Form of the log; redis if the first argument is a redis.conf and nothing else is said",
		}),
		row(text(), func(c *Config) *string { return &c.Log.File }, Param{
			Path: "log.file", Redis: "logfile", Default: "", Set: Restart, Flags: Immutable,
			Doc: "File of the log, empty for standard error",
		}),
	}
}
