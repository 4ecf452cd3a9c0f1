// Command bench measures Reredis as a whole process, from outside: side by side
// with redis-server, while ten million keys arrive, and over hours of changing
// load. `make bench`, `make keys10m` and `make soak` call it.
//
// It knows a server only by its command line, its socket and /proc, so it runs
// on Linux only. Quote figures only from a machine where nothing else ran.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// programs are what bench can do. run returns after every process that it
// started has ended.
var programs = []struct {
	name, summary string
	run           func(ctx context.Context, args []string) error
}{
	{"compare", "side by side with redis-server: throughput, latency, CPU and memory per key", compare},
	{"grow", "latency of SET while keys arrive, memory per key, garbage collections", grow},
	{"expire", "a million keys fall due: how late they go, and what others notice", expire},
	{"evict", "a cache at its limit: hit rate side by side with redis-server, latency of writes", evict},
	{"publish", "messages to many subscribers and channels, side by side with redis-server", publish},
	{"recover", "start after kill -9, from the log and from a snapshot, side by side with redis-server", recovery},
	{"snapshot", "what a snapshot costs those who write meanwhile, side by side with redis-server", snapshot},
	{"soak", "changing load whose every reply is checked; then memory and descriptors", soak},
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) > 1 {
		for _, p := range programs {
			if p.name != os.Args[1] {
				continue
			}
			err := p.run(ctx, os.Args[2:])
			switch {
			case errors.Is(err, flag.ErrHelp):
				return
			case err != nil:
				fmt.Fprintln(os.Stderr, "bench:", err)
				os.Exit(1)
			}
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: bench PROGRAM [-h | flags]")
	for _, p := range programs {
		fmt.Fprintf(os.Stderr, "  %-8s %s\n", p.name, p.summary)
	}
	os.Exit(2)
}
