package bus

import (
	"errors"
	"strings"
	"time"

	"github.com/reredis/reredis/keyspace"
)

// Multi is a connection's transaction: the commands queued since MULTI, and the keys that it watches.
type Multi struct {
	open    bool // between MULTI and EXEC
	broken  bool // a command could not be queued: EXEC refuses
	queue   []queued
	flags   Flags // of all that is queued
	size    int   // of the arguments, as Redis counts it: their bytes, and a pointer each
	watched map[watched]*keyspace.Mark
	keys    int // bytes of watched keys
	waiting int // of queue, whose first part runs; -1: none
	closing bool
}

// watched is a key of a database.
type watched struct {
	db  int
	key string
}

// queued is one command with copies of its arguments.
type queued struct {
	spec  *Spec
	args  [][]byte
	woken any           // what its first part found
	ready bool          // it has none, or that has ended
	began time.Duration // of its first part, 0: it is not measured
}

// Errors of transactions. The texts are Redis'.
var (
	errNested      = errors.New("ERR MULTI calls can not be nested")
	errExecOutside = errors.New("ERR EXEC without MULTI")
	errNoMulti     = errors.New("ERR DISCARD without MULTI")
	errWatchInside = errors.New("ERR WATCH inside MULTI is not allowed")
	errInMulti     = errors.New("ERR Command not allowed inside a transaction")
	errExecAbort   = errors.New("EXECABORT Transaction discarded because of previous errors.")
	errCannotWait  = errors.New("ERR this command can not wait inside a transaction")
)

// InMulti reports whether commands of the client are being queued.
func (c *Client) InMulti() bool { return c.Multi != nil && c.Multi.open }

// Queued is the number of commands queued, -1 outside of a transaction, and the memory of their arguments in bytes,
// as Redis counts it.
func (c *Client) Queued() (n, bytes int) {
	if !c.InMulti() {
		return -1, 0
	}
	return len(c.Multi.queue), c.Multi.size
}

// Dirty reports whether a key that the client watches has been changed.
func (c *Client) Dirty() bool {
	if c.Multi == nil {
		return false
	}
	for _, m := range c.Multi.watched {
		if m.Touched() {
			return true
		}
	}
	return false
}

// AlwaysParks is a Spec's Parks.
func AlwaysParks([][]byte) bool { return true }

// multi returns the client's transaction, which is made at the first need.
func (c *Client) multi() *Multi {
	if c.Multi == nil {
		c.Multi = &Multi{waiting: -1}
	}
	return c.Multi
}

// EndMulti drops what is queued and watched.
func (c *Client) EndMulti() {
	m := c.Multi
	if m == nil {
		return
	}
	m.unwatch()
	*m = Multi{waiting: -1, closing: m.closing}
}

func (m *Multi) unwatch() {
	for _, w := range m.watched {
		w.Drop()
	}
	m.watched, m.keys = nil, 0
}

// About what a queued command and a watched key take beside their bytes.
const (
	queuedSize = 128
	markSize   = 192
)

// memory is about what the transaction holds, in bytes.
func (m *Multi) memory() int {
	return m.size + m.keys + queuedSize*len(m.queue) + markSize*len(m.watched)
}

// Begin is MULTI.
func (c *Ctx) Begin() error {
	m := c.Client.multi()
	if m.open {
		return errNested
	}
	m.open = true
	return nil
}

// Discard is DISCARD.
func (c *Ctx) Discard() error {
	if !c.Client.InMulti() {
		return errNoMulti
	}
	c.Client.EndMulti()
	return nil
}

// Watch is WATCH; the keys' stripes are held.
func (c *Ctx) Watch(keys [][]byte) error {
	m := c.Client.multi()
	if m.open {
		return errWatchInside
	}
	if !m.closing {
		m.closing = true
		client := c.Client
		client.OnClose(func() { client.Multi.unwatch() })
	}
	for _, key := range keys {
		id := watched{c.Tx.DB, string(key)}
		if m.watched[id] != nil {
			continue
		}
		if m.watched == nil {
			m.watched = map[watched]*keyspace.Mark{}
		}
		m.watched[id] = c.Tx.Watch(key)
		m.keys += len(key)
	}
	return nil
}

// Unwatch is UNWATCH.
func (c *Ctx) Unwatch() {
	if c.Client.Multi != nil {
		c.Client.Multi.unwatch()
	}
}

// enqueue is what runs in place of a command's handler while its client is in MULTI, behind the layers that
// decide whether the command may run at all.
func enqueue(s *Spec) Handler {
	return func(c *Ctx) error {
		m := c.Client.Multi
		args, size := cloneArgs(c.Args)
		m.queue = append(m.queue, queued{spec: s, args: args, ready: s.Parks == nil || !s.Parks(args)})
		m.flags |= s.Flags
		m.size += size + 8*len(args)
		c.Reply.Status("QUEUED")
		return nil
	}
}

// inMulti runs a command, or its queueing, for a client in MULTI.
func (b *Bus) inMulti(c *Ctx, cmd *command) error {
	switch {
	case cmd.spec.Immediate:
		if cmd.spec.Plan != nil && !b.gather(c) {
			return errParked
		}
		return cmd.run(c)
	case cmd.spec.Flags&NoMulti != 0:
		return b.reject(cmd, errInMulti)
	}
	err := cmd.queue(c)
	if isRejection(err) {
		return b.reject(cmd, err)
	}
	return err
}

// reject counts a command that was not let in and makes err a rejection.
func (b *Bus) reject(cmd *command, err error) error {
	(*b.counts.Load())[cmd.spec.id].Rejected.Add(1)
	return rejection{err}
}

// breakMulti follows a command that failed; cmd is nil if there is no such command. One that was not even let in
// breaks the transaction, and if it is EXEC it ends it; the result is the error to reply with.
func (c *Ctx) breakMulti(cmd *command, err error) error {
	switch {
	case !isRejection(err):
	case cmd != nil && cmd.spec.Plan != nil:
		c.Client.EndMulti()
		c.Spec = cmd.spec
		_ = cmd.aborted(c) // nothing fails
		return errors.New("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(err.Error(), "ERR "))
	case c.Client.InMulti():
		c.Client.Multi.broken = true
	}
	return err
}

// nothing is the innermost handler of what ends without a command having run.
func nothing(*Ctx) error { return nil }

// gather runs the first part of queued commands that have to wait for something before they can answer. It
// returns false while EXEC waits for one.
func (b *Bus) gather(c *Ctx) bool {
	m := c.Client.Multi
	if m.waiting >= 0 {
		q := &m.queue[m.waiting]
		q.woken, q.began, q.ready, m.waiting = c.woken, c.began, true, -1
		c.woken, c.began = nil, 0
	}
	if m.broken || c.Client.Dirty() {
		return true
	}
	args, raw, spec, woken := c.Args, c.Raw, c.Spec, c.woken
	defer func() { c.Args, c.Raw, c.Spec, c.woken = args, raw, spec, woken }()
	for i := range m.queue {
		q := &m.queue[i]
		if q.ready {
			continue
		}
		mark := c.Reply.Len()
		c.Args, c.Raw, c.Spec, c.woken, c.began = q.args, nil, q.spec, nil, b.clock()
		err := q.spec.Run(c)
		c.Reply.Truncate(mark)
		if err == errParked { //nolint:errorlint // a private sentinel that nobody wraps
			m.waiting = i
			return false
		}
		c.began = 0
		q.ready = true // it answers at once, again when its turn comes
	}
	return true
}

// ExecPlan says what EXEC locks: the stripes of all keys that are queued and watched, or everything.
func ExecPlan(c *Ctx) (keys [][]byte, whole bool) {
	m := c.Client.Multi
	if m == nil || !m.open || m.broken {
		return nil, false
	}
	for id := range m.watched {
		keys = append(keys, []byte(id.key))
	}
	for i := range m.queue {
		q := &m.queue[i]
		s := q.spec
		if s.Lock == LockExclusive || s.Lock == LockNone && s.Touches() || s.locksItself() {
			return nil, true
		}
		refs, err := s.KeyRefs(q.args, c.refs[:0])
		c.refs = refs
		if err != nil {
			continue // the handler finds the same fault
		}
		for _, r := range refs {
			keys = append(keys, q.args[r.Pos])
		}
	}
	return keys, false
}

// locksItself reports whether a handler without keys may reach for the keyspace, which it can do only if
// nothing or everything is locked.
func (s *Spec) locksItself() bool {
	return len(s.Keys) == 0 && s.Extract == nil && (s.Touches() || s.Group == "server")
}

// Exec is EXEC: it runs what is queued with everything locked that ExecPlan named.
func (c *Ctx) Exec() error {
	m := c.Client.Multi
	switch {
	case m == nil || !m.open:
		return errExecOutside
	case m.broken:
		c.Client.EndMulti()
		return errExecAbort
	}
	db := c.Client.DB
	for id := range m.watched {
		c.far = c.far || id.db != db
	}
	for _, w := range m.watched {
		if c.Tx.Changed(w) {
			c.Client.EndMulti()
			c.Reply.NullArray()
			return nil
		}
	}
	queue := m.queue
	c.Client.EndMulti()
	c.Shown = c.Shown[:0]
	args, raw, spec, woken, began := c.Args, c.Raw, c.Spec, c.woken, c.began
	c.Held = true
	c.Reply.Array(len(queue))
	for i := range queue {
		c.Args, c.Raw, c.woken, c.began = queue[i].args, nil, queue[i].woken, queue[i].began
		c.bus.runQueued(c)
		c.far = c.far || c.Client.DB != db
	}
	c.Held = false
	c.Args, c.Raw, c.Spec, c.woken, c.began = args, raw, spec, woken, began
	return nil
}

// runQueued runs one command of a transaction and writes its reply or its error.
func (b *Bus) runQueued(c *Ctx) {
	mark := c.Reply.Len()
	c.Tx.DB, c.Tx.NoTouch, c.Tx.Raw = c.Client.DB, c.Client.NoTouch, false
	err := b.DoHeld(c)
	if err == nil {
		return
	}
	if err == errParked { //nolint:errorlint // a private sentinel that nobody wraps
		c.start, c.began = nil, 0
		err = errCannotWait
	}
	c.Reply.Truncate(mark)
	text := err.Error()
	b.errs.add(text)
	c.Reply.Error(text)
}
