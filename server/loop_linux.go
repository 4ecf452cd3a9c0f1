package server

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// loop is one event loop: epoll, level-triggered. Everything in it belongs to the
// goroutine of run, but for mail and pub.
type loop struct {
	srv       *Server
	share, of int
	epfd      int
	bell      int // eventfd
	mail      mailbox
	pub       counters

	w       *worker
	events  []unix.EpollEvent
	scratch []byte
	conns   []*conn // by descriptor
	count   int     // connections
	dirty   []*conn // with output of this tick
	ready   []*conn // with input left over from an earlier tick
	serving []*conn // ready of the tick before, spare memory

	committer Committer // nil: there is no log
	watermark uint64    // replies may leave up to it
	gated     []*conn   // with output that waits for the log
	grown     bool      // a connection holds more memory than before

	all      *loops
	backlog  backlog
	heldBack []*conn     // not read while a loop is behind
	holding  atomic.Bool // there are such

	start                    time.Time
	now                      time.Duration // since start, of the tick
	worked                   bool          // something happened since the last upkeep
	handed                   bool          // work for other goroutines was produced
	yielded                  time.Duration // when the loop last let the scheduler go by
	upkeep                   upkeep
	upkeepAt, cronAt, turnAt time.Duration
	cronNext                 int // descriptor to look at next

	draining bool
	deadline time.Time
}

const (
	maxEvents = 512
	// yieldEvery is less than the 10 ms after which the runtime's monitor interrupts a goroutine
	// that never gives way. Having done so once it goes on to take the processor away at every
	// wait in epoll, and looks for the next chance every 20 us: 7 % of the CPU at 50 clients.
	yieldEvery = 7 * time.Millisecond
	maxWait    = time.Second // between two ticks of an idle server
	cronRounds = 10          // the connections are looked at in so many parts
	// heldYield is the waiting output above which a connection runs a single piece of
	// its input per tick.
	heldYield = 1 << 20
	// writeTick is the most output of a connection that one flush writes.
	writeTick  = 4 * writeSize
	readEvents = unix.EPOLLIN
)

func newLoop(s *Server, share, of int) (*loop, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll_create: %w", err)
	}
	bell, err := unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(epfd)
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	l := &loop{srv: s, share: share, of: of, epfd: epfd, bell: bell, start: time.Now()}
	l.mail.ring = l.ring
	if s.opts.WAL != nil {
		l.committer = s.opts.WAL.Register(func() { l.mail.post(message{kind: messageCommit}) })
	}
	if err := unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(bell)}); err != nil {
		l.closeFiles()
		return nil, fmt.Errorf("epoll_ctl: %w", err)
	}
	return l, nil
}

func (l *loop) closeFiles() {
	_ = unix.Close(l.epfd)
	_ = unix.Close(l.bell)
}

// ring wakes the loop from its blocking wait.
func (l *loop) ring() {
	_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// run drives the loop until it has been drained.
func (l *loop) run() error {
	l.w = newWorker(l.srv, &l.pub, arenaSize)
	l.events = make([]unix.EpollEvent, maxEvents)
	l.scratch = make([]byte, readSize+readSize/2)
	defer l.closeAll()
	l.begin()
	for {
		n, err := l.poll()
		if err != nil {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		l.begin()
		if l.mail.waiting.Load() != 0 {
			// What was pushed before a client sent a command comes before the command's reply.
			l.readMail()
		}
		for i := range n {
			l.event(&l.events[i])
			if l.backlog.cost.Load() > pushEarly {
				l.deliverEarly()
			}
		}
		if l.mail.waiting.Load() != 0 {
			l.readMail()
		}
		if len(l.ready) > 0 {
			l.serveReady()
		}
		if len(l.heldBack) > 0 {
			l.letGo()
		}
		l.commit()
		l.w.ctx.EndTick() // who has a reply finds its command counted
		l.flushAll()
		if l.grown {
			l.keepMemory()
		}
		l.w.end()
		if n > 0 {
			l.worked = true
		}
		l.periodic()
		if l.now-l.yielded >= yieldEvery {
			l.yielded = l.now
			runtime.Gosched()
		}
		if l.draining && l.drained() {
			return nil
		}
	}
}

// begin reads the clock for the tick.
func (l *loop) begin() {
	t := time.Now()
	l.now = t.Sub(l.start)
	if now := l.srv.now; now != nil {
		l.w.begin(now())
	} else {
		l.w.begin(t.UnixMilli())
	}
}

// poll returns the number of events that are ready. It blocks only if there is nothing to do.
func (l *loop) poll() (int, error) {
	n, errno := rawPoll(l.epfd, l.events)
	if errno != 0 && errno != syscall.EINTR {
		return 0, errno
	}
	if n > 0 && errno == 0 {
		return n, nil
	}
	wait := l.wait()
	if wait == 0 {
		return 0, nil
	}
	if l.handed {
		// Those we handed work to may be queued on our processor, which would
		// notice the blocking wait only after a while.
		l.handed = false
		runtime.Gosched()
	}
	if !l.mail.sleep() {
		return 0, nil
	}
	n, err := unix.EpollWait(l.epfd, l.events, int((wait+time.Millisecond-1)/time.Millisecond))
	l.mail.awake()
	if err == unix.EINTR {
		return 0, nil
	}
	return n, err
}

// wait is how long the loop may block.
func (l *loop) wait() time.Duration {
	if len(l.ready) > 0 || l.mail.waiting.Load() != 0 || len(l.heldBack) > 0 && l.all.behind.Load() == 0 {
		return 0
	}
	wait := maxWait
	if l.count > 0 && l.inspecting() {
		wait = max(0, l.cronAt-l.now)
	}
	if l.srv.opts.Upkeep != nil {
		wait = min(wait, max(0, l.upkeepAt-l.now))
	}
	return wait
}

// event handles one event of epoll.
func (l *loop) event(e *unix.EpollEvent) {
	fd := int(e.Fd)
	if fd >= len(l.conns) || l.conns[fd] == nil {
		if fd == l.bell {
			var b [8]byte
			_, _ = unix.Read(l.bell, b[:])
		}
		return
	}
	c := l.conns[fd]
	if e.Events&unix.EPOLLOUT != 0 {
		l.writable(c)
	}
	if c.flags&(flagsUnread|flagReady) == 0 && c.parked == nil {
		if e.Events&(unix.EPOLLIN|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
			l.readable(c)
		}
		return
	}
	l.unwanted(c, e.Events)
}

// unwanted handles events of a connection that is not to be read now.
func (l *loop) unwanted(c *conn, events uint32) {
	switch {
	case c.flags&flagDead != 0:
	case events&(unix.EPOLLHUP|unix.EPOLLERR) != 0:
		l.close(c)
	case events&unix.EPOLLRDHUP != 0:
		if c.parked != nil && c.parked.blocking {
			l.close(c)
			return
		}
		c.flags |= flagMuted | flagDeafened
		l.interest(c)
	case events&unix.EPOLLIN != 0 && c.flags&flagReady == 0:
		c.flags |= flagMuted
		l.interest(c)
	}
}

// interest tells epoll what to report of c.
func (l *loop) interest(c *conn) {
	e := unix.EpollEvent{Fd: int32(c.fd), Events: readEvents}
	if c.flags&flagMuted != 0 {
		e.Events = unix.EPOLLRDHUP
	}
	if c.flags&flagDeafened != 0 {
		e.Events = 0
	}
	if c.flags&flagArmed != 0 {
		e.Events |= unix.EPOLLOUT
	}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_MOD, c.fd, &e); err != nil {
		c.flags |= flagAbort
	}
}

// readable reads once and runs what came.
func (l *loop) readable(c *conn) {
	n, errno := rawRead(c.fd, c.space(l.scratch))
	switch {
	case errno == syscall.EAGAIN || errno == syscall.EINTR:
		return
	case errno != 0:
		l.close(c)
		return
	case n == 0:
		l.ended(c)
		return
	}
	t := &l.w.tally
	t.reads++
	t.netIn += int64(n)
	buf := c.took(l.scratch, n)
	if int64(len(buf)) > l.w.set.QueryBuffer {
		if c.checkInput(l.w, len(buf)); c.flags&flagAbort != 0 {
			l.close(c)
			return
		}
	}
	l.feed(c, buf)
}

// ended is called when the peer has shut down its side: what it is owed still goes out.
func (l *loop) ended(c *conn) {
	c.flags |= flagEOF
	if c.queued() == 0 {
		l.close(c)
	} else if c.flags&flagMuted == 0 {
		c.flags |= flagMuted | flagDeafened
		l.interest(c)
	}
}

// feed runs the commands in buf and keeps what is left.
func (l *loop) feed(c *conn, buf []byte) {
	for {
		if len(l.w.arena)-l.w.used < fullSize {
			l.commit()
			l.flushAll()
			l.w.used = 0
		}
		n, why := c.execute(l.w, buf)
		buf = buf[n:]
		if c.flags&flagAbort != 0 {
			l.close(c)
			return
		}
		switch why {
		case stopDry:
			c.keep(l.w, buf)
			if len(buf) > 0 {
				l.account(c)
			}
			l.mark(c)
			if l.w.ctx.TakePublished() && l.all.behind.Load() > 0 {
				l.hold(c)
			}
			return
		case stopFull:
			l.flush(c)
			if c.flags&flagDead != 0 {
				return
			}
			if c.held.size > heldYield && len(buf) > 0 {
				c.keep(l.w, buf)
				l.account(c)
				l.later(c)
				return
			}
		case stopParked:
			c.keep(l.w, buf)
			l.account(c)
			l.mark(c)
			l.startWait(c)
			return
		case stopClose:
			c.keep(l.w, nil)
			l.mark(c)
			return
		}
	}
}

// mark puts c on the list of those with output.
func (l *loop) mark(c *conn) {
	if c.flags&flagDirty == 0 && (len(c.seg) > 0 || c.flags&flagClosing != 0) {
		c.flags |= flagDirty
		l.dirty = append(l.dirty, c)
	}
}

// later puts c on the list of those whose input is continued in the next tick.
func (l *loop) later(c *conn) {
	if c.flags&flagReady == 0 {
		c.flags |= flagReady
		l.ready = append(l.ready, c)
	}
}

// serveReady continues with input that was left over.
func (l *loop) serveReady() {
	l.serving, l.ready = l.ready, l.serving[:0]
	for _, c := range l.serving {
		c.flags &^= flagReady
		if c.flags&(flagDead|flagClosing) == 0 && c.parked == nil {
			l.feed(c, c.in)
		}
	}
	clear(l.serving)
}

// startWait calls what the parked command wants to be called.
func (l *loop) startWait(c *conn) {
	start, seq := c.parked.start, c.parked.seq
	c.parked.start = nil
	l.handed = true
	start(func(v any) { l.mail.post(message{kind: messageWake, c: c, seq: seq, v: v}) })
}

// woken continues a parked connection.
func (l *loop) woken(c *conn, seq uint64, v any) {
	if c.parked == nil || c.parked.seq != seq || c.flags&flagDead != 0 {
		return
	}
	why := c.resume(l.w, v)
	if c.flags&flagAbort != 0 {
		l.close(c)
		return
	}
	l.mark(c)
	switch why {
	case stopParked:
		l.startWait(c)
	case stopClose:
		c.keep(l.w, nil)
	default:
		if c.flags&flagMuted != 0 && c.flags&flagEOF == 0 {
			c.flags &^= flagMuted | flagDeafened
			l.interest(c)
		}
		if len(c.in) > 0 {
			l.later(c)
		}
	}
}

// flushAll writes the output of all connections that have some.
func (l *loop) flushAll() {
	for _, c := range l.dirty {
		c.flags &^= flagDirty
		if c.flags&flagDead == 0 {
			l.flush(c)
		}
	}
	l.dirty = l.dirty[:0]
}

// commit makes safe what the tick has changed, or leaves that to another loop, and sends what was
// held for it.
func (l *loop) commit() {
	if l.committer == nil {
		return
	}
	// Also for what is held since earlier ticks, so that the loop will be woken for it.
	l.watermark = l.committer.Commit(l.w.gate)
	if len(l.gated) == 0 {
		return
	}
	lost := l.committer.Lost()
	rest := l.gated[:0]
	for _, c := range l.gated {
		if c.flags&flagDead != 0 {
			continue
		}
		c.open(l.watermark)
		switch {
		case len(c.gates) == 0:
			c.flags &^= flagGated
		case lost: // its client must not take the silence for patience
			l.close(c)
			continue
		default:
			rest = append(rest, c)
		}
		if c.flags&flagArmed == 0 {
			l.writable(c)
		}
	}
	clear(l.gated[len(rest):])
	l.gated = rest
}

// flush writes what the tick produced, or queues it behind what waits already.
func (l *loop) flush(c *conn) {
	b, lsn := c.seg, c.gate
	c.seg, c.gate = nil, 0
	if c.held.empty() && lsn <= l.watermark {
		for left := writeTick; len(b) > 0 && left > 0; left -= writeSize {
			p := b[:min(len(b), writeSize)]
			n, errno := rawWrite(c.fd, p)
			if errno != 0 {
				if errno == syscall.EAGAIN || errno == syscall.EINTR {
					break
				}
				l.close(c)
				return
			}
			l.w.tally.writes++
			l.w.tally.netOut += int64(n)
			b = b[n:]
			if n < len(p) {
				break
			}
		}
	}
	if len(b) > 0 {
		c.hold(b, lsn, l.watermark, &l.w.free)
		l.w.tally.maxOut = max(l.w.tally.maxOut, int64(c.held.size))
		if len(c.gates) > 0 && c.flags&flagGated == 0 {
			c.flags |= flagGated
			l.gated = append(l.gated, c)
		}
		if c.held.sendable() > 0 {
			l.arm(c)
		}
		l.account(c)
		return
	}
	l.account(c)
	if c.segOwned && cap(b) >= blockSize {
		l.w.free.dropped += cap(b)
	}
	if c.flags&(flagClosing|flagEOF|flagAbort) != 0 && c.held.empty() {
		l.finish(c)
	}
}

// finish closes a connection whose output has left, unless a command waits for a peer that
// merely sends nothing more.
func (l *loop) finish(c *conn) {
	if c.flags&(flagClosing|flagAbort) != 0 || c.parked == nil && c.flags&flagReady == 0 {
		l.close(c)
	}
}

// writable continues with output that waits.
func (l *loop) writable(c *conn) {
	for left := writeTick; left > 0 && c.held.sendable() > 0; left -= writeSize {
		p := c.held.next()
		n, errno := rawWrite(c.fd, p)
		if errno != 0 {
			if errno != syscall.EAGAIN && errno != syscall.EINTR {
				l.close(c)
				return
			}
			l.account(c)
			l.arm(c)
			return
		}
		l.w.tally.writes++
		l.w.tally.netOut += int64(n)
		c.held.sent(n, &l.w.free)
		c.client.LastSeen = l.w.now
		if n < len(p) {
			break
		}
	}
	if c.flags&flagDead != 0 {
		return
	}
	l.account(c)
	if c.held.sendable() > 0 {
		l.arm(c)
		return
	}
	if c.flags&flagArmed != 0 {
		c.flags &^= flagArmed
		l.interest(c)
	}
	if !c.held.empty() {
		return
	}
	if c.flags&(flagClosing|flagEOF) != 0 && len(c.seg) == 0 {
		l.finish(c)
	}
}

// arm lets epoll report when more can be written.
func (l *loop) arm(c *conn) {
	if c.flags&flagArmed == 0 {
		c.flags |= flagArmed
		l.interest(c)
	}
}

// add takes over a new connection.
func (l *loop) add(c *conn) {
	e := unix.EpollEvent{Fd: int32(c.fd), Events: readEvents}
	if err := unix.EpollCtl(l.epfd, unix.EPOLL_CTL_ADD, c.fd, &e); err != nil {
		l.srv.log.Warn("cannot watch a new connection", "error", err, "addr", c.client.Addr)
		l.discard(c)
		return
	}
	for len(l.conns) <= c.fd {
		l.conns = append(l.conns, make([]*conn, max(64, len(l.conns)))...)
	}
	l.conns[c.fd] = c
	l.count++
	l.account(c)
}

// discard closes a connection that the loop does not have.
func (l *loop) discard(c *conn) {
	c.flags |= flagDead
	_ = unix.Close(c.fd)
	l.pub.conns.Add(-1)
	l.srv.connected.Add(-1)
}

// close closes a connection at once and releases its buffers.
func (l *loop) close(c *conn) {
	if c.flags&flagDead != 0 {
		return
	}
	c.belowSoft(l.w)
	l.conns[c.fd] = nil
	l.count--
	l.discard(c)
	c.account(&l.srv.memory)
	c.held.drop(&l.w.free)
	c.seg = nil
	c.keep(l.w, nil)
	c.abandon(l.w.pub)
	c.client.Closed()
}

// closeAll ends the loop: what is left is closed, and messages are refused.
func (l *loop) closeAll() {
	for _, m := range l.mail.close() {
		switch m.kind {
		case messageAdd:
			l.discard(m.c)
		case messageCall:
			m.f()
		}
	}
	for _, c := range l.conns {
		if c != nil {
			l.close(c)
		}
	}
	l.w.end()
	l.closeFiles()
}

// readMail handles the messages.
func (l *loop) readMail() {
	list := l.mail.take()
	for i := 0; i < len(list); i++ {
		switch m := &list[i]; m.kind {
		case messageAdd:
			l.add(m.c)
		case messageWake:
			l.woken(m.c, m.seq, m.v)
		case messageCall:
			l.handed = true
			m.f()
		case messagePush:
			n := sameAudience(list[i:])
			l.deliver(list[i : i+n])
			i += n - 1
		}
	}
}
