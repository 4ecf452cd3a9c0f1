package pubsub

import (
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// topic is a channel, pattern or shard channel with at least one subscriber. The hub's mutex guards
// it but for kind, name and head, which do not change.
type topic struct {
	kind   Kind
	name   string
	head   []byte // what every message to it begins with
	groups []*group
	size   int // subscribers
	index  int // of a pattern: in Hub.patterns
}

// group holds a topic's subscribers that one outlet serves.
type group struct {
	out     bus.Outlet
	members []*bus.Client
	places  []*place // of members, by the same index
	// shared says that an outlet may read members. Its elements are not changed then, but
	// some may be added.
	shared bool
}

// place is one subscription.
type place struct {
	topic *topic
	group *group
	index int    // in the group
	seq   uint64 // order among the client's subscriptions; the client's own
}

// newTopic returns a topic without subscribers.
func newTopic(k Kind, name string) *topic {
	t := &topic{kind: k, name: name}
	switch k {
	case Channel:
		t.head = resp.AppendBulkString([]byte("*3\r\n$7\r\nmessage\r\n"), name)
	case Pattern:
		t.head = resp.AppendBulkString([]byte("*4\r\n$8\r\npmessage\r\n"), name)
	case Shard:
		t.head = resp.AppendBulkString([]byte("*3\r\n$8\r\nsmessage\r\n"), name)
	}
	return t
}

// bulkExtra is the most that a bulk string's header and end take.
const bulkExtra = len("$\r\n\r\n") + 20

// message encodes a message to a channel or shard channel.
func (t *topic) message(text []byte) *bus.Message {
	b := make([]byte, 0, len(t.head)+len(text)+bulkExtra)
	return bus.NewPush(resp.AppendBulk(append(b, t.head...), text))
}

// matched encodes a message to a channel that the pattern matches.
func (t *topic) matched(channel, text []byte) *bus.Message {
	b := make([]byte, 0, len(t.head)+len(channel)+len(text)+2*bulkExtra)
	return bus.NewPush(resp.AppendBulk(resp.AppendBulk(append(b, t.head...), channel), text))
}

// send hands m to the outlets of all subscribers and returns their number.
func (t *topic) send(m *bus.Message, era uint64) int {
	m.For(t, era)
	for _, g := range t.groups {
		g.shared = true
		g.out.Push(g.members, m)
	}
	return t.size
}

// Wants reports whether c is still subscribed, for a message published at era. It is called
// without the hub's mutex, by c's owner.
func (t *topic) Wants(c *bus.Client, era uint64) bool {
	s, ok := c.Sub.(*subscriber)
	return ok && (s.left <= era || s.places[t.kind][t.name].in(t))
}

// in reports whether the subscription exists and is one of t, not of an earlier topic of its name.
func (p *place) in(t *topic) bool { return p != nil && p.topic == t }

// add makes c a subscriber, which it was not.
func (t *topic) add(c *bus.Client) *place {
	i := slices.IndexFunc(t.groups, func(g *group) bool { return g.out == c.Out })
	if i < 0 {
		i = len(t.groups)
		t.groups = append(t.groups, &group{out: c.Out})
	}
	g := t.groups[i]
	p := &place{topic: t, group: g, index: len(g.members)}
	g.members = append(g.members, c)
	g.places = append(g.places, p)
	t.size++
	return p
}

// remove ends a subscription.
func (t *topic) remove(p *place) {
	g := p.group
	if g.shared {
		g.members, g.shared = slices.Clone(g.members), false
	}
	last := len(g.members) - 1
	g.members[p.index], g.places[p.index] = g.members[last], g.places[last]
	g.places[p.index].index = p.index
	g.members[last], g.places[last] = nil, nil
	g.members, g.places = g.members[:last], g.places[:last]
	t.size--
	if last == 0 {
		t.groups = slices.DeleteFunc(t.groups, func(o *group) bool { return o == g })
	}
}
