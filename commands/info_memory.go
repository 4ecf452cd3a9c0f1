package commands

import "fmt"

// allocator is what INFO names as such.
const allocator = "reredis-arena"

func (h *server) infoMemory(w *infoWriter) {
	f, err := h.memoryFigures(w.ctx, &w.stats, &w.net)
	if err != nil {
		w.err = err
		return
	}
	limit := w.stats.MaxMemory
	w.bytes("used_memory", f.used)
	w.bytes("used_memory_rss", f.rss)
	w.bytes("used_memory_peak", f.peak)
	fmt.Fprintf(w, "used_memory_peak_perc:%.2f%%\r\n", percent(f.used, f.peak))
	w.add("used_memory_overhead", f.overhead)
	w.zeros("used_memory_startup")
	w.add("used_memory_dataset", f.dataset)
	fmt.Fprintf(w, "used_memory_dataset_perc:%.2f%%\r\n", percent(f.dataset, f.used))
	w.add("allocator_allocated", f.allocated)
	w.add("allocator_active", f.active)
	w.add("allocator_resident", f.resident)
	w.bytes("total_system_memory", systemMemory())
	w.zeros("used_memory_lua", "used_memory_vm_eval")
	w.add("used_memory_lua_human", humanBytes(0))
	w.zeros("used_memory_scripts_eval", "number_of_cached_scripts", "number_of_functions",
		"number_of_libraries", "used_memory_vm_functions")
	w.bytes("used_memory_vm_total", 0)
	w.zeros("used_memory_functions")
	w.bytes("used_memory_scripts", 0)
	w.bytes("maxmemory", limit)
	w.add("maxmemory_policy", w.ctx.Tx.Space().Limit().Policy)
	w.ratio("allocator_frag_ratio", quotient(f.active, f.allocated))
	w.add("allocator_frag_bytes", f.active-f.allocated)
	w.ratio("allocator_rss_ratio", quotient(f.resident, f.active))
	w.add("allocator_rss_bytes", f.resident-f.active)
	w.ratio("rss_overhead_ratio", quotient(f.rss, f.resident))
	w.add("rss_overhead_bytes", f.rss-f.resident)
	w.ratio("mem_fragmentation_ratio", quotient(f.rss, f.used))
	w.add("mem_fragmentation_bytes", f.rss-f.used)
	w.zeros("mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves")
	w.add("mem_clients_normal", f.clients)
	w.zeros("mem_cluster_links")
	w.add("mem_aof_buffer", f.log)
	w.add("mem_allocator", allocator)
	w.zeros("active_defrag_running")
	w.add("lazyfree_pending_objects", w.stats.LazyFreePending)
	w.add("lazyfreed_objects", w.stats.LazyFreed-w.since.LazyFreed)
}
