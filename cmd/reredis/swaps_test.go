package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/reredis/reredis/internal/resp"
)

// swapping are clients that swap databases on and on: 0 and 1 with a transaction that counts them, 2 and 3 without.
type swapping struct {
	all   sync.WaitGroup
	conns []*wire
}

// What each of the four databases holds, by what it held at first.
const (
	swapKeys  = 1000 // and as many more for each further one
	swapCount = "swaps"
)

func swapDatabases(t *testing.T, s *instance) *swapping {
	w := &swapping{conns: []*wire{s.wire(t), s.wire(t)}}
	for i, text := range []string{"MULTI\r\nSWAPDB 0 1\r\nINCR swaps\r\nEXEC\r\n", "SWAPDB 2 3\r\n"} {
		c := w.conns[i]
		c.send("SELECT 9\r\n")
		c.reply()
		c.SetDeadline(time.Time{})
		w.all.Go(func() {
			for {
				if _, err := c.Write([]byte(text)); err != nil {
					return
				}
				for range strings.Count(text, "\r\n") {
					if v, err := resp.ReadReply(c.r); err != nil || v.IsError() {
						return
					}
				}
			}
		})
	}
	return w
}

// end closes them.
func (w *swapping) end() {
	for _, c := range w.conns {
		c.Close()
	}
	w.all.Wait()
}

// fillSwapped fills the databases 0 to 3, each with a number of keys of its own, whose values tell where they were.
func fillSwapped(t *testing.T, s *instance) {
	t.Helper()
	for db := range 4 {
		c := s.client(t, func(o *redis.Options) { o.DB = db })
		pipe := c.Pipeline()
		for i := range swapKeys * (db + 1) {
			pipe.Set(t.Context(), fmt.Sprintf("key%d", i), strconv.Itoa(db)+strings.Repeat("x", 99), 0)
		}
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// checkSwapped checks that each database is whole, and that 0 and 1 are where the counter says.
func checkSwapped(t *testing.T, s *instance) {
	t.Helper()
	where := map[int]int{}
	for db := range 4 {
		c := s.client(t, func(o *redis.Options) { o.DB = db })
		n := int(c.DBSize(t.Context()).Val())
		was := n/swapKeys - 1
		where[was] = db
		for i := 0; i < n; i += 37 {
			got := c.GetRange(t.Context(), fmt.Sprintf("key%d", i), 0, 1).Val()
			if n%swapKeys != 0 || got != strconv.Itoa(was)+"x" {
				t.Fatalf("database %d has %d keys, key%d begins with %q", db, n, i, got)
			}
		}
	}
	count, _ := s.client(t, func(o *redis.Options) { o.DB = 9 }).Get(t.Context(), swapCount).Int()
	if len(where) != 4 || where[0] != count%2 || where[1] != 1-count%2 {
		t.Errorf("after %d swaps the databases are at %v", count, where)
	}
}

// TestSwapsBesideSnapshot: databases are swapped all the time while a snapshot is made. The swaps wait at last, so that it
// ends, and go on then; what it holds is one state. With a log a kill finds all, without one that snapshot.
func TestSwapsBesideSnapshot(t *testing.T) {
	for _, log := range []string{"no", "yes"} {
		for _, driver := range []string{"loops", "goroutines"} {
			t.Run("appendonly "+log+" "+driver, func(t *testing.T) {
				dir, port := t.TempDir(), freePort(t)
				options := []string{"--appendonly", log, "--appendfsync", "everysec", "--wal.snapshot.rate", "4MiB"}
				s := durable(t, dir, port, driver, options...)
				fillSwapped(t, s)
				swaps := swapDatabases(t, s)
				c := s.client(t)
				is(t, "Background saving started")(c.BgSave(t.Context()).Result())
				eventually(t, "the swaps wait", func() bool { return blockedClients(t, c) == 2 })
				is(t, "PONG")(c.Ping(t.Context()).Result())

				// One that waits may go away, and what is no swap does not wait.
				gone, other := s.wire(t), s.wire(t)
				gone.send("SWAPDB 4 5\r\n")
				eventually(t, "a third one waits", func() bool { return blockedClients(t, c) == 3 })
				other.send("MULTI\r\nSWAPDB 4 5\r\nDISCARD\r\nMULTI\r\nSET {a} 1\r\nDEL {a}\r\nEXEC\r\n")
				for _, want := range []string{"OK", "QUEUED", "OK", "OK", "QUEUED", "QUEUED"} {
					if v := other.reply(); string(v.Str) != want {
						t.Errorf("%s, want %s", v, want)
					}
				}
				other.reply()
				gone.Close()
				eventually(t, "it is gone", func() bool { return blockedClients(t, c) < 3 })
				eventually(t, "the snapshot ends", func() bool { return infoField(t, c, "rdb_saves") == "1" })
				eventually(t, "nobody waits", func() bool { return blockedClients(t, c) == 0 })
				is(t, "ok")(infoField(t, c, "rdb_last_bgsave_status"), nil)
				s.kill9()
				swaps.end()
				checkSwapped(t, durable(t, dir, port, driver, options...))
			})
		}
	}
}

// TestStopWhileSwapsWait: SIGTERM ends a server whose swaps wait for a snapshot, and does not wait for that.
func TestStopWhileSwapsWait(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			s := durable(t, dir, port, driver, "--wal.snapshot.rate", "64KiB", "--appendfsync", "no", "--shutdown-timeout", "3600")
			fillSwapped(t, s)
			swaps := swapDatabases(t, s)
			c := s.client(t)
			c.BgSave(t.Context())
			eventually(t, "the swaps wait", func() bool { return blockedClients(t, c) == 2 })
			if code := s.terminate(); code != 0 {
				t.Errorf("exit code %d", code)
			}
			swaps.end()
			checkSwapped(t, durable(t, dir, port, driver))
		})
	}
}

func blockedClients(t *testing.T, c *redis.Client) int {
	t.Helper()
	info, err := c.InfoMap(t.Context(), "clients").Result()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(info["Clients"]["blocked_clients"])
	return n
}
