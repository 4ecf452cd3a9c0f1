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

// set adds or removes a reason.
func (h *hiding) set(why hideReason, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if on {
		h.why |= why
	} else {
		h.why &^= why
	}
	h.space.HideOnly(h.why != 0)
}

// paused follows CLIENT PAUSE.
func (n *node) paused(mode bus.PauseMode) {
	n.hides.set(hideForPause, mode != bus.PauseOff)
	n.bus.Recompose()
}
