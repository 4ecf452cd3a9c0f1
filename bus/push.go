package bus

import "sync/atomic"

// Outlet is what a driver offers for output that no command of the connection asked for: messages of
// channels, invalidations, MONITOR.
type Outlet interface {
	// Push puts m into the output of the clients in to, each of which has this Outlet as its Out. It
	// may be called from any goroutine and with any lock held; it does not wait. What is
	// pushed to a client arrives in the order of the calls, and never inside a reply. A client
	// that has gone away is passed over. The driver keeps to until m is delivered: its elements
	// must not be changed after the call.
	Push(to []*Client, m *Message)
}

// Message is output for any number of clients, encoded once for each protocol. Its bytes are never
// changed.
type Message struct {
	resp2, resp3 []byte
	// derived is the RESP3 form of an array message, made when the first client needs it.
	derived atomic.Pointer[[]byte]
	array   bool

	audience Audience
	era      uint64
	after    uint64
}

// Audience is asked, on the goroutine that owns the client and just before m is delivered, whether the
// client still wants it: it may have left since the push.
type Audience interface {
	Wants(c *Client, era uint64) bool
}

// NewMessage returns a message of these bytes, which it keeps. A client whose protocol has nil gets
// nothing.
func NewMessage(resp2, resp3 []byte) *Message { return &Message{resp2: resp2, resp3: resp3} }

// NewPush returns a message that is the array b to clients of RESP2, and to those of RESP3 a push with
// the same elements. b, which it keeps, starts with the array's header.
func NewPush(b []byte) *Message { return &Message{resp2: b, array: true} }

// For makes m one that only those get who still want it then. era is handed to a.Wants.
func (m *Message) For(a Audience, era uint64) *Message {
	m.audience, m.era = a, era
	return m
}

// After makes m one that must not leave before an LSN is safe.
func (m *Message) After(lsn uint64) *Message {
	m.after = lsn
	return m
}

// Gate is the LSN before which m must not leave, 0: it may at once.
func (m *Message) Gate() uint64 { return m.after }

// Bytes is what a client of this protocol, 2 or 3, gets. It must not be changed.
func (m *Message) Bytes(proto int) []byte {
	switch {
	case proto < 3:
		return m.resp2
	case !m.array:
		return m.resp3
	}
	if p := m.derived.Load(); p != nil {
		return *p
	}
	b := append([]byte(nil), m.resp2...)
	b[0] = '>'
	m.derived.Store(&b)
	return b
}

// Size is the length of the longest form that is there.
func (m *Message) Size() int { return max(len(m.resp2), len(m.resp3)) }

// Published notes that the command may have pushed something to other connections.
func (c *Ctx) Published() { c.published = true }

// TakePublished is for the driver: it tells whether a command since the last call did.
func (c *Ctx) TakePublished() bool {
	p := c.published
	c.published = false
	return p
}

// Wanted reports whether m is to be delivered to c. Only the owner of c may ask.
func (m *Message) Wanted(c *Client) bool {
	return m.audience == nil || m.audience.Wants(c, m.era)
}

// Class is the class of a connection for the limits of its output.
type Class uint8

// The classes.
const (
	ClassNormal Class = iota
	ClassReplica
	ClassPubSub
	Classes
)

// OnClose has f called when the connection has ended, on the goroutine that owns it, in the order of the
// calls. Only the connection's own commands may call it.
func (c *Client) OnClose(f func()) { c.closers = append(c.closers, f) }

// Closed is for the driver: it calls what OnClose got, once, when the connection has ended.
func (c *Client) Closed() {
	list := c.closers
	c.closers = nil
	for _, f := range list {
		f()
	}
}
