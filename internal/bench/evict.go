package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// cache is a run of evict: a server as a cache in front of something that has
// every key. Reads follow Zipf's law; what is not found is stored.
type cache struct {
	keys  int     // that are asked for
	share float64 // of them have room
	skew  float64 // Zipf's exponent, above 1
	value string
	rate  int // reads a second: the clocks of LRU and LFU run against them
	warm  time.Duration
	run   time.Duration
}

// evict compares the share of reads that find their key, with room for equally
// many keys in both servers, and tells how long writes take while keys go.
func evict(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("evict", flag.ContinueOnError)
	var c cache
	binary := fs.String("ours", "./reredis", "our server")
	more := fs.String("args", "", "further arguments for it")
	peer := fs.String("peer", "redis-server", "the server to compare with, empty for none")
	policies := fs.String("policies", "allkeys-lru,allkeys-lfu", "which")
	fs.IntVar(&c.keys, "keys", 4_000_000, "keys that are asked for")
	fs.Float64Var(&c.share, "share", 0.5, "share of them that has room")
	fs.Float64Var(&c.skew, "skew", 1.01, "exponent of Zipf's law, above 1")
	size := fs.Int("size", 64, "bytes of a value")
	fs.IntVar(&c.rate, "rate", 150_000, "reads a second")
	fs.DurationVar(&c.warm, "warm", 15*time.Second, "reads before it counts")
	fs.DurationVar(&c.run, "run", 15*time.Second, "how long it counts")
	serverCPU := fs.String("server-cpus", "0", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	c.value = strings.Repeat("v", *size)
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	todo := contenders(ours(path, *more), *peer)
	fmt.Printf("%d keys, room for %.0f %%, values of %d bytes, Zipf %.2f, %d reads a second\n\n", c.keys, c.share*100, *size, c.skew, c.rate)
	fmt.Printf("| %-12s | %-8s | %6s | %8s | %9s | %7s | %7s | %7s | %7s |\n| --- | --- | --: | --: | --: | --: | --: | --: | --: |\n",
		"policy", "server", "hits %", "resident", "evicted/s", "SET p50", "p99", "p99.9", "max ms")
	for policy := range strings.SplitSeq(*policies, ",") {
		for _, t := range todo {
			s, err := start(ctx, t.name, *serverCPU, nil, t.argv...)
			if err != nil {
				return err
			}
			err = c.measure(s, policy)
			s.stop()
			if err != nil {
				return fmt.Errorf("%s, %s: %w", t.name, policy, err)
			}
		}
	}
	return nil
}

// name is the key of a rank: neighbours in rank are no neighbours in order.
func (c *cache) name(rank int) string {
	return fmt.Sprintf("key:%012d", rank*7_368_787%c.keys)
}

// measure fills the server to its limit, warms it up, and counts.
func (c *cache) measure(s *process, policy string) error {
	conn, err := dial(s.port)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.call("CONFIG", "SET", "maxmemory-policy", policy); err != nil {
		return err
	}
	room := int(float64(c.keys) * c.share)
	if err := pipelined(conn, room, func(i int) []string { return []string{"SET", c.name(c.keys - 1 - i), c.value} }); err != nil {
		return err
	}
	limit, err := infoNumber(conn, "used_memory")
	if err != nil {
		return err
	}
	if _, err := conn.call("CONFIG", "SET", "maxmemory", strconv.Itoa(limit)); err != nil {
		return err
	}
	zipf := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), c.skew, 1, uint64(c.keys-1))
	if _, _, err := c.read(conn, zipf, c.warm); err != nil {
		return err
	}
	evicted, err := infoNumber(conn, "evicted_keys")
	if err != nil {
		return err
	}
	stop, writes := make(chan struct{}), make(chan writeTimes, 1)
	go func() { writes <- c.write(s.port, stop) }()
	began := time.Now()
	hits, reads, err := c.read(conn, zipf, c.run)
	took := time.Since(began)
	close(stop)
	w := <-writes
	if err == nil {
		err = w.err
	}
	if err != nil {
		return err
	}
	after, err := infoNumber(conn, "evicted_keys")
	if err != nil {
		return err
	}
	resident, err := conn.call("DBSIZE")
	if err != nil {
		return err
	}
	ms := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds()*1000, 'f', 3, 64) }
	fmt.Printf("| %-12s | %-8s | %6.2f | %8d | %9.0f | %7s | %7s | %7s | %7s |\n", policy, s.name,
		float64(hits)*100/float64(max(1, reads)), resident.Int, float64(after-evicted)/took.Seconds(),
		ms(w.h.quantile(.5)), ms(w.h.quantile(.99)), ms(w.h.quantile(.999)), ms(w.most))
	return nil
}

// readBatch is how many reads are sent together.
const readBatch = 50

// read asks for keys at the rate and stores those that are missing.
func (c *cache) read(conn *conn, zipf *rand.Zipf, long time.Duration) (hits, reads int, err error) {
	began := time.Now()
	batch := make([]int, readBatch)
	for time.Since(began) < long {
		if due := began.Add(time.Duration(reads) * time.Second / time.Duration(c.rate)); time.Until(due) > time.Millisecond {
			time.Sleep(time.Until(due)) // keeps the rate
		}
		for i := range batch {
			batch[i] = int(zipf.Uint64())
			conn.send("GET", c.name(batch[i]))
		}
		if err := conn.flush(); err != nil {
			return hits, reads, err
		}
		missing := 0
		for _, rank := range batch {
			v, err := conn.read()
			switch {
			case err != nil:
				return hits, reads, err
			case v.IsError():
				return hits, reads, fmt.Errorf("GET: %s", v.String())
			case v.Kind == resp.KindNull:
				conn.send("SET", c.name(rank), c.value)
				missing++
			default:
				hits++
			}
		}
		reads += len(batch)
		if missing == 0 {
			continue
		}
		if err := conn.flush(); err != nil {
			return hits, reads, err
		}
		for range missing {
			if v, err := conn.read(); err != nil || v.IsError() {
				return hits, reads, fmt.Errorf("SET: %v, %w", v, err)
			}
		}
	}
	return hits, reads, nil
}

// writeTimes is how long single writes took.
type writeTimes struct {
	h    histogram
	most time.Duration
	err  error
}

// write stores new keys one by one, some 2000 a second, until it is told to stop.
func (c *cache) write(port int, stop <-chan struct{}) (w writeTimes) {
	conn, err := dial(port)
	if err != nil {
		w.err = err
		return w
	}
	defer conn.Close()
	tick := time.NewTicker(500 * time.Microsecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-stop:
			return w
		case <-tick.C:
		}
		began := time.Now()
		if _, w.err = conn.call("SET", "new:"+strconv.Itoa(i), c.value); w.err != nil {
			return w
		}
		took := time.Since(began)
		w.h.add(took)
		w.most = max(w.most, took)
	}
}

// infoNumber returns a field of INFO.
func infoNumber(c *conn, field string) (int, error) {
	v, err := c.call("INFO", "everything")
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^` + field + `:(\d+)`).FindStringSubmatch(v.String())
	if m == nil {
		return 0, fmt.Errorf("INFO has no %s", field)
	}
	return strconv.Atoi(m[1])
}
