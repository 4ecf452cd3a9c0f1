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
// the bus and the server, turns it on and off, and keeps it short.
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

	// layered says that commands pass the journal. It begins before there is a log and ends after.
	layered atomic.Bool

	unsaved atomic.Bool // see judge

	mu     sync.Mutex // guards policy, limits, want and saves
	policy wal.Policy // of the log, which there may not be yet
	limits wal.Limits // of a log that keeps the data
	want   bool       // a log
	saves  saves
	// The last changes of parameters that take a while; nil: there was none.
	logWish, policyWish *wish
	work                sync.WaitGroup // what is done for clients

	// making is held while a snapshot is made, while the data is read back, and while a log comes or goes; before mu.
	making  sync.Mutex
	running *running // nil: no log; changed with making held

	changing sync.Mutex                              // held while the policy changes
	flushing atomic.Pointer[context.CancelCauseFunc] // of a flush that is to end if the log takes nothing
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
	if others := besides(n.store, dir); others != "" {
		n.log.Info("a new data directory is made beside others: with another port the data is another one too", "dir", dir, "others", others)
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
	p := &persistence{n: n, dir: dir, hashKey: key, policy: policy, limits: logLimits(cfg), want: cfg.WAL.Enabled, started: n.started}
	p.saves.ctx, p.saves.stop = context.WithCancelCause(context.Background())
	p.saves.needed = mustSave(cfg)
	p.layered.Store(p.want)
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
	return p.begin(info)
}

// begin lets clients in, with a log if there is to be one.
func (p *persistence) begin(info wal.Info) error {
	cfg := p.n.store.Current()
	p.making.Lock()
	defer p.making.Unlock()
	p.mu.Lock()
	on := p.want
	p.mu.Unlock()
	p.layer(on)
	if on {
		// The data is what is on disk, so the log goes on where it ended.
		if err := p.backend.Continue(); err != nil {
			return errors.Join(err, p.backend.Close(false))
		}
		p.mu.Lock()
		p.saves.changes = -behind(info)
		p.mu.Unlock()
		p.running = p.open(p.logOptions())
		p.journal.attach(logNow{p.running.log, true, true})
		if err := p.catchUp(); err != nil {
			return err
		}
	} else {
		p.n.log.Warn("there is no log (appendonly no): what changes from now on is kept by snapshots only", "saved", savedUpTo(info))
	}
	p.snaps.Store(wal.NewSnapshotter(wal.SnapOptions{
		HashKey: p.hashKey, Keep: cfg.WAL.Keep, Progress: p.saveProgress, Hold: p.n.swaps.Hold,
	}, p.backend, logOfSnapshots{p}, info))
	p.loading.Store(false)
	p.hold()            // nothing has to stay any more
	p.n.bus.Recompose() // without the question whether data is being loaded
	return nil
}

// behind is how many entries the log has behind the newest snapshot.
func behind(info wal.Info) int64 {
	n := int64(info.Last)
	if k := len(info.Snapshots); k > 0 {
		n -= int64(info.Snapshots[k-1].MaxL)
	}
	return max(0, n)
}

// savedUpTo tells until when the data on disk goes.
func savedUpTo(info wal.Info) string {
	switch n := len(info.Snapshots); {
	case !info.Off:
		return "up to the end of the log"
	case n == 0:
		return "nothing"
	default:
		return time.UnixMilli(info.Snapshots[n-1].Millis).Format(time.RFC3339)
	}
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
	if p.snaps.Load() == nil {
		return nil // never loaded
	}
	p.endSaves()
	var err error
	if p.running != nil {
		err = p.running.end()
	}
	return errors.Join(err, p.backend.Close(err == nil))
}

// hold says whether keys that fell due must stay, hidden, because the log takes nothing now. It is called when that may
// have changed.
func (p *persistence) hold() {
	p.n.hides.ask(hideForLog, func() bool { return p.loading.Load() || p.journal.Admit() != nil })
	if refused, l := p.flushing.Load(), p.journal.now.Load(); refused != nil && l != nil {
		if err := l.Refused(); err != nil {
			(*refused)(err)
		}
	}
}
