package main

import (
	"sync"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// hideReason is why keys that fell due stay, hidden, instead of being removed.
type hideReason uint8

const (
	hideForLog   hideReason = 1 << iota // the log takes nothing now
	hideForPause                        // CLIENT PAUSE: the data stays as it is
)

// hiding joins the reasons; there may be several at a time.
type hiding struct {
	space *keyspace.Space
	mu    sync.Mutex
	why   hideReason
}

// ask adds or removes a reason as holds says. One call asks after the other, so that the last answer counts. It may be
// called with stripes locked.
func (h *hiding) ask(why hideReason, holds func() bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := h.why
	if holds() {
		h.why |= why
	} else {
		h.why &^= why
	}
	if h.why != before { // every command reads what it stores
		h.space.HideOnly(h.why != 0)
	}
}

// paused follows CLIENT PAUSE.
func (n *node) paused(mode bus.PauseMode) {
	n.hides.ask(hideForPause, func() bool { return mode != bus.PauseOff })
	n.bus.Recompose()
}
