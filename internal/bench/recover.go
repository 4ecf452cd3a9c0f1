package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// recovery stores keys, kills the server with SIGKILL and times its next start until it answers:
// with what it logged only, then with a snapshot (SAVE) of the same.
func recovery(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("recover", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	peer := fs.String("peer", "redis-server", "the server to compare with, empty for none")
	keys := fs.Int("keys", 5_000_000, "keys")
	size := fs.Int("size", 64, "bytes of a value")
	rounds := fs.Int("rounds", 3, "starts of each kind; the median counts")
	cpus := fs.String("server-cpus", "0-1", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	// everysec, so that loading takes less time; what is read afterwards is the same
	todo := []contender{{"reredis", ours(path, "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0")}}
	if *peer != "" {
		todo = append(todo, contender{"redis", theirs(*peer, "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0 --aof-use-rdb-preamble no")})
	}
	var took [2][2]time.Duration // by server, then log, snapshot
	for i, t := range todo {
		if took[i], err = recoverOne(ctx, t, *cpus, *keys, *size, *rounds); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		for j, kind := range []string{"log", "snapshot"} {
			fmt.Printf("%-8s %d keys of %d B from the %-8s %6.2f s, %.2fM keys/s\n", t.name, *keys, *size, kind,
				took[i][j].Seconds(), float64(*keys)/1e6/took[i][j].Seconds())
		}
	}
	if *peer != "" {
		fmt.Printf("as fast as redis: log %.2f times, snapshot %.2f times\n",
			took[1][0].Seconds()/took[0][0].Seconds(), took[1][1].Seconds()/took[0][1].Seconds())
	}
	return nil
}

func recoverOne(ctx context.Context, t contender, cpus string, keys, size, rounds int) (took [2]time.Duration, err error) {
	s, err := start(ctx, t.name, cpus, nil, t.argv...)
	if err != nil {
		return took, err
	}
	defer s.stop()
	value := strings.Repeat("v", size)
	err = s.with(func(c *conn) error {
		return pipelined(c, keys, func(i int) []string { return []string{"SET", fmt.Sprintf("key:%012d", i), value} })
	})
	if err != nil {
		return took, err
	}
	if took[0], err = s.restarts(ctx, keys, rounds); err != nil {
		return took, err
	}
	if t.name == "redis" { // it starts from its AOF if that is on: once more, with the RDB file only
		s.argv = append(s.argv, "--appendonly", "no")
	}
	if err := s.with(func(c *conn) error { _, err := c.call("SAVE"); return err }); err != nil {
		return took, err
	}
	took[1], err = s.restarts(ctx, keys, rounds)
	return took, err
}

// restarts kills and starts the process, and returns the median of the times to its first PONG.
func (p *process) restarts(ctx context.Context, keys, rounds int) (time.Duration, error) {
	var all []time.Duration
	for range rounds {
		p.kill()
		began := time.Now()
		if err := p.launch(ctx); err != nil {
			return 0, err
		}
		all = append(all, time.Since(began))
		err := p.with(func(c *conn) error {
			v, err := c.call("DBSIZE")
			if err == nil && v.String() != strconv.Itoa(keys) {
				err = fmt.Errorf("%s keys came back, want %d", v.String(), keys)
			}
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	slices.Sort(all)
	return all[len(all)/2], nil
}

// with calls f with a connection to the process.
func (p *process) with(f func(*conn) error) error {
	c, err := dial(p.port)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}
