package server

import (
	"net"
	"slices"
	"sync"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// conn is one client connection, whatever drives it. It belongs to its event loop;
// with the goroutine driver mu guards it.
type conn struct {
	fd     int
	flags  connFlags
	parser resp.Parser
	in     []byte // a partial command, or commands that have to wait
	// seg is the output of this tick. It is in the worker's arena unless segOwned.
	seg      []byte
	segOwned bool
	held     held
	gate     uint64 // LSN that seg waits for
	gates    []gate // of what is held, ascending

	client  bus.Client
	counted counted // in the server's clientMemory

	parked    *parking
	parkSeq   uint64
	softSince int64 // unix ms since when the output is above the soft limit, 0: it is not

	// Of the goroutine driver.
	mu   sync.Mutex
	nc   net.Conn
	gone chan struct{} // closed when the connection is killed
	push *pusher
	// sending is the size of the output that is being written.
	sending int
}

// connFlags is the state of a connection.
type connFlags uint16

const (
	flagClosing  connFlags = 1 << iota // close it when the output has left
	flagAbort                          // close it now
	flagDead                           // closed
	flagEOF                            // the peer sends nothing more
	flagReady                          // in the loop's list of those with input left over
	flagDirty                          // in the loop's list of those with output
	flagArmed                          // epoll reports that it can be written
	flagMuted                          // epoll does not report that it can be read
	flagDeafened                       // epoll does not report either that the peer has shut down
	flagGated                          // in the loop's list of those with output that waits for the log
	flagHeld                           // it publishes, and a loop is behind with deliveries
)

// flagsUnread are those that forbid to read input.
const flagsUnread = flagClosing | flagAbort | flagDead | flagEOF | flagHeld

// stop says why execute returned.
type stop uint8

const (
	stopDry    stop = iota // what remains is a partial command
	stopFull               // much output: flush before going on
	stopParked             // the command waits
	stopClose              // flagClosing or flagAbort is set
)

// execute runs the commands in buf and returns how many bytes of it it consumed. Replies are
// in c.seg then.
func (c *conn) execute(w *worker, buf []byte) (n int, why stop) {
	ctx := w.ctx
	ctx.Client = &c.client
	c.client.LastSeen = w.now
	c.lend(w)
	for n < len(buf) && why == stopDry {
		batch, used, dry, err := c.parse(w, buf[n:])
		ran := 0
		for ran < len(batch) && why == stopDry {
			why = c.run(w, &batch[ran])
			ran++
		}
		if len(batch) > 1 {
			ctx.EndAhead()
		}
		if why != stopDry {
			// What comes behind is parsed again when its turn comes.
			n += batch[ran-1].end
			c.parser.Reset()
			break
		}
		n += used
		if err != nil {
			why = c.protocolError(w, err, buf[n:])
		}
		if dry {
			break
		}
	}
	c.collect(w)
	return n, why
}

// call is one parsed command of a batch; its slices lie in the input.
type call struct {
	args [][]byte
	raw  []byte
	end  int // bytes of input up to its end
}

// parse parses commands from the beginning of buf into w.batch, as many as are there and fit, and
// prepares the keyspace if there are several. used is what it consumed; dry says that what is
// left is a partial command. An error is about what comes behind the batch.
func (c *conn) parse(w *worker, buf []byte) (batch []call, used int, dry bool, err error) {
	lim, most := &w.limits[0], len(w.batch)
	if !c.client.Authenticated && w.set.AuthRequired {
		lim, most = &w.limits[1], 1 // the first may be AUTH
	}
	parsed, taken := 0, 0
	free := w.args[:cap(w.args)]
	for parsed < most {
		args, raw, _, k, ok, e := c.parser.Next(buf[used:], lim, free[taken:taken:len(free)])
		used += k
		if !ok {
			dry, err = e == nil, e
			break
		}
		if taken+len(args) <= len(free) {
			taken += len(args)
		} else if parsed == 0 {
			w.args = args // of the larger size from now on
		}
		w.batch[parsed] = call{args, raw, used}
		w.argv[parsed] = args
		parsed++
		if used == len(buf) {
			break
		}
	}
	if parsed > 1 {
		w.ctx.Client = &c.client
		w.bus.Ahead(w.ctx, w.argv[:parsed])
	}
	return w.batch[:parsed], used, dry, err
}

// run runs one command.
func (c *conn) run(w *worker, cmd *call) stop {
	if crossProtocol(cmd.args[0]) {
		return c.securityAbort(w)
	}
	ctx := w.ctx
	mark := ctx.Reply.Len()
	ctx.Args, ctx.Raw = cmd.args, cmd.raw
	c.client.Calls++
	if w.bus.Do(ctx) == bus.Parked {
		c.park(w)
		return stopParked
	}
	if c.client.Replies != bus.ReplyOn || c.client.CloseAfterReply || ctx.Reply.Len() >= fullSize {
		return c.after(w, mark)
	}
	return stopDry
}

// resume runs the parked command again; v is what its wake handed over.
func (c *conn) resume(w *worker, v any) (why stop) {
	ctx := w.ctx
	ctx.Client = &c.client
	c.client.LastSeen = w.now
	c.lend(w)
	mark := ctx.Reply.Len()
	ctx.Args, ctx.Raw = c.parked.args, c.parked.raw
	if w.bus.Resume(ctx, v) == bus.Parked {
		c.parkAgain(w)
		why = stopParked
	} else {
		w.released(len(c.parked.raw))
		c.unpark(w.pub)
		why = c.after(w, mark)
	}
	c.collect(w)
	return why
}

// after does what is rarely needed after a command whose reply begins at mark.
func (c *conn) after(w *worker, mark int) stop {
	if c.client.Replies != bus.ReplyOn && (c.client.Last == nil || !c.client.Last.Pushes) {
		w.ctx.Reply.Truncate(mark)
	}
	switch c.client.Replies {
	case bus.ReplySkipNext:
		c.client.Replies = bus.ReplySkipThis
	case bus.ReplySkipThis:
		c.client.Replies = bus.ReplyOn
	}
	switch {
	case c.client.CloseAfterReply:
		c.flags |= flagClosing
		return stopClose
	case w.ctx.Reply.Len() >= fullSize:
		return stopFull
	}
	return stopDry
}

// lend gives the reply writer a buffer: behind what the connection has already written in
// this tick, or what is free of the arena.
func (c *conn) lend(w *worker) {
	b := c.seg
	if len(b) == 0 {
		b = w.arena[w.used:w.used]
	}
	w.ctx.Reply.Begin(b, c.client.Proto)
}

// collect takes the buffer back. It is no longer in the arena if the replies did not fit.
func (c *conn) collect(w *worker) {
	b := w.ctx.Reply.End()
	if lsn := w.ctx.TakeGate(); lsn > 0 {
		c.gate = max(c.gate, lsn)
		w.gate = max(w.gate, lsn)
	}
	switch {
	case len(b) == 0:
		c.seg = nil
	case w.used < len(w.arena) && &b[0] == &w.arena[w.used]:
		w.used += len(b)
		c.seg, c.segOwned = slices.Clip(b), false
	case len(c.seg) > 0 && &b[0] == &c.seg[0]:
		c.seg = b
	default:
		c.seg, c.segOwned = b, true
	}
	if w.set.Output[c.client.Class] != (OutputLimit{}) {
		c.checkOutput(w)
	}
}

// queued is the number of bytes that wait to be sent.
func (c *conn) queued() int { return c.held.size + len(c.seg) }

// limitSlack is output that the limits do not count: Redis has a static buffer of this size.
const limitSlack = 16 << 10

// checkOutput aborts the connection if its output is beyond the limits.
func (c *conn) checkOutput(w *worker) {
	lim := w.set.Output[c.client.Class]
	n := int64(c.queued() - limitSlack)
	over := n > 0 && lim.Hard > 0 && n >= lim.Hard
	if n > 0 && lim.Soft > 0 && n >= lim.Soft {
		if c.softSince == 0 {
			c.softSince = w.now
			w.soft++
		} else if w.now-c.softSince > lim.SoftFor.Milliseconds() {
			over = true
		}
	} else {
		c.belowSoft(w)
	}
	if over && c.flags&flagAbort == 0 {
		c.flags |= flagAbort
		w.srv.outputLimited.Add(1)
		w.srv.log.Warn("closing client: its output buffer is over the limit",
			"id", c.client.ID, "addr", c.client.Addr, "name", c.client.Name, "bytes", c.queued())
	}
}

// checkInput aborts the connection if its n bytes of input are beyond the limit.
func (c *conn) checkInput(w *worker, n int) {
	if lim := w.set.QueryBuffer; lim > 0 && int64(n) > lim {
		c.flags |= flagAbort
		w.srv.queryLimited.Add(1)
		w.srv.log.Warn("closing client: its query buffer is over the limit",
			"id", c.client.ID, "addr", c.client.Addr, "name", c.client.Name, "bytes", n)
	}
}

// state is what the registry tells about the connection.
func (c *conn) state(now int64) bus.ConnState {
	st := bus.ConnState{
		QueryBuf:     len(c.in) - c.parser.Before(),
		QueryBufFree: cap(c.in) - len(c.in),
		OutBuf:       len(c.seg),
		OutList:      len(c.held.blocks),
		OutListMem:   c.held.mem + c.sending,
		Events:       "r",
		IdleMillis:   max(0, now-c.client.LastSeen),
	}
	if c.parked != nil {
		st.ArgvMem = c.parked.size()
	}
	if c.flags&flagArmed != 0 {
		st.Events = "rw"
	}
	if c.push != nil {
		st.OutListMem += c.push.waiting()
	}
	st.TotalMem = c.memory() + st.OutBuf
	return st
}

// connSize is about what a connection without buffers takes.
const connSize = 768

// belowSoft tells that the output is not above the soft limit, or that the connection ends.
func (c *conn) belowSoft(w *worker) {
	if c.softSince != 0 {
		c.softSince = 0
		w.soft--
	}
}
