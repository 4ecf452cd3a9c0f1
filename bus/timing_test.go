package bus

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// stopwatch is a clock that only commands move, and takes down what it is told.
type stopwatch struct {
	now  time.Duration
	told []string
}

func (w *stopwatch) Slow(c *Ctx, s *Spec, took time.Duration) {
	w.told = append(w.told, fmt.Sprintf("slow %s %s %v", s.FullName(), c.Args[len(c.Args)-1], took))
}

func (w *stopwatch) Spike(event string, took time.Duration) {
	w.told = append(w.told, fmt.Sprintf("%s %v", event, took))
}

// take returns what was told since the last take.
func (w *stopwatch) take() string {
	s := strings.Join(w.told, ", ")
	w.told = nil
	return s
}

// timedBus has commands that take as long as their argument says: cheap, costly and secret run at once, wait
// waits for it, block does so as a command that waits for other clients.
func timedBus(t testing.TB) (*Bus, *Timing, *stopwatch) {
	w := &stopwatch{now: time.Hour}
	timing := NewTiming(w, w)
	b := newBus(t, Timed(timing), Lock())
	b.clock = func() time.Duration { return w.now }
	work := func(c *Ctx) error {
		d, err := time.ParseDuration(string(c.Args[1]))
		if err != nil {
			return ErrSyntax
		}
		w.now += d
		c.Reply.OK()
		return nil
	}
	wait := func(c *Ctx) error {
		if c.Woken() != nil {
			return work(c)
		}
		w.now += time.Millisecond
		return c.Park(func(wake func(any)) { wake(true) })
	}
	err := b.Register(
		Spec{Name: "cheap", Run: work, Arity: -2, Flags: Fast | ReadOnly, Complexity: "O(1)", Keys: []KeySpec{OneKey(1, KeyRO)}},
		Spec{Name: "costly", Run: work, Arity: 2},
		Spec{Name: "secret", Run: work, Arity: 2, Flags: SkipSlowlog},
		Spec{Name: "wait", Run: wait, Arity: 2, Parks: AlwaysParks},
		Spec{Name: "block", Run: wait, Arity: 2, Flags: Blocking},
		Spec{Name: "multi", Arity: 1, Immediate: true, Flags: NoMulti, Run: func(c *Ctx) error { return c.Begin() }},
		Spec{Name: "exec", Arity: 1, Immediate: true, Flags: SkipSlowlog, Lock: LockPlan, Plan: ExecPlan, Run: (*Ctx).Exec},
	)
	if err != nil {
		t.Fatal(err)
	}
	return b, timing, w
}

// counted are the calls of a command, how many of them were recorded and what they took.
func counted(c *Ctx, name string) (calls uint64, recorded int64, took time.Duration) {
	c.EndTick()
	k := c.bus.CountsOf(c.bus.Spec([]byte(name)))
	if h := k.Latency(); h != nil {
		recorded = h.Total()
	}
	return k.Calls.Load(), recorded, k.Took()
}

// resume lets the parked command go on after a while.
func resume(c *Ctx, w *stopwatch, after time.Duration) {
	w.now += after
	c.TakePark()(func(v any) { c.bus.Resume(c, v) })
	c.Reply.End()
}

func TestTimingSamples(t *testing.T) {
	b, _, _ := timedBus(t)
	c := newCtx(b)
	for range 20 {
		call(c, "cheap", "1us")
	}
	if calls, recorded, took := counted(c, "cheap"); calls != 20 || recorded != 20 || took != 20*time.Microsecond {
		t.Errorf("few calls are not counted exactly: %d, %d, %v", calls, recorded, took)
	}
	for range 20000 {
		call(c, "cheap", "1us")
	}
	calls, recorded, took := counted(c, "cheap")
	if calls != 20020 || took != micros(calls) || recorded > int64(calls) || recorded < int64(calls)-2*sampleEvery {
		t.Errorf("many calls: %d, %d, %v", calls, recorded, took)
	}
	// A sample stands for its neighbours whatever the rhythm: every fourth call is long.
	b.ResetCounts()
	for i := range 400_000 {
		call(c, "cheap", []string{"1us", "1us", "1us", "5us"}[i%4])
	}
	if _, _, took := counted(c, "cheap"); took < 780*time.Millisecond || took > 820*time.Millisecond {
		t.Errorf("calls of 800ms are taken for %v", took)
	}
	b.ResetCounts()
	call(c, "cheap", "7us")
	if calls, recorded, took := counted(c, "cheap"); calls != 1 || recorded != 1 || took != 7*time.Microsecond {
		t.Errorf("after the reset: %d, %d, %v", calls, recorded, took)
	}
}

func micros(n uint64) time.Duration { return time.Duration(n) * time.Microsecond }

// Commands that are measured out of turn neither count twice nor get lost.
func TestTimingOutOfTurn(t *testing.T) {
	b, _, _ := timedBus(t)
	c := newCtx(b)
	big := strings.Repeat("x", sampleBelow)
	for i := range 5000 {
		words := []string{"cheap", "1us"}
		if i%3 == 0 {
			words = []string{"cheap", "1us", big}
		}
		c.Raw = []byte(strings.Join(words, " "))
		call(c, words...)
	}
	c.Raw = nil
	calls, recorded, took := counted(c, "cheap")
	if calls != 5000 || recorded > 5000 || recorded < 5000-2*sampleEvery || took != 5*time.Millisecond {
		t.Errorf("%d, %d, %v", calls, recorded, took)
	}
}

func TestTimingTells(t *testing.T) {
	b, timing, w := timedBus(t)
	c := newCtx(b)
	set := func(r TimingRules) {
		if timing.Set(r) {
			b.Recompose()
		}
	}
	for _, step := range []struct {
		rules TimingRules
		line  string
		want  string
	}{
		{TimingRules{SlowOver: -1}, "costly 1h", ""},
		{TimingRules{SlowOver: 10 * time.Millisecond}, "costly 9ms", ""},
		{TimingRules{SlowOver: 10 * time.Millisecond}, "costly 10ms", "slow costly 10ms 10ms"},
		{TimingRules{SlowOver: 10 * time.Millisecond}, "secret 10ms", ""},
		{TimingRules{SlowOver: 0}, "cheap 1ns", "slow cheap 1ns 1ns"},
		{TimingRules{SlowOver: 0}, "costly 0s", "slow costly 0s 0s"},
		{TimingRules{SlowOver: 0}, "costly x", "slow costly x 0s"},
		{TimingRules{SlowOver: -1, LateOver: time.Millisecond}, "cheap 999us", ""},
		{TimingRules{SlowOver: -1, LateOver: time.Millisecond}, "cheap 1ms", "fast-command 1ms"},
		{TimingRules{SlowOver: time.Second, LateOver: time.Millisecond}, "costly 1s", "slow costly 1s 1s, command 1s"},
		{TimingRules{SlowOver: time.Second, LateOver: time.Millisecond}, "secret 1s", "command 1s"},
	} {
		set(step.rules)
		call(c, strings.Fields(step.line)...)
		if got := w.take(); got != step.want {
			t.Errorf("%+v: %s: told %q, want %q", step.rules, step.line, got, step.want)
		}
	}
	if timing.Spike("thing", 999*time.Microsecond); w.take() != "" {
		t.Error("told of something short")
	}
	if timing.Spike("thing", time.Millisecond); w.take() != "thing 1ms" || !timing.Watching() {
		t.Error("not told of something long")
	}
	if _, recorded, _ := counted(c, "costly"); recorded != 0 {
		t.Error("histograms are kept though they are off")
	}
}

// The time that a command waits is part of its duration, but not of what it keeps the server busy if it waits
// for other clients; nor is that until it may begin.
func TestTimingWaits(t *testing.T) {
	b, timing, w := timedBus(t)
	timing.Set(TimingRules{SlowOver: 0, LateOver: time.Millisecond, Histograms: true})
	b.Recompose()
	c := newCtx(b)
	call(c, "wait", "1ms")
	resume(c, w, 10*time.Millisecond)
	if got := w.take(); got != "slow wait 1ms 12ms, command 12ms" {
		t.Errorf("wait: %q", got)
	}
	call(c, "block", "3ms")
	resume(c, w, 10*time.Millisecond)
	if got := w.take(); got != "slow block 3ms 14ms, command 3ms" {
		t.Errorf("block: %q", got)
	}
	other := b.Space().NewTx()
	other.Exclusive(func() { call(c, "cheap", "1us") })
	resume(c, w, time.Second)
	if got := w.take(); got != "slow cheap 1us 1µs" {
		t.Errorf("after an exclusive phase: %q", got)
	}
	// Inside a transaction each command counts for itself.
	call(c, "multi")
	call(c, "costly", "2ms")
	call(c, "wait", "1ms")
	call(c, "costly", "4ms")
	w.take()
	if got := call(c, "exec"); got != "parked" {
		t.Fatalf("exec: %q", got)
	}
	resume(c, w, 10*time.Millisecond)
	want := []string{
		"slow costly 2ms 2ms", "command 2ms", "slow wait 1ms 14ms", "command 14ms", "slow costly 4ms 4ms", "command 4ms", "command 7ms",
	}
	if !slices.Equal(w.told, want) {
		t.Errorf("exec: told %q, want %q", w.told, want)
	}
	if calls, recorded, took := counted(c, "wait"); calls != 2 || recorded != 2 || took != 26*time.Millisecond {
		t.Errorf("wait: %d calls, %d recorded, took %v", calls, recorded, took)
	}
}

// What was refused or does not exist leaves no duration behind for the next command.
func TestTimingRefused(t *testing.T) {
	w := &stopwatch{now: time.Hour}
	timing := NewTiming(w, nil)
	timing.Set(TimingRules{SlowOver: 0})
	refuse := true
	b := newBus(t, Timed(timing), Admit(&Admission{
		Active:  func() bool { return true },
		Command: func(*Ctx) error { return map[bool]error{true: ErrNoAuth}[refuse] },
	}))
	b.clock = func() time.Duration { w.now += time.Millisecond; return w.now }
	if err := b.Register(Spec{Name: "x", Run: ok, Arity: -1}); err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	call(c, "x")
	refuse = false
	call(c, "y")
	call(c, "x")
	if got := w.take(); got != "slow x x 1ms" {
		t.Errorf("told %q", got)
	}
	if calls, _, took := counted(c, "x"); calls != 1 || took != time.Millisecond {
		t.Errorf("%d calls took %v", calls, took)
	}
}

// Publish leaves out the call that reads the figures, and EndTick brings it.
func TestPublish(t *testing.T) {
	b := newBus(t, Stats())
	var seen uint64
	err := b.Register(
		Spec{Name: "x", Run: ok, Arity: 1},
		Spec{Name: "sum", Arity: 1, Run: func(c *Ctx) error { c.Publish(); seen = b.Processed(); c.Reply.OK(); return nil }},
	)
	if err != nil {
		t.Fatal(err)
	}
	c := newCtx(b)
	for _, name := range []string{"x", "sum", "x", "sum"} {
		call(c, name)
	}
	if seen != 3 {
		t.Errorf("the second sum sees %d calls, want 3", seen)
	}
	c.EndTick()
	if n := b.Processed(); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}
