package server

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/bus"
)

// room holds the clients that called JOIN.
type room struct {
	mu      sync.Mutex
	members map[bus.Outlet][]*bus.Client
	joined  int
	left    int
	gone    map[*bus.Client]bool // those who want no more
}

// startRoom runs a server whose clients join a room; SAY pushes its argument to all of them, and then
// replies with +said.
func startRoom(t *testing.T, d Driver, change ...func(o *Options)) (*rig, *room) {
	m := &room{members: map[bus.Outlet][]*bus.Client{}, gone: map[*bus.Client]bool{}}
	r := start(t, d, append(change, func(o *Options) {
		if err := o.Bus.Register(
			bus.Spec{Name: "join", Arity: 1, Run: m.join},
			bus.Spec{Name: "three", Subscriber: true, Arity: 1, Run: func(c *bus.Ctx) error {
				c.Client.Proto = 3
				c.Reply.SetProto(3)
				c.Reply.OK()
				return nil
			}},
			bus.Spec{Name: "say", Subscriber: true, Arity: 2, Run: func(c *bus.Ctx) error {
				c.Published()
				m.say(string(c.Args[1]))
				c.Reply.Status("said")
				return nil
			}},
			bus.Spec{Name: "leave", Subscriber: true, Arity: 1, Run: func(c *bus.Ctx) error {
				m.mu.Lock()
				defer m.mu.Unlock()
				m.gone[c.Client] = true
				c.Reply.Status("left")
				return nil
			}},
		); err != nil {
			t.Fatal(err)
		}
	})...)
	return r, m
}

func (m *room) join(c *bus.Ctx) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.joined++
	cl := c.Client
	cl.Class = bus.ClassPubSub
	m.members[cl.Out] = append(m.members[cl.Out], cl)
	cl.OnClose(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.left++
	})
	c.Reply.OK()
	return nil
}

func (m *room) say(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg := bus.NewPush(fmt.Appendf(nil, "*1\r\n$%d\r\n%s\r\n", len(text), text)).For(m, 0)
	for out, list := range m.members {
		out.Push(list, msg)
	}
}

// Wants is false for those who said LEAVE.
func (m *room) Wants(c *bus.Client, _ uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.gone[c]
}

func (m *room) count() (joined, left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined, m.left
}

// TestPush says much to many from several goroutines: everybody gets all, in each speaker's order.
func TestPush(t *testing.T) {
	const members, speakers, each = 40, 3, 200
	eachDriver(t, func(t *testing.T, d Driver) {
		r, m := startRoom(t, d)
		list := make([]*client, members)
		for i := range list {
			list[i] = r.dial()
			if i%2 == 1 {
				list[i].do("THREE")
			}
			list[i].do("JOIN")
		}
		for s := range speakers {
			go func() {
				for k := range each {
					m.say(fmt.Sprintf("%d %03d", s, k))
				}
			}()
		}
		var wg sync.WaitGroup
		for i, c := range list {
			wg.Go(func() {
				mark := "*"
				if i%2 == 1 {
					mark = ">"
				}
				var next [speakers]int
				for range speakers * each {
					line := make([]byte, len("*1\r\n$5\r\n0 000\r\n"))
					if _, err := readFull(c, line); err != nil {
						t.Errorf("client %d: %v", i, err)
						return
					}
					var s, k int
					if n, err := fmt.Sscanf(string(line), mark+"1\r\n$5\r\n%d %03d\r\n", &s, &k); n != 2 || err != nil {
						t.Errorf("client %d got %q", i, line)
						return
					}
					if k != next[s] {
						t.Errorf("client %d got message %d of speaker %d, want %d", i, k, s, next[s])
						return
					}
					next[s]++
				}
			})
		}
		wg.Wait()
	})
}

func readFull(c *client, b []byte) (n int, err error) {
	for n < len(b) {
		k, err := c.r.Read(b[n:])
		if n += k; err != nil {
			return n, err
		}
	}
	return n, nil
}

// TestPushAndReplies has one client speak to itself in pipelines: replies stay whole and in
// order, and so do the pushes between them.
func TestPushAndReplies(t *testing.T) {
	const n = 3000
	eachDriver(t, func(t *testing.T, d Driver) {
		r, _ := startRoom(t, d)
		c := r.dial()
		c.do("JOIN")
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "SAY m%04d\r\nECHO e%04d\r\n", i, i)
		}
		go c.send(b.String())
		pushes, replies := 0, 0
		for pushes < n || replies < 2*n {
			line, err := c.r.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			want := "+said\r\n"
			switch {
			case line == "*1\r\n":
				want = fmt.Sprintf("$5\r\nm%04d\r\n", pushes)
				pushes++
				got := make([]byte, len(want))
				if _, err := readFull(c, got); err != nil {
					t.Fatal(err)
				}
				line = string(got)
			case replies%2 == 1:
				want = bulk(fmt.Sprintf("e%04d", replies/2))
				got := make([]byte, len(want)-len(line))
				if _, err := readFull(c, got); err != nil {
					t.Fatal(err)
				}
				line += string(got)
				replies++
			default:
				replies++
			}
			if line != want {
				t.Fatalf("got %q, want %q", line, want)
			}
			if pushes > (replies+1)/2 {
				t.Fatalf("push %d came before the reply of the command that made it", pushes)
			}
		}
	})
}

// TestPushBeforeReply: what was pushed before a client sends a command comes before the command's reply.
func TestPushBeforeReply(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, _ := startRoom(t, d)
		list := []*client{r.dial(), r.dial(), r.dial()} // on several loops
		for _, c := range list {
			c.do("JOIN")
		}
		for i := range 300 {
			text := fmt.Sprintf("%03d", i)
			speaker := list[i%len(list)]
			speaker.send("SAY " + text + "\r\n")
			speaker.want("+said\r\n")
			for _, c := range list {
				c.send("ECHO x\r\n")
				c.want("*1\r\n" + bulk(text) + bulk("x"))
			}
		}
	})
}

// TestPushUnwanted has a client leave while messages for it are on their way: none
// comes after the reply.
func TestPushUnwanted(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, m := startRoom(t, d)
		c := r.dial()
		c.do("JOIN")
		c.send("SAY a\r\nLEAVE\r\nPING\r\n")
		c.want("+said\r\n")
		c.want("+left\r\n+PONG\r\n")
		m.say("b")
		if v := c.do("PING"); v.String() != "PONG" {
			t.Errorf("got %v", v)
		}
	})
}

// TestPushToTheDead speaks on to clients that go; OnClose is called for each once.
func TestPushToTheDead(t *testing.T) {
	const n = 50
	eachDriver(t, func(t *testing.T, d Driver) {
		r, m := startRoom(t, d)
		for range n {
			c := r.dial()
			c.do("JOIN")
			m.say("hello")
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all have left", func() bool {
			m.say("anybody?")
			_, left := m.count()
			return left == n
		})
		m.say("nobody")
		if joined, left := m.count(); joined != n || left != n {
			t.Errorf("%d joined and %d left", joined, left)
		}
	})
}

// TestPushSlowReader cuts the one that does not read, and only that.
func TestPushSlowReader(t *testing.T) {
	const limit = 1 << 20
	text := strings.Repeat("x", 8<<10)
	line := fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", len(text), text)
	eachDriver(t, func(t *testing.T, d Driver) {
		r, m := startRoom(t, d, func(o *Options) { o.Settings.Output[ClassPubSub].Hard = limit })
		slow, quick := r.dial(), r.dial()
		slow.do("JOIN")
		quick.do("JOIN")
		said := 0
		for eventuallyLeft := false; !eventuallyLeft; {
			m.say(text)
			said++
			quick.want(line)
			_, left := m.count()
			eventuallyLeft = left > 0
			if said > 100_000 {
				t.Fatal("the slow reader was never closed")
			}
		}
		if n := r.s.Stats().OutputLimited; n != 1 {
			t.Errorf("%d clients were cut for their output", n)
		}
		m.say("still here")
		quick.want("*1\r\n$10\r\nstill here\r\n")
		got := slow.rest()
		if whole := bytes.Count([]byte(got), []byte(line)); whole >= said { // none, if it was cut before its writer had a turn
			t.Errorf("the slow reader got %d of %d messages", whole, said)
		}
	})
}
