package main

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// expire lets keys with a deadline fall due, spread over a second or all in one millisecond, and
// tells how late they go, when the last is gone, and the latency of GET of other keys over one
// connection before and meanwhile.
func expire(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("expire", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	peer := fs.String("peer", "", "afterwards the same with this redis-server")
	keys := fs.Int("keys", 1_000_000, "keys with a deadline")
	serverCPU := fs.String("server-cpus", "0", "where the server runs")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	for _, t := range contenders(ours(path, ""), *peer) {
		for _, spread := range []int{1000, 1} {
			s, err := start(ctx, t.name, *serverCPU, nil, t.argv...)
			if err != nil {
				return err
			}
			err = expireOne(s, *keys, spread)
			s.stop()
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// otherKeys are those without a deadline, which are read.
const otherKeys = 100_000

// lead is the time between the first SET and the first deadline, for as long as loading takes.
const lead = 8 * time.Second

func expireOne(s *process, keys, spread int) error {
	c, err := dial(s.port)
	if err != nil {
		return err
	}
	defer c.Close()
	due := time.Now().Add(lead).Truncate(time.Millisecond)
	val := string(make([]byte, 64))
	if err := pipelined(c, otherKeys, func(i int) []string { return []string{"SET", "other:" + strconv.Itoa(i), val} }); err != nil {
		return err
	}
	if err := pipelined(c, keys, func(i int) []string {
		return []string{"SET", "key:" + strconv.Itoa(i), val, "PXAT", strconv.FormatInt(due.UnixMilli()+int64(i%spread), 10)}
	}); err != nil {
		return err
	}
	if time.Until(due) < time.Second {
		return fmt.Errorf("loading took too long: the deadlines are %v away", time.Until(due))
	}
	before, err := reads(c, due.Add(-10*time.Millisecond), nil)
	if err != nil {
		return err
	}
	var gone time.Time
	last := due.Add(time.Duration(spread-1) * time.Millisecond)
	meanwhile, err := reads(c, last.Add(3*time.Second), func() (bool, error) {
		v, err := c.call("DBSIZE")
		if err == nil && v.String() == strconv.Itoa(otherKeys) {
			gone = time.Now()
		}
		return !gone.IsZero(), err
	})
	if err != nil {
		return err
	}
	left := "not all gone 3 s after the last deadline"
	if !gone.IsZero() {
		left = fmt.Sprintf("all gone %v after the last deadline", gone.Sub(last).Round(time.Millisecond))
	}
	fmt.Printf("%s: %d keys due within %d ms: %s%s\n", s.name, keys, spread, left, lag(c))
	for _, h := range []struct {
		name string
		*histogram
	}{{"before", before}, {"meanwhile", meanwhile}} {
		fmt.Printf("  GET of other keys %-9s p50 %v, p99 %v, p99.9 %v (%d)\n", h.name, h.quantile(.5), h.quantile(.99), h.quantile(.999), h.total)
	}
	return nil
}

// pipelined sends n commands in pipelines.
func pipelined(c *conn, n int, command func(i int) []string) error {
	const batch = 500
	for i := 0; i < n; i += batch {
		for j := i; j < min(i+batch, n); j++ {
			c.send(command(j)...)
		}
		if err := c.flush(); err != nil {
			return err
		}
		for j := i; j < min(i+batch, n); j++ {
			if v, err := c.read(); err != nil || v.IsError() {
				return fmt.Errorf("%v: %w", v, err)
			}
		}
	}
	return nil
}

// reads times GETs until a moment, or until done, which is asked every hundredth one, says so.
func reads(c *conn, until time.Time, done func() (bool, error)) (*histogram, error) {
	h := new(histogram)
	for i := 0; ; i++ {
		began := time.Now()
		if began.After(until) {
			return h, nil
		}
		if _, err := c.call("GET", "other:"+strconv.Itoa(i*7919%otherKeys)); err != nil {
			return h, err
		}
		h.add(time.Since(began))
		if done != nil && i%100 == 99 {
			if end, err := done(); end || err != nil {
				return h, err
			}
		}
	}
}

var lagFields = regexp.MustCompile(`(?m)^expire_lag[a-z0-9_]*:.*$`)

// lag is what the server says of the lateness of removals.
func lag(c *conn) (text string) {
	v, err := c.call("INFO", "everything")
	if err != nil {
		return ""
	}
	for _, f := range lagFields.FindAllString(v.String(), -1) {
		text += "; " + f[:len(f)-1]
	}
	return text
}
