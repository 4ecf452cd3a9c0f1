package bus_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The size of the model tests.
const (
	modelClients = 10_000
	modelKeys    = 1_000
)

// answers collects the replies of all clients.
type answers struct {
	mu   sync.Mutex
	list map[int]string // by client
	many int            // clients that answered twice
}

func (a *answers) of(c *client) {
	id := int(c.client.ID)
	c.ended = func(reply string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if _, ok := a.list[id]; ok {
			a.many++
		}
		a.list[id] = reply
	}
}

func (a *answers) take() map[int]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = map[int]string{}
	return list
}

// model is what clients that wait are to get, one event after the other.
type model struct {
	tokens  map[string]int
	queues  map[string][]*modelWaiter
	waiting map[int]*modelWaiter
	serial  int
	arrival int
	now     time.Duration
	want    map[int]string
}

type modelWaiter struct {
	client  int
	keys    []string
	to      string // PASS
	arrival int
	until   time.Duration // 0: for ever
}

// wait queues a TAKE or PASS, or serves it at once.
func (m *model) wait(w *modelWaiter) {
	if w.to == "" {
		m.arrival++
		w.arrival = m.arrival
	}
	for _, k := range w.keys {
		if m.tokens[k] > 0 {
			m.serve(w, k, -w.arrival)
			return
		}
	}
	m.waiting[w.client] = w
	for i, k := range w.keys {
		if !slices.Contains(w.keys[:i], k) {
			m.queues[k] = append(m.queues[k], w)
		}
	}
}

// serve gives w a token of a key; it returns the key that has become ready, if any.
func (m *model) serve(w *modelWaiter, k string, arrival int) string {
	m.tokens[k]--
	m.serial++
	if w.to != "" {
		m.tokens[w.to]++
		m.want[w.client] = fmt.Sprintf(":%d\r\n", m.serial)
		return w.to
	}
	m.want[w.client] = fmt.Sprintf("*3\r\n$%d\r\n%s\r\n:%d\r\n:%d\r\n", len(k), k, m.serial, arrival)
	return ""
}

// ready serves a key and those that this makes ready.
func (m *model) ready(keys ...string) {
	for ; len(keys) > 0; keys = keys[1:] {
		k := keys[0]
		for m.tokens[k] > 0 && len(m.queues[k]) > 0 {
			w := m.queues[k][0]
			m.forget(w)
			if more := m.serve(w, k, w.arrival); more != "" && !slices.Contains(keys[1:], more) {
				keys = append(keys, more)
			}
		}
	}
}

func (m *model) forget(w *modelWaiter) {
	delete(m.waiting, w.client)
	for _, k := range w.keys {
		m.queues[k] = slices.DeleteFunc(m.queues[k], func(o *modelWaiter) bool { return o == w })
	}
}

// end ends a wait.
func (m *model) end(w *modelWaiter, failed bool) {
	m.forget(w)
	switch {
	case failed:
		m.want[w.client] = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"
	case w.to != "":
		m.want[w.client] = "$-1\r\n"
	default:
		m.want[w.client] = "*-1\r\n"
	}
}

// TestB2ServedInOrder is a model test in virtual time: 10,000 clients wait for 1,000 keys, one event after the
// other makes keys ready, ends waits by time, by CLIENT UNBLOCK or because the client goes, and after each exactly
// those get a reply who must, and the right one.
func TestB2ServedInOrder(t *testing.T) {
	events := 30_000
	if testing.Short() {
		events = 3_000
	}
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		r, stop := newRig(t, 4, false)
		got := &answers{list: map[int]string{}}
		m := &model{tokens: map[string]int{}, queues: map[string][]*modelWaiter{}, waiting: map[int]*modelWaiter{}, want: map[int]string{}}
		clients := map[int]*client{}
		var idle []int
		last := 0
		add := func() {
			last++
			c := r.client(last, r.loops[rng.IntN(len(r.loops))])
			got.of(c)
			clients[last] = c
			idle = append(idle, last)
		}
		for range modelClients + 10 {
			add()
		}
		key := func() string { return fmt.Sprintf("key:%d", rng.IntN(modelKeys)) }
		idler := func() int {
			i := rng.IntN(len(idle))
			id := idle[i]
			idle[i] = idle[len(idle)-1]
			idle = idle[:len(idle)-1]
			return id
		}
		waiter := func() *modelWaiter { // a random one
			for id := rng.IntN(last) + 1; len(m.waiting) > 0; id = id%last + 1 {
				if w := m.waiting[id]; w != nil {
					return w
				}
			}
			return nil
		}
		most, served, timeouts, kills, unblocks := 0, 0, 0, 0, 0
		for n := range events {
			what := rng.IntN(100)
			if n < modelClients || len(m.waiting) < modelClients*9/10 && what < 60 {
				what = 0 // until nearly all wait
			}
			switch {
			case what < 30:
				if len(idle) < 5 {
					break
				}
				w := &modelWaiter{client: idler()}
				timeout := 0
				if rng.IntN(3) == 0 {
					timeout = 1 + rng.IntN(20_000)
					w.until = m.now + time.Duration(timeout)*time.Millisecond
				}
				if rng.IntN(20) == 0 {
					w.keys, w.to = []string{key()}, key()
					clients[w.client].send(fmt.Sprintf("PASS %s %s %d", w.keys[0], w.to, timeout))
				} else {
					line := "TAKE"
					for range 1 + rng.IntN(3) {
						w.keys = append(w.keys, key())
						line += " " + w.keys[len(w.keys)-1]
					}
					clients[w.client].send(fmt.Sprintf("%s %d", line, timeout))
				}
				had := len(m.waiting)
				m.wait(w)
				if len(m.waiting) == had && w.to != "" {
					m.ready(w.to)
				}
			case what < 70:
				id, k, by := idler(), key(), 1+rng.IntN(8)
				clients[id].send(fmt.Sprintf("GIVE %s %d", k, by))
				m.tokens[k] += by
				m.want[id] = fmt.Sprintf(":%d\r\n", m.tokens[k])
				had := len(m.waiting)
				m.ready(k)
				served += had - len(m.waiting)
			case what < 80:
				if w := waiter(); w != nil {
					clients[w.client].kill()
					delete(clients, w.client)
					m.forget(w)
					add()
					kills++
				}
			case what < 90:
				if w := waiter(); w != nil {
					failed := rng.IntN(2) == 0
					r.bus.Unblock(int64(w.client), failed, func(ok bool) {
						if !ok {
							t.Errorf("client %d is not blocked", w.client)
						}
					})
					m.end(w, failed)
					unblocks++
				}
			default:
				d := time.Duration(rng.IntN(200))*time.Millisecond + time.Microsecond
				m.now += d
				for _, id := range slices.Sorted(maps.Keys(m.waiting)) {
					if w := m.waiting[id]; w.until != 0 && w.until <= m.now {
						m.end(w, false)
						timeouts++
					}
				}
				<-time.After(d)
			}
			synctest.Wait()
			replies := got.take()
			if !maps.Equal(replies, m.want) {
				t.Fatalf("event %d: got %v, want %v", n, replies, m.want)
			}
			for id := range replies {
				idle = append(idle, id)
			}
			m.want = map[int]string{}
			most = max(most, len(m.waiting))
			if all, _ := r.bus.Waiting(); all != len(m.waiting) {
				t.Fatalf("event %d: %d wait, want %d", n, all, len(m.waiting))
			}
			if n%1000 == 0 {
				if err := r.bus.CheckWaits(); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("at most %d waited; %d served, %d timeouts, %d kills, %d unblocked", most, served, timeouts, kills, unblocks)
		for _, c := range clients {
			c.kill()
		}
		synctest.Wait()
		if all, timed := r.bus.Waiting(); all != 0 || timed != 0 || got.many != 0 {
			t.Errorf("%d wait at the end, %d with a timeout; %d answered twice", all, timed, got.many)
		}
		stop()
	})
}

// storm is what the clients of TestB1EndsOnce do and get.
type storm struct {
	r *rig

	mu      sync.Mutex
	given   int
	lost    int                 // tokens that went to clients which were killed
	serials map[int]bool        // of tokens
	served  map[string][][2]int // by key: serial and arrival
	ends    map[string]int
	clients []*stormClient
}

// stormClient sends its next command when the last is answered, as long as steps are left.
type stormClient struct {
	*client
	mu    sync.Mutex // guards the rest
	rng   *rand.Rand
	steps int
	sent  int
	owned int // replies
	keys  []string
	dead  bool
}

// next sends the next command.
func (s *storm) next(c *stormClient) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.steps == 0 || c.dead || c.sent > c.owned {
		return
	}
	c.steps--
	c.sent++
	rng := c.rng
	key := func() string { return fmt.Sprintf("key:%d", rng.IntN(modelKeys)) }
	switch rng.IntN(100) {
	case 0:
		c.send("PHASE")
	case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
		n := 1 + rng.IntN(12)
		s.mu.Lock()
		s.given += n
		s.mu.Unlock()
		c.send(fmt.Sprintf("GIVE %s %d", key(), n))
	default:
		timeout := 0
		if rng.IntN(4) == 0 {
			timeout = 1 + rng.IntN(50)
		}
		line := "TAKE"
		for range 1 + rng.IntN(3) {
			c.keys = append(c.keys, key())
			line += " " + c.keys[len(c.keys)-1]
		}
		c.send(fmt.Sprintf("%s %d", line, timeout))
	}
}

// answer handles a reply.
func (s *storm) answer(c *stormClient, reply string) {
	var n, serial, arrival int
	var key string
	s.mu.Lock()
	switch k, _ := fmt.Sscanf(reply, "*3\r\n$%d\r\n%s\r\n:%d\r\n:%d\r\n", &n, &key, &serial, &arrival); {
	case k == 4:
		if s.serials[serial] {
			s.r.t.Errorf("token %d was given twice (B1)", serial)
		}
		s.serials[serial] = true
		s.ends["served"]++
		if arrival < 0 {
			arrival = -arrival
			s.ends["at once"]++
		}
		s.served[key] = append(s.served[key], [2]int{serial, arrival})
	case reply == "*-1\r\n":
		s.ends["timeout"]++
	case reply[0] == '-':
		s.ends["unblocked"]++
	}
	s.mu.Unlock()
	c.mu.Lock()
	c.owned++
	c.keys = nil
	c.mu.Unlock()
	s.next(c)
}

// TestB1EndsOnce lets 10,000 clients on four loops wait for 1,000 keys, give tokens, time out, be unblocked, killed and
// interrupted by exclusive phases, all at once: each command that was not killed gets one reply, no token
// gets lost or goes twice, nobody waits for a key that has some (a lost wake-up), and of those who waited for a key who
// came first was served first.
func TestB1EndsOnce(t *testing.T) {
	steps := 12
	if testing.Short() {
		steps = 3
	}
	synctest.Test(t, func(t *testing.T) {
		r, stop := newRig(t, 4, false)
		s := &storm{r: r, serials: map[int]bool{}, served: map[string][][2]int{}, ends: map[string]int{}}
		for i := range modelClients {
			c := &stormClient{client: r.client(i+1, r.loops[i%len(r.loops)]), rng: rand.New(rand.NewPCG(7, uint64(i)))}
			c.ended = func(reply string) { s.answer(c, reply) }
			s.clients = append(s.clients, c)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		killed := 0
		for round := range steps {
			for _, c := range s.clients {
				c.mu.Lock()
				c.steps++
				c.mu.Unlock()
				s.next(c)
			}
			most := 0
			for range 400 { // while the loops work
				id := rng.IntN(modelClients)
				switch rng.IntN(10) {
				case 0:
					c := s.clients[id]
					c.mu.Lock()
					if !c.dead && c.keys != nil { // it waits, or is about to
						c.dead = true
						killed++
						c.kill()
					}
					c.mu.Unlock()
				default:
					r.bus.Unblock(int64(id+1), rng.IntN(2) == 0, func(bool) {})
				}
				all, _ := r.bus.Waiting()
				most = max(most, all)
			}
			<-time.After(time.Duration(rng.IntN(10)) * time.Millisecond)
			synctest.Wait()
			if err := r.bus.CheckWaits(); err != nil {
				t.Fatal(err)
			}
			s.check(t, round)
		}
		all, _ := r.bus.Waiting()
		t.Logf("%d killed, %d wait at the end; %v", killed, all, s.ends)
		for _, c := range s.clients {
			c.kill()
		}
		synctest.Wait()
		if all, timed := r.bus.Waiting(); all != 0 || timed != 0 {
			t.Errorf("%d wait at the end, %d with a timeout", all, timed)
		}
		stop()
	})
}

// check looks at everything while nothing happens.
func (s *storm) check(t *testing.T, round int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := map[string]int{}
	c := s.r.bus.NewCtx()
	sum := 0
	for i := range modelKeys {
		k := fmt.Sprintf("key:%d", i)
		name := []byte(k)
		if !c.Tx.LockKey(name) {
			t.Fatal("an exclusive phase goes on")
		}
		if it, ok := c.Tx.Look(name); ok {
			n, _ := it.Int()
			left[k] = int(n)
			sum += int(n)
		}
		c.Tx.Unlock()
	}
	waiting := 0
	for _, c := range s.clients {
		c.mu.Lock()
		open := c.sent - c.owned
		switch {
		case c.dead:
			s.lost += open // at most
		case open == 1 && c.keys != nil:
			waiting++
			for _, k := range c.keys {
				if left[k] > 0 {
					t.Errorf("round %d: client %d waits for %s, which has %d (lost wake-up)", round, c.client.client.ID, k, left[k])
				}
			}
		case open != 0:
			t.Errorf("round %d: client %d has %d commands without reply", round, c.client.client.ID, open)
		}
		c.mu.Unlock()
	}
	if all, _ := s.r.bus.Waiting(); all != waiting {
		t.Errorf("round %d: %d wait, want %d", round, all, waiting)
	}
	if gone := s.given - sum - len(s.serials); gone < 0 || gone > s.lost {
		t.Errorf("round %d: %d given, %d there, %d taken, at most %d by killed clients", round, s.given, sum, len(s.serials), s.lost)
	}
	s.lost = 0
	for k, list := range s.served {
		slices.SortFunc(list, func(a, b [2]int) int { return a[0] - b[0] })
		for i := range list[1:] {
			if list[i][1] > list[i+1][1] {
				t.Errorf("round %d: %s went to arrival %d before %d (B2)", round, k, list[i][1], list[i+1][1])
			}
		}
	}
}
