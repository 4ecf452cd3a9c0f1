package bus

import (
	"errors"
	"math"
	"time"

	"github.com/reredis/reredis/bus/wait"
	"github.com/reredis/reredis/keyspace"
)

// Wait is what a command waits for.
type Wait struct {
	// Keys are keys of the command, with their stripes locked; none: it waits for its timeout, or for who knows
	// its client's number.
	Keys [][]byte
	// Type is the type of value that it wants.
	Type keyspace.Type
	// Sole says that a key which has nothing for this command has nothing for any other that waits for the
	// Type either: an empty list.
	Sole bool
	// Gone says that the command is also to run when a key has no value of the Type any more.
	Gone bool
	// Behind says that a key has something, but for others that came first (Ctx.Queued).
	Behind bool
	// Timeout is in milliseconds, 0: for ever.
	Timeout int64
	// TimedOut writes the reply after the timeout, and of CLIENT UNBLOCK.
	TimedOut func(r *Reply)
}

// errUnblocked is the reply of a command that CLIENT UNBLOCK ended with ERROR.
var errUnblocked = errors.New("UNBLOCKED client unblocked via CLIENT UNBLOCK")

// waiting is what a waiter needs to run its command on another goroutine.
type waiting struct {
	args   [][]byte
	client Client // as it was; a waiting client does not change
}

// ending is how a wait ended; it is what the connection wakes with.
type ending struct {
	reply    []byte // served: the encoded reply
	gate     uint64 // what that waits for
	err      error  // ended with an error
	timedOut func(r *Reply)
}

// Wait makes the command wait until one of its keys is made ready (Ready) or the timeout ends; the
// handler returns what Wait returns, and has changed nothing. When a key is ready the command
// runs anew on the goroutine that made it so, with Serving naming the key, under its own locks and as a
// log group of its own; it may change keys, reply, fail, or Wait again and so keep its place. Where
// nobody may wait (MULTI, scripts) the command times out at once.
func (c *Ctx) Wait(w Wait) error {
	switch {
	case c.serving != nil:
		return errParked
	case c.Held:
		w.TimedOut(&c.Reply)
		return nil
	}
	t := c.bus.waits
	args, _ := cloneArgs(c.Args)
	call := &waiting{args: args, client: *c.Client}
	call.client.began = c.began
	waiter := &wait.Waiter{
		Client: c.Client.ID, Type: uint8(w.Type), Sole: w.Sole, Gone: w.Gone,
		TimedOut: &ending{timedOut: w.TimedOut},
		Data:     call,
	}
	if w.Timeout <= int64(math.MaxInt64/time.Millisecond) {
		waiter.Timeout = time.Duration(w.Timeout) * time.Millisecond
	}
	c.Client.Blocked = true
	t.Add(waiter, c.Tx.DB, w.Keys)
	if w.Behind {
		// Those before it may be gone by now, so it does not rely on them to be served.
		for _, key := range w.Keys {
			c.Ready(key)
		}
	}
	return c.ParkCancel(waiter.Start, waiter.Cancel)
}

// cloneArgs copies arguments into memory of their own, of size bytes.
func cloneArgs(args [][]byte) (list [][]byte, size int) {
	for _, a := range args {
		size += len(a)
	}
	room := make([]byte, 0, size)
	list = make([][]byte, len(args))
	for i, a := range args {
		at := len(room)
		room = append(room, a...)
		list[i] = room[at:len(room):len(room)]
	}
	return list, size
}

// Serving returns the key because of which a waiting command runs again; ok is false at its first run. The
// command must look at no other of its keys, and Wait if the key has nothing for it: others may
// have been faster, and the key may even have another type.
func (c *Ctx) Serving() (key []byte, ok bool) { return c.serving, c.serving != nil }

// Queued reports whether others with Sole set wait already for this key, which has a value of the type: they
// are about to be served, and the command is to Wait with Behind set. It costs nothing while
// nobody waits.
func (c *Ctx) Queued(typ keyspace.Type, key []byte) bool {
	t := c.bus.waits
	return t.Any() && c.serving == nil && !c.Held && t.Queued(c.Tx.DB, key, uint8(typ))
}

// Unblock ends the wait of a client, as if its time was up or, with failed, with an error. told is called
// once, with whether the client waited, perhaps on another goroutine after Unblock has returned.
func (b *Bus) Unblock(client int64, failed bool, told func(bool)) {
	w := b.waits.Find(client)
	if w == nil {
		told(false)
		return
	}
	v := w.TimedOut
	if failed {
		v = &ending{err: errUnblocked}
	}
	w.End(v, told)
}

// Waiting is the number of clients whose commands wait (Ctx.Wait), and of those the number that do so
// with a timeout.
func (b *Bus) Waiting() (all, timed int) { return b.waits.Count(), b.waits.Timed() }

// end finishes the command of a client that has been woken from a Wait.
func (b *Bus) end(c *Ctx, e *ending) Result {
	mark := c.Reply.Len()
	cmd, err := b.look(c.Args)
	if err == nil {
		c.Spec = cmd.spec
		if e.reply != nil {
			c.began = 0
			c.After(e.gate)
			c.Reply.Append(func(buf []byte) []byte { return append(buf, e.reply...) })
			return Done
		}
		if err = cmd.ended(c); err == nil {
			return Done
		}
	}
	return b.fail(c, mark, err)
}

// ended is the innermost handler of a wait that ended without being served.
func ended(c *Ctx) error {
	e := c.woken.(*ending)
	if e.err != nil {
		return e.err
	}
	e.timedOut(&c.Reply)
	return nil
}
