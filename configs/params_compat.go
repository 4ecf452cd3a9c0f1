package configs

// Why a group of parameters has no effect.
const (
	whyType     = "its type is not in this version yet"
	whyEncoding = "values have one layout here"
	whyAOF      = "there is no append-only file here; the write-ahead log has its own parameters"
	whyRDB      = "there is no RDB file here; snapshots have their own parameters"
	whyFork     = "nothing is forked here"
	whyDict     = "slot tables grow in small steps by themselves"
	whyReplica  = "replication is not in this version yet"
	whyCluster  = "the cluster is not in this version yet"
	whyLazy     = "memory is always freed in the background"
	whyDefrag   = "memory is not allocated by jemalloc"
	whyTLS      = "TLS is not in this version yet"
	whyThreads  = "event loops are set by server.io.loops"
	whyCron     = "there is no timer that it would set"
	whyProcess  = "the supervisor of the process (systemd, a container) does this"
	whyLog      = "log.file and the system's journal do this"
	whyCrash    = "Go reports crashes itself"
	whyScript   = "scripts are not in this version yet"
	whyACL      = "users are not in this version yet"
)

const (
	noTLS     = "TLS is not available yet"
	noCluster = "the cluster is not available yet"
)

// compatParams are the rows of Redis' parameters without effect.
func compatParams() []Param {
	fixed := func(why string) Param { return Param{Set: Restart, Flags: Immutable, Why: why} }
	live := func(why string, aliases ...string) Param { return Param{Why: why, Aliases: aliases} }
	hidden := func(why string) Param { return Param{Flags: Hidden, Why: why} }
	secret := func(why string) Param { return Param{Flags: Secret, Why: why} }
	protected := func(why string) Param { return Param{Flags: Protected, Why: why} }

	return []Param{
		// Encodings and limits of types.
		compat("hash-max-listpack-entries", "512", wNumber(0, 0), live(whyEncoding, "hash-max-ziplist-entries")),
		compat("hash-max-listpack-value", "64", wMemory(0), live(whyEncoding, "hash-max-ziplist-value")),
		compat("zset-max-listpack-entries", "128", wNumber(0, 0), live(whyEncoding, "zset-max-ziplist-entries")),
		compat("zset-max-listpack-value", "64", wMemory(0), live(whyEncoding, "zset-max-ziplist-value")),
		compat("list-max-listpack-size", "-2", wNumber(-1<<31, 1<<31-1), live(whyEncoding, "list-max-ziplist-size")),
		compat("list-compress-depth", "0", wInt(0), live(whyEncoding)),
		compat("set-max-intset-entries", "512", wNumber(0, 0), live(whyType)),
		compat("stream-node-max-entries", "100", wNumber(0, 0), live(whyType)),
		compat("stream-node-max-bytes", "4096", wMemory(0), live(whyType)),
		compat("hll-sparse-max-bytes", "3000", wMemory(0), live(whyType)),

		// Of Redis 7.2.
		compat("set-max-listpack-entries", "128", wNumber(0, 0), hidden(whyEncoding)),
		compat("set-max-listpack-value", "64", wMemory(0), hidden(whyEncoding)),
		compat("locale-collate", "", wString(), hidden("nothing depends on a locale")),
		compat("cluster-announce-human-nodename", "", wString(), hidden(whyCluster)),

		// Memory.
		compat("lazyfree-lazy-eviction", "no", wYesNo(), live(whyLazy)),
		compat("lazyfree-lazy-expire", "no", wYesNo(), live(whyLazy)),
		compat("lazyfree-lazy-server-del", "no", wYesNo(), live(whyLazy)),
		compat("lazyfree-lazy-user-del", "no", wYesNo(), live(whyLazy)),
		compat("lazyfree-lazy-user-flush", "no", wYesNo(), live(whyLazy)),
		compat("activedefrag", "no", only(wYesNo(), "Active defragmentation cannot be enabled: memory is not allocated by Jemalloc here", "no"), live(whyDefrag)),
		compat("active-defrag-cycle-min", "1", wNumber(1, 99), live(whyDefrag)),
		compat("active-defrag-cycle-max", "25", wNumber(1, 99), live(whyDefrag)),
		compat("active-defrag-threshold-lower", "10", wNumber(0, 1000), live(whyDefrag)),
		compat("active-defrag-threshold-upper", "100", wNumber(0, 1000), live(whyDefrag)),
		compat("active-defrag-ignore-bytes", "104857600", wMemory(1), live(whyDefrag)),
		compat("active-defrag-max-scan-fields", "1000", wNumber(1, 0), live(whyDefrag)),
		compat("jemalloc-bg-thread", "yes", wYesNo(), live(whyDefrag)),
		compat("disable-thp", "yes", wYesNo(), fixed(whyFork)),

		// Time and background work.
		compat("hz", "10", wHz(), live(whyCron)),
		compat("dynamic-hz", "yes", wYesNo(), live(whyCron)),
		compat("activerehashing", "yes", wYesNo(), live(whyDict)),
		compat("active-expire-effort", "1", wNumber(1, 10), live("keys expire at their time")),
		compat("io-threads", "1", wNumber(1, 128), fixed(whyThreads)),
		compat("io-threads-do-reads", "no", wYesNo(), fixed(whyThreads)),
		compat("watchdog-period", "0", wInt(0), hidden(whyCron)),

		// Append-only file.
		compat("appendfilename", "appendonly.aof", wFile("appendfilename", "filename", false), fixed(whyAOF)),
		compat("appenddirname", "appendonlydir", wFile("appenddirname", "dirname", false), fixed(whyAOF)),
		compat("no-appendfsync-on-rewrite", "no", wYesNo(), live(whyAOF)),
		compat("aof-use-rdb-preamble", "yes", wYesNo(), live(whyAOF)),
		compat("aof-timestamp-enabled", "no", wYesNo(), live(whyAOF)),
		compat("aof-rewrite-incremental-fsync", "yes", wYesNo(), live(whyAOF)),
		compat("aof-disable-auto-gc", "no", wYesNo(), live(whyAOF)),

		// RDB file.
		compat("dbfilename", "dump.rdb", wFile("dbfilename", "filename", true), protected(whyRDB)),
		compat("rdbcompression", "yes", wYesNo(), live(whyRDB)),
		compat("rdbchecksum", "yes", wYesNo(), fixed(whyRDB)),
		compat("rdb-del-sync-files", "no", wYesNo(), live(whyRDB)),
		compat("rdb-save-incremental-fsync", "yes", wYesNo(), live(whyRDB)),
		compat("sanitize-dump-payload", "no", wEnum("no", "yes", "clients"), live(whyRDB)),
		compat("rdb-key-save-delay", "0", wNumber(-1<<31, 1<<31-1), hidden(whyRDB)),
		compat("key-load-delay", "0", wNumber(-1<<31, 1<<31-1), hidden(whyRDB)),
		compat("loading-process-events-interval-bytes", "2097152", wNumber(1024, 1<<31-1), hidden(whyRDB)),

		// Replication.
		compat("replicaof", "", wReplicaOf(), Param{Set: Restart, Flags: Immutable, Why: whyReplica, Aliases: []string{"slaveof"}}),
		compat("masteruser", "", wString(), secret(whyReplica)),
		compat("masterauth", "", wString(), secret(whyReplica)),
		compat("replica-priority", "100", wInt(0), live(whyReplica, "slave-priority")),
		compat("replica-announce-ip", "", wString(), live(whyReplica, "slave-announce-ip")),
		compat("replica-announce-port", "0", wNumber(0, 65535), live(whyReplica, "slave-announce-port")),
		compat("replica-announced", "yes", wYesNo(), live(whyReplica)),
		compat("replica-lazy-flush", "no", wYesNo(), live(whyReplica, "slave-lazy-flush")),
		compat("replica-serve-stale-data", "yes", wYesNo(), live(whyReplica, "slave-serve-stale-data")),
		compat("replica-read-only", "yes", wYesNo(), live(whyReplica, "slave-read-only")),
		compat("replica-ignore-maxmemory", "yes", wYesNo(), live(whyReplica, "slave-ignore-maxmemory")),
		compat("replica-ignore-disk-write-errors", "no", wYesNo(), live(whyReplica)),
		compat("min-replicas-to-write", "0", wInt(0), live(whyReplica, "min-slaves-to-write")),
		compat("min-replicas-max-lag", "10", wInt(0), live(whyReplica, "min-slaves-max-lag")),
		compat("repl-timeout", "60", wInt(1), live(whyReplica)),
		compat("repl-ping-replica-period", "10", wInt(1), live(whyReplica, "repl-ping-slave-period")),
		compat("repl-backlog-size", "1048576", wBacklog(), live(whyReplica)),
		compat("repl-backlog-ttl", "3600", wNumber(0, 0), live(whyReplica)),
		compat("repl-diskless-sync", "yes", wYesNo(), live(whyReplica)),
		compat("repl-diskless-sync-delay", "5", wInt(0), live(whyReplica)),
		compat("repl-diskless-sync-max-replicas", "0", wInt(0), live(whyReplica)),
		compat("repl-diskless-load", "disabled", wEnum("disabled", "on-empty-db", "swapdb"), live(whyReplica)),
		compat("repl-disable-tcp-nodelay", "no", wYesNo(), live(whyReplica)),
		compat("propagation-error-behavior", "ignore", wEnum("ignore", "panic", "panic-on-replicas"), live(whyReplica)),

		// Cluster.
		compat("cluster-enabled", "no", only(wYesNo(), noCluster, "no"), fixed(whyCluster)),
		compat("cluster-port", "0", wNumber(0, 65535), fixed(whyCluster)),
		compat("cluster-config-file", "nodes.conf", wString(), fixed(whyCluster)),
		compat("cluster-node-timeout", "15000", wNumber(0, 0), live(whyCluster)),
		compat("cluster-migration-barrier", "1", wInt(0), live(whyCluster)),
		compat("cluster-replica-validity-factor", "10", wInt(0), live(whyCluster, "cluster-slave-validity-factor")),
		compat("cluster-replica-no-failover", "no", wYesNo(), live(whyCluster, "cluster-slave-no-failover")),
		compat("cluster-allow-replica-migration", "yes", wYesNo(), live(whyCluster)),
		compat("cluster-allow-reads-when-down", "no", wYesNo(), live(whyCluster)),
		compat("cluster-allow-pubsubshard-when-down", "yes", wYesNo(), live(whyCluster)),
		compat("cluster-require-full-coverage", "yes", wYesNo(), live(whyCluster)),
		compat("cluster-link-sendbuf-limit", "0", wMemory(0), live(whyCluster)),
		compat("cluster-announce-ip", "", wString(), live(whyCluster)),
		compat("cluster-announce-hostname", "", wHost(), live(whyCluster)),
		compat("cluster-announce-port", "0", wNumber(0, 65535), live(whyCluster)),
		compat("cluster-announce-bus-port", "0", wNumber(0, 65535), live(whyCluster)),
		compat("cluster-announce-tls-port", "0", wNumber(0, 65535), live(whyCluster)),
		compat("cluster-preferred-endpoint-type", "ip", wEnum("ip", "hostname", "unknown-endpoint"), live(whyCluster)),

		// TLS: refused rather than kept, since a server that quietly does
		// without it would send everything in the clear.
		compat("tls-port", "0", only(wNumber(0, 65535), noTLS, "0"), live(whyTLS)),
		compat("tls-cluster", "no", only(wYesNo(), noTLS, "no"), live(whyTLS)),
		compat("tls-replication", "no", only(wYesNo(), noTLS, "no"), live(whyTLS)),
		compat("tls-auth-clients", "yes", wEnum("no", "yes", "optional"), live(whyTLS)),
		compat("tls-prefer-server-ciphers", "no", wYesNo(), live(whyTLS)),
		compat("tls-session-caching", "yes", wYesNo(), live(whyTLS)),
		compat("tls-session-cache-size", "20480", wInt(0), live(whyTLS)),
		compat("tls-session-cache-timeout", "300", wInt(0), live(whyTLS)),
		compat("tls-cert-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-key-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-key-file-pass", "", only(wString(), noTLS, ""), secret(whyTLS)),
		compat("tls-client-cert-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-client-key-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-client-key-file-pass", "", only(wString(), noTLS, ""), secret(whyTLS)),
		compat("tls-dh-params-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-ca-cert-file", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-ca-cert-dir", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-protocols", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-ciphers", "", only(wString(), noTLS, ""), live(whyTLS)),
		compat("tls-ciphersuites", "", only(wString(), noTLS, ""), live(whyTLS)),

		// Users, scripts.
		compat("aclfile", "", only(wString(), "users are not available yet, only requirepass is", ""), fixed(whyACL)),
		compat("acllog-max-len", "128", wNumber(0, 0), live(whyACL)),
		compat("acl-pubsub-default", "resetchannels", wEnum("allchannels", "resetchannels"), live(whyACL)),
		compat("busy-reply-threshold", "5000", wNumber(0, 0), live(whyScript, "lua-time-limit")),

		// The process.
		compat("daemonize", "no", wYesNo(), fixed("the server stays in the foreground: let systemd or a container run it, or use nohup and &")),
		compat("supervised", "no", wEnum("upstart", "systemd", "auto", "no"), fixed(whyProcess)),
		compat("pidfile", "", wString(), fixed(whyProcess)),
		compat("always-show-logo", "no", wYesNo(), fixed("there is no logo")),
		compat("set-proc-title", "yes", wYesNo(), fixed(whyProcess)),
		compat("proc-title-template", "{title} {listen-addr} {server-mode}", wTemplate(), live(whyProcess)),
		compat("ignore-warnings", "", wString(), live(whyProcess)),
		compat("oom-score-adj", "no", wEnum("no", "yes", "relative=yes", "absolute"), live(whyProcess)),
		compat("oom-score-adj-values", "0 200 800", wOOMValues(), live(whyProcess)),
		compat("server_cpulist", "", wString(), fixed(whyProcess)),
		compat("bio_cpulist", "", wString(), fixed(whyProcess)),
		compat("aof_rewrite_cpulist", "", wString(), fixed(whyFork)),
		compat("bgsave_cpulist", "", wString(), fixed(whyFork)),
		compat("shutdown-on-sigint", "default", wShutdown(), live(whyRDB)),
		compat("shutdown-on-sigterm", "default", wShutdown(), live(whyRDB)),
		compat("crash-log-enabled", "yes", wYesNo(), live(whyCrash)),
		compat("crash-memcheck-enabled", "yes", wYesNo(), live(whyCrash)),
		compat("use-exit-on-panic", "no", wYesNo(), hidden(whyCrash)),
		compat("syslog-enabled", "no", wYesNo(), fixed(whyLog)),
		compat("syslog-ident", "redis", wString(), fixed(whyLog)),
		compat("syslog-facility", "local0", wEnum("user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"), fixed(whyLog)),
		compat("socket-mark-id", "0", wNumber(0, 1<<32-1), fixed(whyProcess)),
		compat("bind-source-addr", "", wString(), live(whyReplica)),
	}
}
