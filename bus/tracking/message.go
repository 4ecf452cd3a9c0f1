package tracking

import (
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// The beginnings of messages: a push, or for a client of RESP2 a message of a channel.
const (
	head3 = ">2\r\n$10\r\ninvalidate\r\n"
	head2 = "*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n"
)

// body is what a message says: an array of keys, or null for all, in the form of each protocol.
type body struct{ resp2, resp3 []byte }

var everything = body{[]byte("$-1\r\n"), []byte("_\r\n")}

// keyList is the body about keys.
func keyList(keys []string) body {
	if len(keys) == 0 {
		return body{}
	}
	b := resp.AppendArray(nil, len(keys))
	for _, k := range keys {
		b = resp.AppendBulkString(b, k)
	}
	return body{b, b}
}

// audience collects who gets a message.
type audience struct {
	direct []group
	others []*state // whose messages are redirected
}

// group is clients that have the same outlet.
type group struct {
	out     bus.Outlet
	clients []*bus.Client
}

// add adds a client that tracks with these options.
func (a *audience) add(st *state, o *Options) {
	c := st.client.Load()
	switch {
	case c == nil:
		return
	case o.Redirect != nil:
		a.others = append(a.others, st)
		return
	}
	i := slices.IndexFunc(a.direct, func(g group) bool { return g.out == c.Out })
	if i < 0 {
		i = len(a.direct)
		a.direct = append(a.direct, group{out: c.Out})
	}
	a.direct[i].clients = append(a.direct[i].clients, c)
}

// send sends a message to all, which must not leave before an LSN is safe.
func (a *audience) send(b body, after uint64) {
	if b.resp3 == nil {
		return
	}
	// RESP2 has no place for what a client did not ask for.
	push := append([]byte(head3), b.resp3...)
	if len(a.direct) > 0 {
		m := bus.NewMessage(nil, push).For(own{}, 0).After(after)
		for _, g := range a.direct {
			g.out.Push(g.clients, m)
		}
	}
	for _, st := range a.others {
		o := st.opts.Load()
		if o == nil || o.Redirect == nil {
			continue
		}
		target := o.Redirect.client.Load()
		if target == nil {
			st.lost(o)
			continue
		}
		m := bus.NewMessage(append([]byte(head2), b.resp2...), push).For(st, 0).After(after)
		target.Out.Push([]*bus.Client{target}, m)
	}
}

// lost tells a client that the one that its messages are redirected to has gone.
func (st *state) lost(o *Options) {
	st.broken.Store(true)
	c := st.client.Load()
	if c == nil {
		return
	}
	b := resp.AppendInt(resp.AppendBulkString([]byte(">2\r\n"), "tracking-redir-broken"), o.redirect())
	c.Out.Push([]*bus.Client{c}, bus.NewMessage(nil, b).For(own{}, 0))
}

// own is the audience of messages that are not redirected.
type own struct{}

// Wants reports whether c still tracks.
func (own) Wants(c *bus.Client, _ uint64) bool {
	st := stateOf(c)
	return st != nil && st.opts.Load() != nil
}

// Wants reports whether a client that the messages of st are redirected to is to get one. With RESP2 it must
// have subscribed to something.
func (st *state) Wants(c *bus.Client, _ uint64) bool {
	return st.opts.Load() != nil && (c.Proto > 2 || c.Subscribed())
}
