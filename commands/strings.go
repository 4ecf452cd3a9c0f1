package commands

import (
	"errors"
	"math"
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// Strings returns the commands on string values.
func Strings() []bus.Spec {
	return slices.Concat(stringReads, stringWrites, stringEdits, stringNumbers, stringPairs)
}

// errTooBig is the error for an integer that would overflow.
var errTooBig = errors.New("ERR increment or decrement would overflow")

// intText is room for the text of an integer: numbers are stored as such.
type intText [20]byte

// lookString finds the string at a key for a command that reads; ok is false if there
// is no key.
func lookString(c *bus.Ctx, key []byte) (it keyspace.Item, ok bool, err error) {
	return asString(c.Tx.Look(key))
}

// lookWritten is lookString for a command that writes: such look-ups are no hits or misses.
func lookWritten(c *bus.Ctx, key []byte) (it keyspace.Item, ok bool, err error) {
	return asString(c.Tx.LookWrite(key))
}

// asString passes on what a look-up found if it is a string.
func asString(it keyspace.Item, ok bool) (keyspace.Item, bool, error) {
	if ok && it.Type() != keyspace.TypeString {
		return it, true, keyspace.ErrWrongType
	}
	return it, ok, nil
}

// replyString writes the string it, nil if ok is false.
func replyString(c *bus.Ctx, it keyspace.Item, ok bool) {
	if !ok {
		c.Reply.Null()
		return
	}
	var text intText
	c.Reply.Bulk(it.Bytes(text[:0]))
}

// ownEffect says whether the command as received can stand for its effect in the log:
// there is a log, and the command came as RESP. For the keyspace it means no encoding.
func ownEffect(c *bus.Ctx) bool { return c.Raw != nil && c.Tx.Sink != nil }

// errExpireTime is the error for a time to live that is not positive or overflows.
func errExpireTime(c *bus.Ctx) error {
	return errors.New("ERR invalid expire time in '" + c.Spec.FullName() + "' command")
}

// expiry is how a command gives a key's deadline.
type expiry uint8

const (
	noExpiry expiry = iota
	inSeconds
	inMillis
	atSeconds
	atMillis
)

// deadline returns the unix time in milliseconds that text, the argument of an option
// of kind e, stands for. It must be positive.
func (e expiry) deadline(c *bus.Ctx, text []byte) (ms int64, err error) {
	n, err := integer(text)
	if err != nil {
		return 0, err
	}
	seconds := e == inSeconds || e == atSeconds
	if n <= 0 || seconds && n > math.MaxInt64/1000 {
		return 0, errExpireTime(c)
	}
	if seconds {
		n *= 1000
	}
	if e == inSeconds || e == inMillis {
		if n > math.MaxInt64-c.Now() {
			return 0, errExpireTime(c)
		}
		n += c.Now()
	}
	return n, nil
}

// valueOptions are the options of SET and GETEX.
type valueOptions struct {
	nx, xx, get, keep, persist bool

	expiry expiry
	time   []byte // argument of the expiry option
}

// parse reads the options, those of SET if isSet, otherwise those of GETEX. An expiry
// option may be repeated, the last one counts.
func (o *valueOptions) parse(args [][]byte, isSet bool) error {
	for i := 0; i < len(args); i++ {
		word := args[i]
		switch e := expiryOption(word); {
		case e != noExpiry:
			if o.keep || o.persist || (o.expiry != noExpiry && o.expiry != e) || i+1 == len(args) {
				return bus.ErrSyntax
			}
			i++
			o.expiry, o.time = e, args[i]
		case isSet && !o.xx && bus.EqualFold(word, "nx"):
			o.nx = true
		case isSet && !o.nx && bus.EqualFold(word, "xx"):
			o.xx = true
		case isSet && bus.EqualFold(word, "get"):
			o.get = true
		case isSet && o.expiry == noExpiry && bus.EqualFold(word, "keepttl"):
			o.keep = true
		case !isSet && o.expiry == noExpiry && bus.EqualFold(word, "persist"):
			o.persist = true
		default:
			return bus.ErrSyntax
		}
	}
	return nil
}

// expiryOption returns what the option word says about a deadline.
func expiryOption(word []byte) expiry {
	switch {
	case bus.EqualFold(word, "ex"):
		return inSeconds
	case bus.EqualFold(word, "px"):
		return inMillis
	case bus.EqualFold(word, "exat"):
		return atSeconds
	case bus.EqualFold(word, "pxat"):
		return atMillis
	}
	return noExpiry
}
