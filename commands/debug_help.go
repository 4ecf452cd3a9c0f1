package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
)

var errDebugRefused = errors.New(`ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", ` +
	"you can run it from a local connection, otherwise you need to set this option " +
	"in the configuration file, and then restart the server.")

// Protected decides about commands flagged Protected by the parameter
// enable-debug-command: "yes", "no", or "local" for clients on this machine. It is
// meant for bus.Admission.
func (d *Deps) Protected(c *bus.Ctx) error {
	if !d.permits("enable-debug-command", c) {
		return errDebugRefused
	}
	return nil
}

func (h *server) debugHelp(c *bus.Ctx) error {
	c.Reply.Help("DEBUG",
		"BUS <command> [<subcommand>]",
		"    Show the layers that a command passes through, outermost first.",
		"CHANGE-REPL-ID",
		"    Change the replication IDs of the instance.",
		"    Dangerous: should be used only for testing the replication subsystem.",
		"CONFIG-REWRITE-FORCE-ALL",
		"    The same as CONFIG REWRITE, which keeps everything that SET has changed.",
		"DIGEST",
		"    Output a hex signature representing the current DB content.",
		"DIGEST-VALUE <key> [<key> ...]",
		"    Output a hex signature of the values of all the specified keys.",
		"ERROR <string>",
		"    Return a Redis protocol error with <string> as message. Useful for clients",
		"    unit tests to simulate Redis errors.",
		"HTSTATS <dbid>",
		"    Return the number of keys of the specified database.",
		"HTSTATS-KEY <key>",
		"    Like HTSTATS but for the hash table stored at <key>, if it is one.",
		"LOADAOF",
		"    Read the data back from the log. Others wait meanwhile; nothing is lost.",
		"LOG <message>",
		"    Write <message> to the server log.",
		"OBJECT <key>",
		"    Show low level info about `key` and associated value.",
		"PAUSE-CRON <0|1>",
		"    Accepted, without effect.",
		"POPULATE <count> [<prefix>] [<size>]",
		"    Create <count> string keys named key:<num>. If <prefix> is specified then",
		"    it is used instead of the 'key' prefix.",
		"PROTOCOL <type>",
		"    Reply with a test value of the specified type. <type> can be: string,",
		"    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
		"    true, false.",
		"QUICKLIST-PACKED-THRESHOLD <size>",
		"    Accepted, without effect.",
		"RELOAD [option ...]",
		"    Take a snapshot, empty the keyspace and read the data back. Others wait",
		"    meanwhile; nothing is lost. Options:",
		"    * NOSAVE: take no snapshot; read the last one, and the log behind it.",
		"    * NOFLUSH MERGE: only check that the data can be read.",
		"REPLYBUFFER (PEAK-RESET-TIME|RESIZING) <value>",
		"    Accepted, without effect.",
		"SET-ACTIVE-EXPIRE <0|1>",
		"    Setting it to 0 disables expiring keys in background when they are not",
		"    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
		"    default.",
		"SET-DISABLE-DENY-SCRIPTS <0|1>",
		"    Accepted, without effect.",
		"SET-SKIP-CHECKSUM-VALIDATION <0|1>",
		"    Accepted, without effect.",
		"SLEEP <seconds>",
		"    Let this connection wait for <seconds>. Decimals allowed.",
		"STRINGMATCH-LEN <pattern> <string>",
		"    Match a glob-style pattern.",
	)
	return nil
}
