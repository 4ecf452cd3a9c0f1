// Package waittest has commands that wait, for tests of whoever serves them: tokens in string keys,
// before any type of value has blocking commands of its own. Only tests import it.
package waittest

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// Tokens makes the commands. A key holds a number of tokens; one whose value is no number counts as one of
// another type.
type Tokens struct {
	serial  atomic.Int64
	arrival atomic.Int64
	waiting sync.Map // client -> arrival of its TAKE that waits
}

// ErrGone is the reply of GONE.
var ErrGone = errors.New("UNBLOCKED the stream key no longer exists")

// Commands returns
//
//	GIVE key n                    adds tokens; replies how many there are
//	TAKE key [key ...] timeout    takes one: [key, serial, arrival], or a nil array. Serials grow with each
//	                              token taken, arrivals with each TAKE; that of one that had not to wait
//	                              is negative.
//	PASS from to timeout          moves one: serial, or nil
//	SEE key n timeout             waits until there are n: their number, or nil
//	GONE key timeout              waits until there is no such key: an error, or nil
//	PHASE                         an exclusive phase in which nothing happens
func (t *Tokens) Commands() []bus.Spec {
	one := []bus.KeySpec{bus.OneKey(1, bus.KeyRW)}
	return []bus.Spec{
		{Name: "give", Run: t.give, Arity: 3, Flags: bus.Write, Keys: one},
		{Name: "take", Run: t.take, Arity: -3, Flags: bus.Write | bus.Blocking, Keys: []bus.KeySpec{bus.KeyRange(1, -2, 1, bus.KeyRW)}},
		{Name: "pass", Run: t.pass, Arity: 4, Flags: bus.Write | bus.Blocking, Keys: []bus.KeySpec{bus.KeyRange(1, 1, 1, bus.KeyRW)}},
		{Name: "see", Run: t.see, Arity: 4, Flags: bus.ReadOnly | bus.Blocking, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRO)}},
		{Name: "gone", Run: t.gone, Arity: 3, Flags: bus.ReadOnly | bus.Blocking, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRO)}},
		{Name: "phase", Run: t.phase, Arity: 1, Lock: bus.LockExclusive},
	}
}

// count returns the number of tokens of a key, 0 if there is none.
func count(c *bus.Ctx, key []byte) (int64, error) {
	it, ok := c.Tx.LookWrite(key)
	if !ok {
		return 0, nil
	}
	n, isInt := it.Int()
	if !isInt {
		return 0, keyspace.ErrWrongType
	}
	return n, nil
}

// add changes the number of tokens of a key.
func add(c *bus.Ctx, key []byte, by int64) (int64, error) {
	n, err := count(c, key)
	if err != nil {
		return 0, err
	}
	if n += by; n == 0 {
		c.Tx.Delete(key)
	} else if err := c.Tx.SetInt(key, n, keyspace.KeepTTL); err != nil {
		return 0, err
	}
	if by > 0 || n == 0 {
		c.Ready(key)
	}
	return n, nil
}

func (t *Tokens) give(c *bus.Ctx) error {
	by, err := number(c.Args[2])
	if err != nil {
		return err
	}
	n, err := add(c, c.Args[1], by)
	if err != nil {
		return err
	}
	c.Reply.Int(n)
	return nil
}

func number(b []byte) (int64, error) {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return 0, bus.ErrNotInteger
	}
	return n, nil
}

// find returns the first of keys that has a token for the command; behind says that it has, but for others.
func find(c *bus.Ctx, keys [][]byte) (key []byte, behind bool, err error) {
	ready, serving := c.Serving()
	if serving {
		keys = [][]byte{ready}
	}
	for _, key := range keys {
		n, err := count(c, key)
		switch {
		case err != nil && serving:
			return nil, false, nil
		case err != nil:
			return nil, false, err
		case n > 0 && c.Queued(keyspace.TypeString, key):
			return nil, true, nil
		case n > 0:
			return key, false, nil
		}
	}
	return nil, false, nil
}

func (t *Tokens) take(c *bus.Ctx) error {
	last := len(c.Args) - 1
	timeout, err := number(c.Args[last])
	if err != nil {
		return err
	}
	keys := c.Args[1:last]
	key, behind, err := find(c, keys)
	if err != nil {
		return err
	}
	_, serving := c.Serving()
	arrival := int64(0)
	if !serving {
		arrival = t.arrival.Add(1)
	}
	if key == nil {
		if !serving {
			t.waiting.Store(c.Client.ID, arrival)
		}
		return c.Wait(bus.Wait{Keys: keys, Type: keyspace.TypeString, Sole: true, Behind: behind, Timeout: timeout, TimedOut: (*bus.Reply).NullArray})
	}
	if _, err := add(c, key, -1); err != nil {
		return err
	}
	if serving {
		v, _ := t.waiting.Load(c.Client.ID)
		arrival = -v.(int64)
	}
	c.Reply.Array(3)
	c.Reply.Bulk(key)
	c.Reply.Int(t.serial.Add(1))
	c.Reply.Int(-arrival)
	return nil
}

func (t *Tokens) pass(c *bus.Ctx) error {
	timeout, err := number(c.Args[3])
	if err != nil {
		return err
	}
	key, behind, err := find(c, c.Args[1:2])
	if err != nil {
		return err
	}
	if key == nil {
		return c.Wait(bus.Wait{Keys: c.Args[1:2], Type: keyspace.TypeString, Sole: true, Behind: behind, Timeout: timeout, TimedOut: (*bus.Reply).Null})
	}
	if _, err := add(c, c.Args[2], 1); err != nil {
		return err
	}
	if _, err := add(c, c.Args[1], -1); err != nil {
		return err
	}
	c.Reply.Int(t.serial.Add(1))
	return nil
}

func (t *Tokens) see(c *bus.Ctx) error {
	want, err := number(c.Args[2])
	if err != nil {
		return err
	}
	timeout, err := number(c.Args[3])
	if err != nil {
		return err
	}
	n, err := count(c, c.Args[1])
	_, serving := c.Serving()
	switch {
	case err != nil && !serving:
		return err
	case err != nil || n < want:
		return c.Wait(bus.Wait{Keys: c.Args[1:2], Type: keyspace.TypeString, Timeout: timeout, TimedOut: (*bus.Reply).Null})
	}
	c.Reply.Int(n)
	return nil
}

func (t *Tokens) gone(c *bus.Ctx) error {
	timeout, err := number(c.Args[2])
	if err != nil {
		return err
	}
	if _, ok := c.Tx.Look(c.Args[1]); !ok {
		return ErrGone
	}
	return c.Wait(bus.Wait{Keys: c.Args[1:2], Type: keyspace.TypeString, Gone: true, Timeout: timeout, TimedOut: (*bus.Reply).Null})
}

func (t *Tokens) phase(c *bus.Ctx) error {
	c.Reply.OK()
	return nil
}
