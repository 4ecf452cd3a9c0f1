package commands_test

import (
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// prepared is a command in process that can be run again and again without parsing.
func (l *local) prepared(args ...string) func() {
	raw := resp.AppendCommand(nil, args...)
	parsed, _, _, _, ok, err := new(resp.Parser).Next(raw, nil, nil)
	if !ok || err != nil {
		l.t.Fatal(err)
	}
	out := make([]byte, 0, 4096)
	return func() {
		l.c.Args, l.c.Raw = parsed, raw
		l.c.Reply.Begin(out[:0], 2)
		if l.bus.Do(l.c) != bus.Done {
			l.t.Fatal("parked")
		}
		out = l.c.Reply.End()
		l.c.EndTick()
	}
}

// TestNoAllocations holds the commands that a cache lives from to zero allocations.
func TestNoAllocations(t *testing.T) {
	if arenaMode != keyspace.Mmap {
		t.Skip("the checks of this build allocate")
	}
	l := newLocal(t, nil)
	l.do("MSET", "s", "some value of a usual size", "n", "123456", "counter", "20000")
	for _, args := range [][]string{
		{"GET", "s"},
		{"GET", "n"},
		{"GET", "nokey"},
		{"SET", "s", "another value of a like size"},
		{"SET", "n", "654321"},
		{"SET", "s", "another value of a like size", "EX", "100"},
		{"SET", "s", "another value of a like size", "PX", "100000", "XX"},
		{"SET", "s", "another value of a like size", "KEEPTTL", "GET"},
		{"SET", "s", "another value of a like size", "NX"},
		{"SETEX", "s", "100", "another value of a like size"},
		{"GETEX", "s", "EX", "100"},
		{"MGET", "s", "n", "nokey"},
		{"MSET", "s", "one", "n", "2"},
		{"STRLEN", "s"},
		{"GETRANGE", "s", "0", "-1"},
		{"SETRANGE", "s", "0", "x"},
		{"GETBIT", "s", "17"},
		{"BITCOUNT", "s"},
		{"BITCOUNT", "s", "3", "40", "BIT"},
		{"BITPOS", "s", "1", "3"},
		{"BITFIELD", "s", "GET", "u8", "#1", "GET", "i5", "7"},
		{"BITFIELD_RO", "s", "GET", "u8", "#1"},
		{"INCR", "counter"},
		{"INCRBY", "counter", "7"},
		{"DECR", "counter"},
		{"EXISTS", "s", "n"},
		{"TYPE", "s"},
		{"TTL", "s"},
		{"EXPIRE", "s", "100"},
		{"DEL", "nokey"},
		{"DBSIZE"},
	} {
		run := l.prepared(args...)
		run()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%q: %v allocations", args, n)
		}
	}
}

func benchmark(b *testing.B, args ...string) {
	l := newLocal(b, nil)
	l.do("MSET", "s", "some value of a usual size", "n", "123456")
	run := l.prepared(args...)
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

func BenchmarkGet(b *testing.B)    { benchmark(b, "GET", "s") }
func BenchmarkGetInt(b *testing.B) { benchmark(b, "GET", "n") }
func BenchmarkSet(b *testing.B)    { benchmark(b, "SET", "s", "another value of a like size") }
func BenchmarkSetEX(b *testing.B) {
	benchmark(b, "SET", "s", "another value of a like size", "EX", "100")
}
func BenchmarkIncr(b *testing.B)        { benchmark(b, "INCR", "n") }
func BenchmarkMGet3(b *testing.B)       { benchmark(b, "MGET", "s", "n", "nokey") }
func BenchmarkExpire(b *testing.B)      { benchmark(b, "EXPIRE", "s", "100") }
func BenchmarkIncrByFloat(b *testing.B) { benchmark(b, "INCRBYFLOAT", "n", "0.5") }
