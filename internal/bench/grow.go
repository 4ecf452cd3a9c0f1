package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// slowest is how many of the longest calls are told with the moment they came.
const slowest = 8

// call is one of the slowest calls.
type call struct {
	took time.Duration
	at   time.Duration // since the load began
	keys int64         // how many were stored by then
}

// grow lets keys of 16 + 64 bytes arrive, each connection with one SET in
// flight, and tells the latency of every one. Client and server share the
// machine, so the tail holds the scheduler's share too: compare with -peer.
func grow(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("grow", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	more := fs.String("args", "", "further arguments for it")
	peer := fs.String("peer", "", "afterwards the same with this redis-server")
	keys := fs.Int("keys", 10_000_000, "how many arrive")
	conns := fs.Int("conns", 4, "connections")
	serverCPU := fs.String("server-cpus", "0", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	for _, t := range contenders(ours(path, *more), *peer) {
		s, err := start(ctx, t.name, *serverCPU, []string{"GODEBUG=gctrace=1"}, t.argv...)
		if err != nil {
			return err
		}
		err = growOne(ctx, s, *keys, *conns)
		s.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

func growOne(ctx context.Context, s *process, keys, conns int) error {
	empty, err := s.rss()
	if err != nil {
		return err
	}
	var (
		stored atomic.Int64
		all    histogram
		slow   []call
		first  error
		mu     sync.Mutex // guards all, slow, first
		wg     sync.WaitGroup
		began  = time.Now()
	)
	for i := range conns {
		wg.Go(func() {
			h, sl, err := sets(ctx, s, i, keys/conns, began, &stored)
			mu.Lock()
			defer mu.Unlock()
			all.merge(h)
			slow = append(slow, sl...)
			if err != nil && first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	if first != nil {
		return first
	}
	took := time.Since(began)
	full, err := s.rss()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d keys in %.1f s, %.0f/s; empty %.1f MB, %.1f B per key\n", s.name, all.total, took.Seconds(),
		float64(all.total)/took.Seconds(), float64(empty)/1e6, float64(full-empty)/float64(all.total))
	fmt.Printf("  SET p50 %v, p99 %v, p99.9 %v, p99.99 %v, max %v\n", all.quantile(.5), all.quantile(.99),
		all.quantile(.999), all.quantile(.9999), all.quantile(1-1/float64(2*all.total)))
	slices.SortFunc(slow, func(a, b call) int { return int(b.took - a.took) })
	for _, c := range slow[:min(len(slow), slowest)] {
		fmt.Printf("  slow: %v at %.3f s, %d keys stored\n", c.took.Round(time.Microsecond), c.at.Seconds(), c.keys)
	}
	for _, g := range collections(string(s.output())) {
		fmt.Printf("  gc: at %s s, %.2f ms of CPU, heap %s\n", g.at, g.cpu, g.heap)
	}
	return nil
}

// sets stores n keys over one connection.
func sets(ctx context.Context, s *process, worker, n int, began time.Time, stored *atomic.Int64) (*histogram, []call, error) {
	h, slow := &histogram{}, []call{}
	c, err := dial(s.port)
	if err != nil {
		return h, nil, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	value := strings.Repeat("v", 64)
	floor := time.Duration(0) // the fastest of the slowest
	for i := range n {
		key := fmt.Sprintf("%03d:%012d", worker, i)
		t := time.Now()
		if _, err := c.call("SET", key, value); err != nil {
			return h, slow, err
		}
		d := time.Since(t)
		h.add(d)
		at := stored.Add(1)
		if d <= floor {
			continue
		}
		slow = append(slow, call{d, t.Sub(began), at})
		if len(slow) > 4*slowest {
			slices.SortFunc(slow, func(a, b call) int { return int(b.took - a.took) })
			slow = slow[:slowest]
			floor = slow[slowest-1].took
		}
	}
	return h, slow, nil
}

// collection is a garbage collection that GODEBUG=gctrace=1 told of.
type collection struct {
	at   string  // seconds since the start
	cpu  float64 // milliseconds, idle time not counted
	heap string
}

// gctrace matches: gc 1 @0.012s 2%: 0.018+1.3+0.076 ms clock, 0.036+0.84/1.2/0+0.15 ms cpu, 4->4->0 MB, ...
// The five times of the CPU are sweep termination, assists, background workers, idle workers, mark termination.
var gctrace = regexp.MustCompile(`(?m)^gc \d+ @([0-9.]+)s \d+%: \S+ ms clock, ([0-9.]+)\+([0-9.]+)/([0-9.]+)/[0-9.]+\+([0-9.]+) ms cpu, (\S+ MB)`)

// collections returns the costliest first, at most five.
func collections(trace string) (all []collection) {
	for _, m := range gctrace.FindAllStringSubmatch(trace, -1) {
		c := collection{at: m[1], heap: m[6]}
		for _, part := range m[2:6] {
			ms, _ := strconv.ParseFloat(part, 64)
			c.cpu += ms
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b collection) int { return int(1000 * (b.cpu - a.cpu)) })
	return all[:min(len(all), 5)]
}
