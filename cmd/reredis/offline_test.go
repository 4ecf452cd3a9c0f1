package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestOfflineSnapshot makes snapshots of the data of a server that was killed; a server that runs keeps the directory to itself.
func TestOfflineSnapshot(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops")
	ctx := t.Context()
	fill := func(s *instance) {
		c := s.client(t)
		p := c.Pipeline()
		for i := range 5 {
			p.Set(ctx, "big"+string(rune('a'+i)), strings.Repeat("x", 1<<20), 0)
		}
		p.Set(ctx, "late", 1, 100*time.Hour)
		p.Incr(ctx, "n")
		p.Do(ctx, "COPY", "n", "m", "DB", 3)
		if _, err := p.Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	fill(s)
	if code, _, errs := walCommand("snapshot", "--dir", dir); code != 1 || !strings.Contains(errs, "is locked by another process (pid ") {
		t.Fatalf("beside a server: status %d\n%s", code, errs)
	}
	for _, args := range [][]string{{"snapshot"}, {"snapshot", "--compress"}} {
		s.kill9()
		code, out, errs := walCommand(append(args, "--dir", dir)...)
		if code != 0 || !regexp.MustCompile(`(?m)^snapshot +\d: \d+ keys, \d+ bytes, LSN \d+$`).MatchString(out) {
			t.Fatalf("status %d\n%s%s", code, out, errs)
		}
		if code, out, errs = walCommand("verify", "--dir", dir); code != 0 || !strings.Contains(out, "closed           with LSN") {
			t.Fatalf("status %d\n%s%s", code, out, errs)
		}
		if segs, err := filepath.Glob(filepath.Join(dir, "wal", "0*.seg")); err != nil || args[len(args)-1] == "snapshot" && len(segs) != 1 {
			t.Fatalf("the log was not cut: %v %v", segs, err)
		}
		s = durable(t, dir, port, "loops")
		c := s.client(t)
		is(t, int64(7))(c.DBSize(ctx).Result())
		is(t, int64(1<<20))(c.StrLen(ctx, "bige").Result())
		if ttl := c.TTL(ctx, "late").Val(); ttl < 99*time.Hour {
			t.Errorf("late has %v", ttl)
		}
		w := s.wire(t)
		w.send("SELECT 3\r\nGET m\r\n")
		w.reply()
		if v := w.reply(); string(v.Str) != "1" {
			t.Errorf("m is %s", v)
		}
		fill(s)
	}
	if code, _, errs := walCommand("snapshot", "--dir", t.TempDir()); code != 1 || !strings.Contains(errs, "META") {
		t.Errorf("in an empty directory: status %d\n%s", code, errs)
	}
}
