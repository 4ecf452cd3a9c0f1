package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// families are the command families, each tried through go-redis on an empty
// server that it has for itself.
var families = []struct {
	name string
	run  func(t *testing.T, c *redis.Client, s *instance)
}{
	{"strings", tryStrings},
	{"counters", tryCounters},
	{"string errors", tryStringErrors},
	{"keys", tryKeys},
	{"expiry", tryExpiry},
	{"databases", tryDatabases},
	{"scan", tryScan},
	{"connection", tryConnection},
	{"client list and kill", tryClients},
	{"server", tryServer},
	{"commands", tryCommands},
	{"pipelines", tryPipelines},
	{"transactions", tryTransactions},
	{"messages", tryMessages},
	{"events", tryEvents},
	{"large values", tryLargeValues},
	{"many connections", tryManyConnections},
}

func TestGoRedis(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			for _, proto := range []int{2, 3} {
				t.Run(fmt.Sprintf("RESP%d", proto), func(t *testing.T) {
					for _, f := range families {
						t.Run(f.name, func(t *testing.T) {
							c := s.client(t, func(o *redis.Options) { o.Protocol = proto })
							is(t, "OK")(c.FlushAll(t.Context()).Result())
							f.run(t, c, s)
						})
					}
				})
			}
		})
	}
}

func tryStrings(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	binary := "\x00\r\n\xff$-1\r\n"
	is(t, "OK")(c.Set(ctx, "k", binary, 0).Result())
	is(t, binary)(c.Get(ctx, "k").Result())
	missing[string](t)(c.Get(ctx, "none").Result())

	is(t, false)(c.SetNX(ctx, "k", "x", 0).Result())
	is(t, true)(c.SetNX(ctx, "nx", "x", time.Minute).Result())
	is(t, time.Minute)(c.TTL(ctx, "nx").Result())
	is(t, true)(c.SetXX(ctx, "k", "new", 0).Result())
	missing[string](t)(c.SetArgs(ctx, "none", "x", redis.SetArgs{Mode: "XX"}).Result())
	is(t, "new")(c.SetArgs(ctx, "k", "newer", redis.SetArgs{Get: true, TTL: time.Hour}).Result())
	is(t, "OK")(c.SetArgs(ctx, "k", "newest", redis.SetArgs{KeepTTL: true}).Result())
	is(t, time.Hour)(c.TTL(ctx, "k").Result())
	is(t, any("newest"))(c.Do(ctx, "GETSET", "k", "plain").Result())
	is(t, time.Duration(-1))(c.TTL(ctx, "k").Result())

	is(t, "plain")(c.GetEx(ctx, "k", time.Hour).Result())
	is(t, time.Hour)(c.TTL(ctx, "k").Result())
	is(t, "plain")(c.GetEx(ctx, "k", 0).Result()) // PERSIST
	is(t, time.Duration(-1))(c.TTL(ctx, "k").Result())
	is(t, "plain")(c.GetDel(ctx, "k").Result())
	missing[string](t)(c.GetDel(ctx, "k").Result())

	is(t, "OK")(c.MSet(ctx, "a", "1", "b", "2").Result())
	is(t, []any{"1", nil, "2"})(c.MGet(ctx, "a", "none", "b").Result())
	is(t, false)(c.MSetNX(ctx, "a", "9", "c", "9").Result())
	is(t, true)(c.MSetNX(ctx, "c", "3", "d", "4").Result())
	is(t, int64(3))(c.Exists(ctx, "a", "c", "d", "none").Result())

	is(t, int64(5))(c.Append(ctx, "s", "Hello").Result())
	is(t, int64(11))(c.Append(ctx, "s", " World").Result())
	is(t, int64(11))(c.StrLen(ctx, "s").Result())
	is(t, "World")(c.GetRange(ctx, "s", -5, -1).Result())
	is(t, any("Hello"))(c.Do(ctx, "SUBSTR", "s", 0, 4).Result())
	is(t, int64(11))(c.SetRange(ctx, "s", 6, "Redis").Result())
	is(t, "Hello Redis")(c.Get(ctx, "s").Result())
	is(t, int64(4))(c.SetRange(ctx, "padded", 3, "x").Result())
	is(t, "\x00\x00\x00x")(c.Get(ctx, "padded").Result())

	is(t, any("OK"))(c.Do(ctx, "SETEX", "ex", 60, "v").Result())
	is(t, any("OK"))(c.Do(ctx, "PSETEX", "px", 60000, "v").Result())
	is(t, time.Minute)(c.TTL(ctx, "px").Result())

	is(t, "OK")(c.MSet(ctx, "l1", "ohmytext", "l2", "mynewtext").Result())
	lcs, err := c.LCS(ctx, &redis.LCSQuery{Key1: "l1", Key2: "l2"}).Result()
	if err != nil || lcs.MatchString != "mytext" {
		t.Errorf("LCS: %+v, %v", lcs, err)
	}
	lcs, err = c.LCS(ctx, &redis.LCSQuery{Key1: "l1", Key2: "l2", Idx: true, MinMatchLen: 4, WithMatchLen: true}).Result()
	if err != nil || lcs.Len != 6 || len(lcs.Matches) != 1 || lcs.Matches[0].MatchLen != 4 ||
		lcs.Matches[0].Key1 != (redis.LCSPosition{Start: 4, End: 7}) {
		t.Errorf("LCS IDX: %+v, %v", lcs, err)
	}
}

func tryCounters(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	is(t, int64(1))(c.Incr(ctx, "n").Result())
	is(t, int64(11))(c.IncrBy(ctx, "n", 10).Result())
	is(t, int64(10))(c.Decr(ctx, "n").Result())
	is(t, int64(-5))(c.DecrBy(ctx, "n", 15).Result())
	is(t, "int")(c.ObjectEncoding(ctx, "n").Result())
	is(t, -4.5)(c.IncrByFloat(ctx, "n", 0.5).Result())
	is(t, "-4.5")(c.Get(ctx, "n").Result())
	fails[int64](t, "ERR value is not an integer or out of range")(c.Incr(ctx, "n").Result())
	is(t, "OK")(c.Set(ctx, "max", "9223372036854775807", 0).Result())
	fails[int64](t, "ERR increment or decrement would overflow")(c.Incr(ctx, "max").Result())
	is(t, "OK")(c.Set(ctx, "float", "3.0e3", time.Hour).Result())
	is(t, 3200.0)(c.IncrByFloat(ctx, "float", 200).Result())
	is(t, time.Hour)(c.TTL(ctx, "float").Result())
}

func tryStringErrors(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	is(t, "OK")(c.Set(ctx, "k", "v", 0).Result())
	for _, e := range []struct {
		text string
		args []any
	}{
		{"ERR syntax error", []any{"SET", "k", "v", "NX", "XX"}},
		{"ERR syntax error", []any{"SET", "k", "v", "EX", "1", "PX", "1"}},
		{"ERR invalid expire time in 'set' command", []any{"SET", "k", "v", "EX", "0"}},
		{"ERR invalid expire time in 'getex' command", []any{"GETEX", "k", "PX", "-5"}},
		{"ERR value is not an integer or out of range", []any{"SET", "k", "v", "EX", "soon"}},
		{"ERR value is not an integer or out of range", []any{"INCRBY", "k", "1.5"}},
		{"ERR value is not a valid float", []any{"INCRBYFLOAT", "k", "1"}},
		{"ERR offset is out of range", []any{"SETRANGE", "k", "-1", "x"}},
		{"ERR string exceeds maximum allowed size (proto-max-bulk-len)", []any{"SETRANGE", "k", "536870912", "x"}},
		{"ERR wrong number of arguments for 'mset' command", []any{"MSET", "a", "1", "b"}},
		{"ERR wrong number of arguments for 'get' command", []any{"GET"}},
		{"ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ", []any{"NOSUCH", "a", "b"}},
		{"ERR unknown subcommand 'nosuch'. Try CLIENT HELP.", []any{"CLIENT", "nosuch"}},
		{"ERR wrong number of arguments for 'client|kill' command", []any{"CLIENT", "KILL"}},
	} {
		fails[any](t, e.text)(c.Do(ctx, e.args...).Result())
	}
	is(t, "v")(c.Get(ctx, "k").Result())
}

func tryKeys(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	is(t, "OK")(c.MSet(ctx, "a", "1", "b", "2", "c", "3", "d", "4").Result())
	is(t, int64(2))(c.Del(ctx, "a", "b", "none").Result())
	is(t, int64(1))(c.Unlink(ctx, "c").Result())
	is(t, int64(2))(c.Exists(ctx, "d", "d", "a").Result())
	is(t, int64(1))(c.Touch(ctx, "d", "none").Result())
	is(t, "string")(c.Type(ctx, "d").Result())
	is(t, "none")(c.Type(ctx, "none").Result())
	is(t, int64(1))(c.DBSize(ctx).Result())
	is(t, "d")(c.RandomKey(ctx).Result())

	is(t, "OK")(c.Rename(ctx, "d", "e").Result())
	fails[string](t, "ERR no such key")(c.Rename(ctx, "d", "e").Result())
	is(t, "OK")(c.Set(ctx, "f", "5", 0).Result())
	is(t, false)(c.RenameNX(ctx, "e", "f").Result())
	is(t, true)(c.RenameNX(ctx, "e", "g").Result())
	is(t, int64(0))(c.Copy(ctx, "f", "g", 0, false).Result())
	is(t, int64(1))(c.Copy(ctx, "f", "g", 0, true).Result())
	is(t, "5")(c.Get(ctx, "g").Result())

	is(t, "OK")(c.MSet(ctx, "user:1", "", "user:2", "", "user:[", "").Result())
	keys, err := c.Keys(ctx, "user:?").Result()
	slices.Sort(keys)
	is(t, []string{"user:1", "user:2", "user:["})(keys, err)
	is(t, []string{"user:["})(c.Keys(ctx, `user:\[`).Result())
	is(t, []string{})(c.Keys(ctx, "nobody*").Result())

	is(t, "OK")(c.MSet(ctx, "int", "12", "short", "x", "long", strings.Repeat("x", 45)).Result())
	for key, want := range map[string]string{"int": "int", "short": "embstr", "long": "raw"} {
		is(t, want)(c.ObjectEncoding(ctx, key).Result())
	}
	missing[string](t)(c.ObjectEncoding(ctx, "none").Result())
	is(t, time.Duration(0))(c.ObjectIdleTime(ctx, "short").Result())
	is(t, int64(1))(c.ObjectRefCount(ctx, "short").Result())
	is(t, "OK")(c.FlushDB(ctx).Result())
	is(t, int64(0))(c.DBSize(ctx).Result())
	missing[string](t)(c.RandomKey(ctx).Result())
}

func tryExpiry(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	is(t, "OK")(c.Set(ctx, "k", "v", 0).Result())
	is(t, time.Duration(-2))(c.TTL(ctx, "none").Result())
	is(t, time.Duration(-1))(c.PTTL(ctx, "k").Result())
	is(t, false)(c.Expire(ctx, "none", time.Hour).Result())
	is(t, false)(c.ExpireXX(ctx, "k", time.Hour).Result())
	is(t, true)(c.ExpireNX(ctx, "k", time.Hour).Result())
	is(t, false)(c.ExpireGT(ctx, "k", time.Minute).Result())
	is(t, true)(c.ExpireLT(ctx, "k", time.Minute).Result())
	is(t, time.Minute)(c.TTL(ctx, "k").Result())
	is(t, true)(c.Persist(ctx, "k").Result())
	is(t, false)(c.Persist(ctx, "k").Result())

	at := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	is(t, true)(c.PExpireAt(ctx, "k", at).Result())
	is(t, time.Duration(at.UnixMilli())*time.Millisecond)(c.PExpireTime(ctx, "k").Result())
	is(t, true)(c.ExpireAt(ctx, "k", at).Result())
	is(t, time.Duration(at.Unix())*time.Second)(c.ExpireTime(ctx, "k").Result())
	fails[any](t, "ERR NX and XX, GT or LT options at the same time are not compatible")(c.Do(ctx, "EXPIRE", "k", 10, "NX", "GT").Result())

	is(t, true)(c.Expire(ctx, "k", -time.Second).Result()) // in the past: deleted
	is(t, int64(0))(c.Exists(ctx, "k").Result())

	is(t, "OK")(c.Set(ctx, "soon", "v", 20*time.Millisecond).Result())
	eventually(t, "a key read after its deadline is gone", func() bool {
		return errors.Is(c.Get(ctx, "soon").Err(), redis.Nil)
	})
	for i := range 100 {
		c.Set(ctx, strconv.Itoa(i), "v", 20*time.Millisecond)
	}
	eventually(t, "keys that nobody reads are removed", func() bool { return c.DBSize(ctx).Val() == 0 })
}

func tryDatabases(t *testing.T, c *redis.Client, s *instance) {
	ctx := t.Context()
	three := s.client(t, func(o *redis.Options) { o.DB, o.Protocol = 3, c.Options().Protocol })
	is(t, "OK")(c.Set(ctx, "k", "zero", 0).Result())
	missing[string](t)(three.Get(ctx, "k").Result())
	is(t, true)(c.Move(ctx, "k", 3).Result())
	is(t, false)(c.Move(ctx, "k", 3).Result())
	is(t, "zero")(three.Get(ctx, "k").Result())
	is(t, int64(1))(three.Copy(ctx, "k", "copy", 0, false).Result())
	is(t, "zero")(c.Get(ctx, "copy").Result())
	is(t, any("OK"))(c.Do(ctx, "SWAPDB", 0, 3).Result())
	is(t, "zero")(three.Get(ctx, "copy").Result())
	is(t, "zero")(c.Get(ctx, "k").Result())
	is(t, "OK")(three.FlushDB(ctx).Result())
	is(t, int64(1))(c.DBSize(ctx).Result())
	is(t, "OK")(c.FlushAllAsync(ctx).Result())
	is(t, int64(0))(c.DBSize(ctx).Result())
	fails[any](t, "ERR DB index is out of range")(c.Do(ctx, "SELECT", 16).Result())
	fails[any](t, "ERR invalid first DB index")(c.Do(ctx, "SWAPDB", "a", 1).Result())
}

func tryScan(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	want := map[string]bool{}
	p := c.Pipeline()
	for i := range 1000 {
		key := fmt.Sprintf("user:%d", i)
		want[key] = true
		p.Set(ctx, key, i, 0)
		p.Set(ctx, fmt.Sprintf("other:%d", i), i, 0)
	}
	if _, err := p.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	for name, it := range map[string]*redis.ScanIterator{
		"match":          c.Scan(ctx, 0, "user:*", 0).Iterator(),
		"match and page": c.Scan(ctx, 0, "user:*", 77).Iterator(),
		"type":           c.ScanType(ctx, 0, "user:*", 50, "string").Iterator(),
	} {
		got := map[string]bool{}
		for it.Next(ctx) {
			got[it.Val()] = true
		}
		if err := it.Err(); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %d of %d keys, %v", name, len(got), len(want), err)
		}
	}
	if it := c.ScanType(ctx, 0, "", 5000, "list").Iterator(); it.Next(ctx) {
		t.Errorf("a list: %s", it.Val())
	}
	keys, cursor, err := c.Scan(ctx, 0, "", 5000).Result()
	if err != nil || cursor != 0 || len(keys) != 2000 {
		t.Errorf("one page: %d keys, cursor %d, %v", len(keys), cursor, err)
	}
	fails[any](t, "ERR invalid cursor")(c.Do(ctx, "SCAN", "x").Result())
	fails[any](t, "ERR syntax error")(c.Do(ctx, "SCAN", 0, "COUNT", 0).Result())
}

func tryConnection(t *testing.T, c *redis.Client, s *instance) {
	ctx := t.Context()
	conn := c.Conn()
	defer conn.Close()
	is(t, "PONG")(conn.Ping(ctx).Result())
	is(t, any("hi"))(conn.Do(ctx, "PING", "hi").Result())
	is(t, "Hello\r\n")(conn.Echo(ctx, "Hello\r\n").Result())
	id, err := conn.ClientID(ctx).Result()
	if err != nil || id <= 0 {
		t.Errorf("CLIENT ID: %d, %v", id, err)
	}
	missing[string](t)(conn.ClientGetName(ctx).Result())
	is(t, true)(conn.ClientSetName(ctx, "me").Result())
	is(t, "me")(conn.ClientGetName(ctx).Result())
	fails[any](t, "ERR Client names cannot contain spaces, newlines or special characters.")(conn.Do(ctx, "CLIENT", "SETNAME", "a b").Result())
	info, err := conn.ClientInfo(ctx).Result()
	if err != nil || info.ID != id || info.Name != "me" || info.LastCmd != "client|info" || info.DB != 0 {
		t.Errorf("CLIENT INFO: %+v, %v", info, err)
	}
	is(t, any("OK"))(conn.Do(ctx, "CLIENT", "NO-EVICT", "on").Result())

	hello, err := conn.Do(ctx, "HELLO").Result()
	if proto := field(hello, "proto"); err != nil || proto != int64(c.Options().Protocol) || field(hello, "id") != id {
		t.Errorf("HELLO: %v, %v", hello, err)
	}
	fails[any](t, "NOPROTO unsupported protocol version")(conn.Do(ctx, "HELLO", 4).Result())
	is(t, any("RESET"))(conn.Do(ctx, "RESET").Result())
	missing[string](t)(conn.ClientGetName(ctx).Result())
	is(t, any("OK"))(conn.Do(ctx, "QUIT").Result())

	w := s.wire(t)
	w.send("CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nCLIENT REPLY SKIP\r\nPING\r\nECHO end\r\nQUIT\r\n")
	if got, want := w.rest(), "+OK\r\n$3\r\nend\r\n+OK\r\n"; got != want {
		t.Errorf("CLIENT REPLY: got %q, want %q", got, want)
	}
}

// field returns a value of a reply to HELLO: a map in RESP3, pairs in RESP2.
func field(reply any, name string) any {
	switch m := reply.(type) {
	case map[any]any:
		return m[name]
	case []any:
		if i := slices.Index(m, any(name)); i >= 0 && i+1 < len(m) {
			return m[i+1]
		}
	}
	return nil
}

func tryClients(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	var victims [3]*redis.Conn
	var ids [3]int64
	for i := range victims {
		victims[i] = c.Conn()
		defer victims[i].Close()
		is(t, true)(victims[i].ClientSetName(ctx, fmt.Sprintf("victim-%d", i)).Result())
		ids[i] = victims[i].ClientID(ctx).Val()
	}
	list := func() string { return c.ClientList(ctx).Val() }
	for i := range victims {
		if want := fmt.Sprintf(" name=victim-%d ", i); !strings.Contains(list(), want) {
			t.Errorf("no %q in CLIENT LIST:\n%s", want, list())
		}
	}
	one, err := c.Do(ctx, "CLIENT", "LIST", "ID", ids[1]).Text()
	if err != nil || strings.Count(one, "\n") != 1 || !strings.HasPrefix(one, fmt.Sprintf("id=%d addr=", ids[1])) {
		t.Errorf("CLIENT LIST ID: %q, %v", one, err)
	}
	_, after, _ := strings.Cut(one, " addr=")
	addr, _, _ := strings.Cut(after, " ")
	is(t, int64(1))(c.ClientKillByFilter(ctx, "ID", strconv.FormatInt(ids[0], 10)).Result())
	is(t, "OK")(c.ClientKill(ctx, addr).Result())
	fails[string](t, "ERR No such client")(c.ClientKill(ctx, addr).Result())
	for i := range 2 {
		eventually(t, "a killed client is gone", func() bool { return !strings.Contains(list(), fmt.Sprintf("name=victim-%d ", i)) })
	}
	is(t, int64(0))(c.ClientKillByFilter(ctx, "ID", strconv.FormatInt(ids[0], 10)).Result())
	is(t, "victim-2")(victims[2].ClientGetName(ctx).Result())
	if n, err := c.ClientKillByFilter(ctx, "TYPE", "normal", "SKIPME", "yes").Result(); err != nil || n < 1 {
		t.Errorf("CLIENT KILL TYPE normal: %d, %v", n, err)
	}
	eventually(t, "only the killer is left", func() bool { return strings.Count(list(), "\n") == 1 })
	fails[any](t, "ERR client-id should be greater than 0")(c.Do(ctx, "CLIENT", "KILL", "ID", "-1").Result())
}

func tryServer(t *testing.T, c *redis.Client, s *instance) {
	ctx := t.Context()
	is(t, "OK")(c.Set(ctx, "k", "v", time.Hour).Result())
	is(t, "OK")(c.ConfigResetStat(ctx).Result())
	c.Get(ctx, "k")
	c.Get(ctx, "none")
	c.Do(ctx, "INCR", "k")
	info, err := c.InfoMap(ctx, "everything").Result()
	if err != nil {
		t.Fatal(err)
	}
	for section, fields := range map[string]map[string]string{
		"Server":       {"redis_version": "7.0.15", "redis_mode": "standalone", "tcp_port": s.port, "process_id": strconv.Itoa(s.cmd.Process.Pid)},
		"Clients":      {"blocked_clients": "0"},
		"Stats":        {"keyspace_hits": "1", "keyspace_misses": "1", "total_error_replies": "1"},
		"Replication":  {"role": "master", "connected_slaves": "0"},
		"Keyspace":     {"db0": "keys=1,expires=1,"},
		"Errorstats":   {"errorstat_ERR": "count=1"},
		"Commandstats": {"cmdstat_get": "calls=2,"},
	} {
		for name, want := range fields {
			if got := info[section][name]; !strings.HasPrefix(got, want) {
				t.Errorf("INFO %s: %s is %q, want %q", section, name, got, want)
			}
		}
	}
	if used, _ := strconv.Atoi(info["Memory"]["used_memory"]); used <= 0 {
		t.Errorf("used_memory is %q", info["Memory"]["used_memory"])
	}
	if got := c.Info(ctx, "server").Val(); !strings.HasPrefix(got, "# Server\r\nredis_version:") || strings.Contains(got, "# Clients") {
		t.Errorf("INFO server: %q", got)
	}

	now, err := c.Time(ctx).Result()
	if d := time.Since(now); err != nil || d < -time.Minute || d > time.Minute {
		t.Errorf("TIME: %v, %v", now, err)
	}

	is(t, map[string]string{"maxmemory-policy": "noeviction"})(c.ConfigGet(ctx, "maxmemory-policy").Result())
	old := c.ConfigGet(ctx, "slowlog-log-slower-than").Val()
	is(t, "OK")(c.ConfigSet(ctx, "slowlog-log-slower-than", "12345").Result())
	is(t, map[string]string{"slowlog-log-slower-than": "12345"})(c.ConfigGet(ctx, "slowlog-log-slower-t*").Result())
	is(t, "OK")(c.ConfigSet(ctx, "slowlog-log-slower-than", old["slowlog-log-slower-than"]).Result())
	is(t, map[string]string{})(c.ConfigGet(ctx, "no-such-parameter").Result())
	fails[string](t, "ERR Unknown option or number of arguments for CONFIG SET - 'no-such-parameter'")(c.ConfigSet(ctx, "no-such-parameter", "1").Result())
	is(t, "OK")(c.FunctionFlush(ctx).Result())

	is(t, "OK")(c.ConfigSet(ctx, "maxmemory", "1").Result())
	fails[string](t, "OOM command not allowed when used memory > 'maxmemory'.")(c.Set(ctx, "k", "v", 0).Result())
	is(t, "OK")(c.ConfigSet(ctx, "maxmemory", "0").Result())
	is(t, "OK")(c.Set(ctx, "k", "v", 0).Result())
}

func tryCommands(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	all, err := c.Command(ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	set := all["set"]
	if set == nil || set.Arity != -3 || set.FirstKeyPos != 1 || set.LastKeyPos != 1 || set.ReadOnly || !slices.Contains(set.Flags, "denyoom") {
		t.Errorf("COMMAND says of SET: %+v", set)
	}
	count, err := c.Do(ctx, "COMMAND", "COUNT").Int()
	if err != nil || count != len(all) {
		t.Errorf("COMMAND COUNT: %d, %v; COMMAND has %d", count, err, len(all))
	}
	is(t, []string{"a", "b"})(c.CommandGetKeys(ctx, "MSET", "a", "1", "b", "2").Result())
	is(t, []redis.KeyFlags{{Key: "k", Flags: []string{"RW", "access", "update"}}})(c.CommandGetKeysAndFlags(ctx, "GETSET", "k", "v").Result())
	fails[[]string](t, "ERR The command has no key arguments")(c.CommandGetKeys(ctx, "PING", "hi").Result())
	list, err := c.CommandList(ctx, &redis.FilterBy{Pattern: "incr*"}).Result()
	slices.Sort(list)
	is(t, []string{"incr", "incrby", "incrbyfloat"})(list, err)
	docs, err := c.Do(ctx, "COMMAND", "DOCS", "getex").Result()
	if err != nil || !strings.Contains(fmt.Sprint(docs), "persist") {
		t.Errorf("COMMAND DOCS: %v, %v", docs, err)
	}
}

func tryPipelines(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	const n = 10_000
	p := c.Pipeline()
	for i := range n {
		p.Set(ctx, strconv.Itoa(i), i, 0)
	}
	gets := make([]*redis.StringCmd, n)
	for i := range n {
		gets[i] = p.Get(ctx, strconv.Itoa(i))
	}
	bad := p.Do(ctx, "INCRBY", "1", "x")
	last := p.Ping(ctx)
	if _, err := p.Exec(ctx); err == nil || err.Error() != "ERR value is not an integer or out of range" {
		t.Errorf("EXEC: %v", err)
	}
	for i, g := range gets {
		if v, err := g.Int(); err != nil || v != i {
			t.Fatalf("GET %d: %v, %v", i, v, err)
		}
	}
	if bad.Err() == nil || last.Val() != "PONG" {
		t.Errorf("an error among replies: %v, %v", bad.Err(), last)
	}
}

func tryLargeValues(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	for _, size := range []int{1 << 10, 16<<10 - 1, 64 << 10, 1<<20 + 1, 20 << 20} {
		v := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		is(t, "OK")(c.Set(ctx, "big", v, 0).Result())
		if got, err := c.Get(ctx, "big").Result(); got != v || err != nil {
			t.Fatalf("%d bytes came back as %d, %v", size, len(got), err)
		}
		is(t, int64(size+1))(c.Append(ctx, "big", "!").Result())
		is(t, "!")(c.GetRange(ctx, "big", -1, -1).Result())
		key := v[:min(size, 1<<20)]
		is(t, "OK")(c.Set(ctx, key, "long key", 0).Result())
		is(t, "long key")(c.Get(ctx, key).Result())
	}
}

func tryManyConnections(t *testing.T, c *redis.Client, s *instance) {
	ctx := t.Context()
	const clients, each = 50, 100
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			own := s.client(t, func(o *redis.Options) { o.PoolSize, o.Protocol = 1, c.Options().Protocol })
			key := fmt.Sprintf("own:%d", i)
			for n := range each {
				own.Incr(ctx, "shared")
				if got, err := own.Append(ctx, key, "x").Result(); err != nil || got != int64(n+1) {
					t.Errorf("APPEND: %d, %v; want %d", got, err, n+1)
				}
			}
		})
	}
	wg.Wait()
	is(t, clients*each)(c.Get(ctx, "shared").Int())
}

func TestPassword(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--requirepass", "secret")
			for proto := range 2 {
				dial := func(user, password string) *redis.Client {
					return s.client(t, func(o *redis.Options) { o.Protocol, o.Username, o.Password = proto+2, user, password })
				}
				ctx := t.Context()
				is(t, "PONG")(dial("", "secret").Ping(ctx).Result())
				is(t, "PONG")(dial("default", "secret").Ping(ctx).Result())
				fails[string](t, "NOAUTH Authentication required.")(dial("", "").Get(ctx, "k").Result())
				wrong := "WRONGPASS invalid username-password pair or user is disabled."
				fails[string](t, wrong)(dial("", "guess").Get(ctx, "k").Result())
				fails[string](t, wrong)(dial("nobody", "secret").Get(ctx, "k").Result())
			}
			c := s.client(t, func(o *redis.Options) { o.Password = "secret" })
			is(t, "OK")(c.ConfigSet(t.Context(), "requirepass", "").Result())
			is(t, "PONG")(s.client(t).Ping(t.Context()).Result())
		})
	}
}

func TestUnixSocketAndIPv6(t *testing.T) {
	bind := []string{"--bind", "127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		bind = append(bind, "::1")
	} else {
		t.Log("no IPv6 here")
	}
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s")
			s := k.launch(t, append([]string{"--unixsocket", path, "--unixsocketperm", "700"}, bind...)...)
			addrs := map[string]string{"unix": path}
			if len(bind) > 2 {
				addrs["tcp"] = net.JoinHostPort("::1", s.port)
			}
			for network, addr := range addrs {
				c := s.client(t, func(o *redis.Options) { o.Network, o.Addr = network, addr })
				is(t, "PONG")(c.Ping(t.Context()).Result())
				info, err := c.Do(t.Context(), "CLIENT", "INFO").Text()
				want := " addr=" + path + ":0 "
				if network == "tcp" {
					want = " laddr=[::1]:" + s.port + " "
				}
				if err != nil || !strings.Contains(info, want) {
					t.Errorf("no %q in CLIENT INFO: %q, %v", want, info, err)
				}
			}
		})
	}
}

func TestShutdown(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			w := s.wire(t)
			w.send("SHUTDOWN NOSAVE\r\nPING\r\n")
			if got := w.rest(); got != "" {
				t.Errorf("SHUTDOWN replied %q", got)
			}
			if code := s.exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}
