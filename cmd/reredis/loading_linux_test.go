package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestDamagedSnapshotWithoutLog: without a log, a newest snapshot that is damaged anywhere is refused with file and offset,
// even if there is an older one: that is older data.
func TestDamagedSnapshotWithoutLog(t *testing.T) {
	for _, snapshots := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d snapshots", snapshots), func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			options := []string{"--appendonly", "no"}
			s := durable(t, dir, port, "loops", options...)
			fillSwapped(t, s)
			c := s.client(t)
			for range snapshots {
				is(t, "OK")(c.Save(t.Context()).Result())
				is(t, "OK")(c.Set(t.Context(), "later", 1, 0).Result())
			}
			s.kill9()
			files, _ := filepath.Glob(filepath.Join(dir, "snap", "*.rrs"))
			if len(files) != snapshots {
				t.Fatalf("snapshots: %q", files)
			}
			newest := files[len(files)-1]
			whole, err := os.ReadFile(newest)
			if err != nil {
				t.Fatal(err)
			}
			for i, at := range []int{5, len(whole) / 2, len(whole) - 3} {
				b := append([]byte(nil), whole...)
				b[at] ^= 1
				if err := os.WriteFile(newest, b, 0o600); err != nil {
					t.Fatal(err)
				}
				log := []string{"no", "yes"}[i%2] // that is turned on does not have it either
				s := spawn(t, dir, binary, "--port", port, "--http-port", "0", "--dir", dir, "--appendonly", log)
				code := s.exit()
				for _, want := range []string{"corrupt", "snap/" + filepath.Base(newest), "offset "} {
					if code != 1 || !strings.Contains(s.out.String(), want) {
						t.Errorf("byte %d of %d: exit code %d, no %q in %s", at, len(whole), code, want, s.out.String())
					}
				}
			}
			if err := os.WriteFile(newest, whole, 0o600); err != nil { // refusing has changed nothing
				t.Fatal(err)
			}
			want := int64(swapKeys + snapshots - 1)
			is(t, want)(durable(t, dir, port, "loops", options...).client(t).DBSize(t.Context()).Result())
		})
	}
}

// TestLoading: while the data is read, those who connect get answers: errors, but to what Redis allows then.
func TestLoading(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			s := durable(t, dir, port, driver)
			fillSwapped(t, s)
			is(t, "OK")(s.client(t).Save(t.Context()).Result())
			s.kill9()

			// The process stops itself before it becomes the server, so that its reads of files are slow from the first on.
			s = spawn(t, dir, "sh", "-c", `kill -STOP $$; exec "$0" "$@"`, binary, "--port", port, "--http-port", "0", "--dir", dir, "--server.io.driver", driver)
			s.port = port
			eventually(t, "it has stopped itself", func() bool {
				b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
				return err == nil && strings.Contains(string(b), ") T ")
			})
			end := inject(t, s, "flock:delay_enter=1000000000")
			if err := s.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it listens", func() bool { return strings.Contains(s.out.String(), "listens on") })
			w := s.wire(t)
			const loading = "LOADING Redis is loading the dataset in memory"
			for _, c := range []struct{ line, want string }{
				{"GET key1", loading},
				{"SET key1 v", loading},
				{"PING", loading},
				{"DBSIZE", loading},
				{"KEYS *", loading},
				{"FLUSHALL", loading},
				{"SAVE", loading},
				{"BGSAVE", loading},
				{"EVALX", "ERR unknown command"},
				{"MULTI", "OK"},
				{"GET key1", loading},
				{"EXEC", "EXECABORT"},
				{"INFO persistence", "loading:1"},
				{"ECHO hello", "hello"},
				{"SELECT 1", "OK"},
				{"LASTSAVE", ""},
				{"CLIENT ID", ""},
				{"CONFIG GET port", ""},
				{"HELLO 3", ""},
				{"SUBSCRIBE c", ""},
			} {
				w.send(c.line + "\r\n")
				v := w.reply()
				if got := v.String(); !strings.Contains(got, c.want) || v.IsError() != (c.want == loading || strings.HasPrefix(c.want, "E")) {
					t.Errorf("%s: %s", c.line, got)
				}
			}
			for _, field := range []string{"loading_start_time", "loading_total_bytes", "loading_loaded_bytes", "loading_eta_seconds"} {
				if infoField(t, s.client(t, func(o *redis.Options) { o.Protocol = 2 }), field) == "" {
					t.Errorf("no %s", field)
				}
			}
			end()
			eventually(t, "the data is there", func() bool {
				other := s.wire(t)
				other.send("GET key1\r\n")
				v := other.reply()
				return strings.HasPrefix(string(v.Str), "0xx")
			})
			is(t, "0")(infoField(t, s.client(t), "loading"), nil)
			is(t, int64(swapKeys))(s.client(t).DBSize(t.Context()).Result())
		})
	}
}
