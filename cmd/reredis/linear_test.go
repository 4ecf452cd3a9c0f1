package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/reredis/reredis/internal/resp"
)

// The world of one group of connections in TestLinearizable: two databases that no other group uses, with a few keys.
const (
	groups     = 8
	members    = 8 // connections of a group
	groupKeys  = 3
	groupSteps = 40 // of each connection and round
)

// world is the state of a group's databases, and what its connections watch.
type world struct {
	vals    [2][groupKeys]int64 // absent: 0
	changes [2][groupKeys]int32 // of each key
	watches [members][2]watchedKey
}

// watchedKey is a key with its number of changes when it was watched.
type watchedKey struct {
	on      bool
	db, key uint8
	changes int32
}

// hash helps to compare worlds.
func (w *world) hash() uint64 {
	h := uint64(14695981039346656037)
	mix := func(n uint64) { h = (h ^ n) * 1099511628211 }
	for db := range 2 {
		for k := range groupKeys {
			mix(uint64(w.vals[db][k]))
			mix(uint64(w.changes[db][k]))
		}
	}
	for i := range w.watches {
		for _, k := range &w.watches[i] {
			if k.on {
				mix(uint64(i)<<48 | uint64(k.db)<<40 | uint64(k.key)<<32 | uint64(k.changes))
			}
		}
	}
	return h
}

// model is what the histories are checked against.
var model = porcupine.Model{
	Init: func() any { return world{} },
	Step: step,
	Hash: func(state any) uint64 { w := state.(world); return w.hash() },
}

// verb is what an action does.
type verb uint8

const (
	verbGet verb = iota
	verbSet
	verbIncr
	verbDel
	verbMGet    // all keys of the database
	verbDBSize  // in transactions only
	verbFlushDB // exclusive, like the next
	verbSwapDB
	verbSelect // in transactions only
	verbWatch
	verbUnwatch
)

// action is one command. db is the database of a connection when it begins, of verbSelect the one that it chooses.
type action struct {
	verb verb
	db   int
	key  int
	val  int64
}

// call is an operation of a history: one command, or a transaction.
type call struct {
	who     int
	db      int
	exec    bool
	actions []action
}

// answer is what came back: numbers, 0 for nil and for OK.
type answer struct {
	aborted bool
	nums    [][]int64
}

// write changes a key.
func (w *world) write(db, key int, val int64) {
	w.vals[db][key] = val
	w.changes[db][key]++
}

// run does one action and returns its reply. db may change.
func (w *world) run(who int, a action, db *int) (reply []int64) {
	v := &w.vals[*db]
	switch a.verb {
	case verbGet:
		return []int64{v[a.key]}
	case verbSet:
		w.write(*db, a.key, a.val)
		return []int64{0}
	case verbIncr:
		w.write(*db, a.key, v[a.key]+a.val)
		return []int64{v[a.key]}
	case verbDel:
		if v[a.key] == 0 {
			return []int64{0}
		}
		w.write(*db, a.key, 0)
		return []int64{1}
	case verbMGet:
		return append([]int64(nil), v[:]...)
	case verbDBSize:
		n := int64(0)
		for _, x := range v {
			if x != 0 {
				n++
			}
		}
		return []int64{n}
	case verbFlushDB:
		for k, x := range v {
			if x != 0 {
				w.write(*db, k, 0)
			}
		}
	case verbSwapDB:
		for k := range groupKeys {
			if w.vals[0][k] != 0 || w.vals[1][k] != 0 {
				w.changes[0][k]++
				w.changes[1][k]++
			}
		}
		w.vals[0], w.vals[1] = w.vals[1], w.vals[0]
	case verbSelect:
		*db = a.db
	case verbWatch:
		slots := &w.watches[who]
		at := 0
		if slots[0].on {
			at = 1
		}
		slots[at] = watchedKey{true, uint8(*db), uint8(a.key), w.changes[*db][a.key]}
	case verbUnwatch:
		w.watches[who] = [2]watchedKey{}
	}
	return []int64{0}
}

// step says whether an answer to a call is right in a world, and what the world is then.
func step(state, input, output any) (bool, any) {
	w, in, out := state.(world), input.(call), output.(answer)
	if in.exec {
		dirty := false
		for _, k := range w.watches[in.who] {
			dirty = dirty || k.on && w.changes[k.db][k.key] != k.changes
		}
		w.watches[in.who] = [2]watchedKey{}
		if dirty || out.aborted {
			return dirty && out.aborted, w
		}
	}
	db := in.db
	for i, a := range in.actions {
		if got := w.run(in.who, a, &db); !slices.Equal(got, out.nums[i]) {
			return false, w
		}
	}
	return true, w
}

// member is a connection of a group, with the history of what it did.
type member struct {
	w     *wire
	group int
	who   int
	db    int
	rnd   *rand.Rand
	next  int64 // the next value to set, different from all others
	past  []porcupine.Operation
}

// TestLinearizable: what 64 connections see of registers and counters while they use WATCH, MULTI and commands that need
// the whole keyspace is what they would see if one command or transaction ran after the other.
func TestLinearizable(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--appendonly", "no")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			start := time.Now()
			var all [groups][members]*member
			for g := range groups {
				for who := range members {
					m := &member{w: s.wire(t), group: g, who: who, rnd: rand.New(rand.NewPCG(seed, uint64(g*members+who)))}
					m.next = int64(who + 1)
					m.db = who % 2
					m.w.ask("SELECT " + strconv.Itoa(2*g+m.db))
					all[g][who] = m
				}
			}
			for range rounds {
				s.client(t).FlushAll(t.Context())
				var wg sync.WaitGroup
				for g := range groups {
					for _, m := range all[g] {
						m.past = nil
						m.w.SetDeadline(time.Now().Add(patience)) // the watchdog
						wg.Go(func() {
							for range groupSteps {
								m.act(start)
							}
							m.do(start, false, action{verb: verbUnwatch})
						})
					}
				}
				wg.Wait()
				if t.Failed() {
					return
				}
				for g := range groups {
					var history []porcupine.Operation
					for _, m := range all[g] {
						history = append(history, m.past...)
					}
					if got := porcupine.CheckOperationsTimeout(model, history, patience); got != porcupine.Ok {
						t.Fatalf("group %d: %v\n%s", g, got, describe(history))
					}
				}
			}
		})
	}
}

// act does something at random.
func (m *member) act(start time.Time) {
	switch n := m.rnd.IntN(20); {
	case n < 8:
		m.do(start, false, m.action(false))
	case n < 12: // a transaction
		m.do(start, true, m.actions()...)
	case n < 18: // one that depends on keys
		key := m.rnd.IntN(groupKeys)
		m.do(start, false, action{verb: verbWatch, key: key})
		if m.rnd.IntN(3) == 0 {
			m.do(start, false, action{verb: verbWatch, key: (key + 1) % groupKeys})
		}
		m.do(start, false, action{verb: verbGet, key: key})
		if m.rnd.IntN(8) == 0 {
			m.do(start, false, action{verb: verbUnwatch})
		}
		m.do(start, true, append(m.actions(), m.set(key))...)
	case n == 18:
		m.do(start, false, action{verb: verbFlushDB})
	default:
		m.do(start, false, action{verb: verbSwapDB})
	}
}

// set is an action that sets a key to a value that nobody else sets.
func (m *member) set(key int) action {
	m.next += members
	return action{verb: verbSet, key: key, val: m.next << 20}
}

func (m *member) action(exec bool) action {
	key := m.rnd.IntN(groupKeys)
	verbs := []verb{verbGet, verbGet, verbSet, verbIncr, verbIncr, verbDel, verbMGet}
	if exec {
		verbs = append(verbs, verbDBSize, verbFlushDB, verbSwapDB, verbSelect)
	}
	a := action{verb: verbs[m.rnd.IntN(len(verbs))], key: key, db: m.rnd.IntN(2)}
	switch a.verb {
	case verbSet:
		return m.set(key)
	case verbIncr:
		a.val = int64(1 + m.who)
	}
	return a
}

func (m *member) actions() []action {
	list := make([]action, m.rnd.IntN(4))
	for i := range list {
		list[i] = m.action(m.rnd.IntN(3) == 0)
	}
	return list
}

// words are the command of an action.
func (m *member) words(a action) string {
	key := func(k int) string { return fmt.Sprintf("g%d:%d", m.group, k) }
	switch a.verb {
	case verbGet:
		return "GET " + key(a.key)
	case verbSet:
		return fmt.Sprintf("SET %s %d", key(a.key), a.val)
	case verbIncr:
		return fmt.Sprintf("INCRBY %s %d", key(a.key), a.val)
	case verbDel:
		return "DEL " + key(a.key)
	case verbMGet:
		var b strings.Builder
		for k := range groupKeys {
			b.WriteString(" " + key(k))
		}
		return "MGET" + b.String()
	case verbDBSize:
		return "DBSIZE"
	case verbFlushDB:
		return "FLUSHDB"
	case verbSwapDB:
		return fmt.Sprintf("SWAPDB %d %d", 2*m.group, 2*m.group+1)
	case verbSelect:
		return fmt.Sprintf("SELECT %d", 2*m.group+a.db)
	case verbWatch:
		return "WATCH " + key(a.key)
	default:
		return "UNWATCH"
	}
}

// do does one action, or a transaction of several, and notes it in the history.
func (m *member) do(start time.Time, exec bool, actions ...action) {
	in := call{who: m.who, db: m.db, exec: exec, actions: actions}
	var out answer
	cmds := make([]string, 0, len(actions)+2)
	for _, a := range actions {
		cmds = append(cmds, m.words(a))
	}
	var from time.Duration
	var replies []resp.Value
	if !exec {
		from = time.Since(start)
		replies = m.w.ask(cmds[0])
	} else {
		cmds = append(append([]string{"MULTI"}, cmds...), "EXEC")
		if m.rnd.IntN(2) == 0 { // at once
			from = time.Since(start)
			replies = m.w.ask(strings.Join(cmds, ";"))
		} else {
			for _, cmd := range cmds[:len(cmds)-1] {
				m.w.ask(cmd)
			}
			from = time.Since(start)
			replies = m.w.ask("EXEC")
		}
		last := replies[len(replies)-1]
		out.aborted = last.Kind == resp.KindNull
		replies = last.Elems
	}
	until := time.Since(start)
	if !out.aborted {
		if len(replies) != len(actions) {
			m.w.t.Errorf("%v answer %v", cmds, replies)
			return
		}
		for i, v := range replies {
			nums := numbers(v)
			if actions[i].verb == verbSelect {
				m.db = actions[i].db
			}
			out.nums = append(out.nums, nums)
		}
	}
	m.past = append(m.past, porcupine.Operation{
		ClientId: m.who, Input: in, Call: int64(from), Output: out, Return: int64(until),
	})
}

// numbers reads the numbers of a reply, 0 for what is none.
func numbers(v resp.Value) []int64 {
	switch v.Kind {
	case resp.KindInt:
		return []int64{v.Int}
	case resp.KindArray:
		var list []int64
		for _, e := range v.Elems {
			list = append(list, numbers(e)...)
		}
		return list
	}
	n, _ := strconv.ParseInt(string(v.Str), 10, 64)
	return []int64{n}
}

// describe writes a history.
func describe(history []porcupine.Operation) string {
	var b strings.Builder
	for _, o := range history {
		fmt.Fprintf(&b, "%d-%d %+v -> %+v\n", o.Call, o.Return, o.Input, o.Output)
	}
	return b.String()
}

// TestLinearizableSees: the model refuses what a broken server could answer.
func TestLinearizableSees(t *testing.T) {
	op := func(who, at int, exec bool, out answer, actions ...action) porcupine.Operation {
		return porcupine.Operation{
			ClientId: who, Input: call{who: who, exec: exec, actions: actions}, Output: out,
			Call: int64(2 * at), Return: int64(2*at + 1),
		}
	}
	said := func(nums ...int64) answer {
		var a answer
		for _, n := range nums {
			a.nums = append(a.nums, []int64{n})
		}
		return a
	}
	incr, get := action{verb: verbIncr, val: 1}, action{verb: verbGet}
	watch, set := action{verb: verbWatch}, action{verb: verbSet, val: 5}
	for _, tt := range []struct {
		name string
		past []porcupine.Operation
		ok   bool
	}{
		{"a change under WATCH", []porcupine.Operation{
			op(0, 0, false, said(0), watch), op(1, 1, false, said(1), incr), op(0, 2, true, answer{aborted: true}, set), op(0, 3, false, said(1), get),
		}, true},
		{"a change under WATCH overlooked", []porcupine.Operation{
			op(0, 0, false, said(0), watch), op(1, 1, false, said(1), incr), op(0, 2, true, said(0), set),
		}, false},
		{"aborted for nothing", []porcupine.Operation{op(0, 0, false, said(0), watch), op(0, 1, true, answer{aborted: true}, set)}, false},
		{"a lost update", []porcupine.Operation{op(0, 0, false, said(1), incr), op(1, 1, false, said(1), incr)}, false},
		{"half a transaction seen", []porcupine.Operation{
			op(0, 0, true, said(1, 2), incr, incr), op(1, 0, false, said(1), get),
		}, false},
		{"a transaction seen whole", []porcupine.Operation{
			op(0, 0, true, said(1, 2), incr, incr), op(1, 0, false, said(2), get),
		}, true},
	} {
		if got := porcupine.CheckOperations(model, tt.past); got != tt.ok {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// TestTransactionsDoNotDeadlock: 64 connections move amounts between accounts in transactions over random stripes, beside
// exclusive commands, reads of everything, keys that expire, connections that are lost in the middle of it. The watchdog is
// the deadline of each connection. Whoever looks at all accounts at once sees that nothing was lost.
func TestTransactionsDoNotDeadlock(t *testing.T) {
	const clients, accounts = 64, 200
	steps := 200
	if testing.Short() {
		steps = 60
	}
	var everything strings.Builder
	everything.WriteString("MGET")
	for i := range accounts {
		fmt.Fprintf(&everything, " account:%d", i)
	}
	sum := func(w *wire, v resp.Value) {
		total := int64(0)
		for _, n := range numbers(v) {
			total += n
		}
		if total != 0 {
			w.t.Errorf("the accounts add up to %d", total)
		}
	}
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--appendonly", "no", "--enable-debug-command", "yes")
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			var wg sync.WaitGroup
			for i := range clients {
				rnd := rand.New(rand.NewPCG(seed, uint64(i)))
				account := func() string { return fmt.Sprintf("account:%d", rnd.IntN(accounts)) }
				transfer := func(n int) string {
					var cmds []string
					for range n {
						amount := rnd.IntN(100)
						cmds = append(cmds, fmt.Sprintf("INCRBY %s %d", account(), amount), fmt.Sprintf("DECRBY %s %d", account(), amount))
					}
					return strings.Join(cmds, ";")
				}
				w := s.wire(t)
				wg.Go(func() {
					for range steps {
						w.SetDeadline(time.Now().Add(patience))
						switch rnd.IntN(16) {
						case 0: // everything, in one command
							sum(w, w.ask(everything.String())[0])
						case 1: // and in an exclusive transaction
							v := w.ask("MULTI;DBSIZE;" + everything.String() + ";KEYS nothing;EXEC")
							sum(w, v[len(v)-1].Elems[1])
						case 2:
							w.ask("MULTI;" + transfer(2) + ";SWAPDB 0 1;" + transfer(2) + ";EXEC")
						case 3:
							w.ask([]string{"FLUSHALL", "FLUSHDB", "SWAPDB 0 1", "SWAPDB 1 0"}[rnd.IntN(4)])
						case 4:
							w.ask("MULTI;" + transfer(1) + ";FLUSHDB;EXEC")
						case 5: // what waits before it locks
							w.ask("MULTI;CLIENT LIST;" + transfer(1) + ";DEBUG SLEEP 0;CLIENT KILL ID 9999999;EXEC")
						case 6:
							w.ask("SELECT " + strconv.Itoa(rnd.IntN(2)))
						case 7:
							w.ask(fmt.Sprintf("SET short:%d x PX %d", rnd.IntN(50), 1+rnd.IntN(20)))
						case 8: // lost
							lost := s.wire(t)
							lost.ask("WATCH " + account() + " " + account() + ";MULTI;" + transfer(1))
							lost.send("*1\r\n$4\r\nEXEC\r\n")
							lost.Close()
						case 9, 10: // in two databases
							w.ask("MULTI;" + transfer(1) + ";SELECT 1;" + transfer(1) + ";SELECT 0;MOVE short:1 1;COPY short:2 short:3 DB 1;EXEC")
						case 11, 12:
							w.ask("WATCH " + account() + " " + account() + " short:" + strconv.Itoa(rnd.IntN(50)))
							w.ask("MULTI;" + transfer(3) + ";EXEC")
						default:
							w.ask("MULTI;" + transfer(1+rnd.IntN(5)) + ";EXEC")
						}
					}
				})
			}
			wg.Wait()
			w := s.wire(t)
			sum(w, w.ask(everything.String())[0])
			sum(w, w.ask("SELECT 1;" + everything.String())[1])
		})
	}
}
