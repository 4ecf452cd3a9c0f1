package pubsub

import (
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/glob"
)

// Kind is what one can subscribe to.
type Kind uint8

// The kinds. Patterns match names of channels, never of shard channels.
const (
	Channel Kind = iota
	Pattern
	Shard
	kinds
)

// Hub holds all subscriptions. The zero value is not usable; see New.
type Hub struct {
	mu       sync.Mutex
	topics   [kinds]map[string]*topic
	patterns []*topic // those of topics[Pattern] in an order that changes when one ends
	era      uint64   // departures so far

	counts [kinds]atomic.Int64 // len of topics
}

// New returns a hub without subscriptions.
func New() *Hub {
	h := &Hub{}
	for k := range h.topics {
		h.topics[k] = map[string]*topic{}
	}
	return h
}

// Publish sends message to those who subscribed to the channel or to a pattern that
// matches it, and returns to how many subscriptions it went. It keeps neither slice.
func (h *Hub) Publish(channel, message []byte) int { return h.PublishAfter(channel, message, 0) }

// PublishAfter is Publish for a message that must not reach anybody before the LSN after is safe.
func (h *Hub) PublishAfter(channel, message []byte, after uint64) int {
	if h.counts[Channel].Load()+h.counts[Pattern].Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	if t := h.topics[Channel][string(channel)]; t != nil {
		n = t.send(t.message(message).After(after), h.era)
	}
	for _, p := range h.patterns {
		if glob.Match([]byte(p.name), channel) {
			n += p.send(p.matched(channel, message).After(after), h.era)
		}
	}
	return n
}

// PublishShard sends message to those who subscribed to the shard channel, and returns to
// how many. It keeps neither slice.
func (h *Hub) PublishShard(channel, message []byte) int {
	if h.counts[Shard].Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[Shard][string(channel)]
	if t == nil {
		return 0
	}
	return t.send(t.message(message), h.era)
}

// Count is the number of topics of a kind that have subscribers.
func (h *Hub) Count(k Kind) int { return int(h.counts[k].Load()) }

// Subscribers is the number of clients that subscribed to the topic.
func (h *Hub) Subscribers(k Kind, name []byte) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[k][string(name)]; t != nil {
		return t.size
	}
	return 0
}

// Names lists the topics of a kind that have subscribers and, unless it is nil, match the pattern.
func (h *Hub) Names(k Kind, pattern []byte) []string {
	h.mu.Lock()
	names := make([]string, 0, len(h.topics[k]))
	for name := range h.topics[k] {
		names = append(names, name)
	}
	h.mu.Unlock()
	if pattern == nil {
		return names
	}
	found := names[:0]
	for _, name := range names {
		if glob.Match(pattern, []byte(name)) {
			found = append(found, name)
		}
	}
	return found
}

// join adds c to a topic, which begins with its first subscriber.
func (h *Hub) join(k Kind, name string, c *bus.Client) *place {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[k][name]
	if t == nil {
		t = newTopic(k, name)
		h.topics[k][name] = t
		h.counts[k].Add(1)
		if k == Pattern {
			t.index = len(h.patterns)
			h.patterns = append(h.patterns, t)
		}
	}
	return t.add(c)
}

// leave removes a place, and the topic with its last subscriber. The result is the era from which on
// messages do not concern the place.
func (h *Hub) leave(p *place) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.era++
	t := p.topic
	t.remove(p)
	if t.size > 0 {
		return h.era
	}
	if delete(h.topics[t.kind], t.name); len(h.topics[t.kind]) == 0 {
		h.topics[t.kind] = map[string]*topic{} // a map never shrinks
	}
	h.counts[t.kind].Add(-1)
	if t.kind == Pattern {
		last := len(h.patterns) - 1
		h.patterns[t.index] = h.patterns[last]
		h.patterns[t.index].index = t.index
		h.patterns[last] = nil
		h.patterns = h.patterns[:last]
	}
	return h.era
}
