package commands

import (
	"github.com/reredis/reredis/bus"
)

// connection holds the handlers of the connection family.
type connection struct{ d *Deps }

// Connection returns the commands about the connection that they come by.
func Connection(d *Deps) []bus.Spec {
	h := &connection{d}
	return []bus.Spec{
		{
			Name: "ping", Run: h.ping, Arity: -1, Flags: bus.Fast, Cats: bus.CatConnection, Subscriber: true, Probe: true,
			Group: "connection", Since: "1.0.0", Complexity: "O(1)",
			Usage:   "[message]",
			Summary: "Answers PONG, or the message, to show that the server is there.",
			Tips:    []string{"request_policy:all_shards", "response_policy:all_succeeded"},
		},
		{
			Name: "echo", Run: h.echo, Arity: 2, Flags: bus.Loading | bus.Stale | bus.Fast, Cats: bus.CatConnection,
			Group: "connection", Since: "1.0.0", Complexity: "O(1)",
			Usage:   "message",
			Summary: "Answers its argument.",
		},
		{
			Name: "hello", Run: h.hello, Arity: -1, Secrets: helloSecrets,
			Flags: bus.NoScript | bus.Loading | bus.Stale | bus.Fast | bus.NoAuth | bus.AllowBusy,
			Cats:  bus.CatConnection,
			Group: "connection", Since: "6.0.0", Complexity: "O(1)",
			Usage:   "[protover [AUTH username password] [SETNAME clientname]]",
			Args:    []bus.ArgNote{{Arg: "protover_username_password_clientname", Name: "arguments"}},
			Summary: "Selects the protocol version, authenticates and names the connection in one step.",
			History: []bus.Change{{Version: "6.2.0", Note: "The protocol version became optional; without arguments the command tells about the connection."}},
		},
		{
			Name: "auth", Run: h.auth, Arity: -2, Secrets: authSecrets,
			Flags: bus.NoScript | bus.Loading | bus.Stale | bus.Fast | bus.NoAuth | bus.AllowBusy,
			Cats:  bus.CatConnection,
			Group: "connection", Since: "1.0.0", Complexity: "O(N) where N is the number of the user's passwords",
			Usage:   "[username] password",
			Args:    []bus.ArgNote{{Arg: "username", Since: "6.0.0"}},
			Summary: "Authenticates the connection.",
			History: []bus.Change{{Version: "6.0.0", Note: "The form with a user name."}},
		},
		{
			Name: "select", Run: h.selectDB, Arity: 2, Flags: bus.Loading | bus.Stale | bus.Fast, Cats: bus.CatConnection,
			Group: "connection", Since: "1.0.0", Complexity: "O(1)",
			Usage:   "index",
			Summary: "Chooses the database of the connection.",
		},
		{
			Name: "quit", Run: h.quit, Arity: -1, Immediate: true, Subscriber: true,
			Flags: bus.AllowBusy | bus.NoScript | bus.Loading | bus.Stale | bus.Fast | bus.NoAuth,
			Cats:  bus.CatConnection,
			Group: "connection", Since: "1.0.0", Complexity: "O(1)",
			Summary: "Closes the connection after the replies before it have been sent.",
		},
		{
			Name: "reset", Run: h.reset, Arity: 1, Immediate: true, Subscriber: true,
			Flags: bus.NoScript | bus.Loading | bus.Stale | bus.Fast | bus.NoAuth | bus.AllowBusy,
			Cats:  bus.CatConnection,
			Group: "connection", Since: "6.2.0", Complexity: "O(1)",
			Summary: "Brings the connection back to the state of a new one.",
		},
		clientSpec(h),
	}
}

func (h *connection) ping(c *bus.Ctx) error {
	switch {
	case len(c.Args) > 2:
		return bus.ErrArity("ping")
	case c.Client.Confined():
		// What the client reads anyway, while it waits for messages, are arrays.
		c.Reply.Array(2)
		c.Reply.BulkString("pong")
		if len(c.Args) == 1 {
			c.Reply.BulkString("")
		} else {
			c.Reply.Bulk(c.Args[1])
		}
	case len(c.Args) == 1:
		c.Reply.Status("PONG")
	default:
		c.Reply.Bulk(c.Args[1])
	}
	return nil
}

func (h *connection) echo(c *bus.Ctx) error {
	c.Reply.Bulk(c.Args[1])
	return nil
}

func (h *connection) selectDB(c *bus.Ctx) error {
	db, err := database(c.Args[1], h.d.Databases)
	if err != nil {
		return err
	}
	c.Client.DB = db
	c.Reply.OK()
	return nil
}

func (h *connection) quit(c *bus.Ctx) error {
	c.Client.CloseAfterReply = true
	c.Reply.OK()
	return nil
}

func (h *connection) reset(c *bus.Ctx) error {
	cl := c.Client
	cl.DB, cl.Proto, cl.Name = 0, 2, ""
	cl.User, cl.Authenticated = defaultUser, h.d.password() == ""
	cl.Replies = bus.ReplyOn
	cl.EndMulti()
	h.d.Monitor.Leave(cl)
	h.d.Tracking.Disable(cl)
	h.d.PubSub.UnsubscribeAll(cl)
	c.Reply.SetProto(2)
	c.Reply.Status("RESET")
	return nil
}
