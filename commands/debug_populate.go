package commands

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

var (
	errNotPositive = errors.New("ERR value is out of range, must be positive")
	errNoDB        = errors.New("ERR Out of range database")
)

var errLoading = errors.New("LOADING Redis is loading the dataset in memory")

// debugPopulate creates keys that do not exist yet. Unlike in Redis each of them is logged, so that nothing that clients
// see is lost with a restart; so it is refused when writes are.
func (h *server) debugPopulate(c *bus.Ctx) error {
	switch st := h.persistence(); {
	case st.Loading:
		return errLoading
	case st.WriteError != nil:
		return st.WriteError
	}
	count, ok := parseInt(c.Args[2])
	if !ok || count < 0 {
		return errNotPositive
	}
	prefix, size := []byte("key"), int64(0)
	if len(c.Args) > 3 {
		prefix = c.Args[3]
	}
	if len(c.Args) > 4 {
		if size, ok = parseInt(c.Args[4]); !ok || size < 0 {
			return errNotPositive
		}
	}
	key := append(append([]byte(nil), prefix...), ':')
	stem := len(key)
	value := make([]byte, size)
	for i := range count {
		key = strconv.AppendInt(key[:stem], i, 10)
		value = populateValue(value, i, int(size))
		if err := addKey(c, key, value); err != nil {
			return err
		}
	}
	c.Reply.OK()
	return nil
}

// populateValue writes "value:i", cut or filled up with zero bytes to size if that is not 0.
func populateValue(buf []byte, i int64, size int) []byte {
	if size == 0 {
		return strconv.AppendInt(append(buf[:0], "value:"...), i, 10)
	}
	clear(buf)
	copy(buf, "value:"+strconv.FormatInt(i, 10))
	return buf
}

// addKey sets a key unless it exists.
func addKey(c *bus.Ctx, key, value []byte) error {
	if !c.Tx.LockKey(key) {
		return keyspace.ErrExclusive
	}
	defer c.Tx.Unlock()
	return c.Logged(func() error {
		if _, ok := c.Tx.Peek(key); ok {
			return nil
		}
		return c.Tx.SetRaw(key, value, keyspace.NoTTL)
	})
}

// debugHTStats tells how many keys a database has, in the form of Redis' statistics of
// its hash tables.
func (h *server) debugHTStats(c *bus.Ctx) error {
	db, ok := parseInt(c.Args[2])
	if !ok {
		return bus.ErrNotInteger
	}
	if db < 0 || db >= int64(h.d.Databases) {
		return errNoDB
	}
	keys, expires, _ := c.Tx.Counts(int(db))
	table := func(n int64) string {
		text := "Hash table 0 stats (main hash table):\n"
		if n == 0 {
			return text + "No stats available for empty dictionaries\n"
		}
		return text + fmt.Sprintf(" number of elements: %d\n", n)
	}
	c.Reply.Verbatim("txt", "[Dictionary HT]\n"+table(keys)+"[Expires HT]\n"+table(expires))
	return nil
}
