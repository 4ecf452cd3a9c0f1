package server

// Log is what replies wait for: nothing leaves that tells of a change which could still be lost.
type Log interface {
	// Register adds an event loop. wake is called from any goroutine when replies may
	// leave that could not before; it does not block.
	Register(wake func()) Committer
	// Wait returns once replies with this gate may leave, or with an error if they never
	// may, or gone is closed.
	Wait(gate uint64, gone <-chan struct{}) error
}

// Committer makes safe what an event loop's commands have changed.
type Committer interface {
	// Commit does so unless somebody else does already, and returns up to where replies may
	// leave. If that is below gate the loop will be woken.
	Commit(gate uint64) (watermark uint64)
	// Lost reports that what is above the watermark never may leave: the log has failed for good. The loop is
	// woken when that happens.
	Lost() bool
}

// gate says that the output up to a place waits for an LSN.
type gate struct {
	upTo int64 // bytes of held.pushed
	lsn  uint64
}

// hold puts b behind what waits; it may leave once the watermark has reached lsn.
func (c *conn) hold(b []byte, lsn, watermark uint64, pool *blockPool) {
	h := &c.held
	h.push(b, c.segOwned, pool)
	n := len(c.gates)
	switch {
	case n > 0 && lsn <= c.gates[n-1].lsn:
		c.gates[n-1].upTo = h.pushed
	case n > 0 || lsn > watermark:
		c.gates = append(c.gates, gate{h.pushed, lsn})
	default:
		h.released = h.pushed
	}
}

// open lets output leave whose gate the watermark has reached.
func (c *conn) open(watermark uint64) {
	n := 0
	for n < len(c.gates) && c.gates[n].lsn <= watermark {
		c.held.released = c.gates[n].upTo
		n++
	}
	switch {
	case n == len(c.gates):
		c.gates = nil
	case n > 0:
		c.gates = c.gates[n:]
	}
}

// safe waits until what waits for an LSN may leave, and reports false if it never may, or the connection is
// gone before.
func (d *goroutines) safe(c *conn, lsn uint64) bool {
	return lsn == 0 || d.srv.opts.WAL == nil || d.srv.opts.WAL.Wait(lsn, c.gone) == nil
}
