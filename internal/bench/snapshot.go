package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// snapshot lets connections overwrite random keys, each with one SET in flight, and tells the
// latency of these before BGSAVE and until it is done, and the most memory meanwhile. What is
// written is rated at what the clients' core can do, so compare with -peer and with before.
func snapshot(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("snapshot", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	more := fs.String("args", "--appendonly yes --appendfsync everysec --auto-aof-rewrite-percentage 0", "further arguments for it")
	peer := fs.String("peer", "redis-server", "the server to compare with, empty for none")
	keys := fs.Int("keys", 5_000_000, "keys")
	size := fs.Int("size", 64, "bytes of a value")
	conns := fs.Int("conns", 50, "connections")
	calm := fs.Duration("calm", 8*time.Second, "load before the snapshot")
	serverCPU := fs.String("server-cpus", "0", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	for _, t := range contenders(ours(path, *more), *peer) {
		s, err := start(ctx, t.name, *serverCPU, nil, t.argv...)
		if err != nil {
			return err
		}
		err = snapshotOne(ctx, s, *keys, *size, *conns, *calm)
		s.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}

func snapshotOne(ctx context.Context, s *process, keys, size, conns int, calm time.Duration) error {
	value := strings.Repeat("v", size)
	err := s.with(func(c *conn) error {
		return pipelined(c, keys, func(i int) []string { return []string{"SET", numbered(i), value} })
	})
	if err != nil {
		return err
	}
	empty, err := s.memory()
	if err != nil {
		return err
	}
	load := startWriters(ctx, s, keys, conns, value)
	defer load.end()
	if err := load.rest(ctx, calm); err != nil {
		return err
	}
	before := load.turn(1)
	base, err := s.memory()
	if err != nil {
		return err
	}
	began := time.Now()
	peak, err := bgsave(s)
	if err != nil {
		return err
	}
	took := time.Since(began)
	meanwhile := load.turn(0)
	if err := load.end(); err != nil {
		return err
	}
	fmt.Printf("%s: %d keys, %.0f MB; snapshot in %.2f s while %.0f SET/s came (before: %.0f)\n", s.name, keys, float64(empty)/1e6,
		took.Seconds(), float64(meanwhile.total)/took.Seconds(), float64(before.total)/calm.Seconds())
	fmt.Printf("  memory at most %+.1f MB = %.1f %% of all\n", float64(peak-base)/1e6, 100*float64(peak-base)/float64(base))
	for _, h := range []struct {
		name string
		*histogram
	}{{"before", before}, {"meanwhile", meanwhile}} {
		fmt.Printf("  SET %-9s p50 %v, p99 %v, p99.9 %v, max %v\n", h.name, h.quantile(.5), h.quantile(.99), h.quantile(.999), h.quantile(1-1/float64(2*h.total)))
	}
	return nil
}

func numbered(i int) string { return fmt.Sprintf("key:%012d", i) }

// bgsave runs BGSAVE and returns the most memory that the server and its children take until it is done.
func bgsave(s *process) (peak int64, err error) {
	return peak, s.with(func(c *conn) error {
		if _, err := c.call("BGSAVE"); err != nil {
			return err
		}
		for look := time.NewTicker(10 * time.Millisecond); ; <-look.C {
			m, err := s.memory()
			if err != nil {
				return err
			}
			peak = max(peak, m)
			running, err := infoNumber(c, "rdb_bgsave_in_progress")
			if err != nil || running == 0 {
				look.Stop()
				return err
			}
		}
	})
}

// writers are connections that write random keys until end.
type writers struct {
	phase atomic.Int32 // which histogram counts
	stop  chan struct{}
	ended sync.Once
	wg    sync.WaitGroup

	mu    sync.Mutex
	h     [2]histogram
	first error
}

func startWriters(ctx context.Context, s *process, keys, conns int, value string) *writers {
	w := &writers{stop: make(chan struct{})}
	for i := range conns {
		w.wg.Go(func() {
			if err := w.write(ctx, s, i, keys, value); err != nil {
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.first == nil {
					w.first = err
				}
			}
		})
	}
	return w
}

func (w *writers) write(ctx context.Context, s *process, number, keys int, value string) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	for i := uint64(number + 1); ; i = i*6364136223846793005 + 1442695040888963407 {
		select {
		case <-w.stop:
			return nil
		default:
		}
		began := time.Now()
		if _, err := c.call("SET", numbered(int(i>>20%uint64(keys))), value); err != nil {
			return err
		}
		d := time.Since(began)
		w.mu.Lock()
		w.h[w.phase.Load()].add(d)
		w.mu.Unlock()
	}
}

// rest lets the load run for a while.
func (w *writers) rest(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// turn lets the other histogram count from now on and returns what the one until now has.
func (w *writers) turn(to int32) *histogram {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.h[1-to]
	w.phase.Store(to)
	return &h
}

// end stops the load and returns the first error of it.
func (w *writers) end() error {
	w.ended.Do(func() { close(w.stop) })
	w.wg.Wait()
	return w.first
}

// memory returns what the process and the children that it forked take, shared pages counted once.
func (p *process) memory() (int64, error) {
	children, err := p.children()
	if err != nil {
		return 0, err
	}
	if len(children) == 0 {
		return p.rss()
	}
	total := int64(0)
	for _, pid := range append(children, strconv.Itoa(p.cmd.Process.Pid)) {
		n, err := pss(pid)
		if err != nil {
			continue // it ended meanwhile
		}
		total += n
	}
	return total, nil
}
