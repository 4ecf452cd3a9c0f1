package commands_test

import (
	"strings"
	"testing"
)

const debugRefused = `-ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it ` +
	"from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."

func TestDebugIsProtected(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	for _, c := range []struct {
		setting string
		local   bool
		want    string
	}{
		{"no", true, debugRefused},
		{"yes", false, "+OK"},
		{"local", true, "+OK"},
		{"local", false, debugRefused},
	} {
		r.params["enable-debug-command"], cl.client.Local = c.setting, c.local
		if got := cl.text("DEBUG LOG hello"); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if len(r.logged) != 2 || r.logged[0] != "DEBUG LOG: hello" {
		t.Errorf("logged %q", r.logged)
	}
}

// TestDebugLikeRedis compares the subcommands that answer the same.
func TestDebugLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	long := strings.Repeat("ab", 9)
	setup := []string{"SET a 1", "SET b hello", "SET c -70000", "SET d 12345678901", "SET e " + long, "SET f x EX 1000", "SET n -129", "SET m 127"}
	lines := []string{
		"DEBUG", "DEBUG NOPE", "DEBUG NOPE x", "DEBUG SLEEP", "DEBUG SLEEP 0", "DEBUG LOG", "DEBUG OBJECT", "DEBUG OBJECT none",
		"DEBUG DIGEST", "DEBUG DIGEST-VALUE", "DEBUG DIGEST-VALUE a b none f e", "DEBUG SET-ACTIVE-EXPIRE 0", "DEBUG SET-ACTIVE-EXPIRE 1",
		"DEBUG SET-ACTIVE-EXPIRE", "DEBUG CHANGE-REPL-ID", "DEBUG PAUSE-CRON 0", "DEBUG REPLYBUFFER RESIZING 1", "DEBUG REPLYBUFFER PEAK-RESET-TIME never",
		"DEBUG REPLYBUFFER x y", "DEBUG QUICKLIST-PACKED-THRESHOLD 100", "DEBUG SET-DISABLE-DENY-SCRIPTS 0", "DEBUG ERROR WHY", "DEBUG HTSTATS x",
		"DEBUG HTSTATS 99", "DEBUG HTSTATS 3", "DEBUG POPULATE x", "DEBUG POPULATE -1", "DEBUG POPULATE 1 p x", "DEBUG POPULATE 3", "GET key:2",
		"DEBUG POPULATE 2 pre", "GET pre:1", "DEBUG POPULATE 2 size 20", "GET size:1", "DEBUG POPULATE 2 small 3", "GET small:0", "DEBUG DIGEST", "SELECT 3",
		"SET z 1", "DEBUG DIGEST", "SELECT 0", "DEBUG HTSTATS-KEY a", "DEBUG HTSTATS-KEY none", "DEBUG HTSTATS-KEY", "DEBUG SET-SKIP-CHECKSUM-VALIDATION 0",
	}
	for _, typ := range []string{
		"string", "integer", "double", "bignum", "null", "array", "set", "map", "attrib", "verbatim", "true", "FALSE", "nope",
	} {
		lines = append(lines, "DEBUG PROTOCOL "+typ)
	}
	for _, proto := range []string{"2", "3"} {
		for _, s := range []server{theirs, ours} {
			s.do("HELLO", proto)
			s.do("FLUSHALL")
			for _, line := range setup {
				s.do(strings.Fields(line)...)
			}
		}
		for _, line := range lines {
			args := strings.Fields(line)
			a, b := ours.do(args...), theirs.do(args...)
			if showAny(a) != showAny(b) || len(a.Attrs) != len(b.Attrs) {
				t.Errorf("RESP%s: %s\n  is    %s\n  Redis %s", proto, line, showAny(a), showAny(b))
			}
		}
		for key := range strings.FieldsSeq("a b c d e f n m") {
			a, b := objectFields(ours.text("DEBUG OBJECT "+key)), objectFields(show(theirs.do("DEBUG", "OBJECT", key)))
			for _, f := range []string{"encoding", "serializedlength", "lru_seconds_idle", "refcount"} {
				// Redis shares the objects of small integers and so counts differently.
				if a[f] != b[f] && f != "refcount" || a[f] == "" {
					t.Errorf("DEBUG OBJECT %s: %s is %q, Redis %q", key, f, a[f], b[f])
				}
			}
			if len(a) != len(b) {
				t.Errorf("DEBUG OBJECT %s: fields %v, Redis %v", key, a, b)
			}
		}
	}
}

// objectFields reads the reply of DEBUG OBJECT.
func objectFields(s string) map[string]string {
	m := map[string]string{}
	for word := range strings.FieldsSeq(s) {
		if name, value, ok := strings.Cut(word, ":"); ok {
			m[name] = value
		}
	}
	return m
}

func TestDebugOwn(t *testing.T) {
	cl := newRig(t).connect()
	cl.expect(
		"DEBUG SLEEP 0.001", "+OK",
		"DEBUG SLEEP nonsense", "+OK",
		"DEBUG SLEEP -1", "+OK",
		"DEBUG STRINGMATCH-LEN a*c abbc", "1",
		"DEBUG STRINGMATCH-LEN a*c abb", "0",
		"DEBUG PROTOCOL push", "-ERR RESP2 is not supported by this command",
		"DEBUG BUS nope", "-ERR No such command",
		"DEBUG BUS client nope", "-ERR No such command",
	)
	for line, want := range map[string][]string{
		"DEBUG BUS get":         {"stats    on: calls and failures", "lock     on: the stripe of argument 1", "handler  get"},
		"DEBUG BUS client kill": {"lock     -", "handler  client|kill"},
		"DEBUG BUS client|kill": {"lock     -", "handler  client|kill"},
		"DEBUG BUS DEBUG":       {"admit    on: permission"},
		"DEBUG BUS flushall":    {"lock     on: the whole keyspace"},
	} {
		got := string(cl.do(strings.Fields(line)...).Str)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in\n%s", line, w, got)
			}
		}
	}
	cl.do("HELLO", "3")
	out := string(cl.raw("DEBUG", "PROTOCOL", "push"))
	if want := ">2\r\n$16\r\nserver-cpu-usage\r\n:42\r\n$40\r\nSome real reply following the push reply\r\n"; out != want {
		t.Errorf("push: %q", out)
	}
}
