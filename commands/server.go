package commands

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// server holds the handlers of the server family and what they share.
type server struct {
	d      *Deps
	base   atomic.Pointer[keyspace.Stats] // at the last CONFIG RESETSTAT
	replID atomic.Pointer[string]
}

// Server returns the commands about the server.
func Server(d *Deps) []bus.Spec {
	h := &server{d: d}
	h.base.Store(&keyspace.Stats{})
	id := randomHex(20)
	h.replID.Store(&id)
	return append([]bus.Spec{
		{
			Name: "info", Run: h.info, Arity: -1, Flags: bus.Loading | bus.Stale, Cats: bus.CatDangerous,
			Group: "server", Since: "1.0.0", Complexity: "O(1)",
			Usage:   "[section [section ...]]",
			Summary: "Reports figures about the server, by sections.",
			Tips:    []string{"nondeterministic_output", "request_policy:all_shards", "response_policy:special"},
			History: []bus.Change{{Version: "7.0.0", Note: "Several sections in one call."}},
		},
		{
			Name: "time", Run: h.time, Arity: 1, Flags: bus.Loading | bus.Stale | bus.Fast,
			Group: "server", Since: "2.6.0", Complexity: "O(1)",
			Summary: "Tells the server's time in seconds and microseconds.",
			Tips:    []string{"nondeterministic_output"},
		},
		{
			Name: "shutdown", Run: h.shutdown, Arity: -1,
			Flags: bus.Admin | bus.NoScript | bus.Loading | bus.Stale | bus.NoMulti | bus.AllowBusy,
			Group: "server", Since: "1.0.0",
			Complexity: "O(N) when saving, where N is the number of keys in all databases, otherwise O(1)",
			Usage:      "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]",
			Args: []bus.ArgNote{
				{Arg: "now", Since: "7.0.0"},
				{Arg: "force", Since: "7.0.0"},
				{Arg: "abort", Since: "7.0.0"},
			},
			Summary: "Stops the server after it has saved what it is to save.",
			History: []bus.Change{{Version: "7.0.0", Note: "The modifiers `NOW`, `FORCE` and `ABORT`."}},
		},
		commandSpec(h),
		configSpec(h),
		debugSpec(h),
		functionSpec(),
		latencySpec(h),
		lolwutSpec(),
		memorySpec(h),
		monitorSpec(h),
		slowlogSpec(h),
	}, persistenceSpecs(h)...)
}

func (h *server) time(c *bus.Ctx) error {
	now := time.Now()
	c.Reply.Array(2)
	c.Reply.BulkString(strconv.FormatInt(now.Unix(), 10))
	c.Reply.BulkString(strconv.Itoa(now.Nanosecond() / 1000))
	return nil
}
