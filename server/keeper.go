package server

import "time"

// keeper does what the event loops do between ticks, for the goroutine driver: upkeep, timeouts,
// visits. It runs on the goroutine of the driver's run.
type keeper struct {
	d        *goroutines
	start    time.Time
	upkeep   upkeep
	upkeepAt time.Duration
	cronAt   time.Duration
	turnAt   time.Duration
	commands int64 // reads at the last upkeep
}

const (
	cronEvery = 100 * time.Millisecond // between two looks at a part of the connections
	turnEvery = 4 * time.Second        // a window of the maxima
)

// run works until the driver is drained.
func (k *keeper) run() {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-k.d.stop:
			return
		case <-k.d.bell:
			k.d.runJobs()
			continue
		case <-t.C:
		}
		t.Reset(k.tick())
	}
}

// tick does what is due and returns how long nothing is.
func (k *keeper) tick() time.Duration {
	now := time.Since(k.start)
	next := cronEvery
	if k.d.srv.opts.Upkeep != nil {
		if now >= k.upkeepAt {
			w := k.d.pool.take()
			reads := k.d.pub.reads.Load()
			k.upkeepAt = now + k.upkeep.run(w, 0, 1, reads != k.commands)
			k.commands = reads
			k.d.pool.give(w)
		}
		next = min(next, max(0, k.upkeepAt-now))
	}
	if now >= k.cronAt {
		k.cronAt = now + cronEvery
		k.closeIdle()
		k.countPushed()
	}
	if now >= k.turnAt {
		k.turnAt = now + turnEvery
		k.d.pub.turn()
	}
	return next
}

// leisurely reports whether the client is closed when it is idle for too long: not one that waits for output.
func (c *conn) leisurely() bool { return c.client.Class == ClassNormal && !c.client.Monitoring() }

// closeIdle closes the connections that were idle for too long.
func (k *keeper) closeIdle() {
	limit := k.d.srv.settings.Load().Timeout.Milliseconds()
	if limit <= 0 {
		return
	}
	now := k.d.srv.opts.Now()
	for _, c := range k.d.all() {
		// One that cannot be locked is not idle.
		if !c.mu.TryLock() {
			continue
		}
		if c.parked == nil && c.leisurely() && c.client.LastSeen+limit < now && c.flags&flagDead == 0 {
			k.d.srv.idle.Add(1)
			c.killLocked()
		}
		c.mu.Unlock()
	}
}

// countPushed counts what was pushed to connections whose goroutines do nothing.
func (k *keeper) countPushed() {
	if k.d.srv.settings.Load().ClientMemory <= 0 {
		return
	}
	for _, c := range k.d.all() {
		if !c.mu.TryLock() {
			continue // its goroutine counts
		}
		c.account(&k.d.srv.memory)
		c.mu.Unlock()
	}
	if k.d.srv.over() > 0 {
		k.d.closeLargest()
	}
}

// job leaves f to the keeper; when there is none any more it runs it.
func (d *goroutines) job(f func()) {
	d.mu.Lock()
	if d.over {
		d.mu.Unlock()
		f()
		return
	}
	d.jobs = append(d.jobs, f)
	d.mu.Unlock()
	select {
	case d.bell <- struct{}{}:
	default:
	}
}

// runJobs runs the jobs that wait.
func (d *goroutines) runJobs() {
	d.mu.Lock()
	jobs := d.jobs
	d.jobs = nil
	d.mu.Unlock()
	for _, f := range jobs {
		f()
	}
}
