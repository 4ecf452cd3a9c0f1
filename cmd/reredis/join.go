package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/internal/version"
)

// randomKey is a key of the hash that orders the keyspace; the data directory keeps it.
func randomKey() (key [16]byte) {
	_, _ = rand.Read(key[:]) // never fails: crypto/rand ends the process instead
	return key
}

// newDeps gives the commands what they need of the rest.
func (n *node) newDeps(loops int) *commands.Deps {
	cfg := n.store.Current()
	exe, _ := os.Executable()
	v := version.Get()
	n.rates = commands.NewRates(func() commands.Sample {
		net := n.server.Stats()
		return commands.Sample{Commands: int64(n.bus.Processed()), InputBytes: net.NetIn, OutputBytes: net.NetOut}
	})
	deps := &commands.Deps{
		Server: commands.Identity{
			Version: v.Version, Commit: v.Commit, RunID: runID(), Port: cfg.Server.Port,
			Executable: exe, ConfigFile: n.store.File(), Started: n.started, Loops: loops,
		},
		Databases: cfg.Keyspace.Databases,
		Config:    config{n},
		Clients:   clients{n},
		Shutdown:  shutdowner{n},
		PubSub:    n.pubsub,
		SlowLog:   n.watch.slow,
		Latency:   n.watch.latency,
		Monitor:   &n.monitor,
		Tracking:  n.tracking,
		Pause:     &n.pause,
		Password:  n.rules.requirePass,
		Net:       n.net,
		Reset:     func() { n.server.ResetStats(); n.persist.resetStats() },
		Rates:     n.rates,
		HTTPPort:  n.httpPort,
		Purge:     n.purge.begin,
		Log:       func(message string) { n.log.Info(message) },
	}
	deps.Persistence = n.persist
	return deps
}

// runID is 40 random hex digits.
func runID() string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return hex.EncodeToString(b[:])
}

// net gathers the figures of connections for INFO.
func (n *node) net() commands.Net {
	st := n.server.Stats()
	waiting, timed := n.bus.Waiting()
	return commands.Net{
		Clients: int(st.Connected), MaxClients: n.server.Settings().MaxClients,
		Blocked: waiting + n.pause.Count() + n.swaps.Count(), Timed: timed,
		MaxInput: st.RecentMaxInput, MaxOutput: st.RecentMaxOutput,
		Buffers: st.Memory, Received: st.Received, Rejected: st.Rejected, Evicted: st.Evicted,
		InputBytes: st.NetIn, OutputBytes: st.NetOut, Reads: st.Reads, Writes: st.Writes,
	}
}

// httpPort is where HTTP is served, 0 if it is off.
func (n *node) httpPort() int {
	if len(n.web.Addrs()) == 0 {
		return 0
	}
	_, port := n.web.Ports()
	return port
}

// clients reaches the connections; the server is made after the commands.
type clients struct{ n *node }

// Each visits every connection.
func (c clients) Each(visit func(*bus.Client, bus.ConnState) bool, done func()) {
	c.n.server.Each(visit, done)
}

// shutdowner stops the server for SHUTDOWN.
type shutdowner struct{ n *node }

// Begin stops the server, after a snapshot if one is asked for or nothing else keeps the data.
func (s shutdowner) Begin(o commands.ShutdownOptions, begun func(error)) {
	s.n.log.Info("User requested shutdown...")
	s.n.shutdown(o, begun)
}

// Abort finds nothing to take back: a shutdown begins at once.
func (s shutdowner) Abort() bool { return false }
