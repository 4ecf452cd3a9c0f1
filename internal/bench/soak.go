package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

const (
	soakKeys    = 2000        // of each worker
	reconnect   = 500         // batches after which a worker opens a new connection
	expirySlack = time.Second // by which a clock of the server may lag
)

// soak runs workers that change keys of their own and check every reply against
// what they remember. Afterwards the keyspace is flushed, and memory and
// descriptors must be near what they were once the load had warmed up.
func soak(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("soak", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	more := fs.String("args", "", "further arguments for it")
	duration := fs.Duration("duration", 10*time.Minute, "how long")
	workers := fs.Int("workers", 8, "connections at a time")
	cpus := fs.String("server-cpus", "0,1", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	s, err := start(ctx, "reredis", *cpus, nil, ours(path, *more)...)
	if err != nil {
		return err
	}
	defer s.stop()
	var ops atomic.Int64
	warm, err := soakFor(ctx, s, *workers, min(*duration/10, time.Minute), &ops)
	if err != nil {
		return err
	}
	end, err := soakFor(ctx, s, *workers, *duration, &ops)
	if err != nil {
		return err
	}
	fmt.Printf("%d commands checked; empty again: RSS %.1f MB (%.1f MB after warming up), %d descriptors (%d)\n",
		ops.Load(), float64(end.rss)/1e6, float64(warm.rss)/1e6, end.fds, warm.fds)
	if end.fds > warm.fds {
		return errors.New("descriptors were left open")
	}
	if end.rss > warm.rss+warm.rss/4+16<<20 {
		return errors.New("memory was not given back")
	}
	return nil
}

// rest is what the server holds when it is empty.
type rest struct {
	rss int64
	fds int
}

func soakFor(ctx context.Context, s *process, workers int, d time.Duration, ops *atomic.Int64) (r rest, err error) {
	until := time.Now().Add(d)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			w := worker{name: strconv.Itoa(i), keys: map[string]*value{}, ops: ops}
			errs[i] = w.run(ctx, s, until)
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	report := time.NewTicker(10 * time.Second)
	defer report.Stop()
	for running := true; running; {
		select {
		case <-ended:
			running = false
		case <-report.C:
			rss, _ := s.rss()
			fmt.Printf("%s left: %d commands, RSS %.1f MB\n", time.Until(until).Round(time.Second), ops.Load(), float64(rss)/1e6)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return r, err
	}
	c, err := dial(s.port)
	if err != nil {
		return r, err
	}
	defer c.Close()
	if _, err := c.call("FLUSHALL"); err != nil {
		return r, err
	}
	return settle(ctx, s)
}

// settle waits until memory has stopped shrinking.
func settle(ctx context.Context, s *process) (r rest, err error) {
	pause := time.NewTicker(2 * time.Second)
	defer pause.Stop()
	for before := int64(1 << 62); ; before = r.rss {
		if r.rss, err = s.rss(); err != nil {
			return r, err
		}
		if r.rss > before-1<<20 {
			r.fds, err = s.descriptors()
			return r, err
		}
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-pause.C:
		}
	}
}

// value is what a worker remembers of a key; a nil *value is an absent key.
type value struct {
	text string
	dies time.Time // zero: never
}

// worker drives one connection after the other.
type worker struct {
	name string
	keys map[string]*value
	ops  *atomic.Int64
}

// step is a command and the check of its reply, which updates the memory.
type step struct {
	args  []string
	check func(v resp.Value, key string, sent, got time.Time) error
}

func (w *worker) run(ctx context.Context, s *process, until time.Time) error {
	for time.Now().Before(until) {
		c, err := dial(s.port)
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		for range reconnect {
			if err = w.batch(c); err != nil || !time.Now().Before(until) {
				break
			}
		}
		stop()
		c.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// batch sends up to 32 commands in one go.
func (w *worker) batch(c *conn) error {
	steps := make([]step, 1+rand.N(32))
	for i := range steps {
		steps[i] = w.step()
		c.send(steps[i].args...)
	}
	sent := time.Now()
	if err := c.flush(); err != nil {
		return err
	}
	for _, st := range steps {
		v, err := c.read()
		if err != nil {
			return err
		}
		w.ops.Add(1)
		if err := st.check(v, st.args[1], sent, time.Now()); err != nil {
			return fmt.Errorf("worker %s: %q: %w", w.name, st.args, err)
		}
	}
	return nil
}

// step draws a command for one of the worker's keys.
func (w *worker) step() step {
	key := "{" + w.name + "}:" + strconv.Itoa(rand.N(soakKeys))
	size := rand.N(1 << rand.N(13))
	text := strings.Repeat(string(rune('a'+rand.N(26))), size)
	switch rand.N(8) {
	case 0, 1:
		return step{[]string{"SET", key, text}, w.stored(text, 0)}
	case 2:
		ttl := time.Duration(1+rand.N(3000)) * time.Millisecond
		text += "." // never empty, so that what APPEND replies tells whether it had expired
		return step{[]string{"SET", key, text, "PX", strconv.FormatInt(ttl.Milliseconds(), 10)}, w.stored(text, ttl)}
	case 3:
		return step{[]string{"APPEND", key, text}, w.appended(text)}
	case 4:
		return step{[]string{"GETDEL", key}, w.read(true)}
	case 5:
		return step{[]string{"STRLEN", key}, w.measured}
	default:
		return step{[]string{"GET", key}, w.read(false)}
	}
}

// alive says whether the key is certainly there, and certainly not.
func (v *value) alive(sent, got time.Time) (yes, no bool) {
	switch {
	case v == nil:
		return false, true
	case v.dies.IsZero():
		return true, false
	}
	return got.Before(v.dies.Add(-expirySlack)), sent.After(v.dies.Add(expirySlack))
}

func (w *worker) stored(text string, ttl time.Duration) func(resp.Value, string, time.Time, time.Time) error {
	return func(v resp.Value, key string, _, got time.Time) error {
		if v.String() != "OK" {
			return fmt.Errorf("replied %q", v.String())
		}
		w.keys[key] = &value{text: text}
		if ttl > 0 {
			w.keys[key].dies = got.Add(ttl)
		}
		return nil
	}
}

func (w *worker) read(remove bool) func(resp.Value, string, time.Time, time.Time) error {
	return func(v resp.Value, key string, sent, got time.Time) error {
		known := w.keys[key]
		yes, no := known.alive(sent, got)
		switch {
		case v.IsNull() && yes:
			return errors.New("lost")
		case !v.IsNull() && no:
			return fmt.Errorf("came back: %d bytes", len(v.Str))
		case !v.IsNull() && string(v.Str) != known.text:
			return fmt.Errorf("%d bytes, expected %d", len(v.Str), len(known.text))
		}
		if v.IsNull() || remove {
			w.keys[key] = nil
		}
		return nil
	}
}

func (w *worker) measured(v resp.Value, key string, sent, got time.Time) error {
	known := w.keys[key]
	yes, no := known.alive(sent, got)
	n := 0
	if known != nil {
		n = len(known.text)
	}
	if is := int(v.Int); is != n && yes || is != 0 && no || is != 0 && is != n {
		return fmt.Errorf("replied %d, expected %d", is, n)
	}
	return nil
}

func (w *worker) appended(text string) func(resp.Value, string, time.Time, time.Time) error {
	return func(v resp.Value, key string, sent, got time.Time) error {
		known := w.keys[key]
		yes, no := known.alive(sent, got)
		n := int(v.Int)
		switch {
		case !no && n == len(known.text)+len(text):
			known.text += text
		case !yes && n == len(text):
			w.keys[key] = &value{text: text}
		default:
			return fmt.Errorf("replied %d", n)
		}
		return nil
	}
}
