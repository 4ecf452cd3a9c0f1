package commands_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/commands"
)

// fakePersistence is a Persistence whose snapshots end when the test says so.
type fakePersistence struct {
	st   commands.PersistenceStatus
	done func(error)

	reloads []commands.ReloadOptions
}

func (p *fakePersistence) Reload(o commands.ReloadOptions, done func(error)) {
	p.reloads = append(p.reloads, o)
	done(nil)
}

func (p *fakePersistence) Save(done func(error)) bool {
	if p.done != nil {
		return false
	}
	p.done = done
	return true
}

func (p *fakePersistence) Rewrite() (begun, scheduled bool) {
	return p.Save(func(error) {}), p.done != nil && !p.st.Rewriting
}

func (p *fakePersistence) Status() commands.PersistenceStatus { return p.st }

func TestSnapshots(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	cl.expect(
		"SAVE", "-ERR this server keeps its data in memory only",
		"BGSAVE", "-ERR this server keeps its data in memory only",
		"BGREWRITEAOF", "-ERR this server keeps its data in memory only",
		"LASTSAVE", strconv.FormatInt(r.deps.Server.Started.Unix(), 10),
	)
	p := &fakePersistence{}
	r.deps.Persistence = p
	cl.expect(
		"BGSAVE now", "-ERR syntax error",
		"BGSAVE", "+Background saving started",
		"BGSAVE", "-ERR Background save already in progress",
		"BGSAVE schedule", "+Background saving scheduled",
		"BGREWRITEAOF", "+Background append only file rewriting scheduled",
	)
	p.st.Rewriting = true
	cl.expect(
		"BGREWRITEAOF", "-ERR Background append only file rewriting already in progress",
		"SAVE", "-ERR Background save already in progress",
	)
	p.done, p.st.Rewriting = nil, false
	cl.expect("BGREWRITEAOF", "+Background append only file rewriting started")
	p.st.Saving = true
	cl.expect("SAVE", "-ERR Background save already in progress")
}

func TestInfoPersistence(t *testing.T) {
	r := newRig(t)
	p := &fakePersistence{}
	r.deps.Persistence = p
	cl := r.connect()
	has := func(lines ...string) {
		t.Helper()
		text := string(cl.do("INFO", "persistence").Str)
		for _, l := range lines {
			if !strings.Contains(text, l+"\r\n") {
				t.Errorf("no %s in\n%s", l, text)
			}
		}
	}
	has("loading:0", "rdb_last_bgsave_time_sec:-1", "aof_enabled:0", "rdb_last_bgsave_status:ok")
	now := time.Now()
	p.st = commands.PersistenceStatus{
		Loading: true, LoadStarted: now.Add(-time.Second), LoadTotal: 200, LoadDone: 50,
		Log: true, LogSize: 12, LogBase: 7, Changes: 3, Saves: 1, LastTook: 4 * time.Second,
		Behind: true, Delayed: 5, Failures: 6,
		Rewriting: true, Scheduled: true, LastSave: time.Unix(1234, 0), SaveError: errors.New("full"), WriteError: errors.New("full"),
	}
	has("loading:1", "loading_total_bytes:200", "loading_loaded_bytes:50", "loading_loaded_perc:25.00", "aof_enabled:1",
		"aof_current_size:12", "aof_base_size:7", "aof_pending_bio_fsync:1", "aof_delayed_fsync:5", "aof_rewrites_consecutive_failures:6", "rdb_changes_since_last_save:3", "rdb_last_save_time:1234",
		"rdb_last_bgsave_status:err", "aof_last_bgrewrite_status:ok", "aof_last_write_status:err", "rdb_last_bgsave_time_sec:4",
		"aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1", "rdb_bgsave_in_progress:0")
	cl.expect(
		"CONFIG SET maxmemory 5 DIR /tmp", "-LOADING Redis is loading the dataset in memory",
		"CONFIG SET maxmemory 6", "+OK",
	)
}

func TestReload(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	cl.expect("DEBUG RELOAD", "-ERR this server keeps its data in memory only")
	p := &fakePersistence{}
	r.deps.Persistence = p
	cl.expect(
		"DEBUG RELOAD", "+OK",
		"DEBUG RELOAD nosave noflush MERGE", "+OK",
		"DEBUG RELOAD nosave later", "-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
		"DEBUG LOADAOF", "-ERR DEBUG LOADAOF needs a log, and appendonly is no",
	)
	p.st.Log = true
	cl.expect("DEBUG LOADAOF", "+OK", "MULTI", "+OK", "DEBUG LOADAOF", "+QUEUED", "EXEC", "[+OK]")
	want := []commands.ReloadOptions{{}, {NoSave: true, NoFlush: true, Merge: true}, {NoSave: true}, {NoSave: true}}
	if !slices.Equal(p.reloads, want) {
		t.Errorf("reloads: %+v", p.reloads)
	}
}

// TestConfigSetSettles: a change that takes a while holds the reply back, but not in a transaction.
func TestConfigSetSettles(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	var failure error
	r.settled = func(done func(error)) { done(failure) }
	cl.expect("CONFIG SET timeout 1", "+OK")
	failure = errors.New("ERR no room")
	cl.expect(
		"CONFIG SET timeout 1", "-ERR no room",
		"MULTI", "+OK", "CONFIG SET timeout 1", "+QUEUED", "EXEC", "[+OK]",
	)
}
