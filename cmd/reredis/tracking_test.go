package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// words writes a reply: what is in it, and > in front of a push.
func words(v resp.Value) string {
	switch v.Kind {
	case resp.KindPush, resp.KindArray:
		list := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			list[i] = words(e)
		}
		mark := ""
		if v.Kind == resp.KindPush {
			mark = ">"
		}
		return mark + "[" + strings.Join(list, " ") + "]"
	case resp.KindInt:
		return strconv.FormatInt(v.Int, 10)
	case resp.KindNull:
		return "nil"
	}
	return string(v.Str)
}

// gets sends a command and reads what comes, as many replies and pushes as are wanted.
func (w *wire) gets(line string, want ...string) {
	w.t.Helper()
	if line != "" {
		w.send(line + "\r\n")
	}
	for _, x := range want {
		if got := words(w.reply()); got != x {
			w.t.Errorf("%s: got %s, want %s", line, got, x)
		}
	}
}

// resp3 switches the connection to RESP3.
func (w *wire) resp3() {
	w.t.Helper()
	w.send("HELLO 3\r\n")
	w.reply()
}

// TestTracking follows client-side caching over sockets, on redis-server and with both drivers. A command's reply comes
// behind the invalidations of all that was changed before it was sent, so none has to be waited for.
func TestTracking(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			t.Run("RESP3", func(t *testing.T) { tryTracking3(t, s) })
			t.Run("RESP2", func(t *testing.T) { tryTracking2(t, s) })
			t.Run("broken", func(t *testing.T) { tryTrackingBroken(t, s) })
			t.Run("removed", func(t *testing.T) { tryTrackingRemoved(t, s) })
		})
	}
}

func tryTracking3(t *testing.T, s *instance) {
	c, w := s.wire(t), s.wire(t)
	c.resp3()
	c.gets("CLIENT TRACKING on", "OK")
	for i := range 100 {
		c.gets("MGET a b", words(mgetOf(t, s)))
		w.gets(fmt.Sprintf("SET a %d", i), "OK")
		c.gets("PING", ">[invalidate [a]]", "PONG")
		w.gets("MULTI", "OK")
		w.gets("SET a x", "QUEUED")
		w.gets("SET b x", "QUEUED")
		w.gets("EXEC", "[OK OK]")
		c.gets("PING", ">[invalidate [b]]", "PONG")
	}
	c.gets("GET a", "x")
	c.gets("SET a own", "OK", ">[invalidate [a]]")
	c.gets("GET a", "own")
	c.gets("MULTI", "OK")
	c.gets("SET a 1", "QUEUED")
	c.gets("GET b", "QUEUED")
	c.gets("EXEC", "[OK x]", ">[invalidate [a]]")
	w.gets("FLUSHALL", "OK")
	c.gets("PING", ">[invalidate nil]", "PONG")
	c.gets("GET a", "nil")
	c.gets("CLIENT TRACKING on NOLOOP", "OK")
	c.gets("SET a own", "OK")
	c.gets("CLIENT TRACKING off", "OK")
	c.gets("CLIENT TRACKING on BCAST PREFIX a PREFIX b", "OK")
	w.gets("MSET a2 1 c 1 b1 1 a1 1", "OK")
	c.gets("", ">[invalidate [a1 a2]]", ">[invalidate [b1]]")
	c.gets("CLIENT REPLY OFF")
	w.gets("SET a 1", "OK")
	c.gets("", ">[invalidate [a]]")
	c.gets("CLIENT REPLY ON", "OK")
	c.gets("RESET", "RESET")
	w.gets("SET a 1", "OK")
	c.gets("PING", "PONG")
}

// mgetOf is what MGET a b answers.
func mgetOf(t *testing.T, s *instance) resp.Value {
	t.Helper()
	w := s.wire(t)
	defer w.Close()
	w.send("MGET a b\r\n")
	return w.reply()
}

// id is the connection's number.
func (w *wire) id() string {
	w.t.Helper()
	w.send("CLIENT ID\r\n")
	return words(w.reply())
}

func tryTracking2(t *testing.T, s *instance) {
	c, to, w := s.wire(t), s.wire(t), s.wire(t)
	id := to.id()
	to.gets("SUBSCRIBE __redis__:invalidate", "[subscribe __redis__:invalidate 1]")
	c.gets("CLIENT TRACKING on REDIRECT "+id, "OK")
	c.gets("CLIENT GETREDIR", id)
	c.gets("GET r", "nil")
	w.gets("SET r 1", "OK")
	to.gets("", "[message __redis__:invalidate [r]]")
	c.gets("GET r", "1")
	w.gets("FLUSHDB", "OK")
	to.gets("", "[message __redis__:invalidate nil]")
	c.gets("CLIENT TRACKING off", "OK")
	// Without redirection there is no way to tell RESP2.
	c.gets("CLIENT TRACKING on", "OK")
	c.gets("GET r", "nil")
	w.gets("SET r 1", "OK")
	c.gets("PING", "PONG")
	to.gets("PING", "[pong ]")
}

func tryTrackingBroken(t *testing.T, s *instance) {
	c, to, w := s.wire(t), s.wire(t), s.wire(t)
	id := to.id()
	c.resp3()
	c.gets("CLIENT TRACKING on REDIRECT "+id, "OK")
	c.gets("GET k", "nil")
	w.gets("CLIENT KILL ID "+id, "1")
	to.rest()
	eventually(t, "the client has gone", func() bool {
		w.send("CLIENT LIST\r\n")
		return !strings.Contains(string(w.reply().Str), "id="+id+" ")
	})
	w.gets("SET k 1", "OK")
	c.gets("PING", ">[tracking-redir-broken "+id+"]", "PONG")
	w.send("CLIENT LIST\r\n")
	if !regexp.MustCompile(` flags=tR .* redir=` + id + ` `).Match(w.reply().Str) {
		t.Error("CLIENT LIST does not show it")
	}
}

// tryTrackingRemoved has keys go that nobody removes.
func tryTrackingRemoved(t *testing.T, s *instance) {
	c, w := s.wire(t), s.wire(t)
	c.resp3()
	c.gets("CLIENT TRACKING on NOLOOP", "OK")
	w.gets("SET e 1 PX 1", "OK")
	c.send("GET e\r\n")
	if got := words(c.reply()); got == "1" {
		c.gets("", ">[invalidate [e]]")
	}
	w.gets("SET v 1 EX 1000", "OK")
	w.gets("SET stays 1", "OK")
	c.gets("MGET v stays", "[1 1]")
	w.gets("CONFIG SET maxmemory-policy volatile-ttl maxmemory 1", "OK")
	w.send("SET more 1\r\n")
	w.reply() // an error, there is still not enough
	c.gets("", ">[invalidate [v]]")
	w.gets("CONFIG SET maxmemory-policy noeviction maxmemory 0", "OK")
	c.gets("MGET 1 2 3", "[nil nil nil]")
	w.gets("CONFIG SET tracking-table-max-keys 1", "OK")
	for range 3 { // and of stays
		if got := words(c.reply()); !strings.HasPrefix(got, ">[invalidate [") {
			t.Errorf("got %s", got)
		}
	}
	w.gets("CONFIG SET tracking-table-max-keys 0", "OK")
}
