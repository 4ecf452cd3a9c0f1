package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// lastLSN is the last LSN of a server's log, as the tools see it.
func lastLSN(t *testing.T, dir string) string {
	t.Helper()
	_, out, errs := walCommand("inspect", "--dir", dir)
	m := regexp.MustCompile(`(?m)^log +LSN \d+ to (\d+)`).FindStringSubmatch(out)
	if m == nil {
		t.Fatalf("%s%s", out, errs)
	}
	return m[1]
}

// TestReload: what DEBUG RELOAD and LOADAOF read back is what was there, and they log nothing.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	s := durable(t, dir, freePort(t), "loops", "--enable-debug-command", "yes")
	c := s.client(t)
	ctx := t.Context()
	fails[any](t, "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.")(c.Do(ctx, "DEBUG", "RELOAD", "NOW").Result())
	is(t, any("OK"))(c.Do(ctx, "DEBUG", "RELOAD", "NOFLUSH").Result()) // there is no key yet
	w := s.wire(t)
	fill := []string{
		"SET text value", "SET n 41", "INCR n", "SETRANGE raw 0 abc", "SETRANGE big 1048575 x",
		"SET ttl v PXAT 4102444800000", "SET due v PX 1", "SELECT 3", "SET other db", "SWAPDB 3 5", "SELECT 0", "DEL text", "SETBIT bits 7 1",
	}
	for i := range 2000 {
		fill = append(fill, fmt.Sprintf("SET {tag}%d %d", i, i))
	}
	for _, line := range fill {
		w.send(line + "\r\n")
		if v := w.reply(); v.IsError() {
			t.Fatal(line, v)
		}
	}
	digest := func() any { return c.Do(ctx, "DEBUG", "DIGEST").Val() }
	want, lsn := digest(), lastLSN(t, dir)
	for i, how := range []string{"LOADAOF", "RELOAD", "RELOAD NOSAVE", "RELOAD NOFLUSH MERGE", "LOADAOF"} {
		args := []any{"DEBUG"}
		for a := range strings.FieldsSeq(how) {
			args = append(args, a)
		}
		is(t, any("OK"))(c.Do(ctx, args...).Result())
		if got := digest(); got != want {
			t.Errorf("%s: the digest is %v, not %v", how, got, want)
		}
		is(t, "raw")(c.ObjectEncoding(ctx, "raw").Result())
		is(t, int64(4102444800000))(c.Do(ctx, "PEXPIRETIME", "ttl").Int64())
		if i == 2 { // relative changes behind the snapshot
			is(t, int64(6))(c.Append(ctx, "raw", "def").Result())
			want, lsn = digest(), lastLSN(t, dir)
		}
		if now := lastLSN(t, dir); now != lsn {
			t.Errorf("%s: the log ends with LSN %s, not %s: it was logged", how, now, lsn)
		}
	}
	fails[any](t, "ERR Error trying to load the RDB dump")(c.Do(ctx, "DEBUG", "RELOAD", "NOFLUSH").Result())
	if v := watched(t, s, "LOADAOF"); !v.IsNull() {
		t.Errorf("EXEC after the keys were read back: %s", v)
	}
	want = digest()
	s.kill9()
	s = durable(t, dir, s.port, "loops", "--enable-debug-command", "yes")
	if got := s.client(t).Do(ctx, "DEBUG", "DIGEST").Val(); got != want {
		t.Errorf("after kill -9 the digest is %v, not %v", got, want)
	}
}

// watched watches a key, reloads, and returns the reply of EXEC.
func watched(t *testing.T, s *instance, how string) resp.Value {
	t.Helper()
	w := s.wire(t)
	w.send("WATCH n\r\nDEBUG " + how + "\r\nMULTI\r\nGET n\r\nEXEC\r\n")
	for range 4 {
		w.reply()
	}
	return w.reply()
}

// TestReloadBesideW4: while clients write, each reload brings back all that was acknowledged, and nothing twice.
func TestReloadBesideW4(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			s := durable(t, t.TempDir(), freePort(t), driver, "--appendfsync", "everysec", "--enable-debug-command", "yes")
			ctx := t.Context()
			stop := make(chan struct{})
			var wg sync.WaitGroup
			var counts [4]int64
			for i := range counts {
				c := s.client(t)
				wg.Go(func() {
					key := "n" + strconv.Itoa(i)
					for {
						select {
						case <-stop:
							return
						default:
						}
						n, err := c.Incr(ctx, key).Result()
						if err != nil || n != counts[i]+1 {
							t.Errorf("INCR %s: %d after %d, %v", key, n, counts[i], err)
							return
						}
						counts[i] = n
						if n, err := c.Append(ctx, "log"+key, "+").Result(); err != nil || n != counts[i] {
							t.Errorf("APPEND log%s: %d, not %d, %v", key, n, counts[i], err)
							return
						}
					}
				})
			}
			c := s.client(t)
			for i := range 12 {
				is(t, any("OK"))(c.Do(ctx, "DEBUG", []string{"LOADAOF", "RELOAD"}[i%2]).Result())
				if i%5 == 0 {
					c.BgSave(ctx)
				}
			}
			close(stop)
			wg.Wait()
			for i, n := range counts {
				is(t, strconv.FormatInt(n, 10))(c.Get(ctx, "n"+strconv.Itoa(i)).Result())
			}
		})
	}
}

// TestReloadDamagedW7: what can not be read is found before anything is given up.
func TestReloadDamagedW7(t *testing.T) {
	dir := t.TempDir()
	s := durable(t, dir, freePort(t), "loops", "--enable-debug-command", "yes")
	c := s.client(t)
	is(t, "OK")(c.Set(t.Context(), "a", "value", 0).Result())
	is(t, "OK")(c.Save(t.Context()).Result())
	names, err := filepath.Glob(filepath.Join(dir, "snap", "*.rrs"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	b, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2+4096/2] ^= 1
	if err := os.WriteFile(names[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	fails[any](t, "ERR Error trying to load the RDB dump")(c.Do(t.Context(), "DEBUG", "RELOAD", "NOSAVE").Result())
	is(t, "value")(c.Get(t.Context(), "a").Result())
	is(t, any("OK"))(c.Do(t.Context(), "DEBUG", "RELOAD").Result()) // with a new snapshot
	is(t, "value")(c.Get(t.Context(), "a").Result())
}

// TestPopulateIsLogged: what DEBUG POPULATE makes is there after a kill.
func TestPopulateIsLogged(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops", "--enable-debug-command", "yes")
	w := s.wire(t)
	w.send("DEBUG POPULATE 100 single 10\r\nMULTI\r\nSET k v\r\nDEBUG POPULATE 50 multi\r\nEXEC\r\n")
	for range 5 {
		if v := w.reply(); v.IsError() {
			t.Fatal(v)
		}
	}
	digest := s.client(t).Do(t.Context(), "DEBUG", "DIGEST").Val()
	s.kill9()
	c := durable(t, dir, port, "loops", "--enable-debug-command", "yes").client(t)
	is(t, int64(151))(c.DBSize(t.Context()).Result())
	if got := c.Do(t.Context(), "DEBUG", "DIGEST").Val(); got != digest {
		t.Errorf("the digest is %v, not %v", got, digest)
	}
}
