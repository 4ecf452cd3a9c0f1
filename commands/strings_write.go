package commands

import (
	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// stringWrites are the commands that store, take or expire whole strings.
var stringWrites = []bus.Spec{
	{
		Name: "set", Run: set, Arity: -3, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys: []bus.KeySpec{noted(bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate|bus.KeyVariableFlags),
			"RW and ACCESS due to the optional `GET` argument")},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage: "key value [NX | XX] [GET] [EX seconds | PX milliseconds | " +
			"EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
		Args: []bus.ArgNote{
			{Arg: "nx_xx", Name: "condition", Since: "2.6.12"},
			{Arg: "get", Since: "6.2.0"},
			{Arg: "seconds_milliseconds_unix-time-seconds_unix-time-milliseconds_keepttl", Name: "expiration"},
			{Arg: "seconds", Since: "2.6.12"},
			{Arg: "milliseconds", Since: "2.6.12"},
			{Arg: "unix-time-seconds", Since: "6.2.0"},
			{Arg: "unix-time-milliseconds", Since: "6.2.0"},
			{Arg: "keepttl", Since: "6.0.0"},
		},
		Summary: "Stores a string at a key, whatever was there.",
		History: []bus.Change{
			{Version: "2.6.12", Note: "The options `EX`, `PX`, `NX` and `XX`."},
			{Version: "6.0.0", Note: "The option `KEEPTTL`."},
			{Version: "6.2.0", Note: "The options `GET`, `EXAT` and `PXAT`."},
			{Version: "7.0.0", Note: "`NX` and `GET` can stand together."},
		},
	},
	{
		Name: "setnx", Run: setNX, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyOW|bus.KeyInsert)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:   "key value",
		Summary: "Stores a string at a key if the key does not exist.",
	},
	{
		Name: "setex", Run: setEX, Arity: 4, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyOW|bus.KeyUpdate)},
		Group: "string", Since: "2.0.0", Complexity: "O(1)",
		Usage:   "key seconds value",
		Summary: "Stores a string at a key that expires after some seconds.",
	},
	{
		Name: "psetex", Run: psetEX, Arity: 4, Flags: bus.Write | bus.DenyOOM, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyOW|bus.KeyUpdate)},
		Group: "string", Since: "2.6.0", Complexity: "O(1)",
		Usage:   "key milliseconds value",
		Summary: "Stores a string at a key that expires after some milliseconds.",
	},
	{
		Name: "getset", Run: getSet, Arity: 3, Flags: bus.Write | bus.DenyOOM | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate)},
		Group: "string", Since: "1.0.0", Complexity: "O(1)",
		Usage:      "key value",
		Summary:    "Stores a string at a key and answers the one that was there.",
		Deprecated: "6.2.0", ReplacedBy: "`SET` with the `!GET` argument",
	},
	{
		Name: "getdel", Run: getDel, Arity: 2, Flags: bus.Write | bus.Fast, Cats: bus.CatString,
		Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyDelete)},
		Group: "string", Since: "6.2.0", Complexity: "O(1)",
		Usage:   "key",
		Summary: "Gets the string at a key and deletes the key.",
	},
	{
		Name: "getex", Run: getEX, Arity: -2, Flags: bus.Write | bus.Fast, Cats: bus.CatString,
		Keys: []bus.KeySpec{noted(bus.OneKey(1, bus.KeyRW|bus.KeyAccess|bus.KeyUpdate),
			"RW and UPDATE because it changes the TTL")},
		Group: "string", Since: "6.2.0", Complexity: "O(1)",
		Usage: "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | " +
			"PXAT unix-time-milliseconds | PERSIST]",
		Args:    []bus.ArgNote{{Arg: "seconds_milliseconds_unix-time-seconds_unix-time-milliseconds_persist", Name: "expiration"}},
		Summary: "Gets the string at a key and sets or removes its expiry.",
	},
}

// noted gives a key spec a note.
func noted(k bus.KeySpec, text string) bus.KeySpec {
	k.Notes = text
	return k
}

func set(c *bus.Ctx) error {
	key, value := c.Args[1], c.Args[2]
	if len(c.Args) == 3 {
		c.Tx.Raw = ownEffect(c)
		if err := c.Tx.SetBytes(key, value, keyspace.NoTTL); err != nil {
			return err
		}
		c.Event(bus.EventString, "set", key)
		c.Reply.OK()
		return nil
	}
	var o valueOptions
	if err := o.parse(c.Args[3:], true); err != nil {
		return err
	}
	ttl := keyspace.NoTTL
	if o.keep {
		ttl = keyspace.KeepTTL
	}
	if o.expiry != noExpiry {
		ms, err := o.expiry.deadline(c, o.time)
		if err != nil {
			return err
		}
		ttl = keyspace.At(ms)
	}
	if o.nx || o.xx || o.get {
		if allowed, err := o.look(c, key); err != nil || !allowed {
			return err
		}
	}
	if err := c.Tx.SetBytes(key, value, ttl); err != nil {
		return err
	}
	c.Event(bus.EventString, "set", key)
	if o.expiry != noExpiry {
		c.Event(bus.EventGeneric, "expire", key)
	}
	if !o.get {
		c.Reply.OK()
	}
	return nil
}

// look applies the options of SET that concern what is at the key: it writes the reply of
// GET, and the nil of a condition that is not met, which makes allowed false.
func (o *valueOptions) look(c *bus.Ctx, key []byte) (allowed bool, err error) {
	find := lookWritten
	if o.get {
		find = lookString
	}
	it, found, err := find(c, key)
	if o.get {
		if err != nil {
			return false, err
		}
		replyString(c, it, found)
	}
	if o.nx && found || o.xx && !found {
		if !o.get {
			c.Reply.Null()
		}
		return false, nil
	}
	return true, nil
}

func setNX(c *bus.Ctx) error {
	if _, found := c.Tx.LookWrite(c.Args[1]); found {
		c.Reply.Int(0)
		return nil
	}
	if err := c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL); err != nil {
		return err
	}
	c.Event(bus.EventString, "set", c.Args[1])
	c.Reply.Int(1)
	return nil
}

func setEX(c *bus.Ctx) error { return setExpiring(c, inSeconds) }

func psetEX(c *bus.Ctx) error { return setExpiring(c, inMillis) }

func setExpiring(c *bus.Ctx, e expiry) error {
	ms, err := e.deadline(c, c.Args[2])
	if err != nil {
		return err
	}
	if err := c.Tx.SetBytes(c.Args[1], c.Args[3], keyspace.At(ms)); err != nil {
		return err
	}
	c.Event(bus.EventString, "set", c.Args[1])
	c.Event(bus.EventGeneric, "expire", c.Args[1])
	c.Reply.OK()
	return nil
}

func getSet(c *bus.Ctx) error {
	it, ok, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, it, ok)
	if err := c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL); err != nil {
		return err
	}
	c.Event(bus.EventString, "set", c.Args[1])
	return nil
}

func getDel(c *bus.Ctx) error {
	it, ok, err := lookString(c, c.Args[1])
	if err != nil {
		return err
	}
	replyString(c, it, ok)
	if ok {
		remove(c, c.Args[1])
	}
	return nil
}

func getEX(c *bus.Ctx) error {
	key := c.Args[1]
	var o valueOptions
	if err := o.parse(c.Args[2:], false); err != nil {
		return err
	}
	it, ok, err := lookString(c, key)
	if err != nil {
		return err
	}
	if !ok {
		c.Reply.Null()
		return nil
	}
	var ms int64
	if o.expiry != noExpiry {
		if ms, err = o.expiry.deadline(c, o.time); err != nil {
			return err
		}
	}
	replyString(c, it, true)
	switch {
	case o.persist:
		if c.Tx.Persist(key) {
			c.Event(bus.EventGeneric, "persist", key)
		}
	case o.expiry == noExpiry:
	case ms <= c.Now():
		remove(c, key)
	default:
		c.Tx.ExpireAt(key, ms)
		c.Event(bus.EventGeneric, "expire", key)
	}
	return nil
}
