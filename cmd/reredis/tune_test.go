package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sizesOf are the lengths of the log's segments that are in use.
func sizesOf(t *testing.T, dir string) (list []int64) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "wal", "*.seg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasPrefix(filepath.Base(name), "spare-") {
			continue
		}
		if st, err := os.Stat(name); err == nil { // it may be trimmed meanwhile
			list = append(list, st.Size())
		}
	}
	return list
}

// TestSegmentSizeLive: segments that the log begins after a CONFIG SET have the new length.
func TestSegmentSizeLive(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops", "--wal.segment_size", "1MiB", "--auto-aof-rewrite-percentage", "0")
	c := s.client(t)
	ctx := t.Context()
	value := strings.Repeat("x", 256<<10)
	longest := func() (n int64) {
		for _, size := range sizesOf(t, dir) {
			n = max(n, size)
		}
		return n
	}
	for range 12 {
		is(t, "OK")(c.Set(ctx, "k", value, 0).Result())
	}
	if n := longest(); n != 1<<20 {
		t.Errorf("there is a segment of %d bytes", n)
	}
	is(t, "OK")(c.ConfigSet(ctx, "wal.segment_size", "4MiB").Result())
	is(t, map[string]string{"wal.segment_size": "4MiB"})(c.ConfigGet(ctx, "wal.segment_size").Result())
	eventually(t, "there is one of 4 MiB", func() bool {
		is(t, "OK")(c.Set(ctx, "k", value, 0).Result())
		return longest() == 4<<20
	})
	is(t, "OK")(c.ConfigSet(ctx, "wal.segment_size", "1MiB").Result())
	eventually(t, "the last ones have 1 MiB", func() bool {
		is(t, "OK")(c.Set(ctx, "k", value, 0).Result())
		sizes := sizesOf(t, dir) // in the order of LSNs
		return len(sizes) > 2 && sizes[len(sizes)-1] == 1<<20 && sizes[len(sizes)-2] == 1<<20
	})
	s.kill9()
	is(t, value)(durable(t, dir, port, "loops").client(t).Get(ctx, "k").Result())
}

// TestKeepLive: a CONFIG SET decides how many snapshots the next one leaves.
func TestKeepLive(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	c := durable(t, dir, port, "loops").client(t)
	ctx := t.Context()
	snapshots := func() int {
		names, err := filepath.Glob(filepath.Join(dir, "snap", "*.rrs"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	for _, step := range []struct {
		keep string
		want int
	}{{"3", 3}, {"1", 1}, {"2", 2}} {
		is(t, "OK")(c.ConfigSet(ctx, "wal.snapshot.keep", step.keep).Result())
		for range 4 {
			is(t, "OK")(c.Set(ctx, "k", "v", 0).Result())
			is(t, "OK")(c.Save(ctx).Result())
		}
		if n := snapshots(); n != step.want {
			t.Errorf("keep %s: %d snapshots", step.keep, n)
		}
	}
}

// TestLimitsLive: the limits of the log are set while it runs, and while there is none; one that begins has them.
func TestLimitsLive(t *testing.T) {
	for _, log := range []string{"yes", "no"} {
		t.Run("appendonly "+log, func(t *testing.T) {
			s := durable(t, t.TempDir(), freePort(t), "loops", "--appendonly", log, "--appendfsync", "everysec")
			c := s.client(t)
			ctx := t.Context()
			for name, value := range map[string]string{
				"wal.unsynced_limit": "1MiB", "wal.sync_late": "1h", "wal.on_sync_error": "readonly", "wal.segment_size": "2MiB",
			} {
				is(t, "OK")(c.ConfigSet(ctx, name, value).Result())
				is(t, map[string]string{name: value})(c.ConfigGet(ctx, name).Result())
			}
			is(t, "OK")(c.ConfigSet(ctx, "appendonly", "yes").Result())
			// Under a limit of 1 MiB writes of more than that wait for a sync, each of which takes writes on again.
			for range 8 {
				is(t, "OK")(c.Set(ctx, "k", strings.Repeat("x", 3<<20), 0).Result())
			}
			fails[string](t, "ERR CONFIG SET failed (possibly related to argument 'wal.sync_late') - argument must be between 1 and 2147483647 inclusive")(
				c.ConfigSet(ctx, "wal.sync_late", "0s").Result())
			v, err := c.Do(ctx, "CONFIG", "ORIGIN", "wal.sync_late").Result()
			if m, ok := v.(map[any]any); err != nil || !ok || m["value"] != "1h" {
				t.Errorf("%v, %v", v, err)
			}
			is(t, int64(1))(c.Exists(ctx, "k").Result())
		})
	}
}
