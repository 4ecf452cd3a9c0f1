package bus

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/reredis/reredis/keyspace"
)

// Events is a set of classes of keyspace events, and of the channels that tell of them.
type Events uint32

// The classes in the order of eventLetters.
const (
	EventKeyspace Events = 1 << iota // channels of keys
	EventKeyevent                    // channels of events
	EventGeneric
	EventString
	EventList
	EventSet
	EventHash
	EventZSet
	EventExpired
	EventEvicted
	EventStream
	EventMiss
	EventModule
	EventNew
)

// eventLetters are the classes in notify-keyspace-events; eventsOfA is what "A" stands for.
const (
	eventLetters = "KEg$lshzxetmdn"
	eventsOfA    = "g$lshzxetd"
)

// ParseEvents reads the letters of notify-keyspace-events; others are passed over. Without a channel to
// tell them on there are no events.
func ParseEvents(letters string) (e Events) {
	letters = strings.ReplaceAll(letters, "A", eventsOfA)
	for i := range len(eventLetters) {
		if strings.IndexByte(letters, eventLetters[i]) >= 0 {
			e |= 1 << i
		}
	}
	if e&(EventKeyspace|EventKeyevent) == 0 {
		return 0
	}
	return e
}

// Publisher sends messages to channels. Package pubsub's Hub is one.
type Publisher interface {
	// PublishAfter sends a message that must not reach anybody before the LSN after is safe, 0: at once. It
	// keeps neither slice.
	PublishAfter(channel, message []byte, after uint64) int
}

// events is where keyspace events go.
type events struct {
	mask atomic.Uint32 // Events that somebody may listen for
	out  Publisher
	log  func() Log // that is in force, nil: none
}

// event is a keyspace event that waits for the LSN of what caused it.
type event struct {
	db   int
	name string
	key  []byte
}

// PublishEvents makes keyspace events messages of p, which reach nobody before what caused them is safe in
// the log that current returns. It is called before the bus runs commands.
func (b *Bus) PublishEvents(p Publisher, current func() Log) {
	b.events.out, b.events.log = p, current
}

// SetEvents says which classes of keyspace events there are from now on. It must not be called by two
// goroutines at a time.
func (b *Bus) SetEvents(e Events) {
	if b.events.out == nil {
		e = 0
	}
	b.events.mask.Store(uint32(e))
	hear := func(class Events, name string) func(t *keyspace.Tx, db int, key []byte) {
		if e&class == 0 {
			return nil
		}
		return func(t *keyspace.Tx, db int, key []byte) {
			if !t.Applying { // what is loaded was told once
				b.events.tell(t, nil, db, name, key)
			}
		}
	}
	b.space.OnAdded(hear(EventNew, "new"))
	b.space.OnMissed(hear(EventMiss, "keymiss"))
	expired, evicted := hear(EventExpired, "expired"), hear(EventEvicted, "evicted")
	if expired == nil && evicted == nil {
		b.space.OnRemoved(nil)
		return
	}
	b.space.OnRemoved(func(t *keyspace.Tx, db int, key []byte, why keyspace.Removal) {
		switch {
		case why == keyspace.Expired && expired != nil:
			expired(t, db, key)
		case why == keyspace.Evicted && evicted != nil:
			evicted(t, db, key)
		}
	})
}

// Event tells that something happened to a key of the command's database. Handlers call it right after the
// change, with the name that Redis has for it.
func (c *Ctx) Event(class Events, name string, key []byte) {
	if Events(c.bus.events.mask.Load())&class != 0 {
		c.tell(c.Tx.DB, name, key)
	}
}

// EventIn is Event for a key of another database.
func (c *Ctx) EventIn(db int, class Events, name string, key []byte) {
	if Events(c.bus.events.mask.Load())&class != 0 {
		c.tell(db, name, key)
	}
}

func (c *Ctx) tell(db int, name string, key []byte) {
	c.Published()
	c.channel = c.bus.events.tell(c.Tx, c.channel, db, name, key)
}

// tell publishes an event, or leaves it to the log layer, which knows only after the command which LSN nobody
// may hear of it before. scratch is memory for names of channels, and returned.
func (e *events) tell(t *keyspace.Tx, scratch []byte, db int, name string, key []byte) []byte {
	if g, ok := t.Sink.(*group); ok {
		g.events = append(g.events, event{db, name, append([]byte(nil), key...)})
		return scratch
	}
	var after uint64
	if e.log != nil {
		if l := e.log(); l != nil {
			after = l.Appended() // what caused it is in the log already
		}
	}
	return e.publish(scratch, event{db, name, key}, after)
}

// publish sends an event to its one or two channels.
func (e *events) publish(scratch []byte, ev event, after uint64) []byte {
	mask, name := Events(e.mask.Load()), []byte(ev.name)
	if mask&EventKeyspace != 0 {
		scratch = append(channelOf(scratch, "__keyspace@", ev.db), ev.key...)
		e.out.PublishAfter(scratch, name, after)
	}
	if mask&EventKeyevent != 0 {
		scratch = append(channelOf(scratch, "__keyevent@", ev.db), name...)
		e.out.PublishAfter(scratch, ev.key, after)
	}
	return scratch
}

// channelOf begins the name of a channel of events.
func channelOf(scratch []byte, head string, db int) []byte {
	return append(strconv.AppendInt(append(scratch[:0], head...), int64(db), 10), "__:"...)
}
