package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/monitor"
	"github.com/reredis/reredis/bus/pubsub"
	"github.com/reredis/reredis/bus/tracking"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/keyspace"
	"github.com/reredis/reredis/server"
	"github.com/reredis/reredis/web"
)

// serve starts the server and returns when it has stopped.
func serve(args, env []string, std stdio) int {
	store, err := configs.LoadFrom(configs.Inputs{Args: args, Env: env, Stdin: std.in})
	if err != nil {
		fmt.Fprintln(std.err, err)
		if load, ok := errors.AsType[*configs.LoadError](err); ok {
			return load.Status()
		}
		return 1
	}
	if store.CheckOnly() {
		if err := store.CheckPlaces(); err != nil {
			fmt.Fprintln(std.err, err)
			return 1
		}
		store.Report(std.out)
		return 0
	}
	logTo := std.err
	if store.Current().Log.Format == "redis" {
		logTo = std.out // where redis-server's readers look
	}
	log, level, closeLog, err := openLog(store.Current().Log, logTo)
	if err != nil {
		fmt.Fprintln(std.err, "reredis:", err)
		return 1
	}
	defer func() { _ = closeLog() }()
	for _, w := range store.Warnings() {
		log.Warn(w)
	}
	n, err := newNode(store, log, level)
	if err != nil {
		fmt.Fprintln(std.err, "reredis:", err)
		if c := store.Current().Log; c.File != "" || c.Format == "redis" {
			log.Error(err.Error()) // not on the same screen
		}
		return 1
	}
	n.announce(std.out)
	if w := unreachable(store.Current(), inContainer(env, fileExists, cgroupNames())); w != "" {
		log.Warn(w)
	}
	if err := n.run(); err != nil {
		log.Error("stopped by an error", "error", err)
		return 1
	}
	log.Info("Reredis is now ready to exit, bye bye...")
	return 0
}

// node is one server with all its parts, in the order in which they are closed last to first.
type node struct {
	store   *configs.Store
	log     *slog.Logger
	level   *slog.LevelVar
	space   *keyspace.Space
	bus     *bus.Bus
	pubsub  *pubsub.Hub
	server  *server.Server
	web     *web.Server
	persist *persistence

	rules    rules
	pause    bus.Pause
	swaps    bus.Swaps
	monitor  monitor.Feed
	tracking *tracking.Tracker
	hides    hiding
	watch    watch
	purge    purger
	rates    *commands.Rates
	ctx      context.Context // ends when the node is to stop
	stop     context.CancelFunc
	started  time.Time

	failMu  sync.Mutex
	failure error // what stopped it, see fail
}

// fail stops the node because of an error, the first of which run returns. A snapshot is given up, so that nobody's SAVE
// is waited for.
func (n *node) fail(err error) {
	n.failMu.Lock()
	if n.failure == nil {
		n.failure = err
	}
	n.failMu.Unlock()
	n.persist.saves.stop(errStopping)
	n.stop()
}

// newNode builds every part and opens the listeners; nothing runs yet.
func newNode(store *configs.Store, log *slog.Logger, level *slog.LevelVar) (*node, error) {
	cfg := store.Current()
	n := &node{store: store, log: log, level: level, pubsub: pubsub.New(), tracking: tracking.New(), started: time.Now()}
	n.ctx, n.stop = context.WithCancel(context.Background())
	loops := cfg.Server.Loops
	if loops == 0 {
		loops = server.DefaultLoops()
	}
	// A saturated loop never yields, so others need a place to run (docs/architecture.md, Threads).
	runtime.GOMAXPROCS(loops + 2)

	var err error
	if n.persist, err = newPersistence(n, cfg); err != nil {
		return nil, err
	}
	space, err := keyspace.New(keyspace.Options{
		Databases: cfg.Keyspace.Databases,
		Stripes:   stripes(cfg, loops),
		HashKey:   n.persist.hashKey,
		MaxValue:  cfg.Limits.ProtoMaxBulk,
	})
	if err != nil {
		return nil, err
	}
	n.space = space
	n.hides.space = space
	n.purge.space, n.purge.ctx = space, n.ctx
	space.SetLimit(limit(cfg))
	space.SetHugePages(cfg.Keyspace.HugePages == "auto")
	n.rules.set(cfg)
	n.watch = newWatch(cfg)
	deps := n.newDeps(loops)
	n.bus = bus.New(space,
		bus.Timed(n.watch.timing),
		bus.Admit(n.admission(deps)),
		bus.Lock(),
		bus.Observe("monitor", n.monitor.Observer),
		n.tracking.Layer(),
		bus.Logging(n.logging),
	)
	n.pause.Changed = n.paused
	n.swaps.Changed = n.bus.Recompose
	n.monitor.Changed = n.bus.Recompose
	n.track(cfg)
	specs, err := renamed(commands.All(deps), cfg.Admin.Renames)
	if err == nil {
		err = n.bus.Register(specs...)
	}
	if err != nil {
		return nil, errors.Join(err, space.Close())
	}
	if n.server, err = server.New(n.serverOptions(cfg, loops)); err != nil {
		return nil, errors.Join(err, space.Close())
	}
	if n.web, err = web.New(n.webOptions(cfg)); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("HTTP port %d is taken: choose another with --http-port, or 0 for none: %w", cfg.HTTP.Port, err)
		}
		return nil, errors.Join(err, n.server.Close(), space.Close())
	}
	n.bus.PublishEvents(n.pubsub, n.logging)
	n.bus.SetEvents(bus.ParseEvents(cfg.Observe.KeyspaceEvent))
	n.follow()
	return n, nil
}

// run drives the parts until a signal, SHUTDOWN or an error stops them, and closes
// them in reverse order.
func (n *node) run() error {
	defer n.stop()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)

	var side sync.WaitGroup
	webCtx, stopWeb := context.WithCancel(context.Background())
	defer stopWeb()
	var webErr error
	side.Go(func() {
		if webErr = n.web.Run(webCtx); webErr != nil {
			n.stop()
		}
	})
	side.Go(func() { n.obey(webCtx, signals) })
	side.Go(func() { n.followFiles(webCtx) })
	side.Go(func() { _ = n.rates.Run(webCtx) }) // returns nil when webCtx ends
	side.Go(func() { n.persist.run(webCtx) })
	side.Go(func() { n.space.NewTx().MergePages(webCtx) })
	err := n.server.Run(n.ctx)
	n.tracking.Wait()
	stopWeb()
	side.Wait()
	n.purge.close()
	err = errors.Join(err, n.persist.close())
	n.failMu.Lock()
	defer n.failMu.Unlock()
	return errors.Join(n.failure, err, webErr, n.space.Close())
}

// obey stops the node at the first signal, and the process at the second.
func (n *node) obey(over context.Context, signals <-chan os.Signal) {
	var stopping atomic.Bool
	for {
		select {
		case s := <-signals:
			if stopping.Swap(true) || n.ctx.Err() != nil {
				n.log.Warn("second signal: exiting at once", "signal", s.String())
				os.Exit(1)
			}
			n.log.Info("Received "+s.String()+", scheduling shutdown...", "signal", s.String())
			n.shutdown(commands.ShutdownOptions{}, func(err error) {
				if err != nil {
					n.log.Error("the data could not be saved: the server goes on", "error", err)
					stopping.Store(false)
				}
			})
		case <-over.Done():
			return
		}
	}
}
