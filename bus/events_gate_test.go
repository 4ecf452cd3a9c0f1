package bus

import (
	"slices"
	"testing"

	"github.com/reredis/reredis/keyspace"
)

// gateList is a Publisher that notes what messages wait for.
type gateList []uint64

func (w *gateList) PublishAfter(_, _ []byte, after uint64) int {
	*w = append(*w, after)
	return 0
}

// TestW3EventsWait: an event waits for the LSN of the change that caused it, whoever made the change.
func TestW3EventsWait(t *testing.T) {
	m := &memoryLog{}
	current := func() Log { return m }
	b := newBus(t, Lock(), Logging(current))
	if err := b.Register(
		Spec{Name: "set", Arity: 3, Flags: Write, Keys: []KeySpec{OneKey(1, KeyOW)}, Run: func(c *Ctx) error {
			c.Event(EventString, "set", c.Args[1]) // before the change has an LSN
			return c.Tx.SetBytes(c.Args[1], c.Args[2], keyspace.At(c.Tx.Now+10))
		}},
		Spec{Name: "get", Arity: 2, Flags: ReadOnly, Keys: []KeySpec{OneKey(1, KeyRO)}, Run: func(c *Ctx) error {
			c.Tx.Look(c.Args[1])
			return nil
		}},
	); err != nil {
		t.Fatal(err)
	}
	var got gateList
	b.PublishEvents(&got, current)
	b.SetEvents(ParseEvents("EA"))
	c := newCtx(b)
	c.SetNow(1000)
	call(c, "set", "a", "1") // LSN 101
	c.TakeGate()
	call(c, "set", "b", "1") // 102
	c.TakeGate()
	c.SetNow(2000)
	call(c, "get", "a") // removes it: 103
	c.TakeGate()
	sink := &effectsOf{m}
	c.Tx.Sink = sink
	for b.Space().Tick(c.Tx, 0, 1, 1<<40) { // b falls due: 104
	}
	c.Tx.Sink = nil
	if want := (gateList{101, 102, 103, 104}); !slices.Equal(got, want) {
		t.Errorf("the events wait for %d, not %d", got, want)
	}
}

// effectsOf appends each effect at once, as what happens outside of commands does.
type effectsOf struct{ m *memoryLog }

func (s *effectsOf) Effect(db int, slot uint16, _ [][]byte) {
	s.m.Append([]Effect{{DB: uint16(db), Slot: slot}})
}
