package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var reloads = flag.Int("reloads", 12, "how often TestReloadUnderLoad changes the file, half as often where that is found by polling")

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
// configuration, and nothing is left behind. The file is that of a ConfigMap: a link to a link. It prints how
// long each kind of change takes, as a client sees it.
func TestReloadUnderLoad(t *testing.T) {
	t.Run("notified", func(t *testing.T) { reloadUnderLoad(t, nil, *reloads) })
	t.Run("polling", func(t *testing.T) { reloadUnderLoad(t, watchLimit(t, "instances"), *reloads/2) })
}

func reloadUnderLoad(t *testing.T, before []string, times int) {
	m := newConfigMap(t)
	port := freePort(t)
	s := spawn(t, m.dir, append(before, binary, "--config", m.file, "--port", port, "--http-port", freePort(t), "--appendonly", "no")...)
	s.port = port
	if err := s.await(); err != nil {
		t.Fatal(err)
	}
	c := s.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var commands atomic.Int64
	for i := range 50 {
		c := s.client(t, func(o *redis.Options) { o.PoolSize, o.MaxRetries = 1, -1 })
		load.Go(func() { commands.Add(worker(ctx, t, c, fmt.Sprint("k", i))) })
	}

	loaded := func(n int) func() bool {
		return func() bool { return parameter(t, c, "slowlog-max-len") == strconv.Itoa(n) }
	}
	took := timings{}
	change := func(kind string, change error, seen func() bool) {
		t.Helper()
		began := time.Now()
		if change != nil {
			t.Fatal(change)
		}
		poll := time.NewTicker(time.Millisecond)
		defer poll.Stop()
		for ; !seen(); <-poll.C {
			if time.Since(began) > patience {
				t.Fatalf("not within %v: %s", patience, kind)
			}
		}
		took[kind] = append(took[kind], time.Since(began))
	}
	logged := func(text string) func() bool {
		from := s.out.size()
		return func() bool { return s.out.has(from, text) }
	}
	open, goroutines := 0, 0
	for n := 1; n <= times && !t.Failed(); n++ {
		bad, gone := logged("was not loaded again"), logged("cannot be read any more")
		switch n % 6 {
		case 0:
			change("link swapped", m.swap(m.text(n)), loaded(n))
		case 1:
			change("written in place", os.WriteFile(m.target(), []byte(m.text(n)), 0o600), loaded(n))
		case 2:
			change("link swapped, bad", m.swap("server: {maxclients: 7, prot: 1}\n"), bad)
			change("link swapped", m.swap(m.text(n)), loaded(n))
		case 3:
			change("written in place, truncated", os.WriteFile(m.target(), []byte("server: {maxcl"), 0o600), bad)
			change("replaced", replace(m.target(), m.text(n)), loaded(n))
		case 4:
			change("removed", os.Remove(m.target()), gone)
			change("made anew", os.WriteFile(m.target(), []byte(m.text(n)), 0o600), loaded(n))
		case 5:
			change("link swapped, and SIGHUP", errors.Join(m.swap(m.text(n)), s.cmd.Process.Signal(syscall.SIGHUP)), loaded(n))
		}
		if n == 3 {
			open, goroutines = s.openFiles(), s.goroutines(c)
		}
	}
	// A client that connects anew at that moment, or a timer, makes a difference of a few.
	if n := strings.Count(s.out.String(), unwatched); n != min(1, len(before)) {
		t.Errorf("%d warnings that files are not watched", n)
	}
	if now := s.openFiles(); now > open+2 {
		t.Errorf("%d descriptors are open, %d before", now, open)
	}
	if now := s.goroutines(c); now > goroutines+2 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
	cancel()
	load.Wait()
	t.Logf("%d changes, %d commands meanwhile\n%s", times, commands.Load(), took)
}

// worker sets and reads a key, and now and then two parameters that change together, until ctx ends. It
// returns how many commands it ran.
func worker(ctx context.Context, t *testing.T, c *redis.Client, key string) (commands int64) {
	for n := 0; ctx.Err() == nil; n++ {
		value := strconv.Itoa(n)
		if err := c.Set(context.Background(), key, value, 0).Err(); err != nil {
			t.Errorf("SET: %v", err)
			return commands
		}
		if got, err := c.Get(context.Background(), key).Result(); err != nil || got != value {
			t.Errorf("GET: %q, %v, want %s", got, err, value)
			return commands
		}
		commands += 2
		if n%16 > 0 {
			continue
		}
		m, err := c.Do(context.Background(), "CONFIG", "GET", "maxclients", "slowlog-max-len").Result()
		pair, _ := m.(map[any]any)
		a, _ := strconv.Atoi(fmt.Sprint(pair["maxclients"]))
		b, _ := strconv.Atoi(fmt.Sprint(pair["slowlog-max-len"]))
		if err != nil || a != b+1000 {
			t.Errorf("half a configuration: %v, %v", m, err)
			return commands
		}
	}
	return commands
}

// configMap is a directory as the kubelet makes it: the file is a link to a link, ..data, which is swapped.
type configMap struct {
	dir, file string
	version   int
}

func newConfigMap(t *testing.T) *configMap {
	t.Helper()
	dir := t.TempDir()
	m := &configMap{dir: dir, file: filepath.Join(dir, "a.yaml")}
	if err := errors.Join(m.swap(m.text(0)), os.Symlink(filepath.Join("..data", "a.yaml"), m.file)); err != nil {
		t.Fatal(err)
	}
	return m
}

// text is version n.
func (m *configMap) text(n int) string {
	return fmt.Sprintf("server: {maxclients: %d}\nobserve: {slowlog: {max: %d}}\n", 1000+n, n)
}

// target is the file behind the links.
func (m *configMap) target() string { return filepath.Join(m.dir, "..data", "a.yaml") }

// swap makes a directory with the file and lets ..data lead to it; the one before is removed.
func (m *configMap) swap(text string) error {
	m.version++
	name, data := fmt.Sprintf("..v%d", m.version), filepath.Join(m.dir, "..data")
	old, _ := os.Readlink(data)
	err := errors.Join(
		os.Mkdir(filepath.Join(m.dir, name), 0o755),
		os.WriteFile(filepath.Join(m.dir, name, "a.yaml"), []byte(text), 0o600),
		os.Symlink(name, data+"_tmp"), os.Rename(data+"_tmp", data))
	if old != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Join(m.dir, old)))
	}
	return err
}

// replace gives another file the name.
func replace(file, text string) error {
	return errors.Join(os.WriteFile(file+".new", []byte(text), 0o600), os.Rename(file+".new", file))
}

// timings are durations by what took them.
type timings map[string][]time.Duration

// String is a table: how many, the median, the 99th percentile, the longest.
func (m timings) String() string {
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(m)) {
		d := slices.Sorted(slices.Values(m[kind]))
		at := func(q float64) time.Duration { return d[int(q*float64(len(d)-1)+0.5)].Round(time.Millisecond) }
		fmt.Fprintf(&b, "%-28s %4d  median %6v  p99 %6v  max %6v\n", kind, len(d), at(0.5), at(0.99), at(1))
	}
	return b.String()
}

// openFiles is how many files and sockets the server has open, 0 where the system does not tell.
func (s *instance) openFiles() int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.cmd.Process.Pid))
	return len(list)
}

// goroutines is how many the server has.
func (s *instance) goroutines(c *redis.Client) int {
	info, err := c.Info(s.t.Context(), "reredis").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(info, "\ngoroutines:")
	text, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// size is how much was written.
func (l *lockedBuffer) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Len()
}

// has reports whether a text was written behind an offset.
func (l *lockedBuffer) has(from int, text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.b.Bytes()[from:], []byte(text))
}
