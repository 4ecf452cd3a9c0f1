package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

// keyWaits are the commands that wait for something else than keys.
var keyWaits = []bus.Spec{
	{
		Name: "wait", Run: waitReplicas, Arity: 3, Flags: bus.NoScript, Cats: bus.CatConnection,
		Group: "generic", Since: "3.0.0", Complexity: "O(1)",
		Usage:   "numreplicas timeout",
		Summary: "Waits until so many replicas have the connection's writes, and answers how many have.",
		Tips:    []string{"request_policy:all_shards", "response_policy:agg_min"},
	},
}

var (
	errTimeoutInteger  = errors.New("ERR timeout is not an integer or out of range")
	errTimeoutNegative = errors.New("ERR timeout is negative")
)

// timeoutMillis parses a timeout in milliseconds, 0 for none.
func timeoutMillis(b []byte) (int64, error) {
	n, ok := parseInt(b)
	switch {
	case !ok:
		return 0, errTimeoutInteger
	case n < 0:
		return 0, errTimeoutNegative
	}
	return n, nil
}

// waitReplicas has no replicas to wait for: unless none is asked for, only its timeout ends it.
func waitReplicas(c *bus.Ctx) error {
	n, err := integer(c.Args[1])
	if err != nil {
		return err
	}
	timeout, err := timeoutMillis(c.Args[2])
	if err != nil {
		return err
	}
	if n > 0 {
		return c.Wait(bus.Wait{Timeout: timeout, TimedOut: func(r *bus.Reply) { r.Int(0) }})
	}
	c.Reply.Int(0)
	return nil
}
