package server

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/waittest"
)

// startTokens runs a server with the commands of waittest, on several loops.
func startTokens(t *testing.T, d Driver) (*rig, *bus.Bus) {
	var b *bus.Bus
	tokens := &waittest.Tokens{}
	r := start(t, d, func(o *Options) {
		o.Loops, b = 3, o.Bus
		if err := b.Register(tokens.Commands()...); err != nil {
			t.Fatal(err)
		}
	})
	return r, b
}

// blocked waits until n commands wait.
func blocked(t *testing.T, b *bus.Bus, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d commands wait", n), func() bool {
		all, _ := b.Waiting()
		return all == n
	})
}

// TestBlockedServed: clients of all loops are served in the order in which they came, before the next command of
// the one who serves them, and go on with what they sent meanwhile.
func TestBlockedServed(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, b := startTokens(t, d)
		var list []*client
		for i := range 9 {
			c := r.dial()
			c.send("ECHO before\r\nTAKE k other 0\r\nECHO behind\r\n")
			c.want(bulk("before"))
			blocked(t, b, i+1)
			list = append(list, c)
		}
		giver := r.dial()
		giver.send("GIVE k 5\r\nTAKE k 1\r\nGIVE k 5\r\nTAKE k 0\r\n")
		giver.want(":5\r\n*-1\r\n:5\r\n*3\r\n$1\r\nk\r\n:10\r\n:-11\r\n")
		for i, c := range list {
			c.want(fmt.Sprintf("*3\r\n$1\r\nk\r\n:%d\r\n:%d\r\n", i+1, i+1) + bulk("behind"))
		}
		blocked(t, b, 0)
	})
}

// TestBlockedChain: serving one makes a key of another ready.
func TestBlockedChain(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, b := startTokens(t, d)
		const n = 20
		var list []*client
		for i := range n {
			c := r.dial()
			c.send(fmt.Sprintf("PASS k%d k%d 0\r\n", i, i+1))
			list = append(list, c)
		}
		blocked(t, b, n)
		giver := r.dial()
		giver.send(fmt.Sprintf("GIVE k0 1\r\nTAKE k%d 0\r\n", n))
		giver.want(fmt.Sprintf(":1\r\n*3\r\n$3\r\nk%d\r\n:%d\r\n:-1\r\n", n, n+1))
		for i, c := range list {
			c.want(fmt.Sprintf(":%d\r\n", i+1))
		}
	})
}

// TestBlockedEnds: by time, by going away in every way, by CLIENT KILL; nobody who has gone gets anything.
func TestBlockedEnds(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, b := startTokens(t, d)
		c := r.dial()
		c.send("TAKE k 1\r\nTAKE k l 20\r\nPING\r\n")
		c.want("*-1\r\n*-1\r\n+PONG\r\n")
		gone := []func(c *client){
			func(c *client) { _ = c.Close() },
			func(c *client) { _ = c.Conn.(*net.TCPConn).CloseWrite(); c.closed() },
			func(c *client) { _ = c.Conn.(*net.TCPConn).SetLinger(0); _ = c.Close() },
			func(c *client) {
				if v := r.dial().do("KILL", "victim"); v.Int != 1 {
					t.Errorf("killed %d", v.Int)
				}
				c.closed()
			},
		}
		for i, end := range gone {
			c, key := r.dial(), fmt.Sprintf("key%d", i)
			c.do("NAME", "victim")
			c.send("TAKE " + key + " 0\r\nGIVE " + key + " 100\r\n")
			blocked(t, b, 1)
			end(c)
			blocked(t, b, 0)
			if v := r.dial().do("GIVE", key, "1"); v.Int != 1 {
				t.Errorf("end %d: %d tokens", i, v.Int)
			}
		}
		told := make(chan bool, 1)
		c.send("TAKE z 0\r\nPING\r\n")
		blocked(t, b, 1)
		id := int64(0)
		visited := make(chan struct{})
		r.s.Each(func(cl *bus.Client, _ bus.ConnState) bool {
			if cl.Blocked {
				id = cl.ID
			}
			return false
		}, func() { close(visited) })
		<-visited
		b.Unblock(id, true, func(ok bool) { told <- ok })
		if !<-told {
			t.Error("not unblocked")
		}
		c.want("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n+PONG\r\n")
	})
}

// TestBlockedShutdown: the server does not wait for those who wait.
func TestBlockedShutdown(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r, b := startTokens(t, d)
		r.s.opts.ShutdownGrace = time.Hour
		var list []*client
		for i := range 10 {
			c := r.dial()
			c.send(fmt.Sprintf("PING\r\nTAKE k %d\r\n", i%2*1_000_000))
			c.want("+PONG\r\n")
			list = append(list, c)
		}
		blocked(t, b, 10)
		r.stop()
		for _, c := range list {
			c.closed()
		}
		<-r.end
		blocked(t, b, 0)
	})
}

// TestB1Sockets lets many clients of all loops take, give, time out, be cut and meet exclusive phases; no token gets lost.
func TestB1Sockets(t *testing.T) {
	const takers, givers, each, keys = 60, 6, 200, 5
	eachDriver(t, func(t *testing.T, d Driver) {
		r, b := startTokens(t, d)
		var wg sync.WaitGroup
		stop := make(chan struct{})
		// Takers take until all has been given and taken.
		var mu sync.Mutex
		serials := map[int64]bool{}
		for i := range takers {
			c := r.dial()
			wg.Go(func() {
				rng := rand.New(rand.NewPCG(9, uint64(i)))
				for {
					v := c.do("TAKE", fmt.Sprintf("k%d", rng.IntN(keys)), fmt.Sprintf("k%d", rng.IntN(keys)), fmt.Sprint(1+rng.IntN(20)))
					if len(v.Elems) == 3 {
						mu.Lock()
						if serials[v.Elems[1].Int] {
							t.Errorf("token %d twice", v.Elems[1].Int)
						}
						serials[v.Elems[1].Int] = true
						mu.Unlock()
						continue
					}
					select {
					case <-stop:
						return
					default:
					}
				}
			})
		}
		var giving sync.WaitGroup
		for i := range givers {
			c := r.dial()
			giving.Go(func() {
				rng := rand.New(rand.NewPCG(5, uint64(i)))
				for n := range each {
					c.do("GIVE", fmt.Sprintf("k%d", rng.IntN(keys)), "1")
					switch {
					case n%20 == 0:
						c.do("PHASE")
					case n%33 == 0: // one that goes away while it waits for what nobody gives
						gone := r.dial()
						gone.send("TAKE nothing k0x 0\r\n")
						_ = gone.Close()
					}
				}
			})
		}
		giving.Wait()
		eventually(t, "all tokens are taken", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(serials) == givers*each
		})
		close(stop)
		wg.Wait()
		blocked(t, b, 0)
	})
}
