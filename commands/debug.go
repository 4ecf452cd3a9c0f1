package commands

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/glob"
)

// debugCommand is one subcommand of DEBUG, which is no container: COMMAND shows it as
// one command, and its subcommands check their arguments themselves.
type debugCommand struct {
	name     string
	min, max int // arguments with "DEBUG" and the name; max 0 = no bound
	run      func(h *server, c *bus.Ctx) error
}

// debugCommands are the subcommands of DEBUG.
var debugCommands = []debugCommand{
	{"bus", 3, 4, (*server).debugBus},
	{"change-repl-id", 2, 2, (*server).debugChangeReplID},
	{"config-rewrite-force-all", 2, 2, (*server).configRewrite},
	{"digest", 2, 2, (*server).debugDigest},
	{"digest-value", 2, 0, (*server).debugDigestValue},
	{"error", 3, 3, (*server).debugError},
	{"help", 2, 2, (*server).debugHelp},
	{"htstats", 3, 3, (*server).debugHTStats},
	{"htstats-key", 3, 3, (*server).debugHTStatsKey},
	{"loadaof", 2, 2, (*server).debugLoadAOF},
	{"log", 3, 3, (*server).debugLog},
	{"object", 3, 3, (*server).debugObject},
	{"pause-cron", 3, 3, (*server).debugAccepted},
	{"populate", 3, 5, (*server).debugPopulate},
	{"protocol", 3, 3, (*server).debugProtocol},
	{"quicklist-packed-threshold", 3, 3, (*server).debugAccepted},
	{"reload", 2, 0, (*server).debugReload},
	{"replybuffer", 4, 4, (*server).debugReplyBuffer},
	{"set-active-expire", 3, 3, (*server).debugSetActiveExpire},
	{"set-disable-deny-scripts", 3, 3, (*server).debugAccepted},
	{"set-skip-checksum-validation", 3, 3, (*server).debugAccepted},
	{"sleep", 3, 3, (*server).debugSleep},
	{"stringmatch-len", 4, 4, (*server).debugStringMatch},
}

// debugSpec is DEBUG.
func debugSpec(h *server) bus.Spec {
	return bus.Spec{
		Name: "debug", Run: h.debug, Arity: -2,
		Flags: bus.Admin | bus.NoScript | bus.Loading | bus.Stale | bus.Protected,
		Parks: debugParks,
		Group: "server", Since: "1.0.0", Complexity: "Depends on subcommand.",
		Usage:   "subcommand [arg [arg ...]]",
		Summary: "Looks into the server and makes it do what tests need.",
	}
}

// debugParks says which subcommands wait.
func debugParks(args [][]byte) bool {
	for _, name := range []string{"sleep", "reload", "loadaof"} {
		if len(args) > 1 && bus.EqualFold(args[1], name) {
			return true
		}
	}
	return false
}

func (h *server) debug(c *bus.Ctx) error {
	for i := range debugCommands {
		d := &debugCommands[i]
		if bus.EqualFold(c.Args[1], d.name) {
			if len(c.Args) < d.min || (d.max > 0 && len(c.Args) > d.max) {
				break
			}
			return d.run(h, c)
		}
	}
	return errDebugSub(c)
}

// errDebugSub is the error for a subcommand that is not there, or not with these arguments.
func errDebugSub(c *bus.Ctx) error { return bus.ErrSubcommand("debug", c.Args[1]) }

// debugAccepted answers switches for parts that Reredis has not.
func (h *server) debugAccepted(c *bus.Ctx) error {
	c.Reply.OK()
	return nil
}

func (h *server) debugReplyBuffer(c *bus.Ctx) error {
	if !bus.EqualFold(c.Args[2], "peak-reset-time") && !bus.EqualFold(c.Args[2], "resizing") {
		return errDebugSub(c)
	}
	c.Reply.OK()
	return nil
}

func (h *server) debugChangeReplID(c *bus.Ctx) error {
	h.d.log("Changing replication IDs after receiving DEBUG change-repl-id")
	id := randomHex(20)
	h.replID.Store(&id)
	c.Reply.OK()
	return nil
}

func (h *server) debugError(c *bus.Ctx) error {
	text := strings.NewReplacer("\r", " ", "\n", " ").Replace(string(c.Args[2]))
	c.Reply.Append(func(b []byte) []byte { return append(append(append(b, '-'), text...), "\r\n"...) })
	return nil
}

func (h *server) debugLog(c *bus.Ctx) error {
	h.d.log("DEBUG LOG: " + string(c.Args[2]))
	c.Reply.OK()
	return nil
}

func (h *server) debugSetActiveExpire(c *bus.Ctx) error {
	c.Bus().Space().SetActiveExpire(atoi(c.Args[2]) != 0)
	c.Reply.OK()
	return nil
}

// slept is what the wake of DEBUG SLEEP hands over.
type slept struct{}

// debugSleep lets its connection wait. Others go on, unlike in Redis, where the
// whole server sleeps.
func (h *server) debugSleep(c *bus.Ctx) error {
	if _, ok := c.Woken().(slept); ok {
		c.Reply.OK()
		return nil
	}
	seconds, _ := strconv.ParseFloat(string(c.Args[2]), 64)
	seconds = max(0, min(seconds, math.MaxInt32))
	return c.Park(func(wake func(any)) {
		time.AfterFunc(time.Duration(seconds*float64(time.Second)), func() { wake(slept{}) })
	})
}

func (h *server) debugStringMatch(c *bus.Ctx) error {
	n := int64(0)
	if glob.Match(c.Args[2], c.Args[3]) {
		n = 1
	}
	c.Reply.Int(n)
	return nil
}

// atoi reads as many leading digits as there are, as C's atoi: a switch given as a
// number is never refused.
func atoi(b []byte) int {
	n, i, negative := 0, 0, false
	for i < len(b) && (b[i] == ' ' || b[i]-'\t' < 5) {
		i++
	}
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		negative = b[i] == '-'
		i++
	}
	for ; i < len(b) && b[i]-'0' < 10 && n < math.MaxInt32; i++ {
		n = n*10 + int(b[i]-'0')
	}
	if negative {
		return -n
	}
	return n
}
