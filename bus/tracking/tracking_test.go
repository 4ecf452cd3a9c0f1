package tracking

import (
	"fmt"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
)

// step is a command of client w or r, and what r hears then.
type said struct{ who, line, hears string }

func (r *rig) play(w, x *client, steps []said) {
	r.t.Helper()
	for _, s := range steps {
		c := x
		if s.who == "w" {
			c = w
		}
		c.do(s.line)
		if got := x.heard(); got != s.hears {
			r.t.Errorf("%s %q: heard %q, want %q", s.who, s.line, got, s.hears)
		}
	}
}

func TestKeys(t *testing.T) {
	r := newRig(t, nil)
	w, x := r.connect(), r.connect()
	x.enable(Options{})
	r.play(w, x, []said{
		{"w", "set a 1", ""},
		{"r", "get a", ""},
		{"w", "set a 2", "a"},
		{"w", "set a 3", ""}, // not read again
		{"r", "get none", ""},
		{"w", "set none 1", "none"},
		{"r", "get a", ""},
		{"r", "set a 4", "a"}, // its own
		{"r", "get a", ""},
		{"w", "del a", "a"},
		{"w", "del a", ""},
		{"r", "get a", ""},
		{"w", "flushall", "*"},
		{"w", "set a 1", ""},
		{"r", "multi", ""},
		{"r", "get a", ""},
		{"r", "set a 2", ""},
		{"r", "get a", ""},
		{"r", "exec", "a"},
		{"w", "set a 3", "a"}, // read again in the transaction
		{"w", "multi", ""},
		{"w", "set b 1", ""},
		{"r", "get b", ""},
		{"w", "flushall", ""},
		{"w", "set b 1", ""},
		{"w", "exec", "b *"},
	})
	x.disable()
	r.play(w, x, []said{{"r", "get a", ""}, {"w", "set a 9", ""}})
}

func TestModes(t *testing.T) {
	for _, tc := range []struct {
		name  string
		o     Options
		steps []said
	}{
		{"noloop", Options{NoLoop: true}, []said{
			{"r", "get a", ""},
			{"r", "set a 1", ""},
			{"w", "set a 2", ""},
			{"r", "get a", ""},
			{"w", "set a 3", "a"},
			{"r", "flushall", "*"},
		}},
		{"bcast", Options{Broadcast: true}, []said{
			{"w", "set a 1", "a"},
			{"w", "set a 1", "a"},
			{"r", "set b 1", "b"},
			{"w", "multi", ""},
			{"w", "set c 1", ""},
			{"w", "set b 1", ""},
			{"w", "set c 2", ""},
			{"w", "exec", "b+c"},
			{"w", "flushall", "*"},
		}},
		{"bcast noloop", Options{Broadcast: true, NoLoop: true, Prefixes: []string{"a", "b"}}, []said{
			{"w", "set a 1", "a"},
			{"w", "set ab 1", "ab"},
			{"w", "set c 1", ""},
			{"r", "set a 1", ""},
			{"w", "multi", ""},
			{"w", "set b 1", ""},
			{"w", "set a1 1", ""},
			{"w", "set a2 2", ""},
			{"w", "exec", "a1+a2 b"},
		}},
		{"optin", Options{OptIn: true}, []said{{"r", "get a", ""}, {"w", "set a 1", ""}}},
		{"optout", Options{OptOut: true}, []said{{"r", "get a", ""}, {"w", "set a 1", "a"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, nil)
			w, x := r.connect(), r.connect()
			x.enable(tc.o)
			r.play(w, x, tc.steps)
		})
	}
}

// TestCaching: CLIENT CACHING holds for the next command, or the next transaction.
func TestCaching(t *testing.T) {
	r := newRig(t, nil)
	w, x := r.connect(), r.connect()
	x.enable(Options{OptIn: true})
	r.track.Caching(x.cl)
	r.play(w, x, []said{{"r", "get a", ""}, {"r", "get b", ""}, {"w", "set a 1", "a"}, {"w", "set b 1", ""}})
	r.track.Caching(x.cl)
	r.play(w, x, []said{{"r", "ping", ""}, {"r", "get a", ""}, {"w", "set a 1", ""}})
	r.track.Caching(x.cl)
	r.play(w, x, []said{
		{"r", "multi", ""},
		{"r", "get a", ""},
		{"r", "get b", ""},
		{"r", "exec", ""},
		{"r", "get c", ""},
		{"w", "set a 1", "a"},
		{"w", "set b 1", "b"},
		{"w", "set c 1", ""},
	})
}

func TestRedirect(t *testing.T) {
	r := newRig(t, nil)
	w, x, to := r.connect(), r.connect(), r.connect()
	if got := r.prepare(99); got != nil {
		t.Fatal("found a client that does not exist")
	}
	target := r.prepare(to.cl.ID)
	if again := r.prepare(to.cl.ID); target == nil || again != target {
		t.Fatalf("targets %p and %p", target, again)
	}
	x.enable(Options{Redirect: target})
	x.do("get a")
	w.do("set a 1")
	if own, got := x.heard(), to.heard(); own != "" || got != "a" {
		t.Errorf("heard %q and %q", own, got)
	}
	// With RESP2 it must have subscribed to something.
	to.cl.Proto = 2
	for _, class := range []bus.Class{bus.ClassNormal, bus.ClassPubSub} {
		to.cl.Class = class
		x.do("get a")
		w.do("set a 1")
		list := to.messages()
		if len(list) != 1 || list[0].Wanted(to.cl) != (class == bus.ClassPubSub) {
			t.Fatalf("class %d: %d messages", class, len(list))
		}
		if got := string(list[0].Bytes(2)); got != "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*1\r\n$1\r\na\r\n" {
			t.Errorf("message %q", got)
		}
	}
	w.do("flushall")
	if list := to.messages(); len(list) != 1 || !strings.HasSuffix(string(list[0].Bytes(2)), "invalidate\r\n$-1\r\n") || !strings.HasSuffix(string(list[0].Bytes(3)), "invalidate\r\n_\r\n") {
		t.Errorf("%d messages", len(list))
	}
	to.cl.Closed()
	x.do("get a")
	if x.cl.Track.Letters() != "t" {
		t.Errorf("letters %q", x.cl.Track.Letters())
	}
	w.do("set a 2")
	if got := x.heard(); got != "broken:3" || x.cl.Track.Letters() != "tR" || !r.track.Info(x.cl).Broken {
		t.Errorf("heard %q, letters %q", got, x.cl.Track.Letters())
	}
	x.enable(Options{})
	if r.track.Info(x.cl).Broken || len(r.track.targets) != 0 {
		t.Error("still broken, or targets are left")
	}
}

// TestLimit: keys beyond the limit are dropped, and their readers told.
func TestLimit(t *testing.T) {
	r := newRig(t, nil)
	x := r.connect()
	r.track.SetMax(10)
	x.enable(Options{})
	for i := range 30 {
		x.do(fmt.Sprint("get ", i))
	}
	if f := r.track.Figures(); f.Keys != 10 || f.Items != 10 || len(x.messages()) != 20 {
		t.Errorf("%+v", f)
	}
	r.track.SetMax(4)
	r.track.Tick()
	if f := r.track.Figures(); f.Keys != 4 || len(x.messages()) != 6 {
		t.Errorf("%+v", f)
	}
}

// TestReaders: those of a key are counted once each, and forgotten when they have gone.
func TestReaders(t *testing.T) {
	r := newRig(t, nil)
	w := r.connect()
	var list []*client
	for range 3 * manyReaders {
		x := r.connect()
		x.enable(Options{})
		x.do("get a")
		x.do("get a")
		list = append(list, x)
	}
	if f := r.track.Figures(); f.Keys != 1 || f.Items != 3*manyReaders || f.Clients != 3*manyReaders {
		t.Errorf("%+v", f)
	}
	for _, x := range list[1:] {
		x.cl.Closed()
	}
	for range 4 * manyReaders {
		x := r.connect()
		x.enable(Options{})
		x.do("get a")
		x.cl.Closed()
	}
	if f := r.track.Figures(); f.Items > 4*manyReaders || f.Clients != 1 {
		t.Errorf("those who have gone are kept: %+v", f)
	}
	w.do("set a 1")
	if f := r.track.Figures(); f.Keys != 0 || f.Items != 0 || list[0].heard() != "a" {
		t.Errorf("%+v", f)
	}
}

// TestCostsNothing: layer and hook are there only while somebody tracks.
func TestCostsNothing(t *testing.T) {
	r := newRig(t, nil)
	x := r.connect()
	active := func() bool {
		for _, l := range r.bus.Chain(r.bus.Spec([]byte("get"))) {
			if l.Name == "tracking" {
				return l.Active
			}
		}
		t.Fatal("no such layer")
		return false
	}
	for range 2 {
		if active() || r.track.Ready() {
			t.Error("there without a client")
		}
		x.enable(Options{Broadcast: true, Prefixes: []string{"p"}})
		r.track.Tick()
		if f := r.track.Figures(); !active() || !r.track.Ready() || f.Prefixes != 1 || x.cl.Kept == 0 {
			t.Errorf("not there: %+v", f)
		}
		x.disable()
		r.track.Tick()
		r.track.Wait()
		if f := r.track.Figures(); f != (Figures{}) || x.cl.Kept != 0 {
			t.Errorf("left: %+v", f)
		}
	}
}

// TestEnableLate: a client that began to track where nothing could be prepared is told to drop all.
func TestEnableLate(t *testing.T) {
	r := newRig(t, nil)
	x := r.connect()
	if err := r.bus.Register(bus.Spec{Name: "track", Arity: 1, Run: func(c *bus.Ctx) error {
		r.track.EnableLate(c, r, Options{})
		c.Reply.OK()
		return nil
	}}); err != nil {
		t.Fatal(err)
	}
	x.do("multi")
	x.do("track")
	x.do("get a")
	x.do("exec")
	r.prepare(0)
	for x.heard() != "*" { // the other Prepare may end after ours
		r.prepare(0)
	}
	x.do("get a")
	r.connect().do("set a 1")
	if got := x.heard(); got != "a" {
		t.Errorf("heard %q", got)
	}
}

// TestW3InvalidationsWait: an invalidation waits for the LSN of the change that caused it, whoever made it.
func TestW3InvalidationsWait(t *testing.T) {
	log := &memoryLog{}
	r := newRig(t, log)
	w, x, y := r.connect(), r.connect(), r.connect()
	x.enable(Options{})
	y.enable(Options{Broadcast: true})
	w.c.SetNow(1000)
	x.c.SetNow(1000)
	for _, step := range []struct{ line, hears, spread string }{
		{"set a 1", "", "a@1"},
		{"set a 2 ttl", "a@2", "a@2"},
		{"set b 2", "b@3", "b@3"},
		{"multi", "", ""},
		{"set b 1", "", ""},
		{"set a 1 ttl", "", ""},
		{"exec", "b@4 a@4", "a+b@4"},
		{"flushall", "*@5", "*@5"},
		{"set b 1 ttl", "b@6", "b@6"},
		{"set a 1 ttl", "a@7", "a@7"},
	} {
		w.do(step.line)
		w.c.TakeGate()
		if got, spread := x.heard(), y.heard(); got != step.hears || spread != step.spread {
			t.Errorf("%s: heard %q and %q, want %q and %q", step.line, got, spread, step.hears, step.spread)
		}
		x.do("get a")
		x.do("get b")
	}
	w.c.SetNow(2000)
	w.do("get a") // removes it: 8
	if got, spread := x.heard(), y.heard(); got != "a@8" || spread != "a@8" {
		t.Errorf("lapsed: %q and %q", got, spread)
	}
	w.c.Tx.Sink = sink{log}
	for r.space.Tick(w.c.Tx, 0, 1, 1<<40) { // b falls due: 9
	}
	w.c.Tx.Sink = nil
	if got, spread := x.heard(), y.heard(); got != "b@9" || spread != "b@9" {
		t.Errorf("fell due: %q and %q", got, spread)
	}
}

// sink appends each effect at once, as what happens outside of commands does.
type sink struct{ log *memoryLog }

func (s sink) Effect(int, uint16, [][]byte) { s.log.last.Add(1) }

// A NOLOOP client hears of its keys that fall due, also while its own command runs.
func TestLapsedIsNobodys(t *testing.T) {
	r := newRig(t, nil)
	x := r.connect()
	x.enable(Options{NoLoop: true})
	x.c.SetNow(1000)
	x.do("set a 1 ttl")
	x.do("get a")
	x.c.SetNow(2000)
	x.do("get a")
	if got := x.heard(); got != "a" {
		t.Errorf("heard %q", got)
	}
}
