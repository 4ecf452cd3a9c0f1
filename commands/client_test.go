package commands_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

func TestClientNames(t *testing.T) {
	cl := newRig(t).connect()
	cl.expect(
		"CLIENT ID", "1",
		"CLIENT GETNAME", "nil",
		"CLIENT SETNAME me", "+OK",
		"CLIENT GETNAME", `"me"`,
		"CLIENT SETINFO LIB-NAME lib", "+OK",
		"CLIENT SETINFO lib-ver 1.2", "+OK",
		"CLIENT SETINFO lib-x 1.2", "-ERR Unrecognized option 'lib-x'",
		"CLIENT SETINFO lib-ver", "-ERR wrong number of arguments for 'client|setinfo' command",
		"CLIENT", "-ERR wrong number of arguments for 'client' command",
		"CLIENT NOPE", "-ERR unknown subcommand 'NOPE'. Try CLIENT HELP.",
		"CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command",
		"CLIENT NO-EVICT on", "+OK",
		"CLIENT NO-TOUCH on", "+OK",
		"CLIENT NO-TOUCH maybe", "-ERR syntax error",
	)
	for args, want := range map[string]string{
		"LIB-NAME|a b": "-ERR lib-name cannot contain spaces, newlines or special characters.",
		"LIB-VER|a\nb": "-ERR lib-ver cannot contain spaces, newlines or special characters.",
	} {
		option, value, _ := strings.Cut(args, "|")
		if got := show(cl.do("CLIENT", "SETINFO", option, value)); got != want {
			t.Errorf("%s: %s", args, got)
		}
	}
	if got := show(cl.do("CLIENT", "SETNAME", "")); got != "+OK" || cl.client.Name != "" {
		t.Errorf("an empty name: %s, %q", got, cl.client.Name)
	}
	if c := cl.client; c.LibName != "lib" || c.LibVer != "1.2" || !c.NoEvict || !c.NoTouch {
		t.Errorf("%+v", c)
	}
}

// clientLine is the form of 7.0.15, with the fields of 7.2 at its end.
var clientLine = regexp.MustCompile(`^id=\d+ addr=\S*:\d+ laddr=\S*:\d+ fd=\d+ name=\S* age=\d+ idle=\d+ flags=[a-zA-Z]+ ` +
	`db=\d+ sub=0 psub=0 ssub=0 multi=-1 qbuf=\d+ qbuf-free=\d+ argv-mem=\d+ multi-mem=0 rbs=\d+ rbp=\d+ obl=\d+ oll=\d+ ` +
	`omem=\d+ tot-mem=\d+ events=r?w? cmd=\S+ user=\S+ redir=-1 resp=[23] lib-name=\S* lib-ver=\S*$`)

func TestClientListAndInfo(t *testing.T) {
	r := newRig(t)
	a, b, c := r.connect(), r.connect(), r.connect()
	b.do("CLIENT", "SETNAME", "second")
	b.do("SELECT", "4")
	c.do("HELLO", "3")
	c.do("CLIENT", "NO-EVICT", "on")
	list := func(v resp.Value) []string {
		return strings.Split(strings.TrimSuffix(string(v.Str), "\n"), "\n")
	}
	lines := list(a.do("CLIENT", "LIST"))
	if len(lines) != 3 {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, want := range []string{
		"id=1 .* age=1 idle=0 flags=N db=0 .* qbuf=26 qbuf-free=100 argv-mem=10 .* obl=0 oll=0 omem=0 .* events=r cmd=client\\|list user=default .* resp=2 ",
		"id=2 .* name=second age=1 idle=2 flags=N db=4 .* cmd=select ",
		"id=3 .* flags=e db=0 .* cmd=client\\|no-evict user=default redir=-1 resp=3 ",
	} {
		if !clientLine.MatchString(lines[i]) {
			t.Errorf("the form of %q", lines[i])
		}
		if !regexp.MustCompile("^" + want).MatchString(lines[i]) {
			t.Errorf("%q does not match %q", lines[i], want)
		}
	}
	if got := list(a.do("CLIENT", "LIST", "ID", "3", "9", "1", "3")); len(got) != 3 ||
		!strings.HasPrefix(got[0], "id=3 ") || !strings.HasPrefix(got[1], "id=1 ") || !strings.HasPrefix(got[2], "id=3 ") {
		t.Errorf("CLIENT LIST ID: %q", got)
	}
	if got := list(a.do("CLIENT", "LIST", "TYPE", "normal")); len(got) != 3 {
		t.Errorf("CLIENT LIST TYPE normal: %q", got)
	}
	a.expect(
		"CLIENT LIST TYPE pubsub", `""`,
		"CLIENT LIST TYPE slave", `""`,
		"CLIENT LIST TYPE nope", "-ERR Unknown client type 'nope'",
		"CLIENT LIST ID x", "-ERR Invalid client ID",
		"CLIENT LIST ID", "-ERR syntax error",
		"CLIENT LIST nope", "-ERR syntax error",
	)
	v := c.do("CLIENT", "INFO")
	if v.Kind != resp.KindVerbatim || !clientLine.Match(v.Str[:len(v.Str)-1]) || !strings.Contains(string(v.Str), " cmd=client|info ") {
		t.Errorf("CLIENT INFO: %s", show(v))
	}
}

func TestClientKill(t *testing.T) {
	r := newRig(t)
	me := r.connect()
	for range 4 {
		r.connect()
	}
	me.expect(
		"CLIENT KILL id 10 wrong", "-ERR syntax error",
		"CLIENT KILL id str", "-ERR client-id should be greater than 0",
		"CLIENT KILL ID str SKIPME yes", "-ERR client-id should be greater than 0",
		"CLIENT KILL ID 0 SKIPME yes", "-ERR client-id should be greater than 0",
		"CLIENT KILL TYPE nope SKIPME yes", "-ERR Unknown client type 'nope'",
		"CLIENT KILL USER nobody SKIPME yes", "-ERR No such user 'nobody'",
		"CLIENT KILL SKIPME maybe", "-ERR syntax error",
		"CLIENT KILL MAXAGE x SKIPME yes", "-ERR maxage is not an integer or out of range",
		"CLIENT KILL MAXAGE 0 SKIPME yes", "-ERR maxage should be greater than 0",
		"CLIENT KILL 1.2.3.4:5", "-ERR No such client",
		"CLIENT KILL 127.0.0.1:40002", "+OK",
		"CLIENT KILL ID 3", "1",
		"CLIENT KILL ID 3", "0",
		"CLIENT KILL ADDR 127.0.0.1:40004 LADDR 1.1.1.1:1", "0",
		"CLIENT KILL ADDR 127.0.0.1:40004 TYPE normal USER default", "1",
		"CLIENT KILL MAXAGE 100", "0",
		"CLIENT KILL SKIPME yes", "1",
		"CLIENT KILL TYPE pubsub", "0",
	)
	for _, cl := range r.clients[1:] {
		if !cl.closed {
			t.Errorf("client %d is open", cl.client.ID)
		}
	}
	me.expect("CLIENT KILL SKIPME no", "1")
	if !me.closed {
		t.Error("SKIPME no spared the caller")
	}
	other := r.connect()
	other.expect("CLIENT KILL "+other.client.Addr, "+OK")
	if !other.closed {
		t.Error("the old form spared the caller")
	}
}

func TestClientReply(t *testing.T) {
	cl := newRig(t).connect()
	for _, step := range []struct {
		arg    string
		silent bool
		mode   bus.ReplyMode
	}{
		{"OFF", true, bus.ReplyOff},
		{"SKIP", true, bus.ReplyOff},
		{"ON", false, bus.ReplyOn},
		{"SKIP", true, bus.ReplySkipNext},
		{"on", false, bus.ReplyOn},
	} {
		out := cl.raw("CLIENT", "REPLY", step.arg)
		if (len(out) == 0) != step.silent || cl.client.Replies != step.mode {
			t.Errorf("CLIENT REPLY %s: %q, mode %d", step.arg, out, cl.client.Replies)
		}
	}
	cl.expect("CLIENT REPLY x", "-ERR syntax error")
}
