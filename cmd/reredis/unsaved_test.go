package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const unsavedText = "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. " +
	"Commands that may modify the data set are disabled, because this instance is configured to report errors during writes " +
	"if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.\r\n"

// TestUnsaved: without a log, writes are refused while the last snapshot failed, until one succeeds, as redis-server does.
func TestUnsaved(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--appendonly", "no", "--save", "3600 1000")
			say := rawReplies(t, s)
			expect := func(list ...[2]string) {
				t.Helper()
				expectReplies(t, say, list...)
			}
			field := func(name string) string {
				_, after, _ := strings.Cut(say("INFO persistence"), name+":")
				text, _, _ := strings.Cut(after, "\r\n")
				return text
			}
			status := func() string { return field("rdb_last_bgsave_status") }
			// Where snapshots are to lie is something else: a file in place of Reredis' directory, a directory in
			// place of Redis' file.
			place := filepath.Join(s.dir, "dump.rdb")
			block := func() error { return os.Mkdir(place, 0o700) }
			if k.name != "redis-server" {
				place = filepath.Join(s.dir, "reredis-data", s.port, "snap")
				block = func() error {
					_ = os.RemoveAll(place) // it may not be there yet
					return os.WriteFile(place, nil, 0o600)
				}
			}
			fail := func() {
				t.Helper()
				if err := block(); err != nil {
					t.Fatal(err)
				}
				expect([2]string{"BGSAVE", "+Background saving started\r\n"})
				eventually(t, "the snapshot has failed", func() bool { return status() == "err" })
			}
			repair := func() {
				t.Helper()
				if err := os.Remove(place); err != nil {
					t.Fatal(err)
				}
				if k.name != "redis-server" {
					if err := os.Mkdir(place, 0o700); err != nil {
						t.Fatal(err)
					}
				}
			}
			expect([2]string{"SET k 1", "+OK\r\n"})
			fail()
			if n := field("rdb_changes_since_last_save"); n != "1" {
				t.Errorf("%s changes are to be saved after a snapshot that failed", n)
			}
			expect(
				[2]string{"SET k 2", unsavedText},
				[2]string{"PING", unsavedText},
				[2]string{"INCR k", unsavedText},
				[2]string{"GET k", "$1\r\n1\r\n"},
				[2]string{"PUBLISH c m", ":0\r\n"},
				[2]string{"MULTI", "+OK\r\n"},
				[2]string{"GET k", "+QUEUED\r\n"},
				[2]string{"SET k 3", unsavedText},
				[2]string{"DISCARD", "+OK\r\n"},
				[2]string{"MULTI", "+OK\r\n"},
				[2]string{"PING", unsavedText},
				[2]string{"EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n"},
				[2]string{"CONFIG SET stop-writes-on-bgsave-error no", "+OK\r\n"},
				[2]string{"SET k 4", "+OK\r\n"},
				[2]string{"MULTI", "+OK\r\n"},
				[2]string{"INCR k", "+QUEUED\r\n"},
				[2]string{"CONFIG SET stop-writes-on-bgsave-error yes", "+QUEUED\r\n"},
				[2]string{"INCR k", "+QUEUED\r\n"},
				[2]string{"EXEC", "*3\r\n:5\r\n+OK\r\n:6\r\n"},
				[2]string{"SET k 7", unsavedText},
				[2]string{`CONFIG SET save ""`, "+OK\r\n"},
				[2]string{"SET k 8", "+OK\r\n"},
				[2]string{"MULTI", "+OK\r\n"},
				[2]string{"INCR k", "+QUEUED\r\n"},
			)
			other := s.wire(t)
			other.send("CONFIG SET save \"3600 1000\"\r\n")
			other.reply()
			expect(
				[2]string{"EXEC", "-EXECABORT Transaction discarded because of: " + strings.TrimPrefix(unsavedText, "-")},
				[2]string{"GET k", "$1\r\n8\r\n"},
				[2]string{"FLUSHALL", unsavedText},
			)
			repair()
			expect([2]string{"BGSAVE", "+Background saving started\r\n"})
			eventually(t, "a snapshot", func() bool { return status() == "ok" })
			expect([2]string{"SET k 9", "+OK\r\n"}, [2]string{"PING", "+PONG\r\n"})
		})
	}
}

// rawReplies returns what sends a line and returns the reply's bytes.
func rawReplies(t *testing.T, s *instance) func(line string) string {
	w := s.wire(t)
	var raw bytes.Buffer // of one reply
	w.r = bufio.NewReader(io.TeeReader(w.Conn, &raw))
	return func(line string) string {
		t.Helper()
		raw.Reset()
		w.send(line + "\r\n")
		w.reply()
		return raw.String()
	}
}

// expectReplies compares replies: each element is a line and what is to be answered.
func expectReplies(t *testing.T, say func(string) string, list ...[2]string) {
	t.Helper()
	for _, e := range list {
		if got := say(e[0]); got != e[1] {
			t.Errorf("%s: got %q, want %q", e[0], got, e[1])
		}
	}
}

// TestUnsavedWithLog: a log keeps the data, so no write is refused for the lack of a snapshot; without it they are, at once.
func TestUnsavedWithLog(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops", "--save", "3600 1000")
	c := s.client(t)
	ctx := t.Context()
	snaps := filepath.Join(dir, "snap")
	_ = os.RemoveAll(snaps) // it may not be there yet
	if err := os.WriteFile(snaps, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.BgSave(ctx)
	eventually(t, "the snapshot has failed", func() bool { return infoField(t, c, "rdb_last_bgsave_status") == "err" })
	is(t, "OK")(c.Set(ctx, "k", 1, 0).Result())
	is(t, "OK")(c.ConfigSet(ctx, "appendonly", "no").Result())
	fails[string](t, strings.TrimSuffix(unsavedText[1:], "\r\n"))(c.Set(ctx, "k", 2, 0).Result())
	is(t, "1")(c.Get(ctx, "k").Result())
	if err := os.Remove(snaps); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(snaps, 0o700); err != nil {
		t.Fatal(err)
	}
	is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
	logged(t, s)
	is(t, "OK")(c.Set(ctx, "k", 3, 0).Result())
	is(t, "ok")(infoField(t, c, "rdb_last_bgsave_status"), nil)
	s.kill9()
	is(t, "3")(durable(t, dir, port, "loops").client(t).Get(ctx, "k").Result())
}
