package server

import "github.com/reredis/reredis/bus"

// protocolError answers input that is no command, and closes.
func (c *conn) protocolError(w *worker, err error, at []byte) stop {
	if c.client.Replies == bus.ReplyOn {
		w.ctx.Reply.Error("ERR " + err.Error())
	}
	c.flags |= flagClosing
	w.srv.log.Debug("protocol error", "error", err, "id", c.client.ID, "addr", c.client.Addr,
		"input", at[:min(len(at), 128)])
	return stopClose
}

// crossProtocol recognises what a browser sends when a web page makes it talk to us.
func crossProtocol(name []byte) bool {
	switch len(name) {
	case 4:
		return fold(name[0]) == 'p' && fold(name[1]) == 'o' && fold(name[2]) == 's' && fold(name[3]) == 't'
	case 5:
		return name[4] == ':' && fold(name[0]) == 'h' && fold(name[1]) == 'o' && fold(name[2]) == 's' && fold(name[3]) == 't'
	}
	return false
}

func fold(c byte) byte { return c | 0x20 }

// attackEvery is the least time between two log lines about attacks, in ms.
const attackEvery = 60_000

// securityAbort closes a connection without a word, and tells the log from time to time.
func (c *conn) securityAbort(w *worker) stop {
	c.flags |= flagAbort
	if last := w.srv.attackLogged.Load(); w.now-last > attackEvery && w.srv.attackLogged.CompareAndSwap(last, w.now) {
		w.srv.log.Warn("Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to "+
			"the server. This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise it. "+
			"Connection aborted.", "addr", c.client.Addr)
	}
	return stopClose
}

// The refusals of new connections, as Redis words them.
const (
	textMaxClients = "-ERR max number of clients reached\r\n"
	textProtected  = "-DENIED Redis is running in protected mode because protected mode is enabled and no password is set " +
		"for the default user. In this mode connections are only accepted from the loopback interface. If you want to " +
		"connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected " +
		"mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from " +
		"the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do " +
		"so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by " +
		"editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the " +
		"server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. " +
		"4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in " +
		"order for the server to start accepting connections from the outside.\r\n"
)
