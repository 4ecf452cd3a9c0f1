package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var reloads = flag.Int("reloads", 12, "how often TestReloadUnderLoad changes the file")

// TestInvariant9FixedValues: a start with another value of what is fixed with the data names both, and writes nothing.
func TestInvariant9FixedValues(t *testing.T) {
	s := configured(t, "a.yaml", "", "--dir", "data")
	is(t, "OK")(s.client(t).Set(t.Context(), "k", "v", 0).Result())
	if code := s.terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	before := dirText(t, s.dir)
	again := spawn(t, s.dir, append(s.cmd.Args, "--databases", "17")...)
	if code := again.exit(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if out := again.out.String(); !strings.Contains(out, "the data was made with keyspace.databases 16, not 17") {
		t.Errorf("it says %s", out)
	}
	if after := dirText(t, s.dir); after != before {
		t.Errorf("the directory was\n%s\nand is\n%s", before, after)
	}
}

// dirText is the names, sizes and times of all files below dir.
func dirText(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, st os.FileInfo, err error) error {
		if err == nil && !st.IsDir() {
			fmt.Fprintln(&b, path, st.Size(), st.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestReloadUnderLoad changes a file in every way while 50 clients work: no command fails, nobody sees half of a
// configuration, and nothing is left behind. The file is that of a ConfigMap: a link to a link.
func TestReloadUnderLoad(t *testing.T) {
	dir := t.TempDir()
	must := func(errs ...error) {
		t.Helper()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	text := func(n int) string {
		return fmt.Sprintf("server: {maxclients: %d}\nobserve: {slowlog: {max: %d}}\n", 1000+n, n)
	}
	data, file := filepath.Join(dir, "..data"), filepath.Join(dir, "a.yaml")
	version := 0
	swap := func(text string) error {
		version++
		name := fmt.Sprintf("..v%d", version)
		old, _ := os.Readlink(data)
		err := errors.Join(
			os.Mkdir(filepath.Join(dir, name), 0o755),
			os.WriteFile(filepath.Join(dir, name, "a.yaml"), []byte(text), 0o600),
			os.Symlink(name, data+"_tmp"), os.Rename(data+"_tmp", data))
		if old != "" {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, old)))
		}
		return err
	}
	must(swap(text(0)), os.Symlink(filepath.Join("..data", "a.yaml"), file))
	port := freePort(t)
	s := spawn(t, dir, binary, "--config", file, "--port", port, "--http-port", freePort(t), "--appendonly", "no")
	s.port = port
	must(s.await())

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var commands atomic.Int64
	for i := range 50 {
		c := s.client(t, func(o *redis.Options) { o.PoolSize, o.MaxRetries = 1, -1 })
		load.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key, value := fmt.Sprint("k", i), strconv.Itoa(n)
				if err := c.Set(context.Background(), key, value, 0).Err(); err != nil {
					t.Errorf("SET: %v", err)
					return
				}
				if got, err := c.Get(context.Background(), key).Result(); err != nil || got != value {
					t.Errorf("GET: %q, %v, want %s", got, err, value)
					return
				}
				if n%16 == 0 {
					m, err := c.Do(context.Background(), "CONFIG", "GET", "maxclients", "slowlog-max-len").Result()
					pair, _ := m.(map[any]any)
					a, _ := strconv.Atoi(fmt.Sprint(pair["maxclients"]))
					b, _ := strconv.Atoi(fmt.Sprint(pair["slowlog-max-len"]))
					if err != nil || a != b+1000 {
						t.Errorf("half a configuration: %v, %v", m, err)
						return
					}
				}
				commands.Add(2)
			}
		})
	}
	c := s.client(t)
	open := func() int {
		list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
		if err != nil {
			return 0 // not Linux
		}
		return len(list)
	}
	loaded := func(n int) func() bool {
		return func() bool { return parameter(t, c, "slowlog-max-len") == strconv.Itoa(n) }
	}
	problems := func() int { return strings.Count(s.out.String(), "was not loaded again") }
	vanished := func() int { return strings.Count(s.out.String(), "cannot be read any more") }
	before := 0
	var slowest time.Duration
	for n := 1; n <= *reloads && !t.Failed(); n++ {
		bad, gone := problems(), vanished()
		target := filepath.Join(dir, "..data", "a.yaml")
		began := time.Now()
		switch n % 6 {
		case 0:
			must(swap(text(n)))
		case 1:
			must(os.WriteFile(target, []byte(text(n)), 0o600)) // in place
		case 2:
			must(swap("server: {maxclients: 7, prot: 1}\n"))
			eventually(t, "the mistake is found", func() bool { return problems() > bad })
			began = time.Now()
			must(swap(text(n)))
		case 3:
			must(os.WriteFile(target, []byte("server: {maxcl"), 0o600)) // truncated
			eventually(t, "the mistake is found", func() bool { return problems() > bad })
			began = time.Now()
			put(t, target, text(n))
		case 4:
			must(os.Remove(target))
			eventually(t, "the file is missed", func() bool { return vanished() > gone })
			began = time.Now()
			must(os.WriteFile(target, []byte(text(n)), 0o600))
		case 5:
			must(swap(text(n)), s.cmd.Process.Signal(syscall.SIGHUP))
		}
		eventually(t, fmt.Sprintf("version %d is in force", n), loaded(n))
		slowest = max(slowest, time.Since(began))
		if n == min(6, *reloads) {
			before = open()
		}
	}
	if after := open(); after > before+2 {
		t.Errorf("%d descriptors are open, %d before", after, before)
	}
	cancel()
	load.Wait()
	t.Logf("%d changes, the slowest in force after %v, %d commands meanwhile", *reloads, slowest.Round(time.Millisecond), commands.Load())
}
