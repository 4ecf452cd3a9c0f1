package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// fanout is one case of publish.
type fanout struct {
	name        string
	channels    int
	subscribers int // connections; each channel has subscribers/channels of them, or one of them all channels
	pipeline    int
	messages    int // at full length
}

// fanouts are the cases. A delivery is one message to one subscriber.
var fanouts = []fanout{
	{"1000 subscribers of one channel, one PUBLISH at a time", 1, 1000, 1, 3000},
	{"1000 subscribers of one channel, pipeline 16", 1, 1000, 16, 12000},
	{"10000 channels, 100 connections, one PUBLISH at a time", 10000, 100, 1, 60000},
	{"10000 channels, 100 connections, pipeline 16", 10000, 100, 16, 400000},
}

// published is what a round measured.
type published struct {
	rate float64 // deliveries a second
	cpu  float64 // server CPU in microseconds a delivery
}

// publish measures how fast messages reach subscribers, of our server and of redis-server in turns, each
// pinned to the same CPU while the other is stopped.
func publish(ctx context.Context, args []string) error {
	fs := flag.NewFlagSet("publish", flag.ContinueOnError)
	binary := fs.String("ours", "./reredis", "our server")
	peer := fs.String("peer", "redis-server", "the other one")
	rounds := fs.Int("rounds", 3, "rounds; the median counts")
	serverCPU := fs.String("server-cpus", "0", "where the servers run")
	size := fs.Int("size", 64, "bytes of a message")
	scale := fs.Float64("scale", 1, "number of messages, relative")
	if err := fs.Parse(args); err != nil {
		return err
	}
	path, err := filepath.Abs(*binary)
	if err != nil {
		return err
	}
	const noLimit = "--client-output-buffer-limit"
	a, err := start(ctx, "reredis", *serverCPU, nil, append(ours(path, ""), noLimit, "pubsub 0 0 0")...)
	if err != nil {
		return err
	}
	defer a.stop()
	b, err := start(ctx, "redis", *serverCPU, nil, append(theirs(*peer, ""), noLimit, "pubsub 0 0 0")...)
	if err != nil {
		return err
	}
	defer b.stop()
	fmt.Println("| case | deliveries/s | redis | ratio | CPU us | redis | ratio |\n|---|---|---|---|---|---|---|")
	for _, f := range fanouts {
		f.messages = max(1, int(float64(f.messages)**scale))
		var got [2][]published
		for range *rounds {
			for i, p := range []*process{a, b} {
				other := b
				if i == 1 {
					other = a
				}
				other.pause()
				r, err := f.run(p, *size)
				other.resume()
				if err != nil {
					return fmt.Errorf("%s: %s: %w", p.name, f.name, err)
				}
				got[i] = append(got[i], r)
			}
		}
		rate := func(r published) float64 { return r.rate }
		cpu := func(r published) float64 { return r.cpu }
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f |\n", f.name,
			medianOf(got[0], rate), medianOf(got[1], rate), medianOf(got[0], rate)/medianOf(got[1], rate),
			medianOf(got[0], cpu), medianOf(got[1], cpu), medianOf(got[0], cpu)/medianOf(got[1], cpu))
	}
	return nil
}

// medianOf is the median of one figure.
func medianOf(list []published, of func(published) float64) float64 {
	values := make([]float64, len(list))
	for i, r := range list {
		values[i] = of(r)
	}
	return middle(values)
}

// run measures the case on one server.
func (f fanout) run(p *process, size int) (published, error) {
	subs := make([]*conn, f.subscribers)
	defer func() {
		for _, c := range subs {
			if c != nil {
				c.Close()
			}
		}
	}()
	per := max(1, f.channels/f.subscribers) // channels of a connection
	for i := range subs {
		c, err := dial(p.port)
		if err != nil {
			return published{}, err
		}
		subs[i] = c
		words := []string{"SUBSCRIBE"}
		for k := range per {
			words = append(words, channelName((i*per+k)%f.channels))
		}
		c.send(words...)
		if err := c.flush(); err != nil {
			return published{}, err
		}
		for range per {
			if _, err := c.read(); err != nil {
				return published{}, err
			}
		}
	}
	text := string(make([]byte, size))
	each := f.subscribers * per / f.channels // deliveries of a message
	bytesOf := func(channel int) int64 {
		name := channelName(channel)
		return int64(len(fmt.Sprintf("*3\r\n$7\r\nmessage\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(name), name, size, text)))
	}
	// How many bytes each subscriber is owed.
	owed := make([]int64, f.subscribers)
	for m := range f.messages {
		channel := f.channelOf(m)
		if f.channels == 1 {
			for i := range owed {
				owed[i] += bytesOf(channel)
			}
		} else {
			owed[channel/per] += bytesOf(channel)
		}
	}
	pub, err := dial(p.port)
	if err != nil {
		return published{}, err
	}
	defer pub.Close()
	before, err := p.cpu()
	if err != nil {
		return published{}, err
	}
	began := time.Now()
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for i, c := range subs {
		wg.Go(func() {
			if _, err := io.CopyN(io.Discard, c.r, owed[i]); err != nil {
				failed.Store(&err)
			}
		})
	}
	for m := 0; m < f.messages; m += f.pipeline {
		n := min(f.pipeline, f.messages-m)
		for k := range n {
			pub.send("PUBLISH", channelName(f.channelOf(m+k)), text)
		}
		if err := pub.flush(); err != nil {
			return published{}, err
		}
		for range n {
			if v, err := pub.read(); err != nil || v.Int != int64(each) {
				return published{}, fmt.Errorf("PUBLISH answers %v, want %d: %w", v, each, err)
			}
		}
	}
	wg.Wait()
	took := time.Since(began)
	after, err := p.cpu()
	if err != nil {
		return published{}, err
	}
	if e := failed.Load(); e != nil {
		return published{}, *e
	}
	n := float64(f.messages * each)
	return published{rate: n / took.Seconds(), cpu: float64((after - before).Microseconds()) / n}, nil
}

// channelOf is the channel of the m-th message.
func (f fanout) channelOf(m int) int { return m * 7919 % f.channels }

func channelName(i int) string { return "channel:" + strconv.Itoa(i) }
