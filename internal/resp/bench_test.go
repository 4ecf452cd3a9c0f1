package resp

import (
	"bytes"
	"testing"
)

// The commands that the benchmarks and the allocation test parse.
var benchCommands = []struct {
	name     string
	wire     []byte
	commands int
}{
	{"GET", AppendCommand(nil, "GET", "key:000000012345"), 1},
	{"SET64", AppendCommand(nil, "SET", "key:000000012345", string(bytes.Repeat([]byte{'x'}, 64))), 1},
	{"SET1000", AppendCommand(nil, "SET", "key:000000012345", string(bytes.Repeat([]byte{'x'}, 1000))), 1},
	{"pipeline16", bytes.Repeat(AppendCommand(nil, "GET", "key:000000012345"), 16), 16},
	{"MSET200", AppendCommand(nil, append([]string{"MSET"}, make([]string, 200)...)...), 1},
	{"inline", []byte("GET key:000000012345\r\n"), 1},
}

func BenchmarkNext(b *testing.B) {
	for _, c := range benchCommands {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var p Parser
			lim := &Limits{}
			args := make([][]byte, 0, 256)
			for b.Loop() {
				for buf := c.wire; len(buf) > 0; {
					var n int
					var ok bool
					args, _, _, n, ok, _ = p.Next(buf, lim, args)
					if !ok {
						b.Fatal("not complete")
					}
					buf = buf[n:]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.commands), "ns/command")
		})
	}
}

// BenchmarkNextPieces lets an argument of 64 MB arrive in reads of 16 KB, as
// one that is copied nowhere.
func BenchmarkNextPieces(b *testing.B) {
	const read = 16 << 10
	wire := AppendCommand(nil, "SET", "k", string(make([]byte, 64<<20)))
	args := make([][]byte, 0, 8)
	b.SetBytes(int64(len(wire)))
	b.ReportAllocs()
	for b.Loop() {
		var p Parser
		for have := read; ; have += read {
			_, _, _, _, ok, _ := p.Next(wire[:min(have, len(wire))], nil, args)
			if ok {
				break
			}
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	buf := make([]byte, 0, 4096)
	small, big := bytes.Repeat([]byte{'x'}, 64), bytes.Repeat([]byte{'x'}, 1000)
	for _, c := range []struct {
		name string
		run  func()
	}{
		{"Status", func() { AppendStatus(buf, "OK") }},
		{"Int", func() { AppendInt(buf, 7) }},
		{"IntBig", func() { AppendInt(buf, 1234567890123) }},
		{"Bulk3", func() { AppendBulk(buf, small[:3]) }},
		{"Bulk64", func() { AppendBulk(buf, small) }},
		{"Bulk1000", func() { AppendBulk(buf, big) }},
		{"Null", func() { AppendNull(buf, 2) }},
		{"Double", func() { AppendDouble(buf, 3.25, 2) }},
		{"DoubleInt", func() { AppendDouble(buf, 1700000000000, 3) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
}
