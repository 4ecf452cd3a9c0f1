package commands_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestHitsLikeRedis runs commands on keys that exist and that do not, and compares
// after each what redis-server and ours count as keyspace_hits and keyspace_misses.
func TestHitsLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, line := range []string{
		"GET k", "GET none", "MGET k none n", "STRLEN k", "STRLEN none", "GETRANGE k 0 1", "SUBSTR none 0 1", "GETBIT k 1",
		"GETBIT none 1", "LCS k n", "LCS k none", "EXISTS k none n", "TYPE k", "TYPE none", "TTL k", "PTTL none", "EXPIRETIME e",
		"PEXPIRETIME none", "TOUCH k none", "OBJECT ENCODING k", "OBJECT REFCOUNT none", "OBJECT IDLETIME k", "OBJECT FREQ none",
		"SET k v", "SET w v NX", "SET k v XX", "SET none v XX", "SET k v GET", "SET x v GET", "SET k v NX GET", "SETNX k v", "SETNX y v",
		"SETEX e 100 v", "PSETEX e 100000 v", "GETSET k v", "GETSET z v", "GETEX k", "GETEX none", "GETEX e EX 100", "GETDEL z", "GETDEL none",
		"MSET k v l v", "MSETNX k v m v", "MSETNX o v p v", "APPEND k x", "APPEND q x", "SETRANGE k 1 x", "SETRANGE none 1 ``",
		"INCR n", "INCR r", "DECRBY n 3", "INCRBYFLOAT n 1", "SETBIT k 1 1", "SETBIT s 1 1", "EXPIRE k 100", "EXPIRE none 100",
		"PEXPIREAT k 99999999999999", "PERSIST k", "PERSIST none", "RENAME k t", "RENAME none t", "RENAMENX t k", "RENAMENX l k",
		"COPY k u", "COPY none u", "COPY k u REPLACE", "MOVE u 1", "MOVE none 1", "DEL k none", "UNLINK n none", "RANDOMKEY", "KEYS *",
		"DBSIZE", "INCRBY e 1", "APPEND", "GET",
	} {
		setUp := []string{"FLUSHALL", "MSET k value n 12 l x m y", "SETEX e 100 v", "CONFIG RESETSTAT", strings.ReplaceAll(line, "``", "")}
		var counted [2]string
		for i, s := range []server{ours, theirs} {
			for _, cmd := range setUp {
				s.do(strings.Split(cmd, " ")...)
			}
			f := infoFieldsOf(s.do("INFO", "stats"))
			counted[i] = fmt.Sprintf("%s hits, %s misses", f["keyspace_hits"], f["keyspace_misses"])
		}
		if counted[0] != counted[1] {
			t.Errorf("%s: %s, Redis %s", line, counted[0], counted[1])
		}
	}
}

// TestNoTouch looks at a key's idle time after commands of a client that touches no keys.
func TestNoTouch(t *testing.T) {
	cl := newRig(t).connect()
	cl.expect("SET k v", "+OK", "CLIENT NO-TOUCH ON", "+OK")
	for _, c := range []struct{ line, idle string }{
		{"GET k", "60"},
		{"EXISTS k", "120"},
		{"APPEND none x", "180"},
		{"TOUCH k", "0"},
		{"GETRANGE k 0 1", "60"},
		{"CLIENT NO-TOUCH OFF", "120"},
		{"TYPE k", "180"},
		{"TTL k", "240"},
		{"EXPIRE k 1000", "0"},
		{"OBJECT ENCODING k", "60"},
		{"GET k", "0"},
	} {
		cl.c.SetNow(cl.c.Now() + 60_000)
		cl.do(strings.Fields(c.line)...)
		if got := cl.text("OBJECT IDLETIME k"); got != c.idle {
			t.Errorf("after %s: idle %s s, want %s", c.line, got, c.idle)
		}
	}
}
