package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/wal"
)

// persistence is the log and the snapshots of a node: it recovers the data at the start, joins the log to
// the bus and the server, and keeps the log short.
type persistence struct {
	n       *node
	dir     string // absolute
	hashKey [16]byte
	backend *wal.FileBackend
	journal journal
	dues    sync.Pool                       // of *dues, for evictions
	snaps   atomic.Pointer[wal.Snapshotter] // nil before the data is there

	loading  atomic.Bool
	started  time.Time // of the loading
	progress atomic.Pointer[wal.Progress]
	loaded   atomic.Int64 // keys
	took     atomic.Int64 // of the loading, in nanoseconds
	torn     atomic.Int64 // bytes cut off at the start

	mu     sync.Mutex // guards policy and saves
	policy wal.Policy // of the log, which there may not be yet
	saves  saves
	work   sync.WaitGroup // snapshots and reloads

	// making is held while a snapshot is made and while the data is read back; before mu.
	making sync.Mutex

	stop context.CancelFunc // of run, and then of close
	over chan error         // of the log's Run
}

// dataDir is where a node keeps its data.
func dataDir(cfg *configs.Config) (string, error) {
	dir := cfg.Server.Dir
	if dir == "" {
		dir = filepath.Join("reredis-data", strconv.Itoa(cfg.Server.Port))
	}
	return filepath.Abs(dir)
}

// newPersistence prepares the data directory; nothing is read but what is fixed with the data.
func newPersistence(n *node, cfg *configs.Config) (*persistence, error) {
	dir, err := dataDir(cfg)
	if err != nil {
		return nil, err
	}
	files := vfs.OS(dir)
	key, err := openMeta(files, cfg.Keyspace.Databases)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", dir, err)
	}
	policy, err := wal.ParsePolicy(cfg.WAL.Policy)
	if err != nil {
		return nil, err
	}
	p := &persistence{n: n, dir: dir, hashKey: key, policy: policy, started: n.started, over: make(chan error, 1)}
	p.backend = wal.NewFileBackend(files, wal.FileOptions{
		SegmentSize: cfg.WAL.SegmentSize, RefuseTorn: cfg.WAL.TornTail == "refuse",
	})
	p.dues.New = func() any { return &dues{j: &p.journal} }
	p.loading.Store(true)
	return p, nil
}

// run loads the data, and then takes snapshots until ctx ends. Loading ends with the node's context.
func (p *persistence) run(ctx context.Context) {
	if err := p.load(p.n.ctx); err != nil {
		if p.n.ctx.Err() == nil {
			p.n.fail(err)
		}
		return
	}
	p.n.log.Info("Ready to accept connections")
	p.watch(ctx)
}

// load recovers the data and begins to log. Clients are told meanwhile that the server is loading.
func (p *persistence) load(ctx context.Context) error {
	log := p.n.log
	p.hold() // nobody removes what replay may still change
	info, err := p.backend.Open(ctx, func(wal.Marks, error) {})
	if err != nil {
		return err
	}
	if info.TornBytes > 0 {
		log.Warn(fmt.Sprintf("the log had an unfinished end: dropped %d bytes after LSN %d, which nobody was told of", info.TornBytes, info.Last), "kept", info.TornKept)
	}
	done, err := wal.Recover(ctx, p.backend, info, newApplier(p.n.space, runtime.NumCPU()), wal.RecoverOptions{
		Workers: runtime.NumCPU(), HashKey: p.hashKey, Progress: p.report(),
	})
	if err != nil {
		return errors.Join(err, p.backend.Close(false))
	}
	for _, d := range done.Damaged {
		log.Warn("a snapshot was passed over: the older one and the log hold all of it", "snapshot", d.Info.ID, "error", d.Err)
	}
	p.loaded.Store(done.Keys)
	took := time.Since(p.started)
	p.took.Store(int64(took))
	p.torn.Store(info.TornBytes)
	log.Info(fmt.Sprintf("DB loaded from disk: %.3f seconds", took.Seconds()), "keys", done.Keys, "entries", done.Entries, "lsn", done.Last)
	p.begin(info)
	return nil
}

// begin opens the log for writing and lets clients in.
func (p *persistence) begin(info wal.Info) {
	cfg := p.n.store.Current()
	p.mu.Lock()
	l := wal.New(wal.Options{
		Policy: p.policy, Databases: cfg.Keyspace.Databases,
		UnsyncedLimit: cfg.WAL.UnsyncedLimit, SyncLate: cfg.WAL.SyncLate,
		ReadOnlyOnError: cfg.WAL.OnSyncError == "readonly", Log: p.n.log,
		Fatal:     func(err error) { p.n.fail(fmt.Errorf("the log can not be written: %w", err)) },
		Committed: p.n.watch.committed,
	}, p.backend, info)
	p.journal.attach(l)
	p.mu.Unlock() // who changes the policy from now on changes the log's
	run, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.over <- l.Run(run) }()
	p.snaps.Store(wal.NewSnapshotter(wal.SnapOptions{
		HashKey: p.hashKey, Keep: cfg.WAL.Keep, Progress: p.saveProgress,
	}, p.backend, l, info))
	p.hold() // nothing has to stay any more
	p.loading.Store(false)
	p.n.bus.Recompose() // without the question whether data is being loaded
}

// report notes how far recovery is, and logs it now and then.
func (p *persistence) report() func(wal.Progress) {
	next := time.Now().Add(5 * time.Second)
	return func(at wal.Progress) {
		p.progress.Store(&at)
		if now := time.Now(); now.After(next) {
			next = now.Add(5 * time.Second)
			p.n.log.Info("loading", "phase", at.Phase, "bytes", at.Bytes, "of", at.Total, "keys", at.Keys, "entries", at.Entries)
		}
	}
}

// close ends the log after the last command: all that was acknowledged is on disk then.
func (p *persistence) close() error {
	if p.stop == nil {
		return nil // never loaded
	}
	p.endSaves()
	p.stop()
	return <-p.over
}

// hold says whether keys that fell due must stay, hidden, because the log takes nothing now.
func (p *persistence) hold() bool {
	return p.n.hides.ask(hideForLog, func() bool {
		l := p.journal.log.Load()
		return l == nil || l.Admit() != nil
	})
}

// setPolicy changes what replies wait for; with always it returns when all that was answered before is on disk.
func (p *persistence) setPolicy(name string) {
	policy, err := wal.ParsePolicy(name)
	if err == nil {
		p.mu.Lock()
		p.policy = policy
		l := p.journal.log.Load()
		p.mu.Unlock()
		if l == nil {
			return // it begins with this one
		}
		err = l.SetPolicy(p.n.ctx, policy)
	}
	if err != nil {
		p.n.log.Error("the policy of the log could not be changed", "error", err)
	}
}
