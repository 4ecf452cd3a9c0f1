package commands_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
)

// keepAll makes the rig keep every command in its slow log.
func (r *rig) keepAll() {
	if r.timing.Set(bus.TimingRules{SlowOver: 0, Histograms: true}) {
		r.bus.Recompose()
	}
}

// slowest shows the newest n entries, the oldest first: their arguments and the client's name.
func slowest(s server, n string) string {
	list := s.do("SLOWLOG", "GET", n).Elems
	lines := make([]string, len(list))
	for i, e := range list {
		lines[len(list)-1-i] = showAny(e.Elems[3]) + e.Elems[5].String()
	}
	return strings.Join(lines, "\n")
}

// TestSlowlogLikeRedis lets both keep everything and compares what they kept.
func TestSlowlogLikeRedis(t *testing.T) {
	theirs, r := newRemote(t), newRig(t)
	ours := r.connect()
	theirs.do("CONFIG", "SET", "slowlog-log-slower-than", "0")
	r.keepAll()
	long := strings.Repeat("x", 128)
	both := func(args ...string) {
		t.Helper()
		a, b := showAny(ours.do(args...)), showAny(theirs.do(args...))
		if a != b {
			t.Errorf("%.80q\n  answers %s\n  Redis   %s", args, a, b)
		}
	}
	ours.do("SLOWLOG", "RESET")
	theirs.do("SLOWLOG", "RESET")
	both("SET", "k", long)
	both("SET", "k", long+"x")
	both("set", "k\x00\r\n", "v")
	both(append([]string{"DEL"}, make([]string, 31)...)...)
	both(append([]string{"DEL"}, make([]string, 32)...)...)
	both(append([]string{"DEL"}, strings.Split(strings.Repeat("a,", 500), ",")...)...)
	both("GET")
	both("NOPE", "x")
	both("INCR", "k")
	both("CLIENT", "SETNAME", "me")
	both("PING")
	both("AUTH", "secret")
	both("AUTH", "nobody", "secret")
	both("AUTH", "nobody", "secret", "more")
	for _, s := range []server{ours, theirs} { // their replies are compared elsewhere
		s.do("HELLO", "2", "AUTH", "nobody", "secret", "SETNAME", "x")
		s.do("HELLO", "2", "SETNAME", "x", "AUTH", "nobody", "secret")
		s.do("HELLO", "2", "AUTH", "nobody")
		s.do("CONFIG", "SET", "maxmemory", "x", "requirepass", "secret")
	}
	both("CONFIG", "SET", "requirepass", "")
	both("MULTI")
	both("SET", "k", "1")
	both("INCR", "k")
	both("EXEC")
	both("SLOWLOG", "LEN", "x")
	both("SLOWLOG", "LEN")
	a, b := slowest(ours, "-1"), slowest(theirs, "-1")
	if a != b {
		t.Errorf("kept\n%s\nRedis\n%s", a, b)
	}
	for _, args := range [][]string{
		{"SLOWLOG"},
		{"SLOWLOG", "GET", "-2"},
		{"SLOWLOG", "GET", "x"},
		{"SLOWLOG", "GET", "1", "2"},
		{"SLOWLOG", "GET", "0"},
		{"SLOWLOG", "HELP"},
		{"SLOWLOG", "NOPE"},
		{"SLOWLOG", "RESET"},
		{"SLOWLOG", "RESET", "x"},
		{"SLOWLOG", "LEN"},
	} {
		both(args...)
	}
}

func TestSlowlogEntry(t *testing.T) {
	r := newRig(t)
	r.keepAll()
	cl := r.connect()
	for range 12 {
		cl.do("PING")
	}
	cl.do("CLIENT", "SETNAME", "me")
	want := regexp.MustCompile(`^\[\[13 1700000001 \d+ \["SLOWLOG" "LEN"\] "127.0.0.1:40001" "me"\] \[12 1700000001 \d+ \["CLIENT" "SETNAME" "me"\] "127.0.0.1:40001" "me"\]\]$`)
	cl.do("SLOWLOG", "LEN")
	if got := cl.text("SLOWLOG GET 2"); !want.MatchString(got) {
		t.Errorf("entries %s", got)
	}
	if n := len(cl.do("SLOWLOG", "GET").Elems); n != 10 {
		t.Errorf("SLOWLOG GET shows %d entries", n)
	}
	cl.expect("SLOWLOG LEN", "16", "SLOWLOG RESET", "+OK", "SLOWLOG LEN", "1")
	for range 5 {
		cl.do("PING")
	}
	r.deps.SlowLog.SetMax(3)
	cl.expect("SLOWLOG LEN", "3")
	r.deps.SlowLog.SetMax(0)
	cl.expect("SLOWLOG LEN", "0", "SLOWLOG GET", "[]")
	r.timing.Set(bus.TimingRules{SlowOver: -1})
	r.deps.SlowLog.SetMax(10)
	cl.expect("PING", "+PONG", "SLOWLOG LEN", "0")
}
