package bus

import (
	"testing"

	"github.com/reredis/reredis/keyspace"
)

// benchTable registers as many commands as the server has.
func benchTable(b *testing.B, bus *Bus) {
	b.Helper()
	specs := []Spec{
		{Name: "get", Arity: 2, Flags: ReadOnly | Fast, Complexity: "O(1)", Keys: []KeySpec{OneKey(1, KeyRO)}, Run: func(c *Ctx) error {
			it, ok := c.Tx.Look(c.Args[1])
			if !ok {
				c.Reply.Null()
				return nil
			}
			c.Reply.Bulk(it.Bytes(nil))
			return nil
		}},
		{Name: "set", Arity: 3, Flags: Write, Complexity: "O(1)", Keys: []KeySpec{OneKey(1, KeyOW)}, Run: func(c *Ctx) error {
			if err := c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL); err != nil {
				return err
			}
			c.Reply.OK()
			return nil
		}},
		{Name: "nop", Arity: 1, Run: func(*Ctx) error { return nil }},
	}
	for _, n := range []string{"append", "strlen", "setrange", "getrange", "incr", "decr", "mget", "mset", "del", "exists", "expire", "ttl", "keys", "scan", "client", "config", "info", "command", "hello"} {
		specs = append(specs, Spec{Name: n, Arity: 1, Run: ok})
	}
	if err := bus.Register(specs...); err != nil {
		b.Fatal(err)
	}
}

var sink *command

func BenchmarkLookup(b *testing.B) {
	bus := newBus(b)
	benchTable(b, bus)
	names := [][]byte{[]byte("GET"), []byte("set"), []byte("SETRANGE")}
	t := bus.table.Load()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sink = t.find(names[i%3])
	}
}

func benchDo(b *testing.B, layers []Layer, words ...string) {
	bus := newBus(b, layers...)
	benchTable(b, bus)
	c := newCtx(bus)
	call(c, "set", "key:000000000001", "0123456789012345678901234567890123456789012345678901234567890123")
	c.Args = c.Args[:0]
	for _, w := range words {
		c.Args = append(c.Args, []byte(w))
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		c.Reply.Begin(buf, 2)
		bus.Do(c)
		c.Reply.End()
	}
}

// all are the layers of the server with nothing configured: only lock has work.
func all() []Layer {
	return []Layer{Admit(&Admission{}), Lock(), Observe("observe", func() Observer { return nil }), Logging(func() Log { return nil })}
}

func BenchmarkDispatchNop(b *testing.B) { benchDo(b, nil, "nop") }
func BenchmarkGetBare(b *testing.B)     { benchDo(b, []Layer{Lock()}, "GET", "key:000000000001") }
func BenchmarkGet(b *testing.B) {
	benchDo(b, append([]Layer{Stats()}, all()...), "GET", "key:000000000001")
}

func BenchmarkGetIdleLayers(b *testing.B) { benchDo(b, all(), "GET", "key:000000000001") }

func BenchmarkSet(b *testing.B) {
	benchDo(b, append([]Layer{Stats()}, all()...), "SET", "key:000000000001", "0123456789012345678901234567890123456789012345678901234567890123")
}
