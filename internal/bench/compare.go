package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// spread is the number of different keys that the load uses.
const spread = 1_000_000

// load is a case: a test of redis-benchmark and its parameters.
type load struct {
	name, test        string
	clients, pipeline int
	requests          int
}

var loads = []load{
	{"get-c50-P1", "get", 50, 1, 200_000},
	{"set-c50-P1", "set", 50, 1, 200_000},
	{"get-c500-P1", "get", 500, 1, 200_000},
	{"set-c500-P1", "set", 500, 1, 200_000},
	{"get-c50-P16", "get", 50, 16, 1_500_000},
	{"set-c50-P16", "set", 50, 16, 1_500_000},
	{"get-c50-P64", "get", 50, 64, 3_000_000},
	{"set-c1-P1", "set", 1, 1, 10_000},
	{"incr-c50-P16", "incr", 50, 16, 1_500_000},
	{"lpush-c50-P16", "lpush", 50, 16, 1_000_000},
	{"hset-c50-P16", "hset", 50, 16, 1_000_000},
	{"zadd-c50-P16", "zadd", 50, 16, 1_000_000},
}

// figures are what one round of a case gave.
type figures struct {
	ops, p50, p99 float64 // per second; milliseconds
	cpu           float64 // the server's seconds per million commands
}

// compare loads Reredis and a redis-server with the same keys, then lets
// redis-benchmark drive them in alternating rounds, the server alone on one CPU
// and the client on another. Alternating, a drift of the machine's speed hits
// both; of the rounds the medians count.
func compare(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	more := fs.String("args", "", "further arguments for it")
	peer := fs.String("peer", "redis-server", "the server to compare with")
	names := fs.String("cases", "get-c50-P1,set-c50-P1,get-c50-P16,set-c50-P16", "which loads")
	rounds := fs.Int("rounds", 5, "how often each")
	scale := fs.Float64("scale", 1, "multiplies the number of requests")
	serverCPU := fs.String("server-cpus", "0", "where the server runs")
	clientCPU := fs.String("client-cpus", "1", "where redis-benchmark runs")
	out := fs.String("out", "", "also write the table to this file, as Markdown")
	if err := fs.Parse(args); err != nil {
		return err
	}
	for _, tool := range []string{*peer, "redis-benchmark", "taskset"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w (Debian: redis-server, redis-tools, util-linux)", err)
		}
	}
	todo, err := choose(*names)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	var servers [2]*process
	var perKey [2]float64
	for i, argv := range [][]string{ours(path, *more), theirs(*peer, "")} {
		s, err := start(ctx, []string{"reredis", "redis"}[i], *serverCPU, nil, argv...)
		if err != nil {
			return err
		}
		defer s.stop()
		if perKey[i], err = fillKeys(ctx, s, *clientCPU, min(1, *scale)); err != nil {
			return err
		}
		s.pause()
		servers[i] = s
	}
	got := make([][2][]figures, len(todo))
	for round := range *rounds {
		for n, l := range todo {
			l.requests = max(1000, int(float64(l.requests)**scale))
			for k := range servers {
				i := (k + round) % 2
				servers[i].resume()
				f, err := drive(ctx, servers[i], *clientCPU, l)
				servers[i].pause()
				if err != nil {
					return err
				}
				got[n][i] = append(got[n][i], f)
			}
			fmt.Fprintf(os.Stderr, "\rround %d of %d: %-16s", round+1, *rounds, l.name)
		}
	}
	fmt.Fprintln(os.Stderr)
	table := render(todo, got, perKey, *rounds)
	fmt.Print(table)
	if *out == "" {
		return nil
	}
	return errors.Join(os.MkdirAll(filepath.Dir(*out), 0o755), os.WriteFile(*out, []byte(table), 0o644))
}

func choose(names string) ([]load, error) {
	var todo []load
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(loads, func(l load) bool { return l.name == name })
		if i < 0 {
			var all []string
			for _, l := range loads {
				all = append(all, l.name)
			}
			return nil, fmt.Errorf("no case %q; there are %s", name, strings.Join(all, ", "))
		}
		todo = append(todo, loads[i])
	}
	return todo, nil
}

// fillKeys stores up to a million keys of 16 + 64 bytes and returns the resident memory per key.
func fillKeys(ctx context.Context, s *process, cpus string, scale float64) (float64, error) {
	empty, err := s.rss()
	if err != nil {
		return 0, err
	}
	if _, err := drive(ctx, s, cpus, load{test: "set", clients: 50, pipeline: 32, requests: int(3 * spread * scale)}); err != nil {
		return 0, err
	}
	full, err := s.rss()
	if err != nil {
		return 0, err
	}
	c, err := dial(s.port)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	size, err := c.call("DBSIZE")
	return float64(full-empty) / float64(max(1, size.Int)), err
}

// drive runs redis-benchmark once.
func drive(ctx context.Context, s *process, cpus string, l load) (f figures, err error) {
	before, err := s.cpu()
	if err != nil {
		return f, err
	}
	cmd := exec.CommandContext(ctx, "taskset", "-c", cpus, "redis-benchmark", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port),
		"-t", l.test, "-c", strconv.Itoa(l.clients), "-P", strconv.Itoa(l.pipeline), "-n", strconv.Itoa(l.requests),
		"-d", "64", "-r", strconv.Itoa(spread), "--csv")
	out, err := cmd.Output()
	if err != nil {
		return f, fmt.Errorf("redis-benchmark against %s: %w", s.name, err)
	}
	after, err := s.cpu()
	if err != nil {
		return f, err
	}
	if f, err = parseBenchmark(string(out)); err != nil {
		return f, fmt.Errorf("redis-benchmark against %s: %w", s.name, err)
	}
	f.cpu = (after - before).Seconds() / (float64(l.requests) / 1e6)
	return f, nil
}

// parseBenchmark reads the last line of redis-benchmark --csv.
func parseBenchmark(out string) (f figures, err error) {
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil {
		return f, err
	}
	if len(rows) < 2 {
		return f, io.ErrUnexpectedEOF
	}
	for column, to := range map[string]*float64{"rps": &f.ops, "p50_latency_ms": &f.p50, "p99_latency_ms": &f.p99} {
		i := slices.Index(rows[0], column)
		if i < 0 {
			return f, fmt.Errorf("no column %s in %q", column, rows[0])
		}
		if *to, err = strconv.ParseFloat(rows[len(rows)-1][i], 64); err != nil {
			return f, err
		}
	}
	return f, nil
}

// render returns the table as Markdown.
func render(todo []load, got [][2][]figures, perKey [2]float64, rounds int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Medians of %d rounds, %s. Ratio = reredis / redis-server: of operations higher is better, of CPU and memory lower.\n\n",
		rounds, time.Now().UTC().Format(time.DateOnly))
	line := func(cells ...any) {
		fmt.Fprintf(&b, "| %-12s | %9s | %9s | %6s | %7s | %7s | %8s | %8s | %6s |\n", cells...)
	}
	line("case", "ops/s", "redis", "ratio", "p99 ms", "redis", "CPU s/M", "redis", "ratio")
	line("---", "--:", "--:", "--:", "--:", "--:", "--:", "--:", "--:")
	num := func(digits int, v float64) string { return strconv.FormatFloat(v, 'f', digits, 64) }
	for i, l := range todo {
		a, r := got[i][0], got[i][1]
		ops := func(f figures) float64 { return f.ops }
		p99 := func(f figures) float64 { return f.p99 }
		cpu := func(f figures) float64 { return f.cpu }
		line(l.name, num(0, median(a, ops)), num(0, median(r, ops)), num(2, ratio(a, r, ops)),
			num(2, median(a, p99)), num(2, median(r, p99)), num(2, median(a, cpu)), num(2, median(r, cpu)), num(2, ratio(a, r, cpu)))
	}
	fmt.Fprintf(&b, "\nResident memory per key of 16 + 64 bytes: %.1f B, redis-server %.1f B, ratio %.2f\n",
		perKey[0], perKey[1], perKey[0]/perKey[1])
	return b.String()
}

func median(fs []figures, of func(figures) float64) float64 {
	v := make([]float64, 0, len(fs))
	for _, f := range fs {
		v = append(v, of(f))
	}
	return middle(v)
}

// ratio returns the median of the ratios of each round.
func ratio(a, b []figures, of func(figures) float64) float64 {
	v := make([]float64, 0, len(a))
	for i := range a {
		v = append(v, of(a[i])/of(b[i]))
	}
	return middle(v)
}

func middle(v []float64) float64 {
	slices.Sort(v)
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}
