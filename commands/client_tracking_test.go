package commands_test

import (
	"strings"
	"testing"
)

// trackingLines are commands whose replies are those of Redis, one behind the other on one connection.
var trackingLines = []string{
	"CLIENT TRACKING", "CLIENT TRACKING what", "CLIENT TRACKING on what", "CLIENT TRACKING on REDIRECT", "CLIENT TRACKING on PREFIX",
	"CLIENT TRACKING on REDIRECT x", "CLIENT TRACKING on REDIRECT 0", "CLIENT TRACKING on REDIRECT -1", "CLIENT TRACKING on REDIRECT 999999",
	"CLIENT TRACKING off REDIRECT 999999", "CLIENT TRACKING on REDIRECT 999999 what", "CLIENT TRACKING what REDIRECT 999999",
	"CLIENT TRACKING on REDIRECT 999999 REDIRECT 999999",
	"CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT CACHING yes", "CLIENT CACHING what", "CLIENT TRACKING off", "CLIENT TRACKING off BCAST OPTIN",
	"CLIENT TRACKING on PREFIX a", "CLIENT TRACKING on BCAST OPTIN", "CLIENT TRACKING on OPTIN OPTOUT BCAST", "CLIENT TRACKING on OPTIN OPTOUT",
	"CLIENT TRACKING on", "CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT TRACKING on NOLOOP", "CLIENT TRACKINGINFO", "CLIENT CACHING yes",
	"CLIENT CACHING no", "CLIENT CACHING what", "CLIENT TRACKING on BCAST", "CLIENT TRACKING on optin", "CLIENT TRACKINGINFO",
	"CLIENT CACHING no", "CLIENT CACHING YES", "CLIENT TRACKINGINFO", "GET a", "CLIENT TRACKINGINFO", "CLIENT CACHING YES", "CLIENT ID x",
	"CLIENT TRACKINGINFO", "MULTI", "CLIENT TRACKINGINFO", "EXEC", "CLIENT TRACKINGINFO", "CLIENT TRACKING on OPTOUT", "CLIENT TRACKING off",
	"CLIENT TRACKINGINFO", "CLIENT TRACKING on OPTOUT", "CLIENT CACHING yes", "CLIENT CACHING no", "CLIENT TRACKINGINFO", "PING", "CLIENT TRACKINGINFO",
	"CLIENT TRACKING on OPTIN", "CLIENT TRACKING on", "CLIENT TRACKINGINFO", "CLIENT TRACKING off",
	"CLIENT TRACKING on BCAST PREFIX ab PREFIX a", "CLIENT TRACKING on BCAST PREFIX a PREFIX b PREFIX a",
	"CLIENT TRACKING on BCAST PREFIX foo PREFIX bar", "CLIENT TRACKINGINFO", "CLIENT TRACKING on BCAST PREFIX foobar", "CLIENT TRACKING on BCAST PREFIX f",
	"CLIENT TRACKING on BCAST PREFIX baz NOLOOP", "CLIENT TRACKINGINFO", "CLIENT TRACKING on", "CLIENT TRACKING on BCAST", "CLIENT TRACKINGINFO", "CLIENT TRACKING off",
	"MULTI", "CLIENT TRACKING on", "CLIENT TRACKING what", "CLIENT TRACKINGINFO", "CLIENT GETREDIR", "CLIENT TRACKING on REDIRECT 999999", "CLIENT TRACKING off", "EXEC",
	"CLIENT TRACKINGINFO", "MULTI", "CLIENT TRACKING on", "NOPE", "EXEC", "CLIENT TRACKINGINFO", "CLIENT TRACKING on", "RESET", "CLIENT TRACKINGINFO",
}

// TestTrackingLikeRedis gives both the same commands.
func TestTrackingLikeRedis(t *testing.T) {
	for _, proto := range []string{"2", "3"} {
		theirs, ours := newRemote(t), newRig(t).connect()
		ours.do("HELLO", proto)
		theirs.do("HELLO", proto)
		for _, line := range trackingLines {
			args := strings.Fields(line)
			if got, want := show(ours.do(args...)), show(theirs.do(args...)); got != want {
				t.Errorf("RESP%s: %s\n  answers %s\n  Redis   %s", proto, line, got, want)
			}
		}
	}
}

// TestTracking follows one connection's keys, as the commands show it.
func TestTracking(t *testing.T) {
	r := newRig(t)
	w, c, to := r.connect(), r.connect(), r.connect()
	fields := func() string {
		info := infoFieldsOf(w.do("INFO", "everything"))
		return strings.Join([]string{info["tracking_clients"], info["tracking_total_keys"], info["tracking_total_items"], info["tracking_total_prefixes"]}, " ")
	}
	c.all("HELLO 3")
	c.expect("CLIENT TRACKING on", "+OK", "MGET a b", "[nil nil]", "STRLEN c", "0", "OBJECT ENCODING d", "nil", "DBSIZE", "0")
	if got := fields(); got != "1 4 4 0" {
		t.Errorf("INFO: %s", got)
	}
	w.expect("SET a 1", "+OK", "SELECT 1", "+OK", "SET b 1", "+OK", "SELECT 0", "+OK", "RENAME a d", "+OK", "SWAPDB 0 1", "+OK")
	if got := c.pushes(); got != `>["invalidate" ["a"]]>["invalidate" ["b"]]>["invalidate" ["d"]]` {
		t.Errorf("pushes: %s", got)
	}
	if got := w.text("CLIENT LIST ID 2"); !strings.Contains(got, " flags=t ") || !strings.Contains(got, " redir=0 ") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	c.expect("CLIENT TRACKING on REDIRECT 3", "+OK", "CLIENT GETREDIR", "3", "CLIENT TRACKING on REDIRECT 3 REDIRECT 3", "-ERR A client can only redirect to a single other client")
	to.all("SUBSCRIBE __redis__:invalidate")
	c.all("GET a")
	w.expect("SET a 2", "+OK", "FLUSHDB", "+OK")
	if got := to.pushes(); got != `["message" "__redis__:invalidate" ["a"]]["message" "__redis__:invalidate" nil]` {
		t.Errorf("redirected: %s", got)
	}
	if got := w.text("CLIENT LIST ID 2"); !strings.Contains(got, " redir=3 ") || c.pushes() != "" {
		t.Errorf("CLIENT LIST: %s", got)
	}
	to.client.Closed()
	c.all("GET a")
	w.expect("SET a 3", "+OK")
	if got := c.pushes(); got != `>["tracking-redir-broken" 3]` {
		t.Errorf("broken: %s", got)
	}
	if got := w.text("CLIENT LIST ID 2"); !strings.Contains(got, " flags=tR ") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	c.expect("CLIENT TRACKING off", "+OK", "CLIENT TRACKING on BCAST PREFIX x PREFIX y", "+OK")
	if got := fields(); got != "1 0 0 2" {
		t.Errorf("INFO: %s", got)
	}
	w.expect("MSET x1 1 y1 1 x2 1 z 1", "+OK")
	if got := c.pushes(); got != `>["invalidate" ["x1" "x2"]]>["invalidate" ["y1"]]` {
		t.Errorf("pushes: %s", got)
	}
	if got := w.text("CLIENT LIST ID 2"); !strings.Contains(got, " flags=tB ") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	c.all("RESET")
	if got := fields(); got != "0 0 0 0" {
		t.Errorf("INFO: %s", got)
	}
}
