package bus

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/keyspace"
)

func newBus(t testing.TB, layers ...Layer) *Bus {
	t.Helper()
	s, err := keyspace.New(keyspace.Options{Arena: keyspace.Heap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(s, layers...)
}

func newCtx(b *Bus) *Ctx {
	c := b.NewCtx()
	c.Client = &Client{Proto: 2}
	return c
}

// call runs one command and returns its reply.
func call(c *Ctx, words ...string) string {
	c.Args = c.Args[:0]
	for _, w := range words {
		c.Args = append(c.Args, []byte(w))
	}
	c.Reply.Begin(nil, c.Client.Proto)
	if c.bus.Do(c) == Parked {
		return "parked"
	}
	return string(c.Reply.End())
}

func ok(c *Ctx) error { c.Reply.OK(); return nil }

func TestDispatch(t *testing.T) {
	b := newBus(t, Stats(), Lock())
	err := b.Register(
		Spec{Name: "ping", Run: ok, Arity: -1},
		Spec{Name: "two", Run: ok, Arity: 2},
		Spec{Name: "fails", Arity: 1, Run: func(c *Ctx) error { c.Reply.BulkString("half"); return ErrSyntax }},
		Spec{Name: "client", Arity: -2, Subs: []Spec{{Name: "id", Run: ok, Arity: 2}, {Name: "kill", Run: ok, Arity: -3}}},
	)
	if err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	for _, tc := range []struct{ in, want string }{
		{"PING", "+OK\r\n"},
		{"pInG a b", "+OK\r\n"},
		{"two", "-ERR wrong number of arguments for 'two' command\r\n"},
		{"two a b", "-ERR wrong number of arguments for 'two' command\r\n"},
		{"fails", "-ERR syntax error\r\n"},
		{"nope a b", "-ERR unknown command 'nope', with args beginning with: 'a' 'b' \r\n"},
		{"no\npe", "-ERR unknown command 'no pe', with args beginning with: \r\n"},
		{"client", "-ERR wrong number of arguments for 'client' command\r\n"},
		{"CLIENT id", "+OK\r\n"},
		{"client KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n"},
		{"client foo", "-ERR unknown subcommand 'foo'. Try CLIENT HELP.\r\n"},
		{"get" + strings.Repeat("x", 300), "-ERR unknown command 'get" + strings.Repeat("x", 125) + "', with args beginning with: \r\n"},
		{"nope " + strings.Repeat("y", 200) + " z", "-ERR unknown command 'nope', with args beginning with: '" + strings.Repeat("y", 128) + "' \r\n"},
	} {
		if got := call(c, strings.Split(tc.in, " ")...); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.in, got, tc.want)
		}
	}
	c.EndTick()
	for _, n := range b.Counts() {
		want := map[string]uint64{"ping": 2, "client|id": 1, "fails": 1}[n.Spec.FullName()]
		if got := n.Calls.Load(); got != want {
			t.Errorf("%s: %d calls, want %d", n.Spec.FullName(), got, want)
		}
	}
	if total, by := b.Errors(); total != 10 || by["ERR"] != 10 {
		t.Errorf("errors: %d, %v", total, by)
	}
}

func TestRegisterRefuses(t *testing.T) {
	b := newBus(t)
	good := Spec{Name: "good", Run: ok, Arity: 1}
	if err := b.Register(good); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		spec Spec
		want string
	}{
		{good, "registered already"},
		{Spec{Name: "x", Run: ok}, "no arity"},
		{Spec{Name: "", Run: ok, Arity: 1}, "a name has"},
		{Spec{Name: "Upper", Run: ok, Arity: 1}, "lower case"},
		{Spec{Name: "x", Arity: 1}, "neither a handler nor subcommands"},
		{Spec{Name: "x", Run: ok, Arity: 2, Flags: Write | ReadOnly, Keys: []KeySpec{OneKey(1, KeyRO)}}, "both write and readonly"},
		{Spec{Name: "x", Run: ok, Arity: 1, Flags: Write, Keys: []KeySpec{OneKey(1, KeyRW)}}, "behind the last argument"},
		{Spec{Name: "x", Run: ok, Arity: 2, Flags: Write, Keys: []KeySpec{{Begin: BeginSearch{Index: 1}, Find: FindKeys{Kind: FindRange}, Flags: KeyRW}}}, "without a step"},
		{Spec{Name: "x", Run: ok, Arity: 2, Flags: Write, Keys: []KeySpec{OneKey(1, 0)}}, "neither RO"},
		{Spec{Name: "x", Run: ok, Arity: 2, Keys: []KeySpec{OneKey(1, KeyRO)}}, "neither write nor readonly"},
		{Spec{Name: "x", Arity: -2, Subs: []Spec{{Name: "a", Run: ok, Arity: 2}, {Name: "a", Run: ok, Arity: 2}}}, "twice"},
		{Spec{Name: "x", Arity: -2, Subs: []Spec{{Name: "a", Run: ok, Arity: 1}}}, "at least 2"},
	} {
		err := b.Register(Spec{Name: "first", Run: ok, Arity: 1}, tc.spec)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: got %v, want %q", tc.spec.Name, err, tc.want)
		}
		if b.Spec([]byte("first")) != nil {
			t.Fatalf("%q: a refused registration left a command", tc.want)
		}
	}
}

// named is a layer that writes its name before and after the handler.
func named(name string, trail *[]string, held bool) Layer {
	return Layer{Name: name, Held: held, Wrap: func(s *Spec, next Handler) Handler {
		if s.Name == "optout" {
			return next
		}
		return func(c *Ctx) error {
			*trail = append(*trail, name)
			err := next(c)
			*trail = append(*trail, "/"+name)
			return err
		}
	}}
}

func TestLayers(t *testing.T) {
	var trail []string
	b := newBus(t, named("a", &trail, true), Lock(), named("b", &trail, false))
	if err := b.Register(
		Spec{Name: "cmd", Arity: 1, Run: func(*Ctx) error { trail = append(trail, "run"); return nil }},
		Spec{Name: "optout", Arity: 2, Run: ok, Flags: ReadOnly, Keys: []KeySpec{OneKey(1, KeyRO)}},
	); err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	call(c, "cmd")
	if got := strings.Join(trail, " "); got != "a b run /b /a" {
		t.Errorf("run: %s", got)
	}
	trail = nil
	c.Args = [][]byte{[]byte("cmd")}
	if err := b.DoHeld(c); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(trail, " "); got != "a run /a" {
		t.Errorf("runHeld: %s", got)
	}
	got := fmt.Sprint(b.Chain(b.Spec([]byte("optout"))))
	if want := "[{a false true } {lock true false the stripe of argument 1} {b false false }]"; got != want {
		t.Errorf("chain: %s", got)
	}
}

func TestUnregister(t *testing.T) {
	b := newBus(t, Stats())
	if err := b.Register(Spec{Name: "x", Run: ok, Arity: 1}, Spec{Name: "y", Run: ok, Arity: 1}); err != nil {
		t.Fatal(err)
	}
	b.Unregister("x", "unknown")
	c := newCtx(b)
	if got := call(c, "x"); !strings.HasPrefix(got, "-ERR unknown command 'x'") {
		t.Error(got)
	}
	if err := b.Register(Spec{Name: "x", Run: ok, Arity: 1}); err != nil {
		t.Error(err)
	}
	if got := call(c, "x"); got != "+OK\r\n" {
		t.Error(got)
	}
}

func TestPark(t *testing.T) {
	b := newBus(t, Stats())
	if err := b.Register(Spec{Name: "wait", Arity: 1, Run: func(c *Ctx) error {
		if v := c.Woken(); v != nil {
			c.Reply.BulkString(v.(string))
			return nil
		}
		return c.Park(func(wake func(any)) { wake("value") })
	}}); err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	if got := call(c, "wait"); got != "parked" {
		t.Fatal(got)
	}
	var woken any
	c.TakePark()(func(v any) { woken = v })
	c.Reply.Begin(nil, 2)
	if b.Resume(c, woken) != Done {
		t.Fatal("parked again")
	}
	if got := string(c.Reply.End()); got != "$5\r\nvalue\r\n" {
		t.Error(got)
	}
	c.EndTick()
	if n := b.Processed(); n != 1 {
		t.Errorf("a parked command counted %d times", n)
	}
}

// TestExclusive: a command that meets an exclusive phase is parked until it ends (K1).
func TestExclusive(t *testing.T) {
	b := newBus(t, Lock())
	if err := b.Register(
		Spec{Name: "get", Arity: 2, Flags: ReadOnly, Keys: []KeySpec{OneKey(1, KeyRO)}, Run: ok},
		Spec{Name: "flush", Arity: 1, Flags: Write, Lock: LockExclusive, Run: ok},
		Spec{Name: "keys", Arity: 1, Flags: ReadOnly, Lock: LockNone, Run: func(c *Ctx) error {
			if err := c.Tx.Keys(keyspace.AnySlot, func([]byte, keyspace.Item) {}); err != nil {
				return err
			}
			c.Reply.OK()
			return nil
		}},
	); err != nil {
		t.Fatal(err)
	}
	other := b.Space().NewTx()
	c := newCtx(b)
	if !other.LockKey([]byte("k")) {
		t.Fatal("not locked")
	}
	if err := other.SetBytes([]byte("k"), []byte("v"), keyspace.NoTTL); err != nil {
		t.Fatal(err)
	}
	other.Unlock()
	for _, name := range []string{"get k", "flush", "keys"} {
		woken := false
		if !other.Exclusive(func() {
			if got := call(c, strings.Split(name, " ")...); got != "parked" {
				t.Errorf("%s in a phase: %q", name, got)
				return
			}
			c.TakePark()(func(any) { woken = true })
			if woken {
				t.Errorf("%s: woken inside the phase", name)
			}
		}) {
			t.Fatal("no phase")
		}
		if !woken {
			t.Errorf("%s: not woken by the end of the phase", name)
		}
		// Requests that waited let the others go first for a while.
		got := "parked"
		for got == "parked" {
			if got = call(c, strings.Split(name, " ")...); got == "parked" {
				c.TakePark()(func(any) {})
			}
		}
		if got != "+OK\r\n" {
			t.Errorf("%s after the phase: %q", name, got)
		}
	}
}

func TestAdmission(t *testing.T) {
	auth, limited := false, false
	oom := errors.New("OOM no")
	a := &Admission{
		AuthRequired: func() bool { return auth },
		Protected:    func(*Ctx) error { return errors.New("ERR DEBUG command not allowed") },
		Limited:      func() bool { return limited },
		Room:         func(*Ctx) error { return oom },
	}
	b := newBus(t, Stats(), Admit(a))
	if err := b.Register(
		Spec{Name: "get", Run: ok, Arity: 1},
		Spec{Name: "set", Run: ok, Arity: 1, Flags: Write | DenyOOM},
		Spec{Name: "auth", Run: ok, Arity: 1, Flags: NoAuth},
		Spec{Name: "debug", Run: ok, Arity: 1, Flags: Protected},
	); err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	want := func(name, reply string) {
		t.Helper()
		if got := call(c, name); got != reply {
			t.Errorf("%s: %q, want %q", name, got, reply)
		}
	}
	want("get", "+OK\r\n")
	want("set", "+OK\r\n")
	want("debug", "-ERR DEBUG command not allowed\r\n")
	for _, l := range b.Chain(b.Spec([]byte("get"))) {
		if l.Name == "admit" && l.Active {
			t.Error("admit is active with nothing to ask")
		}
	}
	auth, limited = true, true
	b.Recompose()
	want("get", "-NOAUTH Authentication required.\r\n")
	want("auth", "+OK\r\n")
	c.Client.Authenticated = true
	want("get", "+OK\r\n")
	want("set", "-OOM no\r\n")
	for _, n := range b.Counts() {
		if n.Spec.Name == "set" && n.Rejected.Load() != 1 {
			t.Errorf("set: %d rejected", n.Rejected.Load())
		}
	}
}

// memoryLog keeps what is appended.
type memoryLog struct {
	groups [][]Effect
	lost   func(uint64) error
}

func (m *memoryLog) Append(effects []Effect) uint64 {
	group := slices.Clone(effects)
	for i := range group {
		group[i].RESP = slices.Clone(group[i].RESP)
	}
	m.groups = append(m.groups, group)
	return uint64(100 + len(m.groups))
}

func (m *memoryLog) Gate(_ int, slot uint16) uint64 { return uint64(slot % 50) }

func (m *memoryLog) Appended() uint64 { return uint64(100 + len(m.groups)) }

func (m *memoryLog) Lost() func(uint64) error { return m.lost }

// TestLogging: a change and its effects reach the log as one group; an unchanged keyspace
// appends nothing (K5).
func TestLogging(t *testing.T) {
	var l Log
	b := newBus(t, Lock(), Logging(func() Log { return l }))
	keys := []KeySpec{KeyRange(1, -1, 1, KeyOW)}
	if err := b.Register(
		Spec{Name: "set", Arity: 3, Flags: Write, Keys: []KeySpec{OneKey(1, KeyOW)}, Run: func(c *Ctx) error {
			c.Tx.Raw = c.Raw != nil
			return c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL)
		}},
		Spec{Name: "del", Arity: -2, Flags: Write, Keys: keys, Run: func(c *Ctx) error {
			for _, k := range c.Args[1:] {
				c.Tx.Delete(k)
			}
			return nil
		}},
		Spec{Name: "fail", Arity: 2, Flags: Write, Keys: []KeySpec{OneKey(1, KeyOW)}, Run: func(*Ctx) error { return ErrSyntax }},
	); err != nil {
		t.Fatal(err)
	}
	m := &memoryLog{}
	c := newCtx(b)
	call(c, "set", "before", "1")
	l = m
	b.Recompose()
	c.Raw = []byte("raw")
	call(c, "set", "a", "1")
	c.Raw = nil
	call(c, "set", "b", "2")
	call(c, "del", "a", "missing", "b")
	call(c, "fail", "a")
	call(c, "del", "missing")
	var got []string
	for _, g := range m.groups {
		var words []string
		for _, e := range g {
			words = append(words, strings.ReplaceAll(string(e.RESP), "\r\n", " "))
		}
		got = append(got, strings.Join(words, "+"))
	}
	want := "raw; *3 $3 SET $1 b $1 2 ; *2 $3 DEL $1 a +*2 $3 DEL $1 b "
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("log: %s\nwant %s", s, want)
	}
}

// TestGate: a reply waits for its own write, and a read for the last write of its slots (W3).
func TestGate(t *testing.T) {
	m := &memoryLog{}
	b := newBus(t, Lock(), Logging(func() Log { return m }))
	read := func(*Ctx) error { return nil }
	if err := b.Register(
		Spec{Name: "set", Arity: 3, Flags: Write, Keys: []KeySpec{OneKey(1, KeyOW)}, Run: func(c *Ctx) error {
			return c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.NoTTL)
		}},
		Spec{Name: "get", Arity: 2, Flags: ReadOnly, Keys: []KeySpec{OneKey(1, KeyRO)}, Run: read},
		Spec{Name: "mget", Arity: -2, Flags: ReadOnly, Keys: []KeySpec{KeyRange(1, -1, 1, KeyRO)}, Run: read},
		Spec{Name: "copy", Arity: 2, Flags: Write, Keys: []KeySpec{OneKey(1, KeyRO)}, Run: func(c *Ctx) error {
			c.Tells(c.Tx.DB + 1)
			return nil
		}},
		Spec{Name: "dbsize", Arity: 1, Flags: ReadOnly, Run: read},
		Spec{Name: "keys", Arity: 1, Flags: ReadOnly, Lock: LockNone, Run: read},
		Spec{Name: "swap", Arity: 1, Flags: ReadOnly, Lock: LockExclusive, Run: read},
		Spec{Name: "ping", Arity: 1, Run: read},
	); err != nil {
		t.Fatal(err)
	}
	gate := func(key string) uint64 { return m.Gate(0, keyspace.Slot([]byte(key))) }
	c := newCtx(b)
	for _, tt := range []struct {
		args string
		want uint64
	}{
		{"set a 1", 101},
		{"get b", gate("b")},
		{"mget b c d", max(gate("b"), gate("c"), gate("d"))},
		{"copy b", 101},
		{"get b", gate("b")},
		{"dbsize", 101},
		{"keys", 101},
		{"swap", 101},
		{"ping", 0},
	} {
		call(c, strings.Fields(tt.args)...)
		if got := c.TakeGate(); got != tt.want {
			t.Errorf("%s: gate %d, not %d", tt.args, got, tt.want)
		}
	}
	// The log fails for good: what waits for more than one of the three slots is lost.
	least := min(gate("b"), gate("c"), gate("d"))
	m.lost = func(lsn uint64) error {
		if lsn > least {
			return errors.New("LOST")
		}
		return nil
	}
	b.Recompose()
	for _, key := range []string{"b", "c", "d"} {
		if got, lost := call(c, "get", key), gate(key) > least; strings.Contains(got, "LOST") != lost {
			t.Errorf("get %s: %q", key, got)
		}
	}
	for args, want := range map[string]bool{"mget b c d": true, "dbsize": true, "keys": true, "swap": true, "ping": false} {
		if got := call(c, strings.Fields(args)...); strings.Contains(got, "LOST") != want {
			t.Errorf("%s: %q", args, got)
		}
	}
	if got := c.TakeGate(); got != 0 {
		t.Errorf("replies wait for %d, which never is safe", got)
	}
}

// silent observes nothing but counts.
type silent struct{ n int }

func (s *silent) Observes(*Spec) bool { return true }

func (s *silent) Observe(*Ctx, error) { s.n++ }

func TestObserve(t *testing.T) {
	var o Observer
	b := newBus(t, Observe("observe", func() Observer { return o }))
	if err := b.Register(Spec{Name: "x", Run: ok, Arity: 1}); err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	call(c, "x")
	s := &silent{}
	o = s
	b.Recompose()
	call(c, "x")
	if s.n != 1 {
		t.Errorf("observed %d times", s.n)
	}
}

func TestReplyDeferred(t *testing.T) {
	var r Reply
	r.Begin([]byte("x"), 3)
	m := r.Deferred()
	r.Int(1)
	r.Int(2)
	r.CloseArray(m, 2)
	m = r.Deferred()
	r.Int(1)
	r.Int(2)
	r.CloseMap(m, 1)
	if got := string(r.End()); got != "x*2\r\n:1\r\n:2\r\n%1\r\n:1\r\n:2\r\n" {
		t.Errorf("%q", got)
	}
}
