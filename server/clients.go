package server

import (
	"net"
	"strconv"

	"github.com/reredis/reredis/bus"
)

// Each calls visit for every connection, on the goroutine that owns it, never two
// at a time, loop after loop; within a loop the order is undefined. A connection for which
// visit returns true is closed at once, without the replies that wait. Then done is called, on
// any goroutine. Each itself does not wait.
//
// visit must not block, and must not return true for the client on whose behalf it runs and
// which is owed a reply: that one sets CloseAfterReply.
func (s *Server) Each(visit func(c *bus.Client, st bus.ConnState) (kill bool), done func()) {
	s.eachFrom(0, visit, done)
}

func (s *Server) eachFrom(i int, visit func(*bus.Client, bus.ConnState) bool, done func()) {
	if i == len(s.drivers) {
		done()
		return
	}
	s.drivers[i].each(visit, func() { s.eachFrom(i+1, visit, done) })
}

// peer is what is known of a new connection.
type peer struct {
	addr, local string // as in bus.Client
	unix        bool
	loopback    bool
}

// admit decides about a new connection. An empty refusal means that it is counted as
// connected; otherwise refusal is the text to send before closing it.
func (s *Server) admit(p peer) (refusal string) {
	set := s.settings.Load()
	n := s.connected.Add(1)
	switch {
	case set.MaxClients > 0 && n > int64(set.MaxClients):
		refusal = textMaxClients
	case set.ProtectedMode && !set.AuthRequired && !p.unix && !p.loopback:
		refusal = textProtected
	default:
		s.received.Add(1)
		return ""
	}
	s.connected.Add(-1)
	s.rejected.Add(1)
	return refusal
}

// newConn returns a connection that admit let in.
func (s *Server) newConn(fd int, p peer) *conn {
	now := s.opts.Now()
	return &conn{fd: fd, client: bus.Client{
		ID: s.ids.Add(1), Addr: p.addr, LocalAddr: p.local, FD: fd,
		Created: now, LastSeen: now, User: "default", Proto: 2,
		Authenticated: !s.settings.Load().AuthRequired,
		Local:         p.unix || p.loopback, Unix: p.unix,
	}}
}

// tcpPeer describes a TCP connection.
func tcpPeer(remote, local *net.TCPAddr) peer {
	return peer{addr: addrText(remote), local: addrText(local), loopback: remote != nil && remote.IP.IsLoopback()}
}

func addrText(a *net.TCPAddr) string {
	if a == nil {
		return "?:0"
	}
	return net.JoinHostPort(a.IP.String(), strconv.Itoa(a.Port))
}

// unixPeer describes a connection to the unix socket at path.
func unixPeer(path string) peer {
	return peer{addr: path + ":0", local: path + ":0", unix: true}
}
