package commands

import (
	"strconv"

	"github.com/reredis/reredis/bus"
)

// appendClient appends the line of CLIENT LIST for one connection, without its end.
func appendClient(b []byte, c *bus.Client, st bus.ConnState, now int64) []byte {
	num := func(name string, n int64) {
		b = append(b, name...)
		b = strconv.AppendInt(b, n, 10)
	}
	str := func(name, s string) {
		b = append(b, name...)
		b = append(b, s...)
	}
	cmd := "NULL"
	if c.Last != nil {
		cmd = c.Last.FullName()
	}
	user := c.User
	if user == "" {
		user = defaultUser
	}
	num("id=", c.ID)
	str(" addr=", c.Addr)
	str(" laddr=", c.LocalAddr)
	num(" fd=", int64(c.FD))
	str(" name=", c.Name)
	num(" age=", max(0, now-c.Created)/1000)
	num(" idle=", max(0, st.IdleMillis)/1000)
	str(" flags=", clientLetters(c))
	num(" db=", int64(c.DB))
	var channels, patterns, shards int
	if c.Sub != nil {
		channels, patterns, shards = c.Sub.Counts()
	}
	num(" sub=", int64(channels))
	num(" psub=", int64(patterns))
	num(" ssub=", int64(shards))
	queued, size := c.Queued()
	num(" multi=", int64(queued))
	num(" qbuf=", int64(st.QueryBuf))
	num(" qbuf-free=", int64(st.QueryBufFree))
	num(" argv-mem=", int64(st.ArgvMem))
	num(" multi-mem=", int64(size))
	num(" rbs=", int64(st.OutBuf))
	num(" rbp=", int64(st.OutBuf))
	num(" obl=", int64(st.OutBuf))
	num(" oll=", int64(st.OutList))
	num(" omem=", int64(st.OutListMem))
	num(" tot-mem=", int64(st.TotalMem))
	str(" events=", st.Events)
	str(" cmd=", cmd)
	str(" user=", user)
	num(" redir=", redirect(c))
	num(" resp=", int64(max(2, c.Proto)))
	str(" lib-name=", c.LibName)
	str(" lib-ver=", c.LibVer)
	return b
}

// redirect is the number of the client that gets the invalidations for c, 0: itself, -1: it gets none.
func redirect(c *bus.Client) int64 {
	if c.Track == nil {
		return -1
	}
	return c.Track.Redirect()
}

// clientLetters are the flags of a connection in a line of CLIENT LIST.
func clientLetters(c *bus.Client) string {
	var tracks string
	if c.Track != nil {
		tracks = c.Track.Letters()
	}
	var b []byte
	for _, f := range []struct {
		on      bool
		letters string
	}{
		{c.Monitoring(), "O"},
		{c.Subscribed(), "P"},
		{c.InMulti(), "x"},
		{c.Blocked, "b"},
		{true, tracks},
		{c.Dirty(), "d"},
		{c.CloseAfterReply, "c"},
		{c.Unix, "U"},
		{c.NoEvict, "e"},
		{c.NoTouch, "T"},
	} {
		if f.on {
			b = append(b, f.letters...)
		}
	}
	if len(b) == 0 {
		return "N"
	}
	return string(b)
}

// ownState is what a connection shows of itself while its command runs: the
// command is still in the query buffer, and nothing is written yet.
func ownState(c *bus.Ctx, st bus.ConnState) bus.ConnState {
	st.ArgvMem = 0
	query := len("*\r\n") + digits(len(c.Args))
	for _, a := range c.Args {
		st.ArgvMem += len(a)
		query += len("$\r\n\r\n") + digits(len(a)) + len(a)
	}
	if c.Raw != nil {
		query = len(c.Raw)
	}
	st.QueryBuf, st.OutBuf, st.OutList, st.OutListMem = query, 0, 0, 0
	st.Events, st.IdleMillis = "r", 0
	st.TotalMem = max(st.TotalMem, st.QueryBuf+st.ArgvMem)
	return st
}

// digits is the length of n in decimal.
func digits(n int) int { return len(strconv.Itoa(n)) }

// parseClientType reads the name of a type in the filters of CLIENT LIST and CLIENT KILL. None has the
// type "master".
func parseClientType(b []byte) (class bus.Class, ok bool) {
	for _, n := range []struct {
		word  string
		class bus.Class
	}{
		{"normal", bus.ClassNormal},
		{"slave", bus.ClassReplica},
		{"replica", bus.ClassReplica},
		{"pubsub", bus.ClassPubSub},
		{"master", bus.Classes},
	} {
		if bus.EqualFold(b, n.word) {
			return n.class, true
		}
	}
	return 0, false
}
