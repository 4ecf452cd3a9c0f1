package main

import (
	"strings"
	"testing"
)

const ioError = "MISCONF Errors writing to the AOF file: Input/output error"

// TestDiskFailsReadOnly: no file can be synced, and wal.on_sync_error is readonly. Connections whose replies wait for what was
// lost are closed, writes are refused before they execute, and so are reads of what was lost; other reads go on. SIGTERM ends
// the server at once, and the next start finds what was acknowledged. The parameter is set while the server runs, before or after
// its log has begun.
func TestDiskFailsReadOnly(t *testing.T) {
	for _, c := range []struct{ driver, log string }{{"loops", "yes"}, {"loops", "no"}, {"goroutines", "yes"}} {
		driver := c.driver
		t.Run(driver+" appendonly "+c.log, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			s := durable(t, dir, port, driver, "--appendonly", c.log, "--shutdown-timeout", "3600")
			is(t, "OK")(s.client(t).ConfigSet(t.Context(), "wal.on_sync_error", "readonly").Result())
			if c.log == "no" {
				is(t, "OK")(s.client(t).ConfigSet(t.Context(), "appendonly", "yes").Result())
				logged(t, s)
			}
			held, w := s.wire(t), s.wire(t)
			say := func(line string) string {
				t.Helper()
				w.send(line + "\r\n")
				return w.reply().String()
			}
			say("SET k 1")
			say("SET read 1")
			end := inject(t, s, "fdatasync:error=EIO:when=1+")
			held.send("SET k 2\r\nGET k\r\n")
			if rest := held.rest(); rest != "" {
				t.Errorf("before it was on the disk the answer was %q", rest)
			}
			const lost = "MISCONF WAL is not durable for this slot"
			reader := s.wire(t) // of what never may be shown
			for range 3 {
				reader.send("GET k\r\nEXISTS read k\r\nMULTI\r\nGET k\r\nEXEC\r\nDBSIZE\r\nSCAN 0\r\nMULTI\r\nGET read\r\nEXEC\r\n")
				for _, want := range []string{lost, lost, "OK", "QUEUED", "EXECABORT Transaction discarded because of: " + lost, lost, lost, "OK", "QUEUED", "1"} {
					v := reader.reply()
					if len(v.Elems) == 1 {
						v = v.Elems[0]
					}
					if got := v.String(); got != want {
						t.Errorf("a reader was shown %q, not %q", got, want)
					}
				}
			}
			for range 3 {
				for line, want := range map[string]string{
					"SET refused 1": ioError, "INCR k": ioError, "FLUSHALL": ioError, "GET read": "1", "EXISTS refused": "0", "STRLEN read": "1",
				} {
					if got := say(line); !strings.Contains(got, want) {
						t.Errorf("%s: %s, want %s", line, got, want)
					}
				}
			}
			end()
			// The disk works again, which makes nothing good: what was lost is lost.
			if got := say("SET refused 1"); !strings.Contains(got, ioError) {
				t.Errorf("a write: %s", got)
			}
			if code := s.terminate(); code != 1 {
				t.Errorf("exit code %d", code)
			}
			c := durable(t, dir, port, driver).client(t)
			if got := c.Get(t.Context(), "k").Val(); got != "1" && got != "2" { // the outcome was left open
				t.Errorf("k is %q", got)
			}
			is(t, "1")(c.Get(t.Context(), "read").Result())
			is(t, int64(0))(c.Exists(t.Context(), "refused").Result())
		})
	}
}

// TestDiskFailsReadOnlyLater: under everysec what was acknowledged but is not on disk when the log fails is not readable, what is
// on disk is; INFO tells.
func TestDiskFailsReadOnlyLater(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			s := durable(t, t.TempDir(), freePort(t), driver, "--wal.on_sync_error", "readonly", "--appendfsync", "always")
			w := s.wire(t)
			say := func(line string) string {
				t.Helper()
				w.send(line + "\r\n")
				return w.reply().String()
			}
			say("MSET k 1 read 1") // on the disk
			say("CONFIG SET appendfsync everysec")
			inject(t, s, "fdatasync:error=EIO:when=1+")
			if got := say("SET k 2"); got != "OK" {
				t.Fatal(got)
			}
			const lost = "MISCONF WAL is not durable for this slot"
			eventually(t, "what was lost can not be read", func() bool { return say("GET k") == lost })
			for line, want := range map[string]string{
				"DBSIZE": lost, "GET read": "1", "SET refused 1": ioError, "INFO persistence": "aof_last_write_status:err",
			} {
				if got := say(line); !strings.Contains(got, want) {
					t.Errorf("%s: %s, want %s", line, got, want)
				}
			}
		})
	}
}

// TestDiskFailsPing: while the log takes nothing PING is refused like a write, also to be queued, as by redis-server; but a
// transaction that has it already, and commands of subscribers, run.
func TestDiskFailsPing(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			args := []string{"--appendonly", "yes", "--appendfsync", "everysec"}
			if k.name != "redis-server" {
				args = append(args, "--wal.on_sync_error", "readonly")
			}
			s := k.launch(t, args...)
			say, queued := rawReplies(t, s), rawReplies(t, s)
			expectReplies(t, say, [2]string{"SET k 1", "+OK\r\n"}, [2]string{"PING", "+PONG\r\n"})
			expectReplies(t, queued, [2]string{"MULTI", "+OK\r\n"}, [2]string{"PING", "+QUEUED\r\n"}, [2]string{"PING hello", "+QUEUED\r\n"})
			inject(t, s, "fdatasync:error=EIO:when=1+")
			c := s.client(t)
			eventually(t, "the disk has failed", func() bool {
				err := c.Set(t.Context(), "later", 2, 0).Err()
				return err != nil && strings.Contains(err.Error(), ioError)
			})
			const refused = "-" + ioError + "\r\n"
			expectReplies(t, say,
				[2]string{"SET k 3", refused},
				[2]string{"PING", refused},
				[2]string{"PING hello", refused},
				[2]string{"ECHO hello", "$5\r\nhello\r\n"},
				[2]string{"PUBLISH c m", ":0\r\n"},
				[2]string{"MULTI", "+OK\r\n"},
				[2]string{"PING", refused},
				[2]string{"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
			)
			expectReplies(t, queued, [2]string{"EXEC", "*2\r\n+PONG\r\n$5\r\nhello\r\n"})
		})
	}
}

// TestDiskFailsStops: the same with wal.on_sync_error stop. The process ends at once, however long it may take to shut
// down: replies that can never leave are not waited for.
func TestDiskFailsStops(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		for _, policy := range []string{"always", "everysec", "no"} {
			t.Run(driver+" "+policy, func(t *testing.T) {
				dir, port := t.TempDir(), freePort(t)
				s := durable(t, dir, port, driver, "--appendfsync", policy, "--shutdown-timeout", "3600",
					"--wal.snapshot.rate", "1KiB", "--notify-keyspace-events", "KA")
				fillSwapped(t, s) // SAVE takes long
				idle, waits, saves, hears := s.wire(t), s.wire(t), s.wire(t), s.wire(t)
				idle.send("SET k 1\r\n")
				idle.reply()
				fault := "fdatasync:error=EIO:when=1+"
				if policy == "no" {
					fault = "pwrite64:error=EIO:when=1+"
				}
				waits.send("WAIT 1 0\r\n")
				hears.send("PSUBSCRIBE *\r\n")
				hears.reply()
				saves.send("SAVE\r\n")
				c := s.client(t)
				eventually(t, "the snapshot has begun", func() bool { return infoField(t, c, "rdb_bgsave_in_progress") == "1" })
				inject(t, s, fault)
				held := []*wire{s.wire(t), s.wire(t), s.wire(t)}
				for _, h := range held {
					h.send("SET k 2\r\nGET k\r\nSET k 3\r\n")
				}
				if code := s.exit(); code != 1 || !strings.Contains(s.out.String(), "the log can not be written") {
					t.Errorf("exit code %d", code)
				}
			})
		}
	}
}
