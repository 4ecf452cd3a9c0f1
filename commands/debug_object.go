package commands

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// debugObject describes a value in the form of Redis. It has no address to show.
func (h *server) debugObject(c *bus.Ctx) error {
	key := c.Args[2]
	if !c.Tx.LockKey(key) {
		return keyspace.ErrExclusive
	}
	defer c.Tx.Unlock()
	it, ok := c.Tx.Peek(key)
	if !ok {
		return bus.ErrNoKey
	}
	c.Reply.Status(fmt.Sprintf("Value at:0x0 refcount:1 encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		it.Encoding(), serializedLength(it), it.Use(), it.IdleSeconds(c.Now())))
	return nil
}

var errNoHashTable = errors.New("ERR The value stored at the specified key is not represented using an hash table")

// debugHTStatsKey finds no value that is a hash table.
func (h *server) debugHTStatsKey(c *bus.Ctx) error {
	key := c.Args[2]
	if !c.Tx.LockKey(key) {
		return keyspace.ErrExclusive
	}
	defer c.Tx.Unlock()
	if _, ok := c.Tx.Peek(key); !ok {
		return bus.ErrNoKey
	}
	return errNoHashTable
}

// serializedLength is the size of a string in a dump file without compression.
func serializedLength(it keyspace.Item) int {
	n := it.Len()
	if n <= 11 {
		if v, ok := it.Int(); ok {
			switch {
			case v == int64(int8(v)):
				return 2
			case v == int64(int16(v)):
				return 3
			case v == int64(int32(v)):
				return 5
			}
		}
	}
	switch {
	case n < 1<<6:
		return 1 + n
	case n < 1<<14:
		return 2 + n
	default:
		return 5 + n
	}
}

// digest is a hash of data whose order matters or not, as DEBUG DIGEST of Redis
// computes it, so that figures can be compared with a Redis server's.
type digest [sha1.Size]byte

// xor adds data so that the order does not matter.
func (d *digest) xor(data []byte) {
	sum := sha1.Sum(data)
	for i := range d {
		d[i] ^= sum[i]
	}
}

// mix adds data so that the order matters.
func (d *digest) mix(data []byte) {
	d.xor(data)
	*d = sha1.Sum(d[:])
}

// value adds a value and whether it expires.
func (d *digest) value(it keyspace.Item) {
	d.mix(binary.BigEndian.AppendUint32(nil, 0)) // the type: strings are 0
	d.mix(it.Bytes(make([]byte, 0, 32)))
	if _, ok := it.ExpireAt(); ok {
		d.xor([]byte("!!expire!!"))
	}
}

func (d *digest) String() string { return hex.EncodeToString(d[:]) }

// debugDigest answers the digest of all databases.
func (h *server) debugDigest(c *bus.Ctx) error {
	var all digest
	own := c.Tx.DB
	defer func() { c.Tx.DB = own }()
	for db := range h.d.Databases {
		c.Tx.DB = db
		if keys, _, _ := c.Tx.Counts(db); keys == 0 {
			continue
		}
		all.mix(binary.BigEndian.AppendUint32(nil, uint32(db)))
		err := c.Tx.Keys(keyspace.AnySlot, func(key []byte, it keyspace.Item) {
			var d digest
			d.mix(key)
			d.value(it)
			all.xor(d[:])
		})
		if err != nil {
			return err
		}
	}
	c.Reply.Status(all.String())
	return nil
}

// debugDigestValue answers the digests of single values, zero for keys that do not exist.
func (h *server) debugDigestValue(c *bus.Ctx) error {
	keys := c.Args[2:]
	if len(keys) > 0 {
		if !c.Tx.LockKeys(keys) {
			return keyspace.ErrExclusive
		}
		defer c.Tx.Unlock()
	}
	c.Reply.Array(len(keys))
	for _, key := range keys {
		var d digest
		if it, ok := c.Tx.Peek(key); ok {
			d.value(it)
		}
		c.Reply.Status(d.String())
	}
	return nil
}
