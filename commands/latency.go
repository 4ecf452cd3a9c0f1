package commands

import (
	"fmt"
	"strconv"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/latency"
)

// latencyFlags are what the subcommands of LATENCY have in common.
const latencyFlags = bus.Admin | bus.NoScript | bus.Loading | bus.Stale

// latencySpec is the container LATENCY.
func latencySpec(h *server) bus.Spec {
	special := []string{"nondeterministic_output", "request_policy:all_nodes", "response_policy:special"}
	return bus.Spec{
		Name: "latency", Arity: -2, Group: "server", Since: "2.8.13", Complexity: "Depends on subcommand.",
		Summary: "The commands about what took long.",
		Subs: []bus.Spec{
			{
				Name: "doctor", Run: h.latencyDoctor, Arity: 2, Flags: latencyFlags,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Summary: "Reports in words what took long, and what may help.",
				Tips:    special,
			},
			{
				Name: "graph", Run: h.latencyGraph, Arity: 3, Flags: latencyFlags,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Usage:   "event",
				Summary: "Draws the samples of an event.",
				Tips:    special,
			},
			{
				Name: "history", Run: h.latencyHistory, Arity: 3, Flags: latencyFlags,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Usage:   "event",
				Summary: "Lists the samples of an event: time and milliseconds.",
				Tips:    special,
			},
			{
				Name: "latest", Run: h.latencyLatest, Arity: 2, Flags: latencyFlags,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Summary: "Lists the events, each with its newest and its worst sample.",
				Tips:    special,
			},
			{
				Name: "reset", Run: h.latencyReset, Arity: -2, Flags: latencyFlags,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Usage:   "[event [event ...]]",
				Summary: "Forgets the samples of events, of all if none is named.",
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
			},
			{
				Name: "histogram", Run: h.latencyHistogram, Arity: -2, Flags: latencyFlags,
				Group: "server", Since: "7.0.0",
				Complexity: "O(N) where N is the number of commands with latency information being retrieved.",
				Usage:      "[command [command ...]]",
				Summary:    "Tells how the durations of commands are distributed.",
				Tips:       special,
			},
			{
				Name: "help", Run: latencyHelp, Arity: 2, Flags: bus.Loading | bus.Stale,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

func (h *server) latencyDoctor(c *bus.Ctx) error {
	late, _ := strconv.ParseInt(h.setting("latency-monitor-threshold", "0"), 10, 64)
	slow, _ := strconv.ParseInt(h.setting("slowlog-log-slower-than", "-1"), 10, 64)
	c.Reply.Verbatim("txt", h.d.Latency.Doctor(latency.Rules{
		LateOver: time.Duration(late) * time.Millisecond,
		SlowOver: time.Duration(slow) * time.Microsecond,
	}))
	return nil
}

func (h *server) latencyGraph(c *bus.Ctx) error {
	e, ok := h.d.Latency.Event(string(c.Args[2]))
	if !ok {
		return fmt.Errorf("ERR No samples available for event '%s'", quotable(c.Args[2]))
	}
	c.Reply.Verbatim("txt", h.d.Latency.Graph(&e))
	return nil
}

func (h *server) latencyHistory(c *bus.Ctx) error {
	e, _ := h.d.Latency.Event(string(c.Args[2]))
	c.Reply.Array(len(e.Samples))
	for _, s := range e.Samples {
		c.Reply.Array(2)
		c.Reply.Int(s.At)
		c.Reply.Int(s.Took)
	}
	return nil
}

func (h *server) latencyLatest(c *bus.Ctx) error {
	events := h.d.Latency.Events()
	c.Reply.Array(len(events))
	for i := range events {
		e := &events[i]
		last := e.Last()
		c.Reply.Array(4)
		c.Reply.BulkString(e.Name)
		c.Reply.Int(last.At)
		c.Reply.Int(last.Took)
		c.Reply.Int(e.Worst)
	}
	return nil
}

func (h *server) latencyReset(c *bus.Ctx) error {
	names := make([]string, 0, len(c.Args)-2)
	for _, a := range c.Args[2:] {
		names = append(names, string(a))
	}
	c.Reply.Int(int64(h.d.Latency.Reset(names...)))
	return nil
}

func (h *server) latencyHistogram(c *bus.Ctx) error {
	c.Publish()
	b := c.Bus()
	var list []*bus.Counts
	add := func(s *bus.Spec) {
		if k := b.CountsOf(s); k.Latency() != nil {
			list = append(list, k)
		}
	}
	if len(c.Args) == 2 {
		for _, k := range b.Counts() {
			add(k.Spec)
		}
	}
	for _, name := range c.Args[2:] {
		if s := specNamed(b, name); s != nil {
			add(s)
			for i := range s.Subs {
				add(&s.Subs[i])
			}
		}
	}
	c.Reply.Map(len(list))
	for _, k := range list {
		calls, steps := k.Distribution()
		c.Reply.BulkString(k.Spec.FullName())
		c.Reply.Map(2)
		c.Reply.BulkString("calls")
		c.Reply.Int(calls)
		c.Reply.BulkString("histogram_usec")
		c.Reply.Map(len(steps))
		for _, s := range steps {
			c.Reply.Int(s.Micros)
			c.Reply.Int(s.Count)
		}
	}
	return nil
}

func latencyHelp(c *bus.Ctx) error {
	c.Reply.Help("LATENCY",
		"DOCTOR",
		"    Return a human readable latency analysis report.",
		"GRAPH <event>",
		"    Return an ASCII latency graph for the <event> class.",
		"HISTORY <event>",
		"    Return time-latency samples for the <event> class.",
		"LATEST",
		"    Return the latest latency samples for all events.",
		"RESET [<event> ...]",
		"    Reset latency data of one or more <event> classes.",
		"    (default: reset all data for all event classes)",
		"HISTOGRAM [COMMAND ...]",
		"    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
		"    If no commands are specified then all histograms are replied.",
	)
	return nil
}
