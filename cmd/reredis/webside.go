package main

import (
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/version"
	"github.com/reredis/reredis/web"
)

// webOptions is the configuration in the HTTP side's words, and where its figures come from.
func (n *node) webOptions(cfg *configs.Config) web.Options {
	v := version.Get()
	sources := web.Sources{Commands: n.bus, Net: n.webNet, Keyspace: n.webKeyspace, Config: n.webConfig}
	var ready func() error
	sources.WAL, ready = n.persist.figures, n.persist.ready
	return web.Options{
		Off:  !cfg.HTTP.Enabled,
		Bind: configs.Addrs(cfg.HTTP.Bind), Port: cfg.HTTP.Port,
		PortFixed: !n.store.Origin("http.port").IsDefault(),
		Sources:   sources, Ready: ready,
		Build: web.Build{Version: v.Version, Commit: v.Commit},
		Log:   n.log,
	}
}

// webNet are the figures of connections for the metrics.
func (n *node) webNet() web.Net {
	st := n.server.Stats()
	waiting, _ := n.bus.Waiting()
	return web.Net{
		Clients: st.Connected, MaxClients: int64(n.server.Settings().MaxClients),
		Blocked:  int64(waiting + n.pause.Count() + n.swaps.Count()),
		Received: st.Received, Rejected: st.Rejected,
		InputBytes: st.NetIn, OutputBytes: st.NetOut,
		OutputLimited: st.OutputLimited, QueryLimited: st.QueryLimited, IdleClosed: st.Idle, Evicted: st.Evicted, Memory: st.Memory,
	}
}

// webConfig are the figures of the configuration for the metrics.
func (n *node) webConfig() web.Config {
	st := n.store.State()
	return web.Config{
		Failures: st.Failures, Stale: st.Error != "", Pending: int64(len(st.Pending)), Unsaved: int64(len(st.Unsaved)),
		Loaded: st.Loaded.Unix(),
	}
}

// webKeyspace are the figures of the data for the metrics.
func (n *node) webKeyspace() web.Keyspace {
	st := n.space.Stats()
	k := web.Keyspace{
		UsedMemory: st.UsedMemory, PeakMemory: st.PeakMemory, MaxMemory: st.MaxMemory,
		MappedBytes: st.MappedBytes, Hits: st.Hits, Misses: st.Misses,
		ExpiredKeys: st.ExpiredKeys, EvictedKeys: st.EvictedKeys, LazyFreePending: st.LazyFreePending,
		ExpireLagP50: st.ExpireLagP50Ms, ExpireLagP99: st.ExpireLagMs, ExpireLagMax: st.ExpireLagMaxMs,
		Databases: make([]web.Database, n.space.Databases()),
	}
	t := n.space.NewTx()
	for db := range k.Databases {
		k.Databases[db].Keys, k.Databases[db].Expires, _ = t.Counts(db)
	}
	return k
}
