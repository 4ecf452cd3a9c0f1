package main

import "testing"

// TestSaveGivenUp: what becomes of a client's SAVE when the server ends. After SIGTERM it is waited for as long as
// shutdown-timeout says, after its disk has failed for good not at all. In each case what the log has is found again.
func TestSaveGivenUp(t *testing.T) {
	const keys = 300 // 185 kB: no further segment is needed
	for _, driver := range []string{"loops", "goroutines"} {
		for _, c := range []struct {
			name, timeout, rate string
			fails               bool
			code                int
			reply               string
		}{
			{"in time", "3600", "256KiB", false, 0, "+OK\r\n"},
			{"too late", "1", "1KiB", false, 0, ""},
			{"failed", "3600", "1KiB", true, 1, "-ERR the server stops\r\n"},
		} {
			t.Run(driver+" "+c.name, func(t *testing.T) {
				dir, port := t.TempDir(), freePort(t)
				s := durable(t, dir, port, driver, "--shutdown-timeout", c.timeout, "--wal.snapshot.rate", c.rate, "--enable-debug-command", "yes")
				cl, saver := s.client(t), s.wire(t)
				is[any](t, "OK")(cl.Do(t.Context(), "DEBUG", "POPULATE", keys, "k", 500).Result())
				saver.send("SAVE\r\n")
				eventually(t, "it is being saved", func() bool { return infoField(t, cl, "rdb_bgsave_in_progress") == "1" })
				code := 0
				if c.fails {
					inject(t, s, "fdatasync:error=EIO:when=1+")
					s.wire(t).send("SET late 1\r\n") // which fails
					code = s.exit()
				} else {
					code = s.terminate()
				}
				if got := saver.rest(); code != c.code || got != c.reply {
					t.Errorf("SAVE answered %q, exit code %d", got, code)
				}
				again := durable(t, dir, port, driver).client(t)
				late, err := again.Exists(t.Context(), "late").Result() // what became of it was left open
				if err != nil {
					t.Fatal(err)
				}
				is(t, keys+late)(again.DBSize(t.Context()).Result())
			})
		}
	}
}
