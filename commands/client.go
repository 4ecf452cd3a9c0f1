package commands

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reredis/reredis/bus"
)

// clientFlags are what all subcommands of CLIENT have in common.
const clientFlags = bus.NoScript | bus.Loading | bus.Stale

// clientSpec is the container CLIENT.
func clientSpec(h *connection) bus.Spec {
	return bus.Spec{
		Name: "client", Arity: -2, Group: "connection", Since: "2.4.0", Complexity: "Depends on subcommand.",
		Summary: "The commands about connections.",
		Subs: slices.Concat([]bus.Spec{
			{
				Name: "id", Run: h.clientID, Arity: 2, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "5.0.0", Complexity: "O(1)",
				Summary: "Tells the number of the connection, which no other ever has.",
			},
			{
				Name: "info", Run: h.clientInfo, Arity: 2, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "6.2.0", Complexity: "O(1)",
				Summary: "Describes the connection in the form of CLIENT LIST.",
				Tips:    []string{"nondeterministic_output"},
			},
			{
				Name: "list", Run: h.clientList, Parks: bus.AlwaysParks, Arity: -2, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "2.4.0", Complexity: "O(N) where N is the number of client connections",
				Usage:   "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]",
				Args:    []bus.ArgNote{{Arg: "normal_master_replica_pubsub", Since: "5.0.0"}, {Arg: "client-id", Since: "6.2.0"}},
				Summary: "Describes the connections, one on a line.",
				Tips:    []string{"nondeterministic_output"},
				History: []bus.Change{
					{Version: "2.8.12", Note: "The field `id`."},
					{Version: "5.0.0", Note: "The filter `TYPE`."},
					{Version: "6.0.0", Note: "The field `user`."},
					{Version: "6.2.0", Note: "The fields `argv-mem`, `tot-mem`, `laddr` and `redir`, and the filter `ID`."},
					{Version: "7.0.0", Note: "The fields `resp`, `multi-mem`, `rbs` and `rbp`."},
					{Version: "7.0.3", Note: "The field `ssub`."},
				},
			},
			{
				Name: "kill", Run: h.clientKill, Parks: bus.AlwaysParks, Arity: -3, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "2.4.0", Complexity: "O(N) where N is the number of client connections",
				Usage: "<ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | " +
					"[USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME yes/no] | [MAXAGE maxage]> [...]>",
				Args: []bus.ArgNote{
					{Arg: "ip:port_client-id_normal_master_slave_replica_pubsub_username_ip:port_ip:port_yes/no_maxage", Name: "filter"},
					{Arg: "client-id_normal_master_slave_replica_pubsub_username_ip:port_ip:port_yes/no_maxage", Name: "new-format"},
					{Arg: "client-id", Since: "2.8.12"},
					{Arg: "normal_master_slave_replica_pubsub", Since: "2.8.12"},
					{Arg: "master", Since: "3.2.0"},
					{Arg: "replica", Since: "5.0.0"},
					{Arg: "maxage", Since: "7.4.0"},
				},
				Summary: "Closes connections that match all filters given.",
				History: []bus.Change{
					{Version: "2.8.12", Note: "The form with filters."},
					{Version: "2.8.12", Note: "The filter `ID`."},
					{Version: "3.2.0", Note: "The type `master`."},
					{Version: "5.0.0", Note: "The type `replica`; `slave` means the same."},
					{Version: "6.2.0", Note: "The filter `LADDR`."},
					{Version: "7.4.0", Note: "The filter `MAXAGE`."},
				},
			},
			{
				Name: "setname", Run: h.clientSetName, Arity: 3, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "2.6.9", Complexity: "O(1)",
				Usage:   "connection-name",
				Summary: "Names the connection; an empty name takes the name away.",
			},
			{
				Name: "getname", Run: h.clientGetName, Arity: 2, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "2.6.9", Complexity: "O(1)",
				Summary: "Tells the name of the connection, nil if it has none.",
			},
			{
				Name: "setinfo", Run: h.clientSetInfo, Arity: 4, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "7.2.0", Complexity: "O(1)",
				Usage:   "<LIB-NAME libname | LIB-VER libver>",
				Summary: "Notes which client library uses the connection.",
				Tips:    []string{"request_policy:all_nodes", "response_policy:all_succeeded"},
			},
			{
				Name: "reply", Run: h.clientReply, Arity: 3, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "3.2.0", Complexity: "O(1)",
				Usage:   "<ON | OFF | SKIP>",
				Summary: "Says whether the connection wants replies: all, none, or none to the next command.",
			},
			{
				Name: "no-evict", Run: h.clientNoEvict, Arity: 3, Flags: bus.Admin | clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "7.0.0", Complexity: "O(1)",
				Usage:   "<ON | OFF>",
				Args:    []bus.ArgNote{{Arg: "on_off", Name: "enabled"}},
				Summary: "Exempts the connection from being closed to save memory.",
			},
			{
				Name: "no-touch", Run: h.clientNoTouch, Arity: 3, Flags: clientFlags, Cats: bus.CatConnection,
				Group: "connection", Since: "7.2.0", Complexity: "O(1)",
				Usage:   "<ON | OFF>",
				Args:    []bus.ArgNote{{Arg: "on_off", Name: "enabled"}},
				Summary: "Says whether the connection's commands count as use of the keys they read.",
			},
			{
				Name: "help", Run: h.clientHelp, Arity: 2, Flags: bus.Loading | bus.Stale, Cats: bus.CatConnection,
				Group: "connection", Since: "5.0.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		}, h.clientWaits(), h.clientTracks()),
	}
}

func (h *connection) clientID(c *bus.Ctx) error {
	c.Reply.Int(c.Client.ID)
	return nil
}

func (h *connection) clientInfo(c *bus.Ctx) error {
	c.Reply.Verbatim("txt", string(appendClient(nil, c.Client, ownState(c, bus.ConnState{}), c.Now()))+"\n")
	return nil
}

var errClientName = errors.New("ERR Client names cannot contain spaces, newlines or special characters.")

func (h *connection) clientSetName(c *bus.Ctx) error {
	if err := setClientName(c.Client, c.Args[2]); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

// setClientName checks and sets a name.
func setClientName(cl *bus.Client, name []byte) error {
	if !graphic(name) {
		return errClientName
	}
	cl.Name = string(name)
	return nil
}

// graphic reports whether s can stand in a line of CLIENT LIST.
func graphic(s []byte) bool {
	for _, ch := range s {
		if ch < '!' || ch > '~' {
			return false
		}
	}
	return true
}

func (h *connection) clientGetName(c *bus.Ctx) error {
	if c.Client.Name == "" {
		c.Reply.Null()
		return nil
	}
	c.Reply.BulkString(c.Client.Name)
	return nil
}

func (h *connection) clientSetInfo(c *bus.Ctx) error {
	var field *string
	name := ""
	switch {
	case bus.EqualFold(c.Args[2], "LIB-NAME"):
		field, name = &c.Client.LibName, "lib-name"
	case bus.EqualFold(c.Args[2], "LIB-VER"):
		field, name = &c.Client.LibVer, "lib-ver"
	default:
		return fmt.Errorf("ERR Unrecognized option '%s'", quotable(c.Args[2]))
	}
	if !graphic(c.Args[3]) {
		return fmt.Errorf("ERR %s cannot contain spaces, newlines or special characters.", name)
	}
	*field = string(c.Args[3])
	c.Reply.OK()
	return nil
}

func (h *connection) clientReply(c *bus.Ctx) error {
	cl := c.Client
	switch {
	case bus.EqualFold(c.Args[2], "ON"):
		cl.Replies = bus.ReplyOn
		c.Reply.OK()
	case bus.EqualFold(c.Args[2], "OFF"):
		cl.Replies = bus.ReplyOff
	case bus.EqualFold(c.Args[2], "SKIP"):
		if cl.Replies != bus.ReplyOff {
			cl.Replies = bus.ReplySkipNext
		}
	default:
		return bus.ErrSyntax
	}
	return nil
}

func (h *connection) clientNoEvict(c *bus.Ctx) error { return onOff(c, &c.Client.NoEvict) }

func (h *connection) clientNoTouch(c *bus.Ctx) error { return onOff(c, &c.Client.NoTouch) }

// onOff sets a switch from the third argument.
func onOff(c *bus.Ctx, field *bool) error {
	switch {
	case bus.EqualFold(c.Args[2], "ON"):
		*field = true
	case bus.EqualFold(c.Args[2], "OFF"):
		*field = false
	default:
		return bus.ErrSyntax
	}
	c.Reply.OK()
	return nil
}

func (h *connection) clientHelp(c *bus.Ctx) error {
	c.Reply.Help("CLIENT",
		"CACHING (YES|NO)",
		"    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.",
		"GETREDIR",
		"    Return the client ID we are redirecting to when tracking is enabled.",
		"GETNAME",
		"    Return the name of the current connection.",
		"ID",
		"    Return the ID of the current connection.",
		"INFO",
		"    Return information about the current client connection.",
		"KILL <ip:port>",
		"    Kill connection made from <ip:port>.",
		"KILL <option> <value> [<option> <value> [...]]",
		"    Kill connections. Options are:",
		"    * ADDR (<ip:port>|<unixsocket>:0)",
		"      Kill connections made from the specified address",
		"    * LADDR (<ip:port>|<unixsocket>:0)",
		"      Kill connections made to specified local address",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
		"      Kill connections by type.",
		"    * USER <username>",
		"      Kill connections authenticated by <username>.",
		"    * SKIPME (YES|NO)",
		"      Skip killing current connection (default: yes).",
		"    * ID <client-id>",
		"      Kill connections by client id.",
		"    * MAXAGE <maxage>",
		"      Kill connections older than the specified age, in seconds.",
		"LIST [options ...]",
		"    Return information about client connections. Options:",
		"    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
		"      Return clients of specified type.",
		"    * ID <client-id> [<client-id> [...]]",
		"      Return clients of the specified ids.",
		"UNPAUSE",
		"    Stop the current client pause, resuming traffic.",
		"PAUSE <timeout> [WRITE|ALL]",
		"    Suspend all, or just write, clients for <timeout> milliseconds.",
		"REPLY (ON|OFF|SKIP)",
		"    Control the replies sent to the current connection.",
		"SETNAME <name>",
		"    Assign the name <name> to the current connection.",
		"SETINFO <option> <value>",
		"    Set client meta attr. Options are:",
		"    * LIB-NAME: the client lib name.",
		"    * LIB-VER: the client lib version.",
		"UNBLOCK <clientid> [TIMEOUT|ERROR]",
		"    Unblock the specified blocked client.",
		"TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
		"         [OPTIN] [OPTOUT] [NOLOOP]",
		"    Control server assisted client side caching.",
		"TRACKINGINFO",
		"    Report tracking status for the current connection.",
		"NO-EVICT (ON|OFF)",
		"    Protect current client connection from eviction.",
		"NO-TOUCH (ON|OFF)",
		"    Will not touch LRU/LFU stats when this mode is on.",
	)
	return nil
}
