package server

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// TestPieces sends the same pipeline cut at every place, and byte by byte.
func TestPieces(t *testing.T) {
	send := string(resp.AppendCommand(nil, "ECHO", "hello")) + "PING\r\n" +
		string(resp.AppendCommand(nil, "ECHO", "")) + "\r\n*0\r\n" + string(resp.AppendCommand(nil, "PING"))
	want := bulk("hello") + "+PONG\r\n" + bulk("") + "+PONG\r\n"
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		c := r.dial()
		for cut := range send {
			c.send(send[:cut])
			if cut > 0 && cut%3 == 0 {
				// Let the server see the first piece alone.
				eventually(t, "the piece is read", func() bool { return r.s.Stats().NetIn > 0 })
			}
			c.send(send[cut:])
			c.want(want)
		}
		for i := range send {
			c.send(send[i : i+1])
		}
		c.want(want)
	})
}

// TestLongPipeline has more commands, and more replies, than any buffer.
func TestLongPipeline(t *testing.T) {
	const n = 200_000
	eachDriver(t, func(t *testing.T, d Driver) {
		c := start(t, d).dial()
		go func() {
			var b []byte
			for i := range n {
				b = resp.AppendCommand(b[:0], "ECHO", fmt.Sprintf("value-%d-%s", i, strings.Repeat("x", i%100)))
				if _, err := c.Write(b); err != nil {
					return
				}
			}
		}()
		for i := range n {
			c.want(bulk(fmt.Sprintf("value-%d-%s", i, strings.Repeat("x", i%100))))
		}
	})
}

// TestPipelineBeforeReading sends much before it reads anything: replies wait, in order.
func TestPipelineBeforeReading(t *testing.T) {
	const n, size = 200, 100_000
	eachDriver(t, func(t *testing.T, d Driver) {
		c := start(t, d).dial()
		var b []byte
		for i := range n {
			b = resp.AppendCommand(b, "BIG", fmt.Sprint(size+i))
		}
		c.send(string(b))
		for i := range n {
			c.want(bulk(strings.Repeat("b", size+i)))
		}
		if v := c.do("PING"); v.String() != "PONG" {
			t.Errorf("then PING: %v", v)
		}
	})
}

// TestBigArguments sends arguments that do not fit in any buffer, alone, several in a command,
// and with pipelined commands around them.
func TestBigArguments(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		c := start(t, d).dial()
		big := strings.Repeat("a", 64<<20)
		c.send("PING\r\n" + string(resp.AppendCommand(nil, "LEN", big)) + "PING\r\n")
		c.want(fmt.Sprintf("+PONG\r\n:%d\r\n+PONG\r\n", len(big)))
		for _, n := range []int{4095, 4096, 16384, 32765, 65533, 65536, 262144, 262145, 1 << 20} {
			c.send(string(resp.AppendCommand(nil, "ECHO", big[:n])) + "PING\r\n")
			c.want(bulk(big[:n]) + "+PONG\r\n")
		}
		args := []string{"PING"}
		for range 500 {
			args = append(args, big[:40_000])
		}
		c.send(string(resp.AppendCommand(nil, args...)))
		c.want("+PONG\r\n")
		c.do("SET", "k", big[:5<<20])
		c.send("GET k\r\nGET k\r\n")
		c.want(bulk(big[:5<<20]) + bulk(big[:5<<20]))
	})
}

// TestReplies is CLIENT REPLY.
func TestReplies(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		c := start(t, d).dial()
		c.send("REPLY skip\r\nECHO 1\r\nECHO 2\r\n")
		c.want(bulk("2"))
		c.send("REPLY skip\r\nREPLY skip\r\nECHO 1\r\nECHO 2\r\n")
		c.want(bulk("2"))
		c.send("REPLY off\r\nECHO 1\r\nBIG 100000\r\nNOSUCH\r\nREPLY skip\r\nECHO 2\r\nNOW 3\r\nREPLY on\r\nECHO 4\r\n")
		c.want("+OK\r\n" + bulk("4"))
		c.send("REPLY skip\r\nNOW 1\r\nNOW 2\r\n")
		c.want(bulk("2"))
		c.send("REPLY off\r\n*1\r\nPING\r\n")
		c.closed()
	})
}

// TestProtocolErrors answers, closes, and leaves what came before intact.
func TestProtocolErrors(t *testing.T) {
	cases := []struct{ name, send, want string }{
		{"not a bulk", "PING\r\n*1\r\nPING\r\nPING\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got 'P'\r\n"},
		{"2 GB", "*2\r\n$4\r\nECHO\r\n$2147483648\r\n", "-ERR Protocol error: invalid bulk length\r\n"},
		{"quotes", "ECHO \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"},
		{"POST", "PING\r\npost / HTTP/1.1\r\nPING\r\n", ""},
		{"Host", "hOST: localhost\r\n", ""},
		{"QUIT", "PING\r\nQUIT\r\nPING\r\nPING\r\n", "+PONG\r\n+OK\r\n"},
	}
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		for _, tc := range cases {
			c := r.dial()
			c.send(tc.send)
			if got := c.rest(); got != tc.want {
				t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
			}
		}
		if !r.log.has("SECURITY ATTACK") || !r.log.has("protocol error") {
			t.Error("the log does not mention them")
		}
	})
}

// TestUnauthenticated has the limits of a client that must authenticate first.
func TestUnauthenticated(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.Settings.AuthRequired = true })
		c := r.dial()
		c.send("*2\r\n$4\r\nECHO\r\n$16385\r\n")
		if got := c.rest(); got != "-ERR Protocol error: unauthenticated bulk length\r\n" {
			t.Errorf("got %q", got)
		}
		c = r.dial()
		c.send("AUTH\r\n" + string(resp.AppendCommand(nil, "LEN", strings.Repeat("x", 20000))))
		c.want("+OK\r\n:20000\r\n")
	})
}

// TestHalfClosed: a client that has shut down its side gets every reply.
func TestHalfClosed(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		for _, tc := range []struct {
			name, send, want string
			wakes            int
		}{
			{"nothing", "", "", 0},
			{"commands", strings.Repeat("PING\r\n", 1000), strings.Repeat("+PONG\r\n", 1000), 0},
			{"a partial command", "PING\r\n*2\r\n$4\r\nEC", "+PONG\r\n", 0},
			{"much output", strings.Repeat("BIG 100000\r\n", 300), strings.Repeat(bulk(strings.Repeat("b", 100000)), 300), 0},
			{"a waiting command", "PING\r\nWAIT a\r\nECHO b\r\n", "+PONG\r\n" + bulk("a!") + bulk("b"), 1},
		} {
			c := r.dial()
			c.send(tc.send)
			if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if tc.wakes > 0 {
				for _, wake := range r.waiting(tc.wakes) {
					wake("!")
				}
			}
			if got := c.rest(); got != tc.want {
				t.Errorf("%s: got %d bytes %.100q, want %d", tc.name, len(got), got, len(tc.want))
			}
		}
	})
}

// TestParked: a waiting command holds only its own connection, whose order is kept.
func TestParked(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		c, other := r.dial(), r.dial()
		c.send("ECHO 1\r\nWAIT 2\r\nECHO 3\r\n" + string(resp.AppendCommand(nil, "WAIT", "4")) + "ECHO 5\r\n")
		c.want(bulk("1"))
		wake := r.waiting(1)[0]
		if v := other.do("PING"); v.String() != "PONG" {
			t.Errorf("beside a parked connection: %v", v)
		}
		// What comes meanwhile waits as well.
		c.send("ECHO 6\r\n")
		if n := r.s.Stats().Parked; n != 1 {
			t.Errorf("%d parked connections, want 1", n)
		}
		go wake("x")
		c.want(bulk("2x") + bulk("3"))
		r.waiting(1)[0]("y")
		c.want(bulk("4y") + bulk("5") + bulk("6"))
		c.send("NOW a\r\nNOW b\r\nPING\r\n")
		c.want(bulk("a") + bulk("b") + "+PONG\r\n")
		c.send(strings.Repeat("NOW z\r\n", 3000))
		c.want(strings.Repeat(bulk("z"), 3000))
	})
}

// TestGoneWhileParked: a client that goes away while its command waits is forgotten, and the
// wake-up that comes later does no harm.
func TestGoneWhileParked(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		for _, extra := range []string{"", "PING\r\n"} {
			c := r.dial()
			c.send("BLOCK a\r\n")
			wake := r.waiting(1)[0]
			c.send(extra)
			_ = c.Close()
			eventually(t, "the connection is gone", func() bool { return r.s.Stats().Connected == 0 })
			wake("late")
			// A reset ends the wait of any command.
			c = r.dial()
			c.send("WAIT a\r\n")
			wake = r.waiting(1)[0]
			_ = c.Conn.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
			eventually(t, "the reset connection is gone", func() bool { return r.s.Stats().Connected == 0 })
			wake("late")
		}
		if v := r.dial().do("PING"); v.String() != "PONG" {
			t.Error(v)
		}
	})
}

// TestKill closes connections of other loops, idle and parked ones, and those that do not read.
func TestKill(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		killer := r.dial()
		var victims []*client
		for i := range 8 {
			v := r.dial()
			v.do("NAME", "victim")
			switch i % 4 {
			case 1:
				v.send("WAIT x\r\n")
			case 2:
				v.send("BLOCK x\r\n")
			case 3:
				v.send(strings.Repeat("BIG 1000000\r\n", 100))
			}
			victims = append(victims, v)
		}
		wakes := r.waiting(4)
		if v := killer.do("KILL", "victim"); v.Int != 8 {
			t.Errorf("killed %v, want 8", v)
		}
		for i, v := range victims {
			if got := v.rest(); i%4 != 3 && got != "" {
				t.Errorf("victim %d: got %.100q", i, got)
			}
		}
		for _, w := range wakes {
			w("late")
		}
		if v := killer.do("KILL", "victim"); v.Int != 0 {
			t.Errorf("killed %v more", v)
		}
		eventually(t, "only the killer is left", func() bool { return r.s.Stats().Connected == 1 })
	})
}

// TestEach visits everybody once, also when the server is idle, and calls done after the end.
func TestEach(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		const n = 20
		for range n {
			r.dial().do("PING")
		}
		seen := map[int64]bool{}
		var last bus.ConnState
		done := make(chan struct{})
		r.s.Each(func(c *bus.Client, st bus.ConnState) bool {
			if seen[c.ID] {
				t.Errorf("client %d twice", c.ID)
			}
			seen[c.ID], last = true, st
			return false
		}, func() { close(done) })
		<-done
		if len(seen) != n || last.TotalMem == 0 || last.Events != "r" {
			t.Errorf("visited %d of %d, the last one %+v", len(seen), n, last)
		}
		for id := range int64(n) {
			if !seen[id+1] {
				t.Errorf("client %d was not visited", id+1)
			}
		}
		r.stop()
		<-r.end
		over := make(chan struct{})
		r.s.Each(func(*bus.Client, bus.ConnState) bool { return false }, func() { close(over) })
		<-over
	})
}

// TestSlowReader is cut at its limit, hard or soft, and its memory is released.
func TestSlowReader(t *testing.T) {
	limits := []struct {
		name string
		lim  OutputLimit
	}{
		{"hard", OutputLimit{Hard: 20 << 20}},
		{"soft", OutputLimit{Soft: 1 << 20, SoftFor: 100 * time.Millisecond}},
	}
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			// Goroutines wait for a slow reader: with them output never piles up.
			r := start(t, drivers()[0], func(o *Options) { o.Settings.Output[ClassNormal] = l.lim })
			c := r.dial()
			go func() {
				for range 2000 {
					if _, err := io.WriteString(c, "BIG 100000\r\n"); err != nil {
						return
					}
				}
			}()
			eventually(t, "it is cut", func() bool { return r.s.Stats().OutputLimited == 1 })
			eventually(t, "it is gone", func() bool { return r.s.Stats().Connected == 0 })
			if !r.log.has("output buffer is over the limit") {
				t.Error("the log does not mention it")
			}
		})
	}
	// One reply above the hard limit is enough, however fast the reader.
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.Settings.Output[ClassNormal].Hard = 1 << 20 })
		c := r.dial()
		c.send("BIG 1000000\r\n")
		c.want(bulk(strings.Repeat("b", 1000000)))
		c.send("BIG 1100000\r\n")
		c.closed()
	})
}

// TestQueryBuffer closes who sends a command that is too long.
func TestQueryBuffer(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.Settings.QueryBuffer = 1 << 20 })
		c := r.dial()
		_, _ = c.Write(resp.AppendCommand(nil, "ECHO", strings.Repeat("x", 2<<20)))
		c.closed()
		if n := r.s.Stats().QueryLimited; n != 1 {
			t.Errorf("counted %d times", n)
		}
		c = r.dial()
		if v := c.do("LEN", strings.Repeat("x", 1<<19)); v.Int != 1<<19 {
			t.Error(v)
		}
	})
}

// TestTimeout closes idle clients, not waiting ones, on a clock of the test's.
func TestTimeout(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		var mu sync.Mutex
		now := int64(1_000_000)
		r := start(t, d, func(o *Options) {
			o.Settings.Timeout = 10 * time.Second
			o.Now = func() int64 {
				mu.Lock()
				defer mu.Unlock()
				return now
			}
		})
		idle, busy, waits := r.dial(), r.dial(), r.dial()
		idle.do("PING")
		busy.do("PING")
		waits.send("BLOCK x\r\n")
		wake := r.waiting(1)[0]
		for range 3 {
			mu.Lock()
			now += 6_000
			mu.Unlock()
			busy.do("PING")
		}
		idle.closed()
		wake("!")
		waits.want(bulk("x!"))
		busy.do("PING")
		if n := r.s.Stats().Idle; n != 1 {
			t.Errorf("closed %d idle clients", n)
		}
	})
}
