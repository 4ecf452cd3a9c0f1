package server

import (
	"sync"
	"sync/atomic"

	"github.com/reredis/reredis/bus"
)

// message asks a loop for something.
type message struct {
	kind messageKind
	c    *conn         // add, wake
	seq  uint64        // wake: of which wait
	v    any           // wake
	f    func()        // call: to run on the loop's goroutine
	to   []*bus.Client // push
	m    *bus.Message  // push
}

type messageKind uint8

const (
	messageAdd  messageKind = iota // a new connection
	messageWake                    // a parked command goes on
	messageCall
	messagePush   // output for connections
	messageCommit // the log has moved
)

// mailbox is the queue of one loop's messages. Anybody posts, the loop takes.
type mailbox struct {
	waiting  atomic.Int32 // messages in list
	sleeping atomic.Bool  // the loop blocks, or is about to: ring after posting
	ring     func()       // wakes the loop

	mu     sync.Mutex
	closed bool
	list   []message
	spare  []message // of the loop
}

// post adds a message and reports whether the loop will see it.
func (m *mailbox) post(msg message) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.list = append(m.list, msg)
	m.waiting.Store(int32(len(m.list)))
	m.mu.Unlock()
	if m.sleeping.Load() && m.sleeping.CompareAndSwap(true, false) {
		m.ring()
	}
	return true
}

// take returns what was posted; the slice is valid until the next take.
func (m *mailbox) take() []message {
	if m.waiting.Load() == 0 {
		return nil
	}
	m.mu.Lock()
	list := m.list
	clear(m.spare)
	m.list, m.spare = m.spare[:0], list
	m.waiting.Store(0)
	m.mu.Unlock()
	return list
}

// sleep announces that the loop is about to block; false means that it must not, because
// a message is there.
func (m *mailbox) sleep() bool {
	m.sleeping.Store(true)
	if m.waiting.Load() == 0 {
		return true
	}
	m.sleeping.Store(false)
	return false
}

// awake ends sleep.
func (m *mailbox) awake() { m.sleeping.Store(false) }

// close refuses further messages and returns those that were not taken.
func (m *mailbox) close() []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	list := m.list
	m.list = nil
	m.waiting.Store(0)
	return list
}
