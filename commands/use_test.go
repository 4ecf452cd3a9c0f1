package commands_test

import (
	"strings"
	"testing"

	"github.com/reredis/reredis/keyspace"
)

// TestFreqLikeRedis runs commands under an LFU policy whose counter counts every use,
// and compares what OBJECT FREQ says of each key afterwards. GETSET and SET GET are left
// out: Redis counts them as two uses.
func TestFreqLikeRedis(t *testing.T) {
	theirs := newRemote(t)
	r := newRig(t)
	ours := r.connect()
	r.space.SetLimit(keyspace.Limit{Policy: keyspace.AllKeysLFU})
	for _, p := range []string{"maxmemory 1gb", "maxmemory-policy allkeys-lfu", "lfu-log-factor 0", "lfu-decay-time 0"} {
		theirs.do(strings.Fields("CONFIG SET " + p)...)
	}
	keys := []string{"k", "n", "l", "e", "x", "b", "none"}
	for _, line := range []string{
		"GET k", "MGET k none n", "STRLEN k", "GETRANGE k 0 1", "GETBIT k 1", "LCS k l", "EXISTS k none n", "TYPE k", "TTL k",
		"EXPIRETIME e", "TOUCH k none", "OBJECT ENCODING k", "OBJECT FREQ k", "SET k v", "SET none v", "SET k v XX", "SET k v NX",
		"SET k v KEEPTTL", "SET k a-much-longer-value-than-there-was-before", "SET k 12", "SETNX k v", "SETNX x v",
		"SETEX k 100 v", "PSETEX e 100000 v", "GETEX k", "GETEX k EX 100", "GETDEL k", "MSET k v none v", "MSETNX k v x v",
		"APPEND k x", "APPEND none x", "APPEND n 5", "SETRANGE k 1 x", "SETRANGE k 100 x", "INCR n", "INCR none", "DECRBY n 3",
		"INCRBYFLOAT n 1", "SETBIT k 1 1", "SETBIT b 1 1", "EXPIRE k 100", "PERSIST e", "EXPIRE e 1000", "RENAME k x", "RENAME k l",
		"RENAMENX k x", "RENAMENX k l", "COPY k x", "COPY k l", "COPY k l REPLACE", "MOVE k 1", "KEYS *", "SCAN 0", "MEMORY USAGE k",
		"DEBUG OBJECT k",
	} {
		for _, s := range []server{ours, theirs} {
			for _, cmd := range []string{"FLUSHALL", "MSET k value n 12 l x", "SETEX e 100 v", "GET k", "GET k", line} {
				s.do(strings.Fields(cmd)...)
			}
		}
		for _, key := range keys {
			got, want := show(ours.do("OBJECT", "FREQ", key)), show(theirs.do("OBJECT", "FREQ", key))
			if got != want {
				t.Errorf("%s: OBJECT FREQ %s is %s, of Redis %s", line, key, got, want)
			}
		}
	}
}

// TestUseByPolicy: which of OBJECT FREQ and OBJECT IDLETIME answers, and whether small
// numbers are shared, follows the policy, as in Redis.
func TestUseByPolicy(t *testing.T) {
	theirs := newRemote(t)
	r := newRig(t)
	ours := r.connect()
	for _, maxMemory := range []string{"0", "1000000000"} {
		theirs.do("CONFIG", "SET", "maxmemory", maxMemory)
		for _, name := range []string{
			"noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		} {
			policy, ok := keyspace.ParsePolicy(name)
			if !ok || policy.String() != name {
				t.Fatalf("%s is %s", name, policy)
			}
			l := keyspace.Limit{Policy: policy, LFULogFactor: 10, LFUDecayMinutes: 1}
			if maxMemory != "0" {
				l.Max = 1_000_000_000
			}
			r.space.SetLimit(l)
			theirs.do("CONFIG", "SET", "maxmemory-policy", name)
			for _, line := range []string{
				"FLUSHALL", "SET k 7", "SET s text", "OBJECT FREQ s", "OBJECT IDLETIME s", "OBJECT FREQ none", "OBJECT IDLETIME none",
				"OBJECT REFCOUNT k", "OBJECT REFCOUNT s",
			} {
				got, want := show(ours.do(strings.Fields(line)...)), show(theirs.do(strings.Fields(line)...))
				if got != want {
					t.Errorf("maxmemory %s, %s: %s answers %s, Redis %s", maxMemory, name, line, got, want)
				}
			}
			f, g := infoFieldsOf(ours.do("INFO", "memory")), infoFieldsOf(theirs.do("INFO", "memory"))
			for _, field := range []string{"maxmemory", "maxmemory_human", "maxmemory_policy", "mem_not_counted_for_evict"} {
				if f[field] != g[field] {
					t.Errorf("maxmemory %s, %s: %s is %s, of Redis %s", maxMemory, name, field, f[field], g[field])
				}
			}
		}
	}
}
