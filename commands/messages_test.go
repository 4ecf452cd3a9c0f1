package commands_test

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

// postbox is the outlet of a rig's client: what is pushed is delivered when the test looks.
type postbox struct{ list []*bus.Message }

// Push keeps m.
func (p *postbox) Push(_ []*bus.Client, m *bus.Message) { p.list = append(p.list, m) }

// pushes takes what was pushed to the client, as text.
func (cl *rigClient) pushes() string {
	cl.r.t.Helper()
	var b strings.Builder
	for _, m := range cl.post.list {
		if m.Wanted(cl.client) && m.Bytes(cl.client.Proto) != nil {
			b.WriteString(showStream(cl.r.t, m.Bytes(cl.client.Proto)))
		}
	}
	cl.post.list = nil
	return b.String()
}

func TestSubscribe(t *testing.T) {
	r := newRig(t)
	sub, pub := r.connect(), r.connect()
	for _, step := range []struct{ line, want string }{
		{"SUBSCRIBE a b a", `["subscribe" "a" 1]["subscribe" "b" 2]["subscribe" "a" 2]`},
		{"PSUBSCRIBE x* x*", `["psubscribe" "x*" 3]["psubscribe" "x*" 3]`},
		{"SSUBSCRIBE a", `["ssubscribe" "a" 1]`},
		{"GET k", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"},
		{"CLIENT ID", "-ERR Can't execute 'client|id': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"},
		{"PING", `["pong" ""]`},
		{"PING hello", `["pong" "hello"]`},
		{"UNSUBSCRIBE b nothing", `["unsubscribe" "b" 2]["unsubscribe" "nothing" 2]`},
		{"UNSUBSCRIBE", `["unsubscribe" "a" 1]`},
		{"UNSUBSCRIBE", `["unsubscribe" nil 1]`},
		{"SUNSUBSCRIBE", `["sunsubscribe" "a" 0]`},
		{"SUNSUBSCRIBE b", `["sunsubscribe" "b" 0]`},
		{"PUNSUBSCRIBE", `["punsubscribe" "x*" 0]`},
		{"PUNSUBSCRIBE", `["punsubscribe" nil 0]`},
		{"PING", "+PONG"},
	} {
		if got := sub.all(step.line); got != step.want {
			t.Errorf("%s\n  answers %s\n  want    %s", step.line, got, step.want)
		}
	}
	sub.all("SUBSCRIBE c")
	sub.all("PSUBSCRIBE ? c*")
	sub.all("SSUBSCRIBE c")
	pub.expect(
		"PUBLISH c hi", "3",
		"SPUBLISH c ho", "1",
		"PUBLISH nobody hi", "0",
		"SPUBLISH nobody hi", "0",
		"PUBSUB CHANNELS", `["c"]`,
		"PUBSUB CHANNELS d*", `[]`,
		"PUBSUB CHANNELS d* e", `-ERR unknown subcommand or wrong number of arguments for 'CHANNELS'. Try PUBSUB HELP.`,
		"PUBSUB NUMSUB", `[]`,
		"PUBSUB NUMSUB c d", `["c" 1 "d" 0]`,
		"PUBSUB NUMPAT", "2",
		"PUBSUB SHARDCHANNELS", `["c"]`,
		"PUBSUB SHARDNUMSUB c d", `["c" 1 "d" 0]`,
		"PUBSUB WHAT", `-ERR unknown subcommand 'WHAT'. Try PUBSUB HELP.`,
	)
	const want = `["message" "c" "hi"]["pmessage" "?" "c" "hi"]["pmessage" "c*" "c" "hi"]["smessage" "c" "ho"]`
	if got := sub.pushes(); got != want {
		t.Errorf("pushes\n  are  %s\n  want %s", got, want)
	}
	if got := pub.text("CLIENT LIST TYPE pubsub"); !strings.Contains(got, " flags=P ") || !strings.Contains(got, " sub=1 psub=2 ssub=1 ") || strings.Count(got, "id=") != 1 {
		t.Errorf("CLIENT LIST TYPE pubsub: %s", got)
	}
	if got := pub.text("INFO stats"); !strings.Contains(got, `pubsub_channels:1\r\npubsub_patterns:2\r\npubsubshard_channels:1\r\n`) {
		t.Errorf("INFO stats: %s", got)
	}
	if got := sub.all("RESET"); got != "+RESET" {
		t.Errorf("RESET answers %s", got)
	}
	pub.expect("PUBSUB NUMPAT", "0", "PUBSUB CHANNELS", "[]", "PUBLISH c hi", "0", "CLIENT LIST TYPE pubsub", `""`)
}

// With RESP3 a client with subscriptions may do everything.
func TestSubscribeResp3(t *testing.T) {
	r := newRig(t)
	sub, pub := r.connect(), r.connect()
	sub.all("HELLO 3")
	for _, step := range []struct{ line, want string }{
		{"SUBSCRIBE a", `>["subscribe" "a" 1]`},
		{"SET k v", "+OK"},
		{"PING", "+PONG"},
		{"UNSUBSCRIBE", `>["unsubscribe" "a" 0]`},
		{"UNSUBSCRIBE", `>["unsubscribe" nil 0]`},
		{"SUBSCRIBE a", `>["subscribe" "a" 1]`},
	} {
		if got := sub.all(step.line); got != step.want {
			t.Errorf("%s\n  answers %s\n  want    %s", step.line, got, step.want)
		}
	}
	pub.expect("PUBLISH a x", "1", "CLIENT KILL TYPE pubsub", "1", "PUBSUB NUMSUB a", `["a" 1]`)
	if got := sub.pushes(); got != `>["message" "a" "x"]` {
		t.Errorf("pushes are %s", got)
	}
}

// all runs a command and returns all of its replies.
func (cl *rigClient) all(line string) string {
	cl.r.t.Helper()
	return showStream(cl.r.t, cl.raw(strings.Fields(line)...))
}

// showStream writes all replies in b, pushes with their mark.
func showStream(t testing.TB, b []byte) string {
	t.Helper()
	var text strings.Builder
	for r := bufio.NewReader(bytes.NewReader(b)); ; {
		if _, err := r.Peek(1); err != nil {
			return text.String()
		}
		v, err := resp.ReadReply(r)
		if err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		if v.Kind == resp.KindPush {
			text.WriteByte('>')
			v.Kind = resp.KindArray
		}
		text.WriteString(show(v))
	}
}
