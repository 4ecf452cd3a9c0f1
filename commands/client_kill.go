package commands

import (
	"errors"
	"fmt"

	"github.com/reredis/reredis/bus"
)

var (
	errKillID     = errors.New("ERR client-id should be greater than 0")
	errMaxAge     = errors.New("ERR maxage is not an integer or out of range")
	errMaxAgeSign = errors.New("ERR maxage should be greater than 0")
	errNoClient   = errors.New("ERR No such client")
)

// killFilter says which connections CLIENT KILL closes: those that match all
// that is set.
type killFilter struct {
	id          int64 // 0 = any
	typed       bool
	class       bus.Class // if typed
	user        string
	addr, laddr *string
	maxAge      int64 // seconds, 0 = any
	skipMe      bool
}

// killed is what the visit of all connections found.
type killed struct {
	count int64
	self  bool
}

func (h *connection) clientKill(c *bus.Ctx) error {
	if k, ok := c.Woken().(killed); ok {
		return replyKilled(c, k)
	}
	f, err := parseKill(c.Args[2:])
	if err != nil {
		return err
	}
	self, now := c.Client, c.Now()
	return c.Park(func(wake func(any)) {
		var k killed
		h.d.Clients.Each(func(cl *bus.Client, _ bus.ConnState) bool {
			me := cl == self
			if !f.match(cl, now) || (me && f.skipMe) {
				return false
			}
			k.count++
			if me {
				k.self = true // closed after its reply
			}
			return !me
		}, func() { wake(k) })
	})
}

// replyKilled answers in the form, old or new, of the command.
func replyKilled(c *bus.Ctx, k killed) error {
	switch {
	case len(c.Args) > 3:
		c.Reply.Int(k.count)
	case k.count == 0:
		return errNoClient
	default:
		c.Reply.OK()
	}
	if k.self {
		c.Client.CloseAfterReply = true
	}
	return nil
}

// parseKill reads what follows CLIENT KILL. With the old form, an address alone, a
// connection can close itself.
func parseKill(args [][]byte) (f killFilter, err error) {
	if len(args) == 1 {
		addr := string(args[0])
		return killFilter{addr: &addr}, nil
	}
	f.skipMe = true
	for ; len(args) > 0; args = args[2:] {
		if len(args) < 2 {
			return f, bus.ErrSyntax
		}
		value := string(args[1])
		switch opt := args[0]; {
		case bus.EqualFold(opt, "ID"):
			id, ok := parseInt(args[1])
			if !ok || id < 1 {
				return f, errKillID
			}
			f.id = id
		case bus.EqualFold(opt, "TYPE"):
			t, ok := parseClientType(args[1])
			if !ok {
				return f, fmt.Errorf("ERR Unknown client type '%s'", quotable(args[1]))
			}
			f.typed, f.class = true, t
		case bus.EqualFold(opt, "ADDR"):
			f.addr = &value
		case bus.EqualFold(opt, "LADDR"):
			f.laddr = &value
		case bus.EqualFold(opt, "USER"):
			if value != defaultUser {
				return f, fmt.Errorf("ERR No such user '%s'", quotable(args[1]))
			}
			f.user = value
		case bus.EqualFold(opt, "MAXAGE"):
			n, ok := parseInt(args[1])
			if !ok {
				return f, errMaxAge
			}
			if n <= 0 {
				return f, errMaxAgeSign
			}
			f.maxAge = n
		case bus.EqualFold(opt, "SKIPME") && bus.EqualFold(args[1], "YES"):
			f.skipMe = true
		case bus.EqualFold(opt, "SKIPME") && bus.EqualFold(args[1], "NO"):
			f.skipMe = false
		default:
			return f, bus.ErrSyntax
		}
	}
	return f, nil
}

// match reports whether all filters fit the connection.
func (f *killFilter) match(cl *bus.Client, now int64) bool {
	return (f.id == 0 || f.id == cl.ID) &&
		(!f.typed || f.class == cl.Class) &&
		(f.user == "" || cl.User == "" || f.user == cl.User) &&
		(f.addr == nil || *f.addr == cl.Addr) &&
		(f.laddr == nil || *f.laddr == cl.LocalAddr) &&
		(f.maxAge == 0 || (now-cl.Created)/1000 >= f.maxAge)
}
