package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/resp"
)

// endToEnd starts a server in this process and returns a function that sends depth commands and
// reads their replies. It does not allocate.
func endToEnd(tb testing.TB, depth int, words ...string) (round func()) {
	tb.Helper()
	port := freePort(tb)
	store, err := configs.LoadFrom(configs.Inputs{Args: []string{"--port", port, "--http-port", "0", "--dir", tb.TempDir(), "--appendonly", "no"}})
	if err != nil {
		tb.Fatal(err)
	}
	n, err := newNode(store, slog.New(slog.DiscardHandler), &slog.LevelVar{})
	if err != nil {
		tb.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- n.run() }()
	eventually(tb, "the data is loaded", func() bool { return !n.persist.loading.Load() })
	c, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		tb.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	set := resp.AppendCommand(nil, "SET", "key:000000000001", string(bytes.Repeat([]byte{'v'}, 64)))
	if _, err := c.Write(set); err != nil {
		tb.Fatal(err)
	}
	if _, err := io.ReadFull(c, buf[:len("+OK\r\n")]); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		n.stop()
		if err := <-ended; err != nil {
			tb.Error(err)
		}
		_ = c.Close()
	})
	command := resp.AppendCommand(nil, words...)
	if _, err := c.Write(command); err != nil {
		tb.Fatal(err)
	}
	reply, err := c.Read(buf)
	if err != nil {
		tb.Fatal(err)
	}
	batch := bytes.Repeat(command, depth)
	answer := buf[:reply*depth]
	return func() {
		if _, err := c.Write(batch); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(c, answer); err != nil {
			tb.Fatal(err)
		}
	}
}

// rounds are what is measured: the commands of the hot path, alone and in a pipeline.
var rounds = []struct {
	name  string
	words []string
}{
	{"GET", []string{"GET", "key:000000000001"}},
	{"SET", []string{"SET", "key:000000000001", "0123456789012345678901234567890123456789012345678901234567890123"}},
}

// BenchmarkEndToEnd is one client on a socket: the time is per command.
func BenchmarkEndToEnd(b *testing.B) {
	for _, r := range rounds {
		for _, depth := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%s/P%d", r.name, depth), func(b *testing.B) {
				round := endToEnd(b, depth, r.words...)
				b.ReportAllocs()
				for b.Loop() {
					round()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*depth), "ns/command")
			})
		}
	}
}

// TestEndToEndAllocations: a GET or SET that comes by a socket allocates nothing, from the read to
// the write.
func TestEndToEndAllocations(t *testing.T) {
	for _, r := range rounds {
		t.Run(r.name, func(t *testing.T) {
			const depth = 64
			round := endToEnd(t, depth, r.words...)
			// Other goroutines of the process allocate now and then.
			if n := testing.AllocsPerRun(200, round); n > 2 {
				t.Errorf("%v allocations for %d commands", n, depth)
			}
		})
	}
}
