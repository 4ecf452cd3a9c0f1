package main

import (
	"math/bits"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/keyspace"
	"github.com/reredis/reredis/server"
)

// serverOptions is the configuration in the server's words.
func (n *node) serverOptions(cfg *configs.Config, loops int) server.Options {
	sinks := make([]keyspace.Sink, max(1, loops)) // one for each loop
	for i := range sinks {
		sinks[i] = &dues{j: &n.persist.journal}
	}
	return server.Options{
		WAL: &n.persist.journal,
		Bus: n.bus, Log: n.log,
		Bind: serverBind(cfg), Port: cfg.Server.Port, Backlog: cfg.Server.TCPBacklog,
		UnixSocket: cfg.Server.UnixSocket, UnixSocketPerm: cfg.Server.UnixSocketPerm,
		Driver: server.Driver(cfg.Server.Driver), Loops: loops,
		Settings:      settings(cfg),
		ShutdownGrace: cfg.Server.ShutdownTimeout,
		Upkeep: func(c *bus.Ctx, share, of int, budget time.Duration) (more bool, rest time.Duration) {
			if share == 0 {
				n.tracking.Tick()
			}
			c.Tx.Sink = sinks[share]
			n.watch.timed("expire-cycle", func() { more = n.space.Tick(c.Tx, share, of, budget) })
			c.Tx.Sink = nil
			if more {
				return true, 0
			}
			if n.space.Expires() > 0 {
				return false, 50 * time.Millisecond // how late a key of an idle server may go
			}
			return false, time.Second
		},
	}
}

// serverBind is where to listen for clients, nowhere if the port is 0.
func serverBind(cfg *configs.Config) []server.BindAddr {
	if cfg.Server.Port == 0 {
		return nil
	}
	var bind []server.BindAddr
	for _, a := range configs.Addrs(cfg.Server.Bind) {
		bind = append(bind, server.BindAddr(a))
	}
	return bind
}

// settings are the server's parameters that may change while it runs.
func settings(cfg *configs.Config) server.Settings {
	limit := func(l configs.OutputLimit) server.OutputLimit {
		return server.OutputLimit{Hard: l.Hard, Soft: l.Soft, SoftFor: time.Duration(l.SoftSeconds) * time.Second}
	}
	return server.Settings{
		MaxClients: cfg.Server.MaxClients,
		Timeout:    cfg.Server.Timeout, Keepalive: cfg.Server.TCPKeepalive,
		QueryBuffer: cfg.Limits.QueryBuffer, MaxBulk: cfg.Limits.ProtoMaxBulk,
		ClientMemory: clientMemory(cfg),
		Output: server.OutputLimits{
			server.ClassNormal:  limit(cfg.Limits.OutputNormal),
			server.ClassReplica: limit(cfg.Limits.OutputReplica),
			server.ClassPubSub:  limit(cfg.Limits.OutputPubSub),
		},
		ProtectedMode: cfg.Server.ProtectedMode,
		AuthRequired:  cfg.Server.RequirePass != "",
	}
}

// stripes is the number of stripes: by default eight for each loop, rounded up to a power of two. The
// keyspace's own default counts the processors that the runtime may use, of which newNode adds some.
func stripes(cfg *configs.Config, loops int) int {
	if n := cfg.Keyspace.Stripes; n != 0 {
		return n
	}
	return min(keyspace.Slots, 1<<bits.Len(uint(8*loops-1)))
}

// leastClientMemory is the least limit of all clients' memory, so that somebody can always
// connect and set another one.
const leastClientMemory = 128 << 10

// clientMemory is the limit of all clients' memory in bytes, 0: none.
func clientMemory(cfg *configs.Config) int64 {
	n := cfg.Limits.ClientsMemory
	if n < 0 {
		n = int64(float64(cfg.Keyspace.MaxMemory) * float64(-n) / 100)
	}
	if n == 0 {
		return 0
	}
	return max(n, leastClientMemory)
}

// follow makes the parts follow changes of the configuration.
func (n *node) follow() {
	n.store.OnChange([]string{"server.port", "server.bind"}, n.rebind)
	n.store.OnChange([]string{"http.enabled", "http.port", "http.bind"}, n.rebindWeb)
	n.store.OnChange([]string{"server", "keyspace.maxmemory"}, func(_, next *configs.Config) (commit, rollback func(), err error) {
		return func() {
			n.server.SetSettings(settings(next))
			n.tracking.SetMax(next.Limits.TrackedKeys)
			n.space.SetMaxValue(next.Limits.ProtoMaxBulk)
		}, nil, nil
	})
	n.store.OnChange([]string{"server.auth", "keyspace"}, func(old, next *configs.Config) (commit, rollback func(), err error) {
		return func() {
			n.rules.set(next)
			n.space.SetLimit(limit(next))
			n.space.SetHugePages(next.Keyspace.HugePages == "auto")
			n.bus.Recompose()
			if used := n.space.UsedMemory(); next.Keyspace.MaxMemory > 0 && used > next.Keyspace.MaxMemory && old.Keyspace.MaxMemory != next.Keyspace.MaxMemory {
				n.log.Warn("the new maxmemory is below the memory in use: keys go or writes are refused, as maxmemory-policy says",
					"maxmemory", next.Keyspace.MaxMemory, "used", used)
			}
		}, nil, nil
	})
	n.store.OnChange([]string{"wal"}, func(old, next *configs.Config) (commit, rollback func(), err error) {
		return func() {
			if old.WAL.Policy != next.WAL.Policy {
				n.persist.setPolicy(next.WAL.Policy)
			}
			if old.WAL.Enabled != next.WAL.Enabled {
				n.persist.setLog(next.WAL.Enabled)
			}
			n.persist.needSnapshots(mustSave(next))
			n.persist.tune(next)
		}, nil, nil
	})
	n.store.OnChange([]string{"observe"}, func(_, next *configs.Config) (commit, rollback func(), err error) {
		return func() {
			n.bus.SetEvents(bus.ParseEvents(next.Observe.KeyspaceEvent))
			if n.watch.set(next) {
				n.bus.Recompose()
			}
		}, nil, nil
	})
	n.store.OnChange([]string{"log"}, func(_, next *configs.Config) (commit, rollback func(), err error) {
		return func() { n.level.Set(levels[next.Log.Level]) }, nil, nil
	})
}
