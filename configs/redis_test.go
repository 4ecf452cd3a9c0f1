package configs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redisServer starts a redis-server 7.0 on a free port, or skips the test.
func redisServer(t *testing.T) *redisConn {
	t.Helper()
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("there is no redis-server")
	}
	if v, _ := exec.Command(bin, "--version").Output(); !strings.Contains(string(v), "v=7.0.") {
		t.Skipf("not version 7.0: %s", v)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(bin, "--port", port, "--bind", "127.0.0.1", "--dir", t.TempDir(), "--save", "")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if c, err := net.Dial("tcp", addr); err == nil {
			t.Cleanup(func() { c.Close() })
			return &redisConn{t: t, c: c, r: bufio.NewReader(c)}
		}
	}
	t.Fatal("redis-server does not listen")
	return nil
}

// redisConn is a client that knows as much of the protocol as CONFIG needs.
type redisConn struct {
	t *testing.T
	c net.Conn
	r *bufio.Reader
}

// do returns the elements of the reply; an error reply is the error.
func (c *redisConn) do(args ...string) ([]string, error) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(c.c, b.String()); err != nil {
		c.t.Fatal(err)
	}
	return c.read()
}

func (c *redisConn) read() ([]string, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatal(err)
	}
	kind, rest := line[0], strings.TrimSuffix(line[1:], "\r\n")
	switch n, _ := strconv.Atoi(rest); kind {
	case '-':
		return nil, errors.New(rest)
	case '$':
		b := make([]byte, n+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			c.t.Fatal(err)
		}
		return []string{string(b[:n])}, nil
	case '*':
		var out []string
		for range n {
			e, err := c.read()
			if err != nil {
				return nil, err
			}
			out = append(out, e...)
		}
		return out, nil
	default:
		return []string{rest}, nil
	}
}

// configAll is CONFIG GET *.
func (c *redisConn) configAll() map[string]string {
	kv, err := c.do("CONFIG", "GET", "*")
	if err != nil {
		c.t.Fatal(err)
	}
	m := map[string]string{}
	for i := 0; i+1 < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return m
}

// otherDefaults are the values of CONFIG GET that differ from Redis', with the reason.
var otherDefaults = map[string]string{
	"appendonly":                "data survives by default",
	"auto-aof-rewrite-min-size": "a snapshot of the log is cheaper to wait for",
	"bind":                      "only this machine until somebody says otherwise",
	"port":                      "chosen by the test",
	"dir":                       "chosen by the test",
	"save":                      "chosen by the test; ours takes no snapshot by default",
	"appendfsync":               "always is what the log will do by default",
	"unixsocketperm":            "only the owner until somebody says otherwise",
}

// oursOnly are names of CONFIG GET * that Redis 7.0 lacks.
var oursOnly = []string{"compat-version"}

// TestNamesOfRedis: CONFIG GET * has every name of Redis 7.0, with its default.
func TestNamesOfRedis(t *testing.T) {
	redis := redisServer(t).configAll()
	ours := map[string]string{}
	for _, kv := range mustLoad(t, nil, nil).Get([]string{"*"}) {
		ours[kv.Name] = kv.Value
	}
	for name, want := range redis {
		got, ok := ours[name]
		switch {
		case !ok:
			t.Errorf("%s: Redis has it, we do not", name)
		case got != want && otherDefaults[name] == "":
			t.Errorf("%s: default is %q, in Redis %q", name, got, want)
		}
		delete(ours, name)
	}
	for name := range ours {
		if !slices.Contains(oursOnly, name) {
			t.Errorf("%s: we have it, Redis does not", name)
		}
	}
}

// refusedValues are names of which we refuse values that Redis takes, or
// answer with other words, with the reason.
var refusedValues = map[string]string{
	"lfu-decay-time":             "durations end after 292 years",
	"activedefrag":               "memory is not jemalloc's; the text names Redis",
	"tls-":                       "there is no TLS yet: only the defaults of what would turn it on",
	"maxmemory":                  "sizes end at 2^63-1",
	"cluster-link-sendbuf-limit": "sizes end at 2^63-1",
	"slowlog-log-slower-than":    "durations end after 292 years",
	"latency-monitor-threshold":  "durations end after 292 years",
	"save":                       "Redis reads \"1 \" as 1 0",
	"loglevel":                   "nothing is a level, as in Redis 7.2",
}

// notCompared are names whose CONFIG SET in the real server would end the test.
var notCompared = []string{"port", "bind", "requirepass", "dir", "maxclients", "tls-port", "tls-cluster", "tls-replication"}

var values = []string{
	"", "0", "1", "-1", "5", "10", "99", "100", "101", "500", "70000", "2147483647", "2147483648", "-2147483649",
	"9223372036854775807", "9223372036854775808", "1048576", "1mb", "1m", "2GB", "1kib", "10%", "200%", "007", "+1", " 1", "1 ", "1.5",
	"yes", "no", "YES", "on", "abc", "a/b", "a b", "KEA", "xyz", "local", "default", "nosave now", "save nosave", "now nosave force",
	"notice", "nothing", "always", "everysec", "3600 1", "3600 1 60 x", "0 1", "normal 1kb 2kb 3", "slave 1 2 3 replica 4 5 6", "normal 1 2", "master 1 2 3",
	"50 99.9", "101", "-2000 0 2000", "1 2 3", "{title} x", "{nope}", "relative", "absolute", "clients", "volatile-lru", "allchannels", "host.name", "a_b",
}

// TestSetAsRedis sets many values of every parameter here and in Redis and
// compares the errors and what CONFIG GET returns then.
func TestSetAsRedis(t *testing.T) {
	redis := redisServer(t)
	s := mustLoad(t, []string{"--save", ""}, nil)
	before := redis.configAll()
	compared := 0
	for name, was := range before {
		if slices.Contains(notCompared, name) {
			continue
		}
		bad := 0
		s.Set([]KV{{name, was}}, "default", true)
		for _, v := range values {
			_, want := redis.do("CONFIG", "SET", name, v)
			got := s.Set([]KV{{name, v}}, "default", false)
			wantGet, _ := redis.do("CONFIG", "GET", name)
			gotGet := s.Get([]string{name})
			compared++
			if fmt.Sprint(got) != fmt.Sprint(want) || gotGet[0].Value != wantGet[1] && !fixedHere(name) {
				if bad++; bad <= 5 && refusedValues[name] == "" && !strings.HasPrefix(name, "tls-") {
					t.Errorf("CONFIG SET %s %q: %v (Redis: %v), then %q (Redis: %q)", name, v, got, want, gotGet[0].Value, wantGet[1])
				}
			}
		}
		redis.do("CONFIG", "SET", name, was)
		s.Set([]KV{{name, was}}, "default", true)
	}
	t.Logf("%d values compared", compared)
}

// fixedHere reports whether a value cannot be set, so that only errors are compared.
func fixedHere(name string) bool {
	p, _ := theTable().lookup(name)
	return p.Flags.Has(Immutable)
}
