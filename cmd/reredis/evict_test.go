package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// info returns one field of INFO as a number.
func info(t testing.TB, c *redis.Client, name string) int64 {
	t.Helper()
	text, err := c.Info(t.Context(), "everything").Result()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(text, "\n"+name+":")
	value, _, _ := strings.Cut(rest, "\r")
	n, err := strconv.ParseInt(value, 10, 64)
	if !ok || err != nil {
		t.Fatalf("INFO has %s:%s", name, value)
	}
	return n
}

// TestMaxMemory sets a limit, meets it with each policy, and lowers it.
func TestMaxMemory(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			c, ctx := s.client(t), t.Context()
			config := func(name, value string) {
				t.Helper()
				if err := c.ConfigSet(ctx, name, value).Err(); err != nil {
					t.Fatal(err)
				}
			}
			value := strings.Repeat("x", 1000)
			for _, policy := range []string{"allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-ttl", "noeviction"} {
				config("maxmemory", "0")
				config("maxmemory-policy", policy)
				is(t, "OK")(c.FlushAll(ctx).Result())
				is(t, "OK")(c.ConfigResetStat(ctx).Result())
				for i := range 20 {
					is(t, "OK")(c.Set(ctx, fmt.Sprintf("due:%d", i), value, 1e13).Result())
				}
				used := info(t, c, "used_memory")
				limit := used + 1<<20
				config("maxmemory", strconv.FormatInt(limit, 10))
				refused := 0
				for i := range 3000 {
					err := c.Set(ctx, fmt.Sprintf("k:%d", i), value, 0).Err()
					if err != nil && err.Error() != "OOM command not allowed when used memory > 'maxmemory'." {
						t.Fatal(err)
					}
					if err != nil {
						refused++
					}
				}
				evicted := info(t, c, "evicted_keys")
				switch {
				case policy == "noeviction" && (evicted > 0 || refused == 0):
					t.Errorf("%s: %d keys went, %d writes were refused", policy, evicted, refused)
				case strings.HasPrefix(policy, "volatile") && (evicted != 20 || refused == 0):
					t.Errorf("%s: %d keys went, %d writes were refused", policy, evicted, refused)
				case strings.HasPrefix(policy, "allkeys") && (evicted == 0 || refused > 0):
					t.Errorf("%s: %d keys went, %d writes were refused", policy, evicted, refused)
				}
				if n := info(t, c, "used_memory"); n > limit+16<<10 {
					t.Errorf("%s: %d bytes are used, the limit is %d", policy, n, limit)
				}
				if policy == "noeviction" && info(t, c, "current_eviction_exceeded_time") == 0 && info(t, c, "total_eviction_exceeded_time") == 0 {
					t.Errorf("%s: no time above the limit was counted", policy)
				}
			}
		})
	}
}

// TestMaxMemoryReads: commands that need no memory make room, too, and are never refused. A limit below what an empty server
// needs refuses every write.
func TestMaxMemoryReads(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--maxmemory-policy", "noeviction")
			c, ctx := s.client(t), t.Context()
			const oom = "OOM command not allowed when used memory > 'maxmemory'."
			if err := c.ConfigSet(ctx, "maxmemory", "1").Err(); err != nil {
				t.Fatal(err)
			}
			fails[string](t, oom)(c.Set(ctx, "k", 1, 0).Result())
			is(t, int64(0))(c.DBSize(ctx).Result())
			if err := c.ConfigSet(ctx, "maxmemory", "0").Err(); err != nil {
				t.Fatal(err)
			}
			is(t, "OK")(c.Set(ctx, "kept", 1, 0).Result())
			is(t, "OK")(c.Set(ctx, "due", 1, 1e13).Result())
			if err := c.Do(ctx, "CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "volatile-ttl").Err(); err != nil {
				t.Fatal(err)
			}
			is(t, "1")(c.Get(ctx, "kept").Result()) // and makes room before
			is(t, int64(0))(c.Exists(ctx, "due").Result())
			is(t, int64(1))(info(t, c, "evicted_keys"), nil)
			fails[string](t, oom)(c.Set(ctx, "kept", 2, 0).Result())
			is(t, int64(1))(c.Del(ctx, "kept").Result())
		})
	}
}

// TestMaxMemoryPushes: a client that tracks hears of the key that went for its read before it has the reply, unless it was
// another goroutine that made room at that moment.
func TestMaxMemoryPushes(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			c := s.client(t)
			for _, read := range []struct{ line, reply string }{
				{"GETBIT big 0", "0"}, {"EXISTS due", "0"}, {"PING", "PONG"}, {"ECHO x", "x"},
			} {
				w := s.wire(t)
				w.resp3()
				w.gets("CLIENT TRACKING on", "OK")
				w.gets("CONFIG SET maxmemory 0", "OK")
				w.gets("SET due x EX 1000", "OK")
				w.gets("GET due", "x")
				limit := info(t, c, "used_memory") - info(t, c, "mem_not_counted_for_evict") + 100<<10
				w.gets(fmt.Sprintf("CONFIG SET maxmemory %d maxmemory-policy volatile-random", limit), "OK")
				w.gets("SETBIT big 1600000 0", "0") // it is let in, and is too much
				w.send(read.line + "\r\n")
				push, reply := words(w.reply()), words(w.reply())
				if k.name != "redis-server" && push == read.reply {
					push, reply = reply, push
				}
				if push != ">[invalidate [due]]" || reply != read.reply {
					t.Errorf("%s: got %s, then %s", read.line, push, reply)
				}
				w.gets("MULTI", "OK")
				w.gets("GET big", "OOM command not allowed when used memory > 'maxmemory'.")
				w.gets("EXEC", "EXECABORT Transaction discarded because of previous errors.")
				is(t, int64(1))(c.Unlink(t.Context(), "big").Result())
				w.Close()
			}
		})
	}
}

// TestMaxMemoryLowered: keys go in the background until the new limit is kept.
func TestMaxMemoryLowered(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--maxmemory-policy", "allkeys-lru")
			c, ctx := s.client(t), t.Context()
			value := strings.Repeat("x", 1000)
			for i := range 20_000 {
				is(t, "OK")(c.Set(ctx, fmt.Sprintf("k:%d", i), value, 0).Result())
			}
			limit := info(t, c, "used_memory") - 10<<20
			if err := c.ConfigSet(ctx, "maxmemory", strconv.FormatInt(limit, 10)).Err(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the new limit is kept", func() bool { return info(t, c, "used_memory") <= limit+64<<10 }) // Redis counts the reply too
			if n := info(t, c, "evicted_keys"); n < 5000 {
				t.Errorf("%d keys went", n)
			}
			eventually(t, "the time above the limit has ended", func() bool { return info(t, c, "current_eviction_exceeded_time") == 0 })
		})
	}
}
