package commands_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// eventList is a Publisher that keeps events.
type eventList []string

// Publish keeps the message.
func (l *eventList) PublishAfter(channel, message []byte, _ uint64) int {
	*l = append(*l, fmt.Sprintf("%s %s", channel, message))
	return 1
}

// take empties the list.
func (l *eventList) take() []string {
	list := *l
	*l = nil
	return list
}

// listener hears all messages of a redis-server.
type listener struct{ remote }

func (s *remote) listen() *listener {
	conn := dial(s.t, s.conn.RemoteAddr().String())
	s.t.Cleanup(func() { _ = conn.Close() })
	l := &listener{remote{s.t, conn, bufio.NewReader(conn)}}
	l.do("PSUBSCRIBE", "*")
	return l
}

// take returns what was heard since the last take.
func (l *listener) take() []string {
	if _, err := l.conn.Write(resp.AppendCommand(nil, "PING")); err != nil {
		l.t.Fatal(err)
	}
	var list []string
	for {
		v, err := resp.ReadReply(l.r)
		if err != nil {
			l.t.Fatal(err)
		}
		if len(v.Elems) == 2 {
			return list
		}
		list = append(list, fmt.Sprintf("%s %s", v.Elems[2].Str, v.Elems[3].Str))
	}
}

// TestEventsLikeRedis gives the same random commands to the commands in process and to redis-server, with
// all events on and with some: the same events come in the same order.
func TestEventsLikeRedis(t *testing.T) {
	theirs := newRemote(t)
	theirs.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	heard := theirs.listen()
	for _, letters := range []string{"KEAmn", "KA", "Eg", "Kx$", "Exm", "Kn"} {
		t.Run(letters, func(t *testing.T) {
			theirs.t = t
			theirs.do("FLUSHALL")
			theirs.do("SELECT", "0")
			theirs.do("CONFIG", "SET", "notify-keyspace-events", letters)
			heard.take()
			ours := newLocal(t, nil)
			var events eventList
			ours.bus.PublishEvents(&events, nil)
			ours.bus.SetEvents(bus.ParseEvents(letters))
			rng := rand.New(rand.NewPCG(uint64(len(letters)), 7))
			for n := range *randomCommands {
				args := someCommand(rng)
				if args[0] == "SCAN" {
					continue // in Redis it also removes expired keys, here only Tick and look-ups do
				}
				ours.do(args...)
				theirs.do(args...)
				got, want := events.take(), heard.take()
				if args[0] == "BITOP" {
					// An expired destination that gets nothing: in Redis it is deleted, here it expires.
					goes := func(e string) bool { return strings.Contains(e, "expired") || strings.Contains(e, "del") }
					got, want = slices.DeleteFunc(got, goes), slices.DeleteFunc(want, goes)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("command %d %q: our events are\n  %s\nthose of Redis\n  %s", n, args,
						strings.Join(got, "\n  "), strings.Join(want, "\n  "))
				}
			}
		})
	}
}

func TestParseEvents(t *testing.T) {
	for letters, want := range map[string]bus.Events{
		"":    0,
		"A":   0, // no channel to tell them on
		"g$":  0,
		"Kg":  bus.EventKeyspace | bus.EventGeneric,
		"E$x": bus.EventKeyevent | bus.EventString | bus.EventExpired,
		"KA": bus.EventKeyspace | bus.EventGeneric | bus.EventString | bus.EventList | bus.EventSet | bus.EventHash |
			bus.EventZSet | bus.EventExpired | bus.EventEvicted | bus.EventStream | bus.EventModule,
		"Kmn": bus.EventKeyspace | bus.EventMiss | bus.EventNew,
	} {
		if got := bus.ParseEvents(letters); got != want {
			t.Errorf("%q: %b, want %b", letters, got, want)
		}
	}
}
