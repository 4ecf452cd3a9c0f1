package commands

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/bus/pubsub"
)

// lruClockMask bounds the LRU clock that INFO and DEBUG OBJECT show.
const lruClockMask = 1<<24 - 1

func (h *server) infoServer(w *infoWriter) {
	id := &h.d.Server
	now := time.Now()
	uptime := int64(now.Sub(id.Started).Seconds())
	hz := h.setting("hz", "10")
	mode := "standalone"
	w.add("redis_version", RedisVersion)
	w.add("reredis_version", id.Version)
	w.add("redis_git_sha1", shortCommit(id.Commit))
	w.add("redis_git_dirty", 0)
	w.add("redis_build_id", id.Commit)
	w.add("redis_mode", mode)
	w.add("os", osName())
	w.add("arch_bits", strconv.IntSize)
	w.add("monotonic_clock", "go runtime")
	w.add("multiplexing_api", multiplexing(id.Loops))
	w.add("atomicvar_api", "go sync/atomic")
	w.add("gcc_version", "0.0.0")
	w.add("process_id", os.Getpid())
	w.add("process_supervised", "no")
	w.add("run_id", id.RunID)
	w.add("tcp_port", h.setting("port", strconv.Itoa(id.Port)))
	w.add("server_time_usec", now.UnixMicro())
	w.add("uptime_in_seconds", uptime)
	w.add("uptime_in_days", uptime/(24*3600))
	w.add("hz", hz)
	w.add("configured_hz", hz)
	w.add("lru_clock", now.Unix()&lruClockMask)
	w.add("executable", id.Executable)
	w.add("config_file", id.ConfigFile)
	w.flag("io_threads_active", id.Loops > 1)
}

// setting returns a parameter, or other where it has no value.
func (h *server) setting(name, other string) string {
	if v := h.d.setting(name); v != "" {
		return v
	}
	return other
}

// shortCommit is a commit as Redis shows it: eight digits.
func shortCommit(commit string) string {
	if commit == "" {
		return "00000000"
	}
	return commit[:min(8, len(commit))]
}

// multiplexing names how connections are driven.
func multiplexing(loops int) string {
	if loops > 0 {
		return "epoll"
	}
	return "go netpoller"
}

func (h *server) infoReredis(w *infoWriter) {
	id := &h.d.Server
	w.add("reredis_commit", id.Commit)
	w.add("go_version", runtime.Version())
	w.add("event_loops", id.Loops)
	w.add("gomaxprocs", runtime.GOMAXPROCS(0))
	w.add("goroutines", runtime.NumGoroutine())
	w.add("keyspace_mapped_bytes", w.stats.MappedBytes)
	w.add("keyspace_page_bytes", w.stats.PageBytes)
	w.add("keyspace_huge_bytes", w.stats.HugeBytes)
	w.add("expire_lag_ms", w.stats.ExpireLagMs)
	if h.d.HTTPPort != nil {
		w.add("http_port", h.d.HTTPPort())
	}
	st := h.d.Config.State()
	stale := 0
	if st.Error != "" {
		stale = 1
	}
	w.add("config_loaded_time", st.Loaded.Unix())
	w.add("config_reload_failures", st.Failures)
	w.add("config_stale", stale)
	w.add("config_last_error", st.Error)
	w.add("config_needs_restart", strings.Join(st.Pending, ","))
	w.add("config_unsaved", strings.Join(st.Unsaved, ","))
}

func (h *server) infoClients(w *infoWriter) {
	w.add("connected_clients", w.net.Clients)
	w.add("cluster_connections", 0)
	w.add("maxclients", w.net.MaxClients)
	w.add("client_recent_max_input_buffer", w.net.MaxInput)
	w.add("client_recent_max_output_buffer", w.net.MaxOutput)
	w.add("blocked_clients", w.net.Blocked)
	w.add("tracking_clients", h.d.Tracking.Figures().Clients)
	w.add("clients_in_timeout_table", w.net.Timed)
}

func (h *server) infoStats(w *infoWriter) {
	net, st, old := w.net, w.stats, w.since
	w.add("total_connections_received", net.Received)
	w.add("total_commands_processed", w.ctx.Bus().Processed())
	w.add("instantaneous_ops_per_sec", w.rates.Commands)
	w.add("total_net_input_bytes", net.InputBytes)
	w.add("total_net_output_bytes", net.OutputBytes)
	w.zeros("total_net_repl_input_bytes", "total_net_repl_output_bytes")
	w.ratio("instantaneous_input_kbps", float64(w.rates.InputBytes)/1024)
	w.ratio("instantaneous_output_kbps", float64(w.rates.OutputBytes)/1024)
	w.ratio("instantaneous_input_repl_kbps", 0)
	w.ratio("instantaneous_output_repl_kbps", 0)
	w.add("rejected_connections", net.Rejected)
	w.zeros("sync_full", "sync_partial_ok", "sync_partial_err")
	w.add("expired_keys", st.ExpiredKeys-old.ExpiredKeys)
	w.ratio("expired_stale_perc", 0) // deadlines fire by themselves: none is found by lot
	w.add("expired_time_cap_reached_count", st.ExpireCapped-old.ExpireCapped)
	w.add("expire_cycle_cpu_milliseconds", st.ExpireMs-old.ExpireMs)
	w.add("evicted_keys", st.EvictedKeys-old.EvictedKeys)
	w.add("evicted_clients", net.Evicted)
	w.add("total_eviction_exceeded_time", st.ExceededMs-old.ExceededMs)
	w.add("current_eviction_exceeded_time", st.ExceededNowMs)
	w.add("keyspace_hits", st.Hits-old.Hits)
	w.add("keyspace_misses", st.Misses-old.Misses)
	w.add("pubsub_channels", h.d.PubSub.Count(pubsub.Channel))
	w.add("pubsub_patterns", h.d.PubSub.Count(pubsub.Pattern))
	w.add("pubsubshard_channels", h.d.PubSub.Count(pubsub.Shard))
	w.zeros("latest_fork_usec", "total_forks",
		"migrate_cached_sockets", "slave_expires_tracked_keys", "active_defrag_hits", "active_defrag_misses",
		"active_defrag_key_hits", "active_defrag_key_misses", "total_active_defrag_time", "current_active_defrag_time")
	tracked := h.d.Tracking.Figures()
	w.add("tracking_total_keys", tracked.Keys)
	w.add("tracking_total_items", tracked.Items)
	w.add("tracking_total_prefixes", tracked.Prefixes)
	w.zeros("unexpected_error_replies")
	replies, _ := w.ctx.Bus().Errors()
	w.add("total_error_replies", replies)
	w.zeros("dump_payload_sanitizations")
	w.add("total_reads_processed", net.Reads)
	w.add("total_writes_processed", net.Writes)
	w.zeros("io_threaded_reads_processed", "io_threaded_writes_processed", "reply_buffer_shrinks", "reply_buffer_expands")
}

func (h *server) infoReplication(w *infoWriter) {
	w.add("role", "master")
	w.add("connected_slaves", 0)
	w.add("master_failover_state", "no-failover")
	w.add("master_replid", *h.replID.Load())
	w.add("master_replid2", "0000000000000000000000000000000000000000")
	w.add("master_repl_offset", 0)
	w.add("second_repl_offset", -1)
	w.add("repl_backlog_active", 0)
	w.add("repl_backlog_size", h.setting("repl-backlog-size", "1048576"))
	w.zeros("repl_backlog_first_byte_offset", "repl_backlog_histlen")
}

func (h *server) infoCPU(w *infoWriter) {
	self, children, thread, perThread := cpuTimes()
	two := func(suffix string, t cpuTime) {
		fmt.Fprintf(w, "used_cpu_sys%s:%.6f\r\n", suffix, t.system.Seconds())
		fmt.Fprintf(w, "used_cpu_user%s:%.6f\r\n", suffix, t.user.Seconds())
	}
	two("", self)
	two("_children", children)
	if perThread {
		two("_main_thread", thread)
	}
}

// cpuTime is processor time spent.
type cpuTime struct{ system, user time.Duration }

func (h *server) infoCommandStats(w *infoWriter) {
	for _, k := range w.ctx.Bus().Counts() {
		calls, rejected, failed := k.Calls.Load(), k.Rejected.Load(), k.Failed.Load()
		if calls+rejected+failed == 0 {
			continue
		}
		micros := k.Took().Microseconds()
		fmt.Fprintf(w, "cmdstat_%s:calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d\r\n",
			k.Spec.FullName(), calls, micros, float64(micros)/float64(max(1, calls)), rejected, failed)
	}
}

func (h *server) infoLatencyStats(w *infoWriter) {
	if h.setting("latency-tracking", "yes") != "yes" {
		return
	}
	percentiles := strings.Fields(h.setting("latency-tracking-info-percentiles", "50 99 99.9"))
	for _, k := range w.ctx.Bus().Counts() {
		hist := k.Latency()
		if hist == nil {
			continue
		}
		fields := make([]string, len(percentiles))
		for i, p := range percentiles {
			percent, _ := strconv.ParseFloat(p, 64)
			fields[i] = fmt.Sprintf("p%s=%.3f", p, float64(hist.Percentile(percent))/1000)
		}
		fmt.Fprintf(w, "latency_percentiles_usec_%s:%s\r\n", k.Spec.FullName(), strings.Join(fields, ","))
	}
}

func (h *server) infoErrorStats(w *infoWriter) {
	_, codes := w.ctx.Bus().Errors()
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		fmt.Fprintf(w, "errorstat_%s:count=%d\r\n", code, codes[code])
	}
}

func (h *server) infoCluster(w *infoWriter) { w.add("cluster_enabled", 0) }

func (h *server) infoKeyspace(w *infoWriter) {
	for db := range h.d.Databases {
		keys, expires, ttl := w.ctx.Tx.Counts(db)
		if keys == 0 {
			continue
		}
		fmt.Fprintf(w, "db%d:keys=%d,expires=%d,avg_ttl=%d\r\n", db, keys, expires, ttl)
	}
}
