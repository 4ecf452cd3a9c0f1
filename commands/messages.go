package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/pubsub"
)

// messages holds the handlers of the commands about channels.
type messages struct{ hub *pubsub.Hub }

// The flags of the commands that change subscriptions.
const subscribeFlags = bus.PubSub | bus.NoScript | bus.Loading | bus.Stale

// Messages returns the commands about channels.
func Messages(d *Deps) []bus.Spec {
	h := &messages{d.PubSub}
	return []bus.Spec{
		{
			Name: "subscribe", Run: h.subscribe(pubsub.Channel), Arity: -2, Flags: subscribeFlags,
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "2.0.0", Complexity: "O(N) where N is the number of channels",
			Usage:   "channel [channel ...]",
			Summary: "Subscribes the connection to channels.",
		},
		{
			Name: "unsubscribe", Run: h.unsubscribe(pubsub.Channel), Arity: -1, Flags: subscribeFlags,
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "2.0.0", Complexity: "O(N) where N is the number of channels",
			Usage:   "[channel [channel ...]]",
			Summary: "Ends subscriptions to channels, all of them if none is named.",
		},
		{
			Name: "psubscribe", Run: h.subscribe(pubsub.Pattern), Arity: -2, Flags: subscribeFlags,
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "2.0.0", Complexity: "O(N) where N is the number of patterns",
			Usage:   "pattern [pattern ...]",
			Summary: "Subscribes the connection to all channels whose names match patterns.",
		},
		{
			Name: "punsubscribe", Run: h.unsubscribe(pubsub.Pattern), Arity: -1, Flags: subscribeFlags,
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "2.0.0", Complexity: "O(N) where N is the number of patterns",
			Usage:   "[pattern [pattern ...]]",
			Summary: "Ends subscriptions to patterns, all of them if none is named.",
		},
		{
			Name: "ssubscribe", Run: h.ssubscribe, Arity: -2, Flags: subscribeFlags,
			Keys: []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyNotKey)},
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "7.0.0", Complexity: "O(N) where N is the number of shard channels",
			Usage:   "shardchannel [shardchannel ...]",
			Summary: "Subscribes the connection to shard channels.",
		},
		{
			Name: "sunsubscribe", Run: h.unsubscribe(pubsub.Shard), Arity: -1, Flags: subscribeFlags,
			Keys: []bus.KeySpec{bus.KeyRange(1, -1, 1, bus.KeyNotKey)},
			Lock: bus.LockNone, Subscriber: true, Pushes: true,
			Group: "pubsub", Since: "7.0.0", Complexity: "O(N) where N is the number of shard channels",
			Usage:   "[shardchannel [shardchannel ...]]",
			Summary: "Ends subscriptions to shard channels, all of them if none is named.",
		},
		{
			Name: "publish", Run: h.publish, Arity: 3,
			Flags: bus.PubSub | bus.Loading | bus.Stale | bus.Fast | bus.MayReplicate, Lock: bus.LockNone,
			Group: "pubsub", Since: "2.0.0",
			Complexity: "O(N+M) where N is the number of the channel's subscribers and M that of all patterns",
			Usage:      "channel message",
			Summary:    "Sends a message to a channel and answers how many got it.",
		},
		{
			Name: "spublish", Run: h.spublish, Arity: 3,
			Flags: bus.PubSub | bus.Loading | bus.Stale | bus.Fast | bus.MayReplicate, Lock: bus.LockNone,
			Keys:  []bus.KeySpec{bus.OneKey(1, bus.KeyNotKey)},
			Group: "pubsub", Since: "7.0.0", Complexity: "O(N) where N is the number of the shard channel's subscribers",
			Usage:   "shardchannel message",
			Summary: "Sends a message to a shard channel and answers how many got it.",
		},
		pubsubSpec(h),
	}
}

// pubsubSpec is the container PUBSUB.
func pubsubSpec(h *messages) bus.Spec {
	const flags = bus.PubSub | bus.Loading | bus.Stale
	return bus.Spec{
		Name: "pubsub", Arity: -2, Group: "pubsub", Since: "2.8.0", Complexity: "Depends on subcommand.",
		Summary: "The commands that tell about channels.",
		Subs: []bus.Spec{
			{
				Name: "channels", Run: h.channels(pubsub.Channel), Arity: -2, Flags: flags, Lock: bus.LockNone,
				Group: "pubsub", Since: "2.8.0", Complexity: "O(N) where N is the number of channels",
				Usage:   "[pattern]",
				Summary: "Lists the channels that have subscribers.",
			},
			{
				Name: "numpat", Run: h.numPat, Arity: 2, Flags: flags, Lock: bus.LockNone,
				Group: "pubsub", Since: "2.8.0", Complexity: "O(1)",
				Summary: "Counts the different patterns that have subscribers.",
			},
			{
				Name: "numsub", Run: h.numSub(pubsub.Channel), Arity: -2, Flags: flags, Lock: bus.LockNone,
				Group: "pubsub", Since: "2.8.0", Complexity: "O(N) where N is the number of channels asked for",
				Usage:   "[channel [channel ...]]",
				Summary: "Counts the subscribers of channels.",
			},
			{
				Name: "shardchannels", Run: h.channels(pubsub.Shard), Arity: -2, Flags: flags, Lock: bus.LockNone,
				Group: "pubsub", Since: "7.0.0", Complexity: "O(N) where N is the number of shard channels",
				Usage:   "[pattern]",
				Summary: "Lists the shard channels that have subscribers.",
			},
			{
				Name: "shardnumsub", Run: h.numSub(pubsub.Shard), Arity: -2, Flags: flags, Lock: bus.LockNone,
				Group: "pubsub", Since: "7.0.0", Complexity: "O(N) where N is the number of shard channels asked for",
				Usage:   "[shardchannel [shardchannel ...]]",
				Summary: "Counts the subscribers of shard channels.",
			},
			{
				Name: "help", Run: h.help, Arity: 2, Flags: bus.Loading | bus.Stale, Lock: bus.LockNone,
				Group: "pubsub", Since: "6.2.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
		},
	}
}

// subscribeWords are the first words of the answers to the commands that change subscriptions.
var subscribeWords = [...]struct{ in, out string }{
	pubsub.Channel: {"subscribe", "unsubscribe"},
	pubsub.Pattern: {"psubscribe", "punsubscribe"},
	pubsub.Shard:   {"ssubscribe", "sunsubscribe"},
}

// subscribe returns the handler that subscribes to topics of a kind.
func (h *messages) subscribe(k pubsub.Kind) bus.Handler {
	return func(c *bus.Ctx) error {
		for _, name := range c.Args[1:] {
			h.hub.Subscribe(c.Client, k, name)
			answerTopic(c, k, subscribeWords[k].in, name)
		}
		return nil
	}
}

// errHeldSubscribe is the error of SSUBSCRIBE inside a transaction, in Redis' words. SUBSCRIBE and PSUBSCRIBE may
// stand there.
var errHeldSubscribe = errors.New("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")

func (h *messages) ssubscribe(c *bus.Ctx) error {
	if c.Held {
		return errHeldSubscribe
	}
	return h.subscribe(pubsub.Shard)(c)
}

// unsubscribe returns the handler that ends subscriptions to topics of a kind.
func (h *messages) unsubscribe(k pubsub.Kind) bus.Handler {
	return func(c *bus.Ctx) error {
		names := c.Args[1:]
		if len(names) == 0 {
			for _, name := range h.hub.Subscribed(c.Client, k) {
				names = append(names, []byte(name))
			}
			if len(names) == 0 {
				answerTopic(c, k, subscribeWords[k].out, nil)
			}
		}
		for _, name := range names {
			h.hub.Unsubscribe(c.Client, k, name)
			answerTopic(c, k, subscribeWords[k].out, name)
		}
		return nil
	}
}

// answerTopic tells what became of one topic, nil if there was none, and how many the client has
// now: shard channels, or channels and patterns together.
func answerTopic(c *bus.Ctx, k pubsub.Kind, word string, name []byte) {
	n, patterns, shards := 0, 0, 0
	if c.Client.Sub != nil {
		n, patterns, shards = c.Client.Sub.Counts()
	}
	n += patterns
	if k == pubsub.Shard {
		n = shards
	}
	c.Reply.Push(3)
	c.Reply.BulkString(word)
	if name == nil {
		c.Reply.Null()
	} else {
		c.Reply.Bulk(name)
	}
	c.Reply.Int(int64(n))
}

func (h *messages) publish(c *bus.Ctx) error {
	c.Published()
	c.Reply.Int(int64(h.hub.Publish(c.Args[1], c.Args[2])))
	return nil
}

func (h *messages) spublish(c *bus.Ctx) error {
	c.Published()
	c.Reply.Int(int64(h.hub.PublishShard(c.Args[1], c.Args[2])))
	return nil
}

// channels returns the handler that lists topics of a kind.
func (h *messages) channels(k pubsub.Kind) bus.Handler {
	return func(c *bus.Ctx) error {
		var pattern []byte
		switch len(c.Args) {
		case 2:
		case 3:
			pattern = c.Args[2]
		default:
			return bus.ErrSubcommand("pubsub", c.Args[1])
		}
		names := h.hub.Names(k, pattern)
		c.Reply.Array(len(names))
		for _, name := range names {
			c.Reply.BulkString(name)
		}
		return nil
	}
}

// numSub returns the handler that counts the subscribers of topics of a kind.
func (h *messages) numSub(k pubsub.Kind) bus.Handler {
	return func(c *bus.Ctx) error {
		names := c.Args[2:]
		c.Reply.Array(2 * len(names))
		for _, name := range names {
			c.Reply.Bulk(name)
			c.Reply.Int(int64(h.hub.Subscribers(k, name)))
		}
		return nil
	}
}

func (h *messages) numPat(c *bus.Ctx) error {
	c.Reply.Int(int64(h.hub.Count(pubsub.Pattern)))
	return nil
}

func (h *messages) help(c *bus.Ctx) error {
	c.Reply.Help("PUBSUB",
		"CHANNELS [<pattern>]",
		"    Return the currently active channels matching a <pattern> (default: '*').",
		"NUMPAT",
		"    Return number of subscriptions to patterns.",
		"NUMSUB [<channel> ...]",
		"    Return the number of subscribers for the specified channels, excluding",
		"    pattern subscriptions(default: no channels).",
		"SHARDCHANNELS [<pattern>]",
		"    Return the currently active shard level channels matching a <pattern> (default: '*').",
		"SHARDNUMSUB [<shardchannel> ...]",
		"    Return the number of subscribers for the specified shard level channel(s)",
	)
	return nil
}
