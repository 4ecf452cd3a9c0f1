package commands

import (
	"errors"
	"math"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// expireHistory is that of the four commands that set a deadline.
var expireHistory = []bus.Change{{Version: "7.0.0", Note: "The options `NX`, `XX`, `GT` and `LT`."}}

// keyExpiry are the commands on the deadlines of keys.
var keyExpiry = []bus.Spec{
	{
		Name: "expire", Run: expire, Arity: -3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key seconds [NX | XX | GT | LT]",
		Args:    []bus.ArgNote{{Arg: "nx_xx_gt_lt", Name: "condition", Since: "7.0.0"}},
		Summary: "Lets a key expire after some seconds.",
		History: expireHistory,
	},
	{
		Name: "pexpire", Run: pexpire, Arity: -3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Usage:   "key milliseconds [NX | XX | GT | LT]",
		Args:    []bus.ArgNote{{Arg: "nx_xx_gt_lt", Name: "condition", Since: "7.0.0"}},
		Summary: "Lets a key expire after some milliseconds.",
		History: expireHistory,
	},
	{
		Name: "expireat", Run: expireAt, Arity: -3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "generic", Since: "1.2.0", Complexity: "O(1)",
		Usage:   "key unix-time-seconds [NX | XX | GT | LT]",
		Args:    []bus.ArgNote{{Arg: "nx_xx_gt_lt", Name: "condition", Since: "7.0.0"}},
		Summary: "Lets a key expire at a unix time in seconds.",
		History: expireHistory,
	},
	{
		Name: "pexpireat", Run: pexpireAt, Arity: -3, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Usage:   "key unix-time-milliseconds [NX | XX | GT | LT]",
		Args:    []bus.ArgNote{{Arg: "nx_xx_gt_lt", Name: "condition", Since: "7.0.0"}},
		Summary: "Lets a key expire at a unix time in milliseconds.",
		History: expireHistory,
	},
	{
		Name: "persist", Run: persist, Arity: 2, Flags: bus.Write | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyUpdate)},
		Group: "generic", Since: "2.2.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Removes the expiry of a key.",
	},
	{
		Name: "ttl", Run: ttl, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "generic", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Tells in how many seconds a key expires: -1 never, -2 if there is no key.",
		History: []bus.Change{{Version: "2.8.0", Note: "The reply -2."}},
		Tips:    []string{"nondeterministic_output"},
	},
	{
		Name: "pttl", Run: pttl, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "generic", Since: "2.6.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Tells in how many milliseconds a key expires: -1 never, -2 if there is no key.",
		History: []bus.Change{{Version: "2.8.0", Note: "The reply -2."}},
		Tips:    []string{"nondeterministic_output"},
	},
	{
		Name: "expiretime", Run: expireTime, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "generic", Since: "7.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Tells at which unix time in seconds a key expires: -1 never, -2 if there is no key.",
	},
	{
		Name: "pexpiretime", Run: pexpireTime, Arity: 2, Flags: bus.ReadOnly | bus.Fast, Cats: bus.CatKeyspace,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRO|bus.KeyAccess)},
		Group: "generic", Since: "7.0.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Tells at which unix time in milliseconds a key expires: -1 never, -2 if there is no key.",
	},
}

func expire(c *bus.Ctx) error { return setDeadline(c, inSeconds) }

func pexpire(c *bus.Ctx) error { return setDeadline(c, inMillis) }

func expireAt(c *bus.Ctx) error { return setDeadline(c, atSeconds) }

func pexpireAt(c *bus.Ctx) error { return setDeadline(c, atMillis) }

var (
	errExpireNX = errors.New("ERR NX and XX, GT or LT options at the same time are not compatible")
	errExpireGT = errors.New("ERR GT and LT options at the same time are not compatible")
)

// expireOptions say under which conditions a deadline is set.
type expireOptions struct{ nx, xx, gt, lt bool }

func (o *expireOptions) parse(args [][]byte) error {
	for _, word := range args {
		switch {
		case bus.EqualFold(word, "nx"):
			o.nx = true
		case bus.EqualFold(word, "xx"):
			o.xx = true
		case bus.EqualFold(word, "gt"):
			o.gt = true
		case bus.EqualFold(word, "lt"):
			o.lt = true
		default:
			return errors.New("ERR Unsupported option " + quotable(word))
		}
	}
	switch {
	case o.nx && (o.xx || o.gt || o.lt):
		return errExpireNX
	case o.gt && o.lt:
		return errExpireGT
	}
	return nil
}

// allow reports whether the deadline of it may become ms. No deadline counts as
// one that never comes.
func (o *expireOptions) allow(it keyspace.Item, ms int64) bool {
	old, has := it.ExpireAt()
	switch {
	case o.nx && has, o.xx && !has:
		return false
	case o.gt && (!has || ms <= old), o.lt && has && ms >= old:
		return false
	}
	return true
}

// setDeadline sets the deadline that the second argument gives. One in the past
// deletes the key.
func setDeadline(c *bus.Ctx, e expiry) error {
	var o expireOptions
	if err := o.parse(c.Args[3:]); err != nil {
		return err
	}
	ms, err := integer(c.Args[2])
	if err != nil {
		return err
	}
	if e == inSeconds || e == atSeconds {
		if ms > math.MaxInt64/1000 || ms < math.MinInt64/1000 {
			return errExpireTime(c)
		}
		ms *= 1000
	}
	if e == inSeconds || e == inMillis {
		if ms > math.MaxInt64-c.Now() {
			return errExpireTime(c)
		}
		ms += c.Now()
	}
	key := c.Args[1]
	it, found := c.Tx.LookWrite(key)
	switch {
	case !found || !o.allow(it, ms):
		c.Reply.Int(0)
		return nil
	case ms <= c.Now():
		remove(c, key)
	default:
		c.Tx.ExpireAt(key, ms)
		c.Event(bus.EventGeneric, "expire", key)
	}
	c.Reply.Int(1)
	return nil
}

func persist(c *bus.Ctx) error {
	c.Tx.Raw = ownEffect(c)
	c.Tx.LookWrite(c.Args[1]) // a use, whether it expires or not
	if c.Tx.Persist(c.Args[1]) {
		c.Event(bus.EventGeneric, "persist", c.Args[1])
		c.Reply.Int(1)
	} else {
		c.Reply.Int(0)
	}
	return nil
}

func ttl(c *bus.Ctx) error { return replyDeadline(c, c.Now(), toSeconds) }

func pttl(c *bus.Ctx) error { return replyDeadline(c, c.Now(), toMillis) }

func expireTime(c *bus.Ctx) error { return replyDeadline(c, 0, toSeconds) }

func pexpireTime(c *bus.Ctx) error { return replyDeadline(c, 0, toMillis) }

// toSeconds rounds to the nearest second; ms is not negative.
func toSeconds(ms int64) int64 { return int64((uint64(ms) + 500) / 1000) }

func toMillis(ms int64) int64 { return ms }

// replyDeadline writes how long after since the key's deadline is.
func replyDeadline(c *bus.Ctx, since int64, unit func(ms int64) int64) error {
	it, found := lookQuietly(c, c.Args[1])
	if !found {
		c.Reply.Int(-2)
		return nil
	}
	ms, has := it.ExpireAt()
	if !has {
		c.Reply.Int(-1)
		return nil
	}
	c.Reply.Int(unit(max(ms-since, 0)))
	return nil
}
