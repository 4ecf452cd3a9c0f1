package commands_test

import (
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
)

func TestTransactions(t *testing.T) {
	cl := newRig(t).connect()
	cl.expect(
		"EXEC", "-ERR EXEC without MULTI",
		"DISCARD", "-ERR DISCARD without MULTI",
		"MULTI", "+OK",
		"MULTI", "-ERR MULTI calls can not be nested",
		"WATCH a", "-ERR WATCH inside MULTI is not allowed",
		"SET a 1", "+QUEUED",
		"INCR a", "+QUEUED",
		"INCR a x", "-ERR wrong number of arguments for 'incr' command",
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
		"GET a", "nil",
		"MULTI", "+OK",
		"nope", "-ERR unknown command 'nope', with args beginning with: ",
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
		"MULTI", "+OK",
		"SET a 1", "+QUEUED",
		"SELECT 3", "+QUEUED",
		"SET a x", "+QUEUED",
		"INCR a", "+QUEUED",
		"GET a", "+QUEUED",
		"UNWATCH", "+QUEUED",
		"EXEC", `[+OK +OK +OK -ERR value is not an integer or out of range "x" +OK]`,
		"GET a", `"x"`,
		"SELECT 0", "+OK",
		"GET a", `"1"`,
		"MULTI", "+OK",
		"SET a 2", "+QUEUED",
		"DISCARD", "+OK",
		"GET a", `"1"`,
		"MULTI", "+OK",
		"EXEC", "[]",
		"MULTI", "+OK",
		"SHUTDOWN", "-ERR Command not allowed inside a transaction",
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
		"MULTI", "+OK",
		"RESET", "+RESET",
		"EXEC", "-ERR EXEC without MULTI",
		// Commands that lock for themselves, that need everything, and that wait for what they gather.
		"MULTI", "+OK",
		"SET b 1", "+QUEUED",
		"DBSIZE", "+QUEUED",
		"KEYS *", "+QUEUED",
		"DEBUG SLEEP 0", "+QUEUED",
		"SWAPDB 0 1", "+QUEUED",
		"EXEC", `[+OK 2 ["b" "a"] +OK +OK]`,
	)
	for _, line := range []string{"MULTI", "CLIENT LIST", "INFO keyspace", "EXEC"} {
		v := cl.do(strings.Fields(line)...)
		if line == "EXEC" && (len(v.Elems) != 2 || !strings.Contains(string(v.Elems[0].Str), "multi=2") || !strings.Contains(string(v.Elems[1].Str), "db1:keys=2")) {
			t.Error(show(v))
		}
	}
	cl.expect("MULTI", "+OK", "SET a 1", "+QUEUED")
	if line := string(cl.r.connect().do("CLIENT", "LIST").Str); !strings.Contains(line, " flags=x ") || !strings.Contains(line, " multi=1 ") || !strings.Contains(line, " multi-mem=29 ") {
		t.Error(line)
	}
}

// TestWatch is the matrix of K13: what counts as a change of a watched key.
func TestWatch(t *testing.T) {
	for _, tt := range []struct {
		name          string
		before, after string // by another client, separated by ';'; before WATCH k
		aborts        bool
	}{
		{"nothing", "SET k 1", "", false},
		{"another key", "SET k 1", "SET j 1", false},
		{"another database", "SET k 1", "SELECT 1; SET k 2", false},
		{"SET of the same value", "SET k 1", "SET k 1", true},
		{"SET in its place", "SET k abc", "SET k abd", true},
		{"APPEND", "SET k abc", "APPEND k d", true},
		{"SETRANGE", "SET k abc", "SETRANGE k 1 x", true},
		{"SETBIT", "SET k abc", "SETBIT k 1 0", true},
		{"INCR", "SET k 1", "INCR k", true},
		{"a read", "SET k 1", "GET k", false},
		{"a failed write", "SET k x", "INCR k", false},
		{"DEL", "SET k 1", "DEL k", true},
		{"DEL of an absent key", "", "DEL k", false},
		{"a new key", "", "SET k 1", true},
		{"EXPIRE", "SET k 1", "EXPIRE k 100", true},
		{"EXPIRE again", "SET k 1 EX 100", "EXPIRE k 50", true},
		{"PERSIST", "SET k 1 EX 100", "PERSIST k", true},
		{"RENAME away", "SET k 1", "RENAME k j", true},
		{"RENAME over it", "SET k 1; SET j 2", "RENAME j k", true},
		{"MOVE", "SET k 1", "MOVE k 1", true},
		{"COPY over it", "SET k 1; SET j 2", "COPY j k REPLACE", true},
		{"COPY of it", "SET k 1", "COPY k j", false},
		{"FLUSHALL", "SET k 1", "FLUSHALL", true},
		{"FLUSHALL without it", "SET j 1", "FLUSHALL", false},
		{"FLUSHDB", "SET k 1", "FLUSHDB", true},
		{"FLUSHDB of another", "SET k 1; SELECT 1; SET k 1", "FLUSHDB", false},
		{"SWAPDB", "SET k 1", "SWAPDB 0 1", true},
		{"SWAPDB brings it", "SELECT 1; SET k 1", "SWAPDB 0 1", true},
		{"SWAPDB without it", "SET j 1", "SWAPDB 0 1", false},
		{"it expires", "SET k 1 PX 10", "CLOCK", true},
		{"it expires and is removed", "SET k 1 PX 10", "CLOCK; GET k", true},
		{"it had expired", "SET k 1 PX 10; CLOCK", "GET k; DEL k", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			cl, other := r.connect(), r.connect()
			cl.c.SetNow(startOfTime)
			other.c.SetNow(startOfTime)
			run := func(script string) {
				for line := range strings.SplitSeq(script, ";") {
					if line = strings.TrimSpace(line); line == "CLOCK" {
						cl.c.SetNow(cl.c.Now() + 1000)
						other.c.SetNow(other.c.Now() + 1000)
					} else if line != "" {
						other.text(line)
					}
				}
			}
			run(tt.before)
			cl.expect("WATCH k k", "+OK")
			run(tt.after)
			want := `[+PONG]`
			if tt.aborts {
				want = "nil"
			}
			cl.expect("MULTI", "+OK", "PING", "+QUEUED", "EXEC", want)
			// The marks are gone.
			run("SET k again")
			cl.expect("MULTI", "+OK", "PING", "+QUEUED", "EXEC", `[+PONG]`)
		})
	}
}

// TestUnwatch: what ends marks.
func TestUnwatch(t *testing.T) {
	for _, ends := range []string{"UNWATCH", "RESET", "MULTI; DISCARD", "MULTI; EXEC"} {
		r := newRig(t)
		cl, other := r.connect(), r.connect()
		cl.expect("WATCH k", "+OK")
		for line := range strings.SplitSeq(ends, ";") {
			cl.text(strings.TrimSpace(line))
		}
		other.text("SET k 1")
		cl.expect("MULTI", "+OK", "PING", "+QUEUED", "EXEC", `[+PONG]`)
	}
}

// TestTransactionAdmission: a command that is refused ends the transaction, and EXEC is asked for all
// that it runs.
func TestTransactionAdmission(t *testing.T) {
	r := newRig(t)
	full := false
	r.bus = bus.New(r.space, bus.Stats(), bus.Admit(&bus.Admission{
		Limited: func() bool { return true },
		Room: func(*bus.Ctx) error {
			if full {
				return bus.ErrOOM
			}
			return nil
		},
	}), bus.Lock())
	if err := r.bus.Register(allCommands(r)...); err != nil {
		t.Fatal(err)
	}
	cl := r.connect()
	cl.expect("MULTI", "+OK", "SET a 1", "+QUEUED", "GET a", "+QUEUED")
	full = true
	cl.expect(
		"EXEC", "-EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
		"EXEC", "-ERR EXEC without MULTI",
		"MULTI", "+OK",
		"GET a", "-OOM command not allowed when used memory > 'maxmemory'.", // what is queued takes memory
		"DISCARD", "+OK",
		"MULTI", "+OK",
		"SET a 1", "-OOM command not allowed when used memory > 'maxmemory'.",
		"EXEC", "-EXECABORT Transaction discarded because of previous errors.",
	)
}

// TestTransactionIsOneGroup: all effects of EXEC are one group of the log, encoded anew.
func TestTransactionIsOneGroup(t *testing.T) {
	r := newRig(t)
	log := &groups{}
	r.bus = bus.New(r.space, bus.Lock(), bus.Logging(func() bus.Log { return log }))
	if err := r.bus.Register(allCommands(r)...); err != nil {
		t.Fatal(err)
	}
	cl := r.connect()
	cl.expect("MULTI", "+OK", "SET a 1", "+QUEUED", "INCR a", "+QUEUED", "SELECT 1", "+QUEUED", "SET b 1", "+QUEUED", "EXEC", "[+OK 2 +OK +OK]")
	if len(*log) != 1 || (*log)[0] != `0:SET a 1 0:SET a 2 KEEPTTL 1:SET b 1` {
		t.Errorf("%q", *log)
	}
}

// groups is a Log that writes groups as text.
type groups []string

func (g *groups) Append(effects []bus.Effect) uint64 {
	l := &ledger{}
	l.Append(effects)
	var words []string
	for _, e := range l.effects {
		words = append(words, string('0'+byte(e.DB))+":"+string(join(e.Argv)))
	}
	*g = append(*g, strings.Join(words, " "))
	return uint64(len(*g))
}

func (g *groups) Gate(int, uint16) uint64 { return 0 }
func (g *groups) Appended() uint64        { return 0 }

func join(argv [][]byte) (b []byte) {
	for i, a := range argv {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, a...)
	}
	return b
}

// allCommands are those of the rig's bus, for another bus.
func allCommands(r *rig) []bus.Spec { return commands.All(r.deps) }

// TestWatchSameBits: bits that are set to what they are change nothing for those who watch, though the string
// becomes raw.
func TestWatchSameBits(t *testing.T) {
	for _, line := range []string{"SETBIT k 1 0", "BITFIELD k SET u8 0 49", "BITFIELD k INCRBY u8 8 0 SET u8 0 49"} {
		for name, s := range map[string]server{"Redis": newRemote(t), "Reredis": newRig(t).connect()} {
			for _, l := range []string{"SET k 12", "WATCH k", line, "MULTI", "PING"} {
				s.do(strings.Fields(l)...)
			}
			if got := show(s.do("EXEC")); got != "[+PONG]" {
				t.Errorf("%s, %s: EXEC answers %s", name, line, got)
			}
			if got := show(s.do("OBJECT", "ENCODING", "k")); got != `"raw"` {
				t.Errorf("%s, %s: the encoding is %s", name, line, got)
			}
		}
	}
}
