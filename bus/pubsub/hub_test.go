package pubsub_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/pubsub"
)

// outlet is one event loop: it queues pushes and delivers them when asked.
type outlet struct {
	mu    sync.Mutex
	queue []pushed
	got   map[*bus.Client][]string
}

type pushed struct {
	to []*bus.Client
	m  *bus.Message
}

func newOutlet() *outlet { return &outlet{got: map[*bus.Client][]string{}} }

func (o *outlet) Push(to []*bus.Client, m *bus.Message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, pushed{to, m})
}

// deliver hands out what was pushed, as the owner of the outlet's clients.
func (o *outlet) deliver() {
	o.mu.Lock()
	queue := o.queue
	o.queue = nil
	o.mu.Unlock()
	for _, p := range queue {
		for _, c := range p.to {
			if p.m.Wanted(c) {
				o.got[c] = append(o.got[c], string(p.m.Bytes(c.Proto)))
			}
		}
	}
}

// texts takes the last elements of the messages that c got.
func (o *outlet) texts(c *bus.Client) []string {
	o.deliver()
	var list []string
	for _, m := range o.got[c] {
		parts := strings.Split(strings.TrimSuffix(m, "\r\n"), "\r\n")
		list = append(list, parts[len(parts)-1])
	}
	delete(o.got, c)
	return list
}

func (o *outlet) client(proto int) *bus.Client { return &bus.Client{Out: o, Proto: proto} }

func TestEncoding(t *testing.T) {
	h, o := pubsub.New(), newOutlet()
	for proto, mark := range map[int]string{2: "*", 3: ">"} {
		c := o.client(proto)
		h.Subscribe(c, pubsub.Channel, []byte("news"))
		h.Subscribe(c, pubsub.Pattern, []byte("n*"))
		h.Subscribe(c, pubsub.Shard, []byte("news"))
		if n := h.Publish([]byte("news"), []byte("hi")); n != 2 {
			t.Errorf("went to %d", n)
		}
		if n := h.PublishShard([]byte("news"), nil); n != 1 {
			t.Errorf("the shard message went to %d", n)
		}
		o.deliver()
		want := []string{
			mark + "3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n",
			mark + "4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$2\r\nhi\r\n",
			mark + "3\r\n$8\r\nsmessage\r\n$4\r\nnews\r\n$0\r\n\r\n",
		}
		if !slices.Equal(o.got[c], want) {
			t.Errorf("RESP%d got %q, want %q", proto, o.got[c], want)
		}
		c.Closed()
	}
	if h.Count(pubsub.Channel)+h.Count(pubsub.Pattern)+h.Count(pubsub.Shard) != 0 {
		t.Error("topics are left over")
	}
}

// TestLate has clients leave while a message for them is on its way.
func TestLate(t *testing.T) {
	h, o := pubsub.New(), newOutlet()
	c := o.client(2)
	a, b := []byte("a"), []byte("b")
	h.Subscribe(c, pubsub.Channel, a)
	h.Subscribe(c, pubsub.Channel, b)
	h.Publish(a, []byte("late"))
	h.Publish(b, []byte("kept"))
	h.Unsubscribe(c, pubsub.Channel, a)
	if got := o.texts(c); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("got %q", got)
	}
	h.Publish(b, []byte("of the old b"))
	h.Unsubscribe(c, pubsub.Channel, b)
	h.Subscribe(c, pubsub.Channel, b)
	h.Publish(b, []byte("of the new b"))
	if got := o.texts(c); !slices.Equal(got, []string{"of the new b"}) {
		t.Errorf("got %q", got)
	}
	h.Publish(b, []byte("too late"))
	c.Closed()
	if got := o.texts(c); got != nil {
		t.Errorf("a closed client got %q", got)
	}
}

// TestModel compares the hub with maps under random calls; messages are delivered only now and then,
// so that many who get them have changed their subscriptions meanwhile.
func TestModel(t *testing.T) {
	type member struct {
		c    *bus.Client
		o    *outlet
		subs [3]map[string]bool
		want []string // texts of messages, those of a message that it may no longer get excepted
	}
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	h := pubsub.New()
	outs := []*outlet{newOutlet(), newOutlet(), newOutlet()}
	fresh := func() *member {
		o := outs[r.IntN(len(outs))]
		return &member{c: o.client(2 + r.IntN(2)), o: o, subs: [3]map[string]bool{{}, {}, {}}}
	}
	members := make([]*member, 12)
	for i := range members {
		members[i] = fresh()
	}
	settle := func() {
		for i, m := range members {
			if got := m.o.texts(m.c); !slices.Equal(got, m.want) {
				t.Fatalf("seed %d: member %d got %q, want %q", seed, i, got, m.want)
			}
			m.want = nil
		}
	}
	names := []string{"a", "ab", "b", "bb"}
	patterns := []string{"a*", "*b", "?", "b"}
	for step := range 20_000 {
		i := r.IntN(len(members))
		m := members[i]
		k := pubsub.Kind(r.IntN(3))
		name := names[r.IntN(len(names))]
		if k == pubsub.Pattern {
			name = patterns[r.IntN(len(patterns))]
		}
		switch p := r.IntN(100); {
		case p < 30:
			h.Subscribe(m.c, k, []byte(name))
			m.subs[k][name] = true
		case p < 55:
			settle() // what is on its way to it may be dropped or not
			h.Unsubscribe(m.c, k, []byte(name))
			delete(m.subs[k], name)
		case p < 58:
			settle()
			if p == 57 {
				m.c.Closed()
				members[i] = fresh()
				break
			}
			h.UnsubscribeAll(m.c)
			m.subs = [3]map[string]bool{{}, {}, {}}
		case p < 95:
			text, want := fmt.Sprint(step), 0
			channel := names[r.IntN(len(names))]
			shard := r.IntN(3) == 0
			for _, m := range members {
				n := 0
				if shard && m.subs[pubsub.Shard][channel] {
					n++
				}
				if !shard && m.subs[pubsub.Channel][channel] {
					n++
				}
				for p := range m.subs[pubsub.Pattern] {
					if !shard && matches(p, channel) {
						n++
					}
				}
				want += n
				for range n {
					m.want = append(m.want, text)
				}
			}
			send := h.Publish
			if shard {
				send = h.PublishShard
			}
			if n := send([]byte(channel), []byte(text)); n != want {
				t.Fatalf("seed %d: message %s to %s went to %d, want %d", seed, text, channel, n, want)
			}
		default:
			settle()
		}
		for k, set := range m.subs {
			got := h.Subscribed(members[i].c, pubsub.Kind(k))
			if members[i] == m && len(got) != len(set) {
				t.Fatalf("seed %d: member %d has %q, want %v", seed, i, got, set)
			}
		}
	}
	for _, m := range members {
		m.c.Closed()
	}
	for k := range pubsub.Kind(3) {
		if n := h.Count(k); n != 0 {
			t.Errorf("seed %d: %d topics of kind %d are left over", seed, n, k)
		}
	}
}

// matches knows the four patterns of the model.
func matches(pattern, s string) bool {
	switch pattern {
	case "a*":
		return strings.HasPrefix(s, "a")
	case "*b":
		return strings.HasSuffix(s, "b")
	case "?":
		return len(s) == 1
	}
	return s == pattern
}

// TestEverybodyAgrees publishes to two channels from several goroutines: clients of all outlets see
// all messages in the same order, while others come and go.
func TestEverybodyAgrees(t *testing.T) {
	const publishers, each = 4, 500
	h := pubsub.New()
	outs := []*outlet{newOutlet(), newOutlet(), newOutlet()}
	var stay []*bus.Client
	for _, o := range outs {
		c := o.client(2)
		h.Subscribe(c, pubsub.Channel, []byte("a"))
		h.Subscribe(c, pubsub.Pattern, []byte("b*"))
		stay = append(stay, c)
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				h.Publish([]byte([]string{"a", "b"}[i%2]), fmt.Append(nil, p, "-", i))
			}
		})
	}
	for _, o := range outs {
		wg.Go(func() { // owns the outlet's clients
			for range 300 {
				c := o.client(3)
				h.Subscribe(c, pubsub.Channel, []byte("a"))
				o.deliver()
				h.Unsubscribe(c, pubsub.Channel, []byte("a"))
				c.Closed()
			}
		})
	}
	wg.Wait()
	want := outs[0].texts(stay[0])
	if len(want) != publishers*each {
		t.Fatalf("%d messages, want %d", len(want), publishers*each)
	}
	for i, c := range stay {
		if i > 0 && !slices.Equal(outs[i].texts(c), want) {
			t.Errorf("outlet %d saw another order than outlet 0", i)
		}
	}
}

func TestNames(t *testing.T) {
	h, o := pubsub.New(), newOutlet()
	c := o.client(2)
	for _, name := range []string{"x", "b", "a", "x"} {
		h.Subscribe(c, pubsub.Channel, []byte(name))
	}
	if got := h.Subscribed(c, pubsub.Channel); !slices.Equal(got, []string{"x", "b", "a"}) {
		t.Errorf("subscribed to %q", got)
	}
	got := h.Names(pubsub.Channel, nil)
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b", "x"}) {
		t.Errorf("channels %q", got)
	}
	if got := h.Names(pubsub.Channel, []byte("[ab]")); len(got) != 2 {
		t.Errorf("channels [ab]: %q", got)
	}
	if n := h.Subscribers(pubsub.Channel, []byte("a")) + h.Subscribers(pubsub.Shard, []byte("a")); n != 1 {
		t.Errorf("%d subscribers", n)
	}
	if c.Class != bus.ClassPubSub || !c.Confined() {
		t.Error("not of class pubsub")
	}
	h.UnsubscribeAll(c)
	if c.Class != bus.ClassNormal {
		t.Error("still of class pubsub")
	}
}
