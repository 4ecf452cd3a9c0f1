package bus_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// took is the reply of a TAKE.
func took(key string, serial, arrival int) string {
	return fmt.Sprintf("*3 $%d %s :%d :%d", len(key), key, serial, arrival)
}

// scene runs a test of few clients on two loops in virtual time.
func scene(t *testing.T, run func(r *rig, c []*client)) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, 2, true)
		var list []*client
		for i := range 8 {
			list = append(list, r.client(i+1, r.loops[i%2]))
		}
		run(r, list)
		for _, c := range list {
			c.kill()
		}
		synctest.Wait()
		if all, timed := r.bus.Waiting(); all != 0 || timed != 0 {
			t.Errorf("%d clients wait, %d with a timeout, after all have gone", all, timed)
		}
		stop()
	})
}

func TestWaitServedInOrder(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		for i := range 4 {
			c[i].send("TAKE a b 0")
			synctest.Wait()
		}
		if all, timed := r.bus.Waiting(); all != 4 || timed != 0 {
			t.Errorf("%d wait, %d with a timeout", all, timed)
		}
		c[4].send("GIVE b 1", "TAKE b 1")
		synctest.Wait()
		c[0].expect(took("b", 1, 1))
		c[4].expect(":1")
		<-time.After(2 * time.Millisecond)
		synctest.Wait()
		c[4].expect("*-1")
		c[5].send("GIVE a 5", "TAKE a 0")
		synctest.Wait()
		c[1].expect(took("a", 2, 2))
		c[2].expect(took("a", 3, 3))
		c[3].expect(took("a", 4, 4))
		c[5].expect(":5", took("a", 5, -6))
		// Each is a group of its own.
		if got := fmt.Sprintf("%q", r.log.take()); got != `["SET b 1" "DEL b" "SET a 5 KEEPTTL" "SET a 4 KEEPTTL" "SET a 3 KEEPTTL" "SET a 2 KEEPTTL" "SET a 1 KEEPTTL"]` &&
			got != `["SET b 1" "DEL b" "SET a 5" "SET a 4 KEEPTTL" "SET a 3 KEEPTTL" "SET a 2 KEEPTTL" "SET a 1 KEEPTTL"]` {
			t.Errorf("the log: %s", got)
		}
	})
}

// Each reply waits for what its own command has logged, whoever ran it.
func TestWaitGates(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		c[0].send("TAKE a 0")
		synctest.Wait()
		c[1].send("GIVE a 2", "TAKE a 0")
		synctest.Wait()
		if got := fmt.Sprint(c[0].gates, c[1].gates, len(r.log.take())); got != "[2] [1 3] 3" {
			t.Errorf("gates %s", got)
		}
	})
}

// What a served command makes ready is served, too, as long as there is something.
func TestWaitChains(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		c[0].send("PASS a b 0")
		synctest.Wait()
		c[1].send("PASS b c 0")
		synctest.Wait()
		c[2].send("PASS c a 0")
		synctest.Wait()
		c[3].send("TAKE a 0")
		synctest.Wait()
		c[4].send("GIVE a 1", "TAKE b c a 1")
		synctest.Wait()
		c[0].expect(":1")
		c[1].expect(":2")
		c[2].expect(":3")
		c[3].expect(took("a", 4, 1))
		c[4].expect(":1")
	})
}

// A value of another type lets waiters wait, errors of the destination are theirs.
func TestWaitOtherTypes(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		if err := r.bus.Register(bus.Spec{Name: "text", Arity: 2, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyOW)}, Run: func(c *bus.Ctx) error {
			c.Ready(c.Args[1])
			c.Reply.OK()
			return c.Tx.SetText(c.Args[1], []byte("text"), keyspace.NoTTL)
		}}, bus.Spec{Name: "del", Arity: 2, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyOW)}, Run: func(c *bus.Ctx) error {
			c.Tx.Delete(c.Args[1])
			c.Ready(c.Args[1])
			c.Reply.OK()
			return nil
		}}); err != nil {
			t.Fatal(err)
		}
		c[0].send("TAKE a 0")
		synctest.Wait()
		c[1].send("TEXT a", "TAKE a 0", "DEL a", "TEXT b")
		synctest.Wait()
		c[1].expect("+OK", "-WRONGTYPE Operation against a key holding the wrong kind of value", "+OK", "+OK")
		c[2].send("PASS c b 0")
		c[3].send("SEE c 2 0")
		synctest.Wait()
		c[4].send("GIVE c 1", "GIVE c 1", "GIVE a 1")
		synctest.Wait()
		c[0].expect(took("a", 1, 1))
		c[2].expect("-WRONGTYPE Operation against a key holding the wrong kind of value")
		c[3].expect(":2")
		c[4].expect(":1", ":2", ":1")
		c[5].send("GONE c 0")
		c[6].send("GONE c 0")
		synctest.Wait()
		c[5].expect()
		c[4].send("DEL c", "GONE c 0")
		synctest.Wait()
		c[5].expect("-UNBLOCKED the stream key no longer exists")
		c[6].expect("-UNBLOCKED the stream key no longer exists")
		c[4].expect("+OK", "-UNBLOCKED the stream key no longer exists")
	})
}

// A waiter ends by its timeout, by CLIENT UNBLOCK, by going away.
func TestWaitEnds(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		begin := time.Now()
		unblock := func(id int64, failed bool) (ended bool) {
			told := 0
			r.bus.Unblock(id, failed, func(v bool) { ended = v; told++ })
			if told != 1 {
				t.Errorf("told %d times", told)
			}
			return ended
		}
		c[0].send("TAKE a 100", "GIVE x 1")
		c[1].send("TAKE a b 0")
		c[2].send("SEE a 1 0")
		c[3].send("TAKE a 0")
		c[4].send("PASS a b 5000")
		synctest.Wait()
		if all, timed := r.bus.Waiting(); all != 5 || timed != 2 {
			t.Errorf("%d wait, %d with a timeout", all, timed)
		}
		c[3].kill()
		if !unblock(2, false) || !unblock(3, true) || unblock(3, true) || unblock(99, false) {
			t.Error("unblocked the wrong ones")
		}
		if !unblock(5, true) {
			t.Error("not unblocked")
		}
		synctest.Wait()
		c[1].expect("*-1")
		c[2].expect("-UNBLOCKED client unblocked via CLIENT UNBLOCK")
		c[4].expect("-UNBLOCKED client unblocked via CLIENT UNBLOCK")
		c[0].expect()
		<-time.After(100 * time.Millisecond)
		synctest.Wait()
		c[0].expect("*-1", ":1")
		if d := time.Since(begin); d != 100*time.Millisecond {
			t.Errorf("took %v", d)
		}
		c[5].send("GIVE a 1")
		synctest.Wait()
		c[3].expect()
		c[5].expect(":1")
		if _, byCode := r.bus.Errors(); byCode["UNBLOCKED"] != 2 {
			t.Errorf("errors: %v", byCode)
		}
		calls := map[string]uint64{}
		for _, k := range r.bus.Counts() {
			calls[k.Spec.Name] = k.Calls.Load()
		}
		if calls["take"] != 2 || calls["see"] != 1 || calls["pass"] != 1 || calls["give"] != 2 {
			t.Errorf("calls: %v", calls)
		}
	})
}

// phase lets client 1 wait for a token, client 3 give it and run more, and an exclusive phase begin when the
// locks of that are released. end ends the phase.
func phase(t *testing.T, r *rig, c []*client, more ...string) (end func()) {
	begun, ended := make(chan struct{}), make(chan struct{})
	if err := r.bus.Register(
		bus.Spec{Name: "hold", Arity: 1, Lock: bus.LockExclusive, Run: func(c *bus.Ctx) error {
			close(begun)
			<-ended
			c.Reply.OK()
			return nil
		}},
		bus.Spec{Name: "late", Arity: 2, Flags: bus.Write, Keys: []bus.KeySpec{bus.OneKey(1, bus.KeyRW)}, Run: func(c *bus.Ctx) error {
			c.AfterUnlock(func() { <-begun })
			err := c.Tx.SetInt(c.Args[1], 1, keyspace.NoTTL)
			c.Ready(c.Args[1])
			c.Reply.OK()
			return err
		}},
	); err != nil {
		t.Fatal(err)
	}
	c[0].send("TAKE a 0")
	synctest.Wait()
	c[2].send(append([]string{"LATE a"}, more...)...) // the first loop
	synctest.Wait()
	c[1].send("HOLD") // the second
	synctest.Wait()
	c[0].expect()
	c[2].expect()
	return func() { close(ended); synctest.Wait() }
}

// While an exclusive phase runs nobody is served; the connection that made the key ready gets its
// reply when they are, and runs nothing before.
func TestWaitExclusivePhase(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		phase(t, r, c, "TAKE a 0")()
		c[0].expect(took("a", 1, 1))
		c[1].expect("+OK")
		c[2].expect("+OK")
		c[3].send("GIVE a 1")
		synctest.Wait()
		c[2].expect(took("a", 2, 2))
	})
}

// The connection that has to wait for the serving may go away: the others are served all the same.
func TestWaitExclusivePhaseClosed(t *testing.T) {
	scene(t, func(r *rig, c []*client) {
		end := phase(t, r, c)
		c[2].kill()
		synctest.Wait()
		end()
		c[0].expect(took("a", 1, 1))
		c[2].expect()
	})
}
