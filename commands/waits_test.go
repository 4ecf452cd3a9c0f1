package commands_test

import (
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/waittest"
)

// later runs a command in the background; its reply comes on the channel.
func (cl *rigClient) later(line string) <-chan string {
	reply := make(chan string, 1)
	go func() { reply <- cl.text(line) }()
	return reply
}

// blocked waits until n commands wait or are paused.
func (r *rig) blocked(n int) {
	r.t.Helper()
	eventually(r.t, func() bool {
		all, _ := r.bus.Waiting()
		return all+r.deps.Pause.Count() == n
	})
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never came true")
		}
	}
}

func want(t testing.TB, reply <-chan string, text string) {
	t.Helper()
	if got := <-reply; got != text {
		t.Errorf("answers %s, want %s", got, text)
	}
}

func TestWait(t *testing.T) {
	r := newRig(t)
	a, b := r.connect(), r.connect()
	a.expect(
		"WAIT x 1", "-ERR value is not an integer or out of range",
		"WAIT 1 x", "-ERR timeout is not an integer or out of range",
		"WAIT 1 -1", "-ERR timeout is negative",
		"WAIT 0 0", "0",
		"WAIT -1 100", "0",
		"WAIT 1 2", "0",
		"MULTI", "+OK",
		"WAIT 3 0", "+QUEUED",
		"EXEC", "[0]",
	)
	reply := a.later("WAIT 1 0")
	r.blocked(1)
	b.expect("CLIENT UNBLOCK 1", "1", "CLIENT UNBLOCK 1", "0")
	want(t, reply, "0")
	reply = a.later("WAIT 1 100000")
	r.blocked(1)
	if _, timed := r.bus.Waiting(); timed != 1 {
		t.Errorf("%d wait with a timeout", timed)
	}
	b.expect(
		"MULTI", "+OK",
		"CLIENT UNBLOCK 1 ERROR", "+QUEUED",
		"EXEC", "[1]",
	)
	want(t, reply, "-UNBLOCKED client unblocked via CLIENT UNBLOCK")
}

func TestClientUnblockErrors(t *testing.T) {
	r := newRig(t)
	r.connect().expect(
		"CLIENT UNBLOCK", "-ERR wrong number of arguments for 'client|unblock' command",
		"CLIENT UNBLOCK x", "-ERR value is not an integer or out of range",
		"CLIENT UNBLOCK x never", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
		"CLIENT UNBLOCK 1 timeout x", "-ERR unknown subcommand or wrong number of arguments for 'UNBLOCK'. Try CLIENT HELP.",
		"CLIENT UNBLOCK 1", "0",
		"CLIENT UNBLOCK -5 error", "0",
	)
}

func TestClientPauseErrors(t *testing.T) {
	r := newRig(t)
	r.connect().expect(
		"CLIENT PAUSE", "-ERR wrong number of arguments for 'client|pause' command",
		"CLIENT PAUSE x", "-ERR timeout is not an integer or out of range",
		"CLIENT PAUSE -1", "-ERR timeout is negative",
		"CLIENT PAUSE x never", "-ERR CLIENT PAUSE mode must be WRITE or ALL",
		"CLIENT PAUSE 1 ALL x", "-ERR unknown subcommand or wrong number of arguments for 'PAUSE'. Try CLIENT HELP.",
		"CLIENT PAUSE 0", "+OK",
		"CLIENT PAUSE 0 WRITE", "+OK",
		"SET k v", "+OK",
		"CLIENT UNPAUSE", "+OK",
		"CLIENT UNPAUSE x", "-ERR wrong number of arguments for 'client|unpause' command",
	)
}

// What CLIENT PAUSE WRITE holds back, and what it does not.
func TestClientPauseWrite(t *testing.T) {
	r := newRig(t)
	me, a, b, c := r.connect(), r.connect(), r.connect(), r.connect()
	a.expect("SET k v", "+OK", "MULTI", "+OK", "SET k w", "+QUEUED")
	b.expect("MULTI", "+OK", "GET k", "+QUEUED")
	me.expect("CLIENT PAUSE 100000 WRITE", "+OK", "GET k", `"v"`, "SET k", "-ERR wrong number of arguments for 'set' command")
	b.expect("EXEC", `["v"]`, "MULTI", "+OK")
	exec, set, publish := a.later("EXEC"), b.later("SET k x"), c.later("PUBLISH ch m")
	r.blocked(3)
	me.expect(
		"CLIENT UNBLOCK 2", "0", // as Redis from 7.2 on
		"GET k", `"v"`,
	)
	if line := me.text("CLIENT LIST ID 2"); !strings.Contains(line, " flags=xb ") || !strings.Contains(line, " cmd=exec ") {
		t.Errorf("CLIENT LIST: %s", line)
	}
	me.expect("CLIENT UNPAUSE", "+OK")
	want(t, exec, "[+OK]")
	want(t, set, "+QUEUED")
	want(t, publish, "0")
	b.expect("EXEC", "[+OK]")
	r.blocked(0)
}

// CLIENT PAUSE ALL holds back everything, its own UNPAUSE too, until its time is up; a later one makes it longer and
// stricter, never the opposite.
func TestClientPauseAll(t *testing.T) {
	r := newRig(t)
	me, a := r.connect(), r.connect()
	me.expect("CLIENT PAUSE 300 WRITE", "+OK", "CLIENT PAUSE 1 ALL", "+OK")
	get, unpause := a.later("GET k"), me.later("CLIENT UNPAUSE")
	r.blocked(2)
	want(t, get, "nil")
	want(t, unpause, "+OK")
	if m := r.deps.Pause.Mode(); m != bus.PauseOff {
		t.Errorf("mode %d", m)
	}
}

// A pause that a transaction begins lets the rest of it run.
func TestClientPauseInMulti(t *testing.T) {
	r := newRig(t)
	me, a := r.connect(), r.connect()
	me.expect(
		"MULTI", "+OK", "SET k1 v", "+QUEUED", "CLIENT PAUSE 60000 WRITE", "+QUEUED", "SET k2 v", "+QUEUED",
		"EXEC", "[+OK +OK +OK]",
	)
	set := a.later("SET k3 v")
	r.blocked(1)
	me.expect("GET k2", `"v"`, "GET k3", "nil", "MULTI", "+OK", "CLIENT UNPAUSE", "+QUEUED", "EXEC", "[+OK]")
	want(t, set, "+OK")
}

// Expired keys are hidden while a pause is in force, and removed afterwards.
func TestClientPauseExpiry(t *testing.T) {
	r := newRig(t)
	me := r.connect()
	me.expect("SET k v PX 10", "+OK", "CLIENT PAUSE 60000 WRITE", "+OK")
	me.c.SetNow(me.c.Now() + 100)
	me.expect("GET k", "nil", "EXISTS k", "0", "DBSIZE", "1")
	if n := r.space.Stats().ExpiredKeys; n != 0 {
		t.Errorf("%d keys expired in a pause", n)
	}
	me.expect("CLIENT UNPAUSE", "+OK", "GET k", "nil", "DBSIZE", "0")
	if n := r.space.Stats().ExpiredKeys; n != 1 {
		t.Errorf("%d keys expired", n)
	}
}

// Whatever gives a key its value makes it ready.
func TestWaitedKeysAppear(t *testing.T) {
	r := newRig(t)
	tokens := &waittest.Tokens{}
	if err := r.bus.Register(tokens.Commands()...); err != nil {
		t.Fatal(err)
	}
	me, a := r.connect(), r.connect()
	for _, tc := range []struct{ name, key, make string }{
		{"rename", "k", "RENAME other k"},
		{"renamenx", "k", "RENAMENX other k"},
		{"copy", "k", "COPY other k"},
		{"move", "other", "MOVE other 1"},
		{"swapdb", "other", "SWAPDB 0 1"},
		{"swapdb back", "other", "SWAPDB 1 0"},
	} {
		me.expect("FLUSHALL", "+OK", "SELECT 0", "+OK", "SET other 1", "+OK")
		if strings.HasPrefix(tc.name, "move") || strings.HasPrefix(tc.name, "swap") {
			a.expect("SELECT 1", "+OK")
		}
		reply := a.later("TAKE " + tc.key + " 0")
		r.blocked(1)
		me.text(tc.make)
		if got := <-reply; !strings.HasPrefix(got, `["`+tc.key+`" `) {
			t.Errorf("%s: %s", tc.name, got)
		}
		a.expect("SELECT 0", "+OK")
	}
	for _, end := range []string{"DEL k", "UNLINK k", "FLUSHDB", "FLUSHALL", "RENAME k l", "MOVE k 1", "SWAPDB 0 2"} {
		me.expect("FLUSHALL", "+OK", "SELECT 0", "+OK", "SET k 1", "+OK")
		reply := a.later("GONE k 0")
		r.blocked(1)
		me.text(end)
		want(t, reply, "-UNBLOCKED the stream key no longer exists")
	}
	// A transaction serves at its end only.
	me.expect("FLUSHALL", "+OK")
	reply := a.later("TAKE k 0")
	r.blocked(1)
	me.expect("MULTI", "+OK", "GIVE k 1", "+QUEUED", "DEL k", "+QUEUED", "GIVE k 1", "+QUEUED", "TAKE k 0", "+QUEUED", "TAKE k 0", "+QUEUED", "GIVE k 5", "+QUEUED")
	if got := me.text("EXEC"); !strings.HasPrefix(got, `[1 1 1 ["k" `) || !strings.HasSuffix(got, `] nil 5]`) {
		t.Errorf("EXEC: %s", got)
	}
	if got := <-reply; !strings.HasPrefix(got, `["k" `) {
		t.Errorf("TAKE: %s", got)
	}
	me.expect("GET k", `"4"`)
}
