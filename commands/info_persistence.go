package commands

import "time"

// infoPersistence tells of the log and of snapshots under the names that Redis has for its log
// and its dumps. A snapshot makes the log shorter, so the two are one thing here.
func (h *server) infoPersistence(w *infoWriter) {
	st := h.persistence()
	now := time.Now()
	took, saving, rewriting, share := int64(-1), int64(-1), int64(-1), 0.0
	if st.Saves > 0 {
		took = int64(st.LastTook / time.Second)
	}
	if st.Saving {
		saving = int64(now.Sub(st.SaveStarted) / time.Second)
	}
	if st.Rewriting {
		rewriting = int64(now.Sub(st.SaveStarted) / time.Second)
	}
	if st.Saving || st.Rewriting {
		share = min(100, 100*float64(st.SaveKeys)/float64(max(1, st.SaveTotal)))
	}
	if h.d.Persistence == nil {
		st.Changes = w.ctx.Bus().Changes() // there never was a snapshot
	}
	w.flag("loading", st.Loading)
	w.zeros("async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age")
	w.ratio("current_fork_perc", share)
	w.add("current_save_keys_processed", st.SaveKeys)
	w.add("current_save_keys_total", st.SaveTotal)
	w.add("rdb_changes_since_last_save", st.Changes)
	w.flag("rdb_bgsave_in_progress", st.Saving)
	w.add("rdb_last_save_time", st.LastSave.Unix())
	w.add("rdb_last_bgsave_status", okOrErr(st.SaveError))
	w.add("rdb_last_bgsave_time_sec", took)
	w.add("rdb_current_bgsave_time_sec", saving)
	w.add("rdb_saves", st.Saves)
	w.zeros("rdb_last_cow_size", "rdb_last_load_keys_expired")
	w.add("rdb_last_load_keys_loaded", st.Loaded)
	w.flag("aof_enabled", st.Log)
	w.flag("aof_rewrite_in_progress", st.Rewriting)
	w.flag("aof_rewrite_scheduled", st.Scheduled)
	w.add("aof_last_rewrite_time_sec", took)
	w.add("aof_current_rewrite_time_sec", rewriting)
	w.add("aof_last_bgrewrite_status", okOrErr(st.LogError))
	w.add("aof_rewrites", st.Saves)
	w.add("aof_rewrites_consecutive_failures", st.Failures)
	w.add("aof_last_write_status", okOrErr(st.WriteError))
	w.zeros("aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size")
	if st.Log {
		w.add("aof_current_size", st.LogSize)
		w.add("aof_base_size", st.LogBase)
		w.zeros("aof_pending_rewrite")
		w.add("aof_buffer_length", st.Pending)
		w.flag("aof_pending_bio_fsync", st.Behind)
		w.add("aof_delayed_fsync", st.Delayed)
	}
	if st.Loading {
		w.loading(&st, now)
	}
}

// loading tells how far the start has come.
func (w *infoWriter) loading(st *PersistenceStatus, now time.Time) {
	share, eta := 0.0, int64(1)
	if st.LoadTotal > 0 {
		share = 100 * float64(st.LoadDone) / float64(st.LoadTotal)
	}
	if spent := now.Sub(st.LoadStarted); st.LoadDone > 0 && st.LoadTotal > st.LoadDone {
		eta = max(1, int64(spent.Seconds()*float64(st.LoadTotal-st.LoadDone)/float64(st.LoadDone)))
	}
	w.add("loading_start_time", st.LoadStarted.Unix())
	w.add("loading_total_bytes", st.LoadTotal)
	w.zeros("loading_rdb_used_mem")
	w.add("loading_loaded_bytes", st.LoadDone)
	w.ratio("loading_loaded_perc", share)
	w.add("loading_eta_seconds", eta)
}

// okOrErr is how Redis words the last outcome of something.
func okOrErr(err error) string {
	if err != nil {
		return "err"
	}
	return "ok"
}
