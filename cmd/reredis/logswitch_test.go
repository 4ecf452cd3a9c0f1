package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/reredis/reredis/internal/resp"
)

// infoField is a field of INFO persistence.
func infoField(t *testing.T, c *redis.Client, name string) string {
	t.Helper()
	return persistenceInfo(t, c)[name]
}

func persistenceInfo(t *testing.T, c *redis.Client) map[string]string {
	t.Helper()
	info, err := c.InfoMap(t.Context(), "persistence").Result()
	if err != nil {
		t.Fatal(err)
	}
	return info["Persistence"]
}

// logged waits until the log is on and its first snapshot is on disk.
func logged(t *testing.T, s *instance) {
	t.Helper()
	eventually(t, "the log is on", func() bool { return strings.Contains(s.out.String(), "the log is on") })
}

// end ends a server in one of the ways that there are.
func (s *instance) end(how string) {
	s.t.Helper()
	switch how {
	case "kill -9":
		s.kill9()
	case "SIGTERM":
		if code := s.terminate(); code != 0 {
			s.t.Errorf("exit code %d", code)
		}
	default:
		w := s.wire(s.t)
		w.send(how + "\r\n")
		if code := s.exit(); code != 0 {
			s.t.Errorf("exit code %d after %s", code, how)
		}
	}
}

// TestSnapshotsWithoutLog: without a log, a restart finds what the last snapshot holds, as with redis-server.
func TestSnapshotsWithoutLog(t *testing.T) {
	for _, c := range []struct {
		name, how string
		save      string // parameter
		last      string // value after the restart, of a key that was changed after SAVE
	}{
		{"killed", "kill -9", "", "saved"},
		{"no save points", "SIGTERM", "", "saved"},
		{"save points", "SIGTERM", "3600 1", "later"},
		{"SHUTDOWN", "SHUTDOWN", "3600 1", "later"},
		{"SHUTDOWN NOSAVE", "SHUTDOWN NOSAVE", "3600 1", "saved"},
		{"SHUTDOWN SAVE", "SHUTDOWN SAVE", "", "later"},
	} {
		for _, driver := range []string{"loops", "goroutines"} {
			t.Run(c.name+" "+driver, func(t *testing.T) {
				dir, port := t.TempDir(), freePort(t)
				s := durable(t, dir, port, driver, "--appendonly", "no", "--save", c.save)
				cl := s.client(t)
				ctx := t.Context()
				is(t, "0")(infoField(t, cl, "aof_enabled"), nil)
				is(t, "OK")(cl.Set(ctx, "k", "saved", 0).Result())
				is(t, "OK")(cl.Set(ctx, "gone", 1, 0).Result())
				is(t, "2")(infoField(t, cl, "rdb_changes_since_last_save"), nil)
				is(t, "OK")(cl.Save(ctx).Result())
				is(t, "0")(infoField(t, cl, "rdb_changes_since_last_save"), nil)
				is(t, "OK")(cl.Set(ctx, "k", "later", 0).Result())
				is(t, int64(1))(cl.Del(ctx, "gone").Result())
				s.end(c.how)
				s = durable(t, dir, port, driver, "--appendonly", "no", "--save", c.save)
				cl = s.client(t)
				is(t, c.last)(cl.Get(ctx, "k").Result())
				is(t, map[string]int64{"saved": 1, "later": 0}[c.last])(cl.Exists(ctx, "gone").Result())
				// Once more, from the snapshot that was loaded.
				is(t, "OK")(cl.Set(ctx, "k", "third", 0).Result())
				is(t, "OK")(cl.Save(ctx).Result())
				s.end("kill -9")
				s = durable(t, dir, port, driver, "--appendonly", "no")
				is(t, "third")(s.client(t).Get(ctx, "k").Result())
			})
		}
	}
}

// TestSavePointWithoutLog: a save point takes a snapshot by itself.
func TestSavePointWithoutLog(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops", "--appendonly", "no", "--save", "1 3")
	c := s.client(t)
	for i := range 3 {
		is(t, "OK")(c.Set(t.Context(), "k"+strconv.Itoa(i), i, 0).Result())
	}
	eventually(t, "a snapshot", func() bool { return infoField(t, c, "rdb_saves") == "1" })
	s.kill9()
	s = durable(t, dir, port, "loops", "--appendonly", "no")
	is(t, int64(3))(s.client(t).DBSize(t.Context()).Result())
}

// TestLogBetweenRestarts turns the log on and off between restarts, with and without snapshots: each start finds the
// newest state that was kept, by a log or by a snapshot, and never an older one, nor a mixture.
func TestLogBetweenRestarts(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	ctx := t.Context()
	want := []string{} // of the list, which APPEND makes: relative, so that what is applied twice is seen
	for i, run := range []struct {
		on   string
		save bool
		keep bool // what this run wrote is found by the next
		end  string
	}{
		{"yes", false, true, "kill -9"},
		{"no", false, false, "SIGTERM"}, // nothing keeps it: the log's end is what there is
		{"yes", false, true, "SIGTERM"},
		{"no", true, true, "kill -9"},
		{"no", false, false, "kill -9"},
		{"yes", false, true, "kill -9"}, // goes on from the snapshot
		{"yes", true, true, "kill -9"},
		{"no", false, false, "kill -9"},
		{"no", true, true, "SIGTERM"},
		{"yes", true, true, "SIGTERM"},
		{"no", true, true, "kill -9"},
		{"no", true, true, "kill -9"},
		{"yes", false, true, "SIGTERM"},
	} {
		s := durable(t, dir, port, "loops", "--appendonly", run.on)
		c := s.client(t)
		got, _ := c.Get(ctx, "list").Result()
		if got != strings.Join(want, "") {
			t.Fatalf("start %d: %q, not %q", i, got, strings.Join(want, ""))
		}
		if n, _ := c.DBSize(ctx).Result(); n != int64(min(len(want), 1)*2) {
			t.Fatalf("start %d: %d keys", i, n)
		}
		part := fmt.Sprintf("%d,", i)
		is(t, int64(len(got)+len(part)))(c.Append(ctx, "list", part).Result())
		is(t, int64(1))(c.Do(ctx, "SETNX", "run"+strconv.Itoa(i), 1).Int64())
		c.Del(ctx, "run"+strconv.Itoa(i-1))
		for k := range i { // of earlier runs
			c.Del(ctx, "run"+strconv.Itoa(k))
		}
		if run.save {
			is(t, "OK")(c.Save(ctx).Result())
		}
		if run.keep {
			want = append(want, part)
		}
		s.end(run.end)
		if code, out, errs := walCommand("verify", "--dir", dir); code != 0 {
			t.Fatalf("after run %d:\n%s%s", i, out, errs)
		}
	}
}

// TestSwitchAtRunTime: CONFIG SET appendonly.
func TestSwitchAtRunTime(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			ctx := t.Context()
			s := durable(t, dir, port, driver, "--appendonly", "no")
			c := s.client(t)
			is(t, "OK")(c.Set(ctx, "before", 1, 0).Result())
			is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
			logged(t, s)
			is(t, "1")(infoField(t, c, "aof_enabled"), nil)
			is(t, "0")(infoField(t, c, "aof_rewrite_in_progress"), nil)
			is(t, "OK")(c.Set(ctx, "with", 1, 0).Result())
			is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result()) // as it is
			is(t, "OK")(c.ConfigSet(ctx, "appendonly", "no").Result())
			is(t, "0")(infoField(t, c, "aof_enabled"), nil)
			is(t, "OK")(c.Set(ctx, "after", 1, 0).Result())
			s.kill9()
			if _, out, _ := walCommand("inspect", "--dir", dir); !strings.Contains(out, "log off          since LSN ") {
				t.Errorf("%s", out)
			}
			s = durable(t, dir, port, driver, "--appendonly", "no")
			c = s.client(t)
			is(t, int64(2))(c.Exists(ctx, "before", "with").Result())
			is(t, int64(0))(c.Exists(ctx, "after").Result())
			is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
			is(t, "OK")(c.Set(ctx, "again", 1, 0).Result())
			logged(t, s)
			s.kill9()
			s = durable(t, dir, port, driver)
			is(t, int64(3))(s.client(t).Exists(ctx, "before", "with", "again").Result())
		})
	}
}

// TestSwitchKilledW4: the log is turned on and off beside writers, and the process killed anywhere. What was acknowledged
// after "the log is on" and before the next "off" is there after it, nothing twice.
func TestSwitchKilledW4(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			for round := range 4 {
				dir, port := t.TempDir(), freePort(t)
				s := durable(t, dir, port, driver, "--appendonly", "no", "--appendfsync", "everysec")
				stop, ended := make(chan struct{}), &sync.WaitGroup{}
				var acked [4]struct {
					sync.Mutex
					n int
				}
				for i := range acked {
					ended.Go(func() {
						appendUntil(s.addr(), "list"+strconv.Itoa(i), stop, func(n int) {
							acked[i].Lock()
							acked[i].n = n
							acked[i].Unlock()
						})
					})
				}
				c := s.client(t)
				ctx := t.Context()
				for range round { // some times before the last
					is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
					if round%2 == 0 {
						logged(t, s)
					}
					is(t, "OK")(c.ConfigSet(ctx, "appendonly", "no").Result())
					c.BgSave(ctx)
				}
				is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
				eventually(t, "the log is on for good", func() bool {
					info := persistenceInfo(t, c) // one INFO: what is scheduled now is in progress in the next
					return info["aof_rewrite_in_progress"] == "0" && info["aof_rewrite_scheduled"] == "0" &&
						info["rdb_bgsave_in_progress"] == "0" && info["aof_enabled"] == "1"
				})
				var floor [4]int
				for i := range acked {
					acked[i].Lock()
					floor[i] = acked[i].n
					acked[i].Unlock()
				}
				s.kill9()
				close(stop)
				ended.Wait()
				s = durable(t, dir, port, driver)
				for i := range acked {
					text, _ := s.client(t).Get(ctx, "list"+strconv.Itoa(i)).Result()
					if n := len(text); n < acked[i].n || n > acked[i].n+1 || acked[i].n < floor[i] {
						t.Errorf("round %d: %d of %d acknowledged (W4)", round, n, acked[i].n)
					}
				}
			}
		})
	}
}

// appendUntil appends bytes to a key until the server is gone, and tells the length that was acknowledged.
func appendUntil(addr, key string, stop <-chan struct{}, acked func(n int)) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	for {
		select {
		case <-stop:
			return
		default:
		}
		if _, err := io.WriteString(nc, "APPEND "+key+" x\r\n"); err != nil {
			return
		}
		v, err := resp.ReadReply(in)
		if err != nil || v.IsError() {
			return
		}
		acked(int(v.Int))
	}
}

// TestSwitchFails: a log that can not begin, or not end, leaves things as they were.
func TestSwitchFails(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops", "--appendonly", "no")
	c := s.client(t)
	ctx := t.Context()
	// Without these directories no segment can be prepared, which is known at once, and no snapshot be made.
	for _, sub := range []string{"wal", "snap"} {
		if err := os.Rename(filepath.Join(dir, sub), filepath.Join(dir, sub+".away")); err != nil {
			t.Fatal(err)
		}
		err := c.ConfigSet(ctx, "appendonly", "yes").Err()
		if sub == "wal" && (err == nil || !strings.Contains(err.Error(), "Unable to turn on AOF. Check server logs.")) {
			t.Errorf("CONFIG SET appendonly yes: %v", err)
		}
		eventually(t, "the log is off again", func() bool {
			return infoField(t, c, "aof_enabled") == "0" && c.ConfigGet(ctx, "appendonly").Val()["appendonly"] == "no"
		})
		is(t, "OK")(c.Set(ctx, "k", "later", 0).Result()) // nobody is refused
		if err := os.Rename(filepath.Join(dir, sub+".away"), filepath.Join(dir, sub)); err != nil {
			t.Fatal(err)
		}
	}
	s.kill9()
	s = durable(t, dir, port, "loops", "--appendonly", "no")
	c = s.client(t)
	is(t, int64(0))(c.DBSize(ctx).Result()) // as before
	is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
	logged(t, s)
	is(t, "OK")(c.Set(ctx, "k", "logged", 0).Result())
	s.kill9()
	is(t, "logged")(durable(t, dir, port, "loops").client(t).Get(ctx, "k").Result())
}

// TestReloadWithoutLog: DEBUG RELOAD keeps what was written since the last snapshot, NOSAVE goes back to that.
func TestReloadWithoutLog(t *testing.T) {
	s := durable(t, t.TempDir(), freePort(t), "loops", "--appendonly", "no", "--enable-debug-command", "yes")
	c := s.client(t)
	ctx := t.Context()
	fails[any](t, "ERR DEBUG LOADAOF needs a log, and appendonly is no")(c.Do(ctx, "DEBUG", "LOADAOF").Result())
	for i := range 3 {
		is(t, int64(i+1))(c.Incr(ctx, "n").Result())
		is(t, any("OK"))(c.Do(ctx, "DEBUG", "RELOAD").Result())
		is(t, strconv.Itoa(i+1))(c.Get(ctx, "n").Result())
	}
	is(t, "OK")(c.Save(ctx).Result())
	is(t, int64(4))(c.Incr(ctx, "n").Result())
	is(t, any("OK"))(c.Do(ctx, "DEBUG", "RELOAD", "NOSAVE").Result())
	is(t, "3")(c.Get(ctx, "n").Result())
}

// TestShutdownWhileLogBegins: a server that is stopped while its log begins waits for that, so nothing that was written is lost.
func TestShutdownWhileLogBegins(t *testing.T) {
	for _, how := range []string{"SIGTERM", "SHUTDOWN"} {
		dir, port := t.TempDir(), freePort(t)
		s := durable(t, dir, port, "loops", "--appendonly", "no")
		c := s.client(t)
		is(t, "OK")(c.Set(t.Context(), "k", strings.Repeat("x", 1<<20), 0).Result())
		is(t, "OK")(c.ConfigSet(t.Context(), "wal.snapshot.rate", "4MiB").Result()) // not at once
		is(t, "OK")(c.ConfigSet(t.Context(), "appendonly", "yes").Result())
		is(t, "1")(infoField(t, c, "aof_rewrite_in_progress"), nil)
		is(t, "OK")(c.Set(t.Context(), "later", "v", 0).Result())
		s.end(how)
		s = durable(t, dir, port, "loops")
		is(t, int64(2))(s.client(t).Exists(t.Context(), "k", "later").Result())
	}
}
