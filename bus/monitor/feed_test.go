package monitor_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/monitor"
	"github.com/reredis/reredis/keyspace"
)

// screen is the outlet of clients that monitor: it keeps what each would get.
type screen struct {
	mu  sync.Mutex
	got map[*bus.Client][]*bus.Message
}

func (s *screen) Push(to []*bus.Client, m *bus.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range to {
		s.got[c] = append(s.got[c], m)
	}
}

var stamp = regexp.MustCompile(`\d{10}\.\d{6}`)

// take returns what c has got since the last time, with T for times.
func (s *screen) take(c *bus.Client) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text string
	for _, m := range s.got[c] {
		if m.Wanted(c) {
			text += string(m.Bytes(2))
		}
	}
	delete(s.got, c)
	return stamp.ReplaceAllString(text, "T")
}

type rig struct {
	bus    *bus.Bus
	feed   *monitor.Feed
	screen screen
}

// newRig makes a bus with a few commands, whose clients share a screen.
func newRig(t *testing.T) *rig {
	t.Helper()
	space, err := keyspace.New(keyspace.Options{Arena: keyspace.Heap})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := space.Close(); err != nil {
			t.Error(err)
		}
	})
	r := &rig{feed: &monitor.Feed{}, screen: screen{got: map[*bus.Client][]*bus.Message{}}}
	r.bus = bus.New(space, bus.Lock(), bus.Observe("monitor", r.feed.Observer))
	r.feed.Changed = r.bus.Recompose
	ok := func(c *bus.Ctx) error { c.Reply.OK(); return nil }
	if err := r.bus.Register(
		bus.Spec{Name: "set", Arity: 3, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyOW)}, Run: ok},
		bus.Spec{Name: "say", Arity: -1, Run: ok},
		bus.Spec{Name: "secret", Arity: 3, Run: ok, Secrets: func([][]byte) []int { return []int{2} }},
		bus.Spec{Name: "admin", Arity: -1, Flags: bus.Admin, Run: ok},
		bus.Spec{Name: "hush", Arity: -1, Flags: bus.SkipMonitor, Run: ok},
		bus.Spec{Name: "fail", Arity: -1, Run: func(*bus.Ctx) error { return bus.ErrSyntax }},
		bus.Spec{Name: "use", Arity: 1, Run: func(c *bus.Ctx) error { c.Client.DB = 3; return ok(c) }},
		bus.Spec{Name: "wait", Arity: 1, Run: func(c *bus.Ctx) error {
			if c.Woken() != nil {
				return ok(c)
			}
			return c.Park(func(wake func(any)) { wake(1) })
		}},
		bus.Spec{Name: "multi", Arity: 1, Immediate: true, Run: func(c *bus.Ctx) error { return c.Begin() }},
		bus.Spec{
			Name: "exec", Arity: 1, Immediate: true, Lock: bus.LockPlan, Plan: bus.ExecPlan,
			Run: func(c *bus.Ctx) error { return c.Exec() },
		},
	); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) client(addr string) *bus.Client { return &bus.Client{Addr: addr, Out: &r.screen} }

// do runs one command of a client.
func (r *rig) do(cl *bus.Client, args ...string) {
	c := r.bus.NewCtx()
	c.Client = cl
	for _, a := range args {
		c.Args = append(c.Args, []byte(a))
	}
	c.Reply.Begin(nil, 2)
	if r.bus.Do(c) == bus.Parked {
		c.TakePark()(func(v any) { r.bus.Resume(c, v) })
	}
	c.Reply.End()
}

func TestLines(t *testing.T) {
	r := newRig(t)
	m, c := r.client("m"), r.client("1.2.3.4:5")
	r.do(c, "say", "before")
	r.feed.Join(m)
	unix := r.client("/a b.sock:0")
	unix.Unix = true
	for _, tc := range []struct {
		from *bus.Client
		args []string
		want string
	}{
		{c, []string{"SAY"}, `+T [0 1.2.3.4:5] "SAY"`},
		{c, []string{"say", "", "it's\\ \"q\" \r\n\t\a\b\x00\x1f\x7f\xff~"}, `+T [0 1.2.3.4:5] "say" "" "it's\\ \"q\" \r\n\t\a\b\x00\x1f\x7f\xff~"`},
		{unix, []string{"say"}, `+T [0 unix:/a b.sock] "say"`},
		{c, []string{"secret", "user", "word"}, `+T [0 1.2.3.4:5] "secret" "user" "(redacted)"`},
		{c, []string{"fail"}, `+T [0 1.2.3.4:5] "fail"`},
		{c, []string{"wait"}, `+T [0 1.2.3.4:5] "wait"`},
		{c, []string{"use"}, `+T [3 1.2.3.4:5] "use"`},
		{c, []string{"admin"}, ""},
		{c, []string{"hush"}, ""},
		{c, []string{"set", "k"}, ""},
		{c, []string{"nope"}, ""},
		{m, []string{"say", "me"}, `+T [0 m] "say" "me"`},
	} {
		r.do(tc.from, tc.args...)
		want := tc.want
		if want != "" {
			want += "\r\n"
		}
		if got := r.screen.take(m); got != want {
			t.Errorf("%q shows\n  %q, want\n  %q", tc.args, got, want)
		}
	}
	r.feed.Leave(m)
	r.do(c, "say", "after")
	if got := r.screen.take(m); got != "" || r.feed.Any() {
		t.Errorf("after leaving: %q", got)
	}
}

func TestTransaction(t *testing.T) {
	r := newRig(t)
	m, c := r.client("m"), r.client("c")
	r.feed.Join(m)
	for _, line := range []string{"multi", "set a 1", "admin", "fail", "exec", "exec", "multi", "nope", "exec", "multi", "exec 1"} {
		r.do(c, strings.Fields(line)...)
	}
	const want = `multi|set" "a" "1|fail|exec|exec|multi|exec|multi|exec" "1|`
	var got string
	for line := range strings.SplitSeq(strings.TrimSuffix(r.screen.take(m), "\r\n"), "\r\n") {
		got += strings.Trim(strings.TrimPrefix(line, "+T [0 c] "), `"`) + "|"
	}
	if got != want {
		t.Errorf("shows %s\n want %s", got, want)
	}
}

// TestCostsNothing looks at the chains: the layer is there only while somebody monitors.
func TestCostsNothing(t *testing.T) {
	r := newRig(t)
	active := func(name string) bool {
		for _, l := range r.bus.Chain(r.bus.Spec([]byte(name))) {
			if l.Name == "monitor" {
				return l.Active
			}
		}
		t.Fatal("no such layer")
		return false
	}
	m, n := r.client("m"), r.client("n")
	for i, step := range []struct {
		do   func()
		want bool
	}{
		{func() {}, false},
		{func() { r.feed.Join(m) }, true},
		{func() { r.feed.Join(m) }, true},
		{func() { r.feed.Join(n) }, true},
		{func() { r.feed.Leave(m) }, true},
		{func() { n.Closed() }, false},
		{func() { n.Closed() }, false},
		{func() { r.feed.Leave(m) }, false},
		{func() { r.feed.Join(m) }, true},
		{func() { m.Closed() }, false},
	} {
		if step.do(); active("set") != step.want || active("admin") {
			t.Errorf("step %d: %v, not %v", i, active("set"), step.want)
		}
	}
}

// TestConcurrent has clients come and go while others run transactions, the lines of which stay together.
func TestConcurrent(t *testing.T) {
	const writers, each = 4, 200
	r := newRig(t)
	m := r.client("m")
	r.feed.Join(m)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			c := r.client(fmt.Sprint("c", w))
			for i := range each {
				r.do(c, "multi")
				r.do(c, "set", "a", fmt.Sprint(i))
				r.do(c, "set", fmt.Sprint("own", w), fmt.Sprint(i))
				r.do(c, "exec")
			}
		})
	}
	wg.Go(func() {
		for range each {
			other := r.client("other")
			r.feed.Join(other)
			r.feed.Leave(other)
		}
	})
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(r.screen.take(m), "\r\n"), "\r\n")
	if len(lines) != writers*each*4 {
		t.Fatalf("%d lines", len(lines))
	}
	seen := map[string]int{}
	for i := 0; i < len(lines); i++ {
		from := lines[i][:len("+T [0 c0]")]
		if strings.HasSuffix(lines[i], `"multi"`) {
			continue
		}
		n := seen[from]
		seen[from]++
		want := fmt.Sprintf(`%[1]s "set" "a" "%[2]d"|%[1]s "set" "own%[3]c" "%[2]d"|%[1]s "exec"`, from, n, from[len(from)-2])
		if got := strings.Join(lines[i:min(i+3, len(lines))], "|"); got != want {
			t.Fatalf("line %d: %s, want %s", i, got, want)
		}
		i += 2
	}
}
