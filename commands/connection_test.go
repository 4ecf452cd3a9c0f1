package commands_test

import (
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
)

const (
	wrongPass  = "-WRONGPASS invalid username-password pair or user is disabled."
	helloTwo   = `["server" "redis" "version" "7.0.15" "proto" 2 "id" 1 "mode" "standalone" "role" "master" "modules" []]`
	helloThree = `{"server" "redis" "version" "7.0.15" "proto" 3 "id" 1 "mode" "standalone" "role" "master" "modules" []}`
)

func TestPingEcho(t *testing.T) {
	newRig(t).connect().expect(
		"PING", "+PONG",
		"ping hello", `"hello"`,
		"PING a b", "-ERR wrong number of arguments for 'ping' command",
		"ECHO x", `"x"`,
		"ECHO", "-ERR wrong number of arguments for 'echo' command",
	)
}

func TestHello(t *testing.T) {
	cl := newRig(t).connect()
	cl.expect(
		"HELLO", helloTwo,
		"HELLO 2", helloTwo,
		"HELLO 4", "-NOPROTO unsupported protocol version",
		"HELLO 1", "-NOPROTO unsupported protocol version",
		"HELLO x", "-ERR Protocol version is not an integer or out of range",
		"HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'",
		"HELLO 2 nonsense a", "-ERR Syntax error in HELLO option 'nonsense'",
		"HELLO 2 AUTH bob pw", wrongPass,
		"HELLO 3 AUTH default any SETNAME me", helloThree,
		"HELLO", helloThree,
		"CLIENT GETNAME", `"me"`,
		"HELLO 2", helloTwo,
	)
	if got := show(cl.do("HELLO", "2", "SETNAME", "a b")); got != "-ERR Client names cannot contain spaces, newlines or special characters." {
		t.Error(got)
	}
}

func TestAuth(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	cl.expect(
		"AUTH pw", "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
		"AUTH default pw", "+OK",
		"AUTH bob pw", wrongPass,
		"AUTH a b c", "-ERR syntax error",
		"AUTH", "-ERR wrong number of arguments for 'auth' command",
	)
	r.password = "secret"
	r.bus.Recompose()
	cl.expect("PING", "+PONG") // was here before the password
	cl = r.connect()
	cl.expect(
		"PING", "-NOAUTH Authentication required.",
		"HELLO 3", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
		"AUTH wrong", wrongPass,
		"AUTH secre", wrongPass,
		"AUTH secrets", wrongPass,
		"AUTH other secret", wrongPass,
		"PING", "-NOAUTH Authentication required.",
		"AUTH secret", "+OK",
		"PING", "+PONG",
		"AUTH wrong", wrongPass,
		"PING", "+PONG",
		"RESET", "+RESET",
		"PING", "-NOAUTH Authentication required.",
		"AUTH default secret", "+OK",
		"RESET", "+RESET",
		"HELLO 2 AUTH default secret", strings.Replace(helloTwo, `"id" 1`, `"id" 2`, 1),
		"PING", "+PONG",
		"RESET", "+RESET",
		"QUIT", "+OK",
	)
	if !cl.closed {
		t.Error("QUIT leaves the connection open")
	}
}

func TestSelect(t *testing.T) {
	newRig(t).connect().expect(
		"SELECT 15", "+OK",
		"SET k v", "+OK",
		"SELECT 0", "+OK",
		"GET k", "nil",
		"SELECT 15", "+OK",
		"GET k", `"v"`,
		"SELECT 16", "-ERR DB index is out of range",
		"SELECT -1", "-ERR DB index is out of range",
		"SELECT x", "-ERR value is not an integer or out of range",
		"SELECT 2147483648", "-ERR value is out of range, value must between -2147483648 and 2147483647",
		"GET k", `"v"`,
	)
}

func TestReset(t *testing.T) {
	cl := newRig(t).connect()
	cl.do("HELLO", "3", "SETNAME", "x")
	cl.do("SELECT", "3")
	cl.client.Replies = bus.ReplyOff
	cl.expect("RESET", "+RESET")
	if c := cl.client; c.DB != 0 || c.Proto != 2 || c.Name != "" || c.Replies != bus.ReplyOn {
		t.Errorf("after RESET: %+v", c)
	}
}
