package pubsub

import (
	"cmp"
	"slices"

	"github.com/reredis/reredis/bus"
)

// subscriber is what a client has subscribed to. It belongs to the goroutine that owns the client.
type subscriber struct {
	places [kinds]map[string]*place
	left   uint64 // era in which the client last left a topic
	seq    uint64 // of the last subscription
}

// placeSize is about what a subscription takes beside its name, in bytes.
const placeSize = 128

// Counts tells how many channels, patterns and shard channels there are.
func (s *subscriber) Counts() (channels, patterns, shards int) {
	return len(s.places[Channel]), len(s.places[Pattern]), len(s.places[Shard])
}

// Subscribe subscribes c, unless it is subscribed. Only c's own commands may call it.
func (h *Hub) Subscribe(c *bus.Client, k Kind, name []byte) {
	s, ok := c.Sub.(*subscriber)
	if !ok {
		s = &subscriber{}
		c.Sub = s
		c.OnClose(func() { h.UnsubscribeAll(c) })
	}
	if s.places[k][string(name)] != nil {
		return
	}
	if s.places[k] == nil {
		s.places[k] = map[string]*place{}
	}
	p := h.join(k, string(name), c)
	s.seq++
	p.seq = s.seq
	s.places[k][p.topic.name] = p
	c.Kept += placeSize + len(p.topic.name)
	c.Class = bus.ClassPubSub
}

// Unsubscribe ends a subscription of c and does nothing if there is none. Only c's own
// commands may call it.
func (h *Hub) Unsubscribe(c *bus.Client, k Kind, name []byte) {
	s, ok := c.Sub.(*subscriber)
	if !ok || s.places[k][string(name)] == nil {
		return
	}
	h.unsubscribe(c, s, s.places[k][string(name)])
}

func (h *Hub) unsubscribe(c *bus.Client, s *subscriber, p *place) {
	s.left = h.leave(p)
	c.Kept -= placeSize + len(p.topic.name)
	if delete(s.places[p.topic.kind], p.topic.name); len(s.places[p.topic.kind]) == 0 {
		s.places[p.topic.kind] = nil // a map never shrinks
	}
	if a, b, d := s.Counts(); a+b+d == 0 && c.Class == bus.ClassPubSub {
		c.Class = bus.ClassNormal
	}
}

// UnsubscribeAll ends all subscriptions of c. Only c's own commands may call it.
func (h *Hub) UnsubscribeAll(c *bus.Client) {
	s, ok := c.Sub.(*subscriber)
	if !ok {
		return
	}
	for k := range s.places {
		for _, p := range s.places[k] {
			h.unsubscribe(c, s, p)
		}
	}
}

// Subscribed lists c's subscriptions of one kind in the order in which they were made. Only c's own
// commands may call it.
func (h *Hub) Subscribed(c *bus.Client, k Kind) []string {
	s, ok := c.Sub.(*subscriber)
	if !ok {
		return nil
	}
	list := make([]*place, 0, len(s.places[k]))
	for _, p := range s.places[k] {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *place) int { return cmp.Compare(a.seq, b.seq) })
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.topic.name
	}
	return names
}
