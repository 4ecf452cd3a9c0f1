package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// next receives from a subscription and writes what came.
func next(t *testing.T, s *redis.PubSub) string {
	t.Helper()
	v, err := s.ReceiveTimeout(t.Context(), patience)
	if err != nil {
		t.Fatal(err)
	}
	switch v := v.(type) {
	case *redis.Subscription:
		return fmt.Sprintf("%s %s %d", v.Kind, v.Channel, v.Count)
	case *redis.Message:
		return strings.TrimSpace(v.Pattern + " " + v.Channel + " " + v.Payload)
	default:
		return fmt.Sprint(v)
	}
}

// comes receives and compares.
func comes(t *testing.T, s *redis.PubSub, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := next(t, s); got != w {
			t.Fatalf("got %q, want %q", got, w)
		}
	}
}

func tryMessages(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	s := c.Subscribe(ctx, "a", "b")
	defer s.Close()
	comes(t, s, "subscribe a 1", "subscribe b 2")
	if err := s.PSubscribe(ctx, "a*"); err != nil {
		t.Fatal(err)
	}
	comes(t, s, "psubscribe a* 3")
	binary := "\r\n\x00$-1\r\n"
	is(t, int64(2))(c.Publish(ctx, "a", binary).Result())
	is(t, int64(1))(c.Publish(ctx, "abc", "2").Result())
	is(t, int64(0))(c.Publish(ctx, "nobody", "3").Result())
	is(t, int64(1))(c.Publish(ctx, "b", "4").Result())
	for _, want := range []string{strings.TrimSpace("a " + binary), strings.TrimSpace("a* a " + binary), "a* abc 2", "b 4"} {
		comes(t, s, want)
	}
	is(t, map[string]int64{"a": 1, "b": 1, "c": 0})(c.PubSubNumSub(ctx, "a", "b", "c").Result())
	is(t, int64(1))(c.PubSubNumPat(ctx).Result())
	list, err := c.PubSubChannels(ctx, "*").Result()
	slices.Sort(list)
	is(t, []string{"a", "b"})(list, err)

	if err := s.Ping(ctx, "there"); err != nil {
		t.Fatal(err)
	}
	comes(t, s, "Pong<there>")
	if err := s.Unsubscribe(ctx, "a"); err != nil {
		t.Fatal(err)
	}
	comes(t, s, "unsubscribe a 2")
	is(t, int64(1))(c.Publish(ctx, "a", "5").Result())
	comes(t, s, "a* a 5")

	// Shard channels are a world of their own.
	shard := c.SSubscribe(ctx, "a")
	defer shard.Close()
	comes(t, shard, "ssubscribe a 1")
	is(t, int64(1))(c.SPublish(ctx, "a", "6").Result())
	comes(t, shard, "a 6")
	is(t, []string{"a"})(c.PubSubShardChannels(ctx, "*").Result())

	// Messages of one connection keep their order, however many.
	const many = 5000
	p := c.Pipeline()
	for i := range many {
		p.Publish(ctx, "b", i)
	}
	if _, err := p.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		comes(t, s, fmt.Sprint("b ", i))
	}

	// Whoever goes away leaves.
	s.Close()
	shard.Close()
	eventually(t, "nobody listens", func() bool {
		return c.Publish(ctx, "b", "7").Val()+c.SPublish(ctx, "a", "8").Val()+c.PubSubNumPat(ctx).Val() == 0
	})
}

func tryEvents(t *testing.T, c *redis.Client, _ *instance) {
	ctx := t.Context()
	is(t, "OK")(c.ConfigSet(ctx, "notify-keyspace-events", "KEA").Result())
	defer c.ConfigSet(ctx, "notify-keyspace-events", "")
	keys := c.Subscribe(ctx, "__keyspace@0__:k")
	defer keys.Close()
	comes(t, keys, "subscribe __keyspace@0__:k 1")
	expired := c.Subscribe(ctx, "__keyevent@0__:expired")
	defer expired.Close()
	comes(t, expired, "subscribe __keyevent@0__:expired 1")

	is(t, "OK")(c.Set(ctx, "k", 1, 0).Result())
	is(t, int64(2))(c.Incr(ctx, "k").Result())
	if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Append(ctx, "k", "x")
		p.Get(ctx, "k")
		p.Rename(ctx, "k", "l")
		p.Rename(ctx, "l", "k")
		return nil
	}); err != nil {
		t.Error(err)
	}
	is(t, true)(c.PExpire(ctx, "k", time.Millisecond).Result())
	for _, event := range []string{"set", "incrby", "append", "rename_from", "rename_to", "expire", "expired"} {
		comes(t, keys, "__keyspace@0__:k "+event)
	}
	comes(t, expired, "__keyevent@0__:expired k")

	// Classes that nobody wants are silent.
	is(t, "OK")(c.ConfigSet(ctx, "notify-keyspace-events", "Kg").Result())
	is(t, "OK")(c.Set(ctx, "k", 1, 0).Result())
	is(t, int64(1))(c.Del(ctx, "k").Result())
	comes(t, keys, "__keyspace@0__:k del")
}
