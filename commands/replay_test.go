package commands_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// ledger is a Log that keeps every effect.
type ledger struct {
	t       testing.TB
	effects []effect
}

// effect is one effect with its words.
type effect struct {
	DB   int
	Slot uint16
	Argv [][]byte
}

func (g *ledger) Append(effects []bus.Effect) uint64 {
	for _, e := range effects {
		args, _, _, n, ok, err := new(resp.Parser).Next(append([]byte(nil), e.RESP...), nil, nil)
		if !ok || err != nil || n != len(e.RESP) {
			g.t.Errorf("an effect is no command: %q", e.RESP)
			continue
		}
		g.effects = append(g.effects, effect{int(e.DB), e.Slot, args})
	}
	return uint64(len(g.effects))
}

func (g *ledger) Gate(int, uint16) uint64 { return uint64(len(g.effects)) }

func (g *ledger) Appended() uint64 { return uint64(len(g.effects)) }

// take returns the effects since the last call as text.
func (g *ledger) take() string {
	var b strings.Builder
	for i, e := range g.effects {
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "%d:", e.DB)
		for _, a := range e.Argv {
			fmt.Fprintf(&b, " %s", a)
		}
	}
	g.effects = g.effects[:0]
	return b.String()
}

// replay applies effects to a space, as recovery and replicas do.
func replay(t *testing.T, space *keyspace.Space, effects []effect) {
	t.Helper()
	tx := space.NewTx()
	tx.Now = startOfTime * 2 // behind the deadlines of the test
	for _, e := range effects {
		tx.DB = e.DB
		var err error
		if e.Slot == keyspace.BarrierSlot {
			if !tx.Exclusive(func() { err = tx.Apply(e.Argv) }) {
				t.Fatal("no exclusive phase")
			}
		} else {
			if slot := keyspace.Slot(e.Argv[1]); slot != e.Slot {
				t.Fatalf("%q has slot %d, not %d", e.Argv, e.Slot, slot)
			}
			if !tx.LockKey(e.Argv[1]) {
				t.Fatal("no lock")
			}
			err = tx.Apply(e.Argv)
			tx.Unlock()
		}
		if err != nil {
			t.Fatalf("%q: %v", e.Argv, err)
		}
	}
}

// digest lists all keys of a space, expired ones too.
func digest(t *testing.T, space *keyspace.Space) string {
	t.Helper()
	tx := space.NewTx()
	tx.Now, tx.Applying = startOfTime, true
	var b strings.Builder
	for db := range space.Databases() {
		tx.DB = db
		err := tx.Keys(keyspace.AnySlot, func(key []byte, it keyspace.Item) {
			ms, has := it.ExpireAt()
			fmt.Fprintf(&b, "%d %q %s %q %d %v\n", db, key, it.Type(), it.AppendTo(nil), ms, has)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestReplay is K5: the effects of random commands, applied to an empty space, make
// the same keys, whatever its clock.
func TestReplay(t *testing.T) {
	for seed := range uint64(5) {
		log := &ledger{t: t}
		ours := newLocal(t, log)
		rng := rand.New(rand.NewPCG(seed, 11))
		copied := newSpace(t)
		for i := range *randomCommands {
			args := someCommand(rng)
			if rng.IntN(10) == 0 {
				args = someRelative(rng)
			}
			ours.do(args...)
			if rng.IntN(20) == 0 {
				ours.do("CLOCK", fmt.Sprint(rng.IntN(100)))
			}
			if i%1000 == 999 || i+1 == *randomCommands {
				replay(t, copied, log.effects)
				log.effects = nil
				if got, want := digest(t, copied), digest(t, ours.space); got != want {
					t.Fatalf("seed %d, after %d commands: the effects make\n%s\ninstead of\n%s", seed, i+1, got, want)
				}
			}
		}
	}
}

// someRelative makes a command with a deadline soon after now.
func someRelative(d dice) []string {
	ms := fmt.Sprint(1 + d.IntN(500))
	switch d.IntN(4) {
	case 0:
		return []string{"SET", someKey(d), someValue(d), "PX", ms}
	case 1:
		return []string{"PSETEX", someKey(d), ms, someValue(d)}
	case 2:
		return []string{"GETEX", someKey(d), "PX", ms}
	default:
		return []string{"PEXPIRE", someKey(d), ms}
	}
}

// TestEffects shows the effects of one command of each kind.
func TestEffects(t *testing.T) {
	log := &ledger{t: t}
	s := newLocal(t, log)
	for _, c := range []struct{ cmd, effects string }{
		{"SET k v", "0: SET k v"},
		{"set k v", "0: set k v"},
		{"GET k", ""},
		{"SET k v EX 10", "0: SET k v PXAT 1700000010000"},
		{"SET k w KEEPTTL", "0: SET k w KEEPTTL"},
		{"SET k w GET", "0: SET k w"},
		{"SET k w NX", ""},
		{"SET k w EX 0", ""},
		{"SET n 1 NX", "0: SET n 1"},
		{"INCR n", "0: SET n 2 KEEPTTL"},
		{"INCRBYFLOAT n 0.5", "0: SET n 2.5 KEEPTTL"},
		{"INCRBYFLOAT n 0.5", "0: SET n 3 KEEPTTL TEXT"},
		{"APPEND k x", "0: APPEND k x"},
		{"SETRANGE k 1 y", "0: SETRANGE k 1 y"},
		{"SETRANGE k 1 \"\"", ""},
		{"GETSET k v", "0: SET k v"},
		{"GETEX k PX 5000", "0: PEXPIREAT k 1700000005000"},
		{"GETEX k", ""},
		{"GETEX k PERSIST", "0: PERSIST k"},
		{"GETEX k PERSIST", ""},
		{"EXPIRE k 10", "0: PEXPIREAT k 1700000010000"},
		{"PERSIST k", "0: PERSIST k"},
		{"PERSIST k", ""},
		{"EXPIREAT k 1", "0: DEL k"},
		{"MSET a 1 b 2", "0: SET a 1; 0: SET b 2"},
		{"MSETNX a 1 c 2", ""},
		{"RENAME a c", "0: SET c 1; 0: DEL a"},
		{"COPY c d DB 3", "3: SET d 1"},
		{"MOVE c 2", "2: SET c 1; 0: DEL c"},
		{"GETDEL b", "0: DEL b"},
		{"DEL n", "0: DEL n"},
		{"DEL n", ""},
		{"UNLINK n", ""},
		{"MSET a 1 b 2", "0: SET a 1; 0: SET b 2"},
		{"DEL a b x", "0: DEL a; 0: DEL b"},
		{"PSETEX k 5 v", "0: SET k v PXAT 1700000000005"},
		{"CLOCK 6", ""},
		{"GET k", "0: DEL k"},
		{"PSETEX k 5 v", "0: SET k v PXAT 1700000000011"},
		{"CLOCK 6", ""},
		{"APPEND k v", "0: DEL k; 0: APPEND k v"},
		{"PEXPIRE k 5", "0: PEXPIREAT k 1700000000017"},
		{"CLOCK 6", ""},
		{"SET k v", "0: SET k v"},
		{"TTL k", ""},
		{"PEXPIRE k 5", "0: PEXPIREAT k 1700000000023"},
		{"CLOCK 6", ""},
		{"PERSIST k", "0: DEL k"},
		{"PSETEX k 5 v", "0: SET k v PXAT 1700000000029"},
		{"CLOCK 6", ""},
		{"SETRANGE k 1 v", "0: DEL k; 0: SETRANGE k 1 v"},
		{"SETBIT b 7 1", "0: SETRANGE b 0 \x01"},
		{"SETBIT b 7 1", ""},
		{"BITFIELD b SET u8 0 65 SET u8 8 66 SET u8 24 67", "0: SETRANGE b 0 AB\x00C"},
		{"BITFIELD b SET u8 0 65 INCRBY u8 8 1 SET u8 24 67", "0: SETRANGE b 1 C"},
		{"BITFIELD b SET u8 0 65", ""},
		{"BITFIELD b OVERFLOW FAIL SET u8 0 300", ""},
		{"BITFIELD b SET u8 0 1 SET u8 0 65", ""},
		{"BITFIELD b GET u8 0", ""},
		{"BITFIELD b OVERFLOW FAIL SET u8 32 300", "0: SETRANGE b 4 \x00"},
		{"BITFIELD b SET u8 0 66 SET u8 800 66", "0: SETRANGE b 100 B; 0: SETRANGE b 0 B"},
		{"SET i 12", "0: SET i 12"},
		{"BITFIELD i SET u8 0 49", "0: SETRANGE i 0 1"},
		{"OBJECT ENCODING i", ""},
		{"BITOP NOT d i", "0: SET d \xce\xcd RAW"},
		{"BITOP AND d d nokey", "0: SET d \x00\x00 RAW"},
		{"BITOP OR d nokey nokey2", "0: DEL d"},
		{"BITOP OR d nokey nokey2", ""},
		{"BITOP FOO d i", ""},
		{"SWAPDB 0 1", "0: SWAPDB 0 1"},
		{"SWAPDB 1 1", ""},
		{"FLUSHDB", "0: FLUSHDB"},
		{"FLUSHALL ASYNC", "0: FLUSHALL"},
		{"FLUSHALL FOO", ""},
	} {
		args, _ := resp.SplitArgs([]byte(c.cmd), nil)
		strs := make([]string, len(args))
		for i, a := range args {
			strs[i] = string(a)
		}
		s.do(strs...)
		if got := log.take(); got != c.effects {
			t.Errorf("%s: effects %q, not %q", c.cmd, got, c.effects)
		}
	}
}

// TestW3OtherDatabase: that MOVE and COPY find the key in another database is a read of that
// one, and the reply waits for it.
func TestW3OtherDatabase(t *testing.T) {
	log := &twoGates{ledger{t: t}}
	l := newLocal(t, log)
	l.do("SET", "k", "1")
	l.do("SELECT", "1")
	l.do("SET", "k", "2")
	for _, tt := range []struct {
		args string
		want uint64
	}{
		{"MOVE k 0", 2},
		{"COPY k k DB 0", 2},
		{"MOVE absent 0", 1},
		{"COPY absent k DB 0", 1},
		{"COPY k k DB 1", 1},
		{"GET k", 1},
	} {
		l.c.TakeGate()
		l.do(strings.Fields(tt.args)...)
		if got := l.c.TakeGate(); got != tt.want {
			t.Errorf("%s waits for %d, want %d", tt.args, got, tt.want)
		}
	}
}

// twoGates is a ledger whose slots are durable before the rest.
type twoGates struct{ ledger }

func (g *twoGates) Gate(int, uint16) uint64 { return 1 }
