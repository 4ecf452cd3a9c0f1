package main

import (
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// changing are commands in an order in which each finds what it is about.
var changing = []string{
	"SET a 1", "SET a 2", "SET a 3 NX", "SET new 3 XX", "SET a 4 XX GET", "SET a 5 KEEPTTL", "SET a 5 EX 1000", "SETEX a 1000 1", "PSETEX a 100000 1",
	"GETSET a 1", "GETSET g 1", "GETDEL g", "GETDEL g",
	"SETNX a 1", "SETNX b 1", "MSET m1 1 m2 2 m3 3", "MSET m1 1 m1 2", "MSETNX m1 1 m4 1", "MSETNX n1 1 n2 2",
	"APPEND a x", "APPEND ap x", "APPEND ap ", "APPEND apnew ", "SETRANGE sr 0 ", "SETRANGE sr 0 abc", "SETRANGE sr 0 abc", "SETRANGE sr 1 ",
	"INCR i", "INCRBY i 0", "DECR i", "DECRBY i 5", "INCRBYFLOAT i 1.5", "INCR ap",
	"SETBIT bits 7 1", "SETBIT bits 7 1", "SETBIT bits 7 0", "SETBIT nobits 7 0",
	"BITFIELD bits SET u8 0 255 INCRBY u8 8 1 GET u8 0", "BITFIELD bits GET u8 0", "BITFIELD bits OVERFLOW FAIL INCRBY u2 0 100",
	"BITFIELD bits SET u8 0 255", "BITFIELD bits SET u8 0 1 SET u8 0 255 SET u8 8000 3 SET u1 0 1", "BITFIELD newbits OVERFLOW FAIL SET u8 0 0 INCRBY u8 0 300 SET u8 8 0", "BITFIELD newbits2 OVERFLOW FAIL INCRBY u8 0 300", "BITFIELD nobits2 GET u8 0", "BITFIELD_RO bits GET u8 0",
	"BITOP AND dest bits ap", "BITOP AND dest none1 none2", "BITOP AND dest none1 none2", "BITOP NOT dest bits",
	"DEL m1 m2 none", "DEL none", "UNLINK m3 m3", "DEL a",
	"SET e 1", "EXPIRE e 100", "EXPIRE e 100 NX", "EXPIRE e 200 GT", "EXPIRE none 100", "PERSIST e", "PERSIST e", "PERSIST none",
	"EXPIRE e -1", "EXPIRE e -1", "SET e 1", "PEXPIREAT e 1", "SET e 1", "EXPIREAT e 99999999999", "PEXPIRE e 100000",
	"GETEX e", "GETEX e EX 100", "GETEX e PERSIST", "GETEX e PERSIST", "GETEX e PXAT 1", "GETEX e EX 100",
	"SET s 1 PXAT 1", "SET s 1 EXAT 1", "SETEX s 100 1",
	"RENAME s r", "RENAME r r", "RENAME none x", "SET x 1", "RENAME r x", "RENAMENX x ap", "RENAMENX x y", "RENAMENX y y",
	"COPY y z", "COPY y z", "COPY y z REPLACE", "COPY none z", "COPY y z DB 2", "COPY y z DB 2 REPLACE",
	"MOVE y 1", "SET y 1", "MOVE y 1", "MOVE none 1",
	"SELECT 3", "SET f 1", "SET f2 1", "SWAPDB 3 4", "SWAPDB 3 3", "SWAPDB 5 6", "FLUSHDB", "SELECT 4", "FLUSHDB", "FLUSHDB", "SELECT 0",
	"GET y", "TOUCH y", "EXISTS y", "SORT_RO none", "OBJECT ENCODING y", "DBSIZE",
	"MULTI", "SET t 1", "DEL t none", "SET t 1", "INCR t", "EXEC", "MULTI", "EXEC",
	"SET wrong abc", "INCR wrong", "SETBIT wrong x 1",
	"SET late 1 PX 1", "DEBUG SLEEP 0.02", "GET late", "SET late 1 PX 1", "DEBUG SLEEP 0.02", "SET late 2", "DEL late",
	"SET late 1 PX 1", "DEBUG SLEEP 0.02", "DEL late", "SET late 1 PX 1", "DEBUG SLEEP 0.3", "EXISTS late",
	"PUBLISH ch x", "CONFIG SET maxmemory 1 maxmemory-policy allkeys-random", "PING", "GET y", "SET refused 1", "CONFIG SET maxmemory 0",
	"SET k 1", "SAVE", "SET k 1", "FLUSHALL", "FLUSHALL", "SET k 1", "SAVE",
}

// TestChangesCounted: rdb_changes_since_last_save counts what redis-server counts.
func TestChangesCounted(t *testing.T) {
	theirs := kinds(t)[0]
	if theirs.name != "redis-server" {
		t.Skip("no redis-server 7.0 to compare with")
	}
	want := countChanges(t, theirs, "--appendonly", "no")
	for _, k := range ours {
		for _, log := range []string{"no", "yes"} {
			t.Run(k.name+" appendonly "+log, func(t *testing.T) {
				got := countChanges(t, k, "--appendonly", log)
				for i, line := range changing {
					if got[i] != want[i] {
						t.Errorf("%q counts as %d, with redis-server as %d", line, got[i], want[i])
					}
				}
			})
		}
	}
}

// countChanges runs the commands and returns by how much each changes what INFO counts.
func countChanges(t *testing.T, k kind, args ...string) (counts []int64) {
	t.Helper()
	s := k.launch(t, append([]string{"--save", "", "--enable-debug-command", "yes"}, args...)...)
	w, c := s.wire(t), s.client(t)
	was := int64(0)
	for _, line := range changing {
		var words [][]byte
		for word := range strings.SplitSeq(line, " ") {
			words = append(words, []byte(word))
		}
		w.send(string(resp.AppendCommand(nil, words...)))
		w.reply()
		now := info(t, c, "rdb_changes_since_last_save")
		counts = append(counts, now-was)
		was = now
	}
	return counts
}
