package cli

import (
	"bufio"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// formatCases is replies and how they look; a version without types only where
// it is not obvious. What redis-cli 7.0 shows too is compared with it in
// TestLikeRedisCLI.
var formatCases = []struct{ wire, tty, raw, json string }{
	{"+OK\r\n", "OK\n", "OK\n", "\"OK\"\n"},
	{"-ERR bad\r\n", "(error) ERR bad\n", "ERR bad\n\n", "error:\"ERR bad\"\n"},
	{"!7\r\nERR bad\r\n", "(error) ERR bad\n", "ERR bad\n\n", "error:\"ERR bad\"\n"},
	{":42\r\n", "(integer) 42\n", "42\n", "42\n"},
	{"$-1\r\n", "(nil)\n", "\n", "null\n"},
	{"*-1\r\n", "(nil)\n", "\n", "null\n"},
	{bulk("a\"\\\n\r\t\a\b\x00\xffz\f"), `"a\"\\\n\r\t\a\b\x00\xffz\x0c"` + "\n", "a\"\\\n\r\t\a\b\x00\xffz\f\n", `"a\"\\\n\r\t\u0007\b\u0000` + "\xff" + `z\f"` + "\n"},
	{",1.50\r\n", "(double) 1.50\n", "1.50\n", "1.50\n"},
	{"#t\r\n", "(true)\n", "(true)\n", "true\n"},
	{"#f\r\n", "(false)\n", "(false)\n", "false\n"},
	{"(12345678901234567890\r\n", "12345678901234567890\n", "12345678901234567890\n", "12345678901234567890\n"},
	{"=8\r\ntxt:a\"\nb\r\n", "a\"\nb\n", "a\"\nb\n", `"a\"\nb"` + "\n"},
	{"*0\r\n", "(empty array)\n", "\n", "[]\n"},
	{"%0\r\n", "(empty hash)\n", "\n", "{}\n"},
	{"~0\r\n", "(empty set)\n", "\n", "[]\n"},
	{">0\r\n", "(empty push)\n", "\n", "[]\n"},
	{"*2\r\n:1\r\n$-1\r\n", "1) (integer) 1\n2) (nil)\n", "1\n\n", "[1,null]\n"},
	{"~1\r\n:1\r\n", "1~ (integer) 1\n", "1\n", "[1]\n"},
	{"%2\r\n+a\r\n:1\r\n:2\r\n+b\r\n", "1# a => (integer) 1\n2# (integer) 2 => b\n", "a 1\n2 b\n", "{\"a\":1,\"2\":\"b\"}\n"},
	{
		"*10\r\n*2\r\n:1\r\n*2\r\n:2\r\n:3\r\n" + strings.Repeat(":4\r\n", 9),
		" 1) 1) (integer) 1\n    2) 1) (integer) 2\n       2) (integer) 3\n 2) (integer) 4\n 3) (integer) 4\n 4) (integer) 4\n 5) (integer) 4\n" +
			" 6) (integer) 4\n 7) (integer) 4\n 8) (integer) 4\n 9) (integer) 4\n10) (integer) 4\n",
		"1\n2\n3" + strings.Repeat("\n4", 9) + "\n",
		"[[1,[2,3]],4,4,4,4,4,4,4,4,4]\n",
	},
	{
		"%2\r\n+a\r\n*2\r\n:1\r\n:2\r\n+b\r\n*1\r\n:3\r\n",
		"1# a => \n   1) (integer) 1\n   2) (integer) 2\n2# b => 1) (integer) 3\n",
		"a 1\n2\nb 3\n", "{\"a\":[1,2],\"b\":[3]}\n",
	},
	{"|1\r\n+ttl\r\n:1\r\n:42\r\n", "(integer) 42\n", "42\n", "42\n"},
}

func TestFormat(t *testing.T) {
	for _, c := range formatCases {
		v, err := resp.ReadReply(bufio.NewReader(strings.NewReader(c.wire)))
		if err != nil {
			t.Fatal(err)
		}
		for o, want := range map[output]string{outputTTY: c.tty, outputRaw: c.raw, outputJSON: c.json} {
			f := formatter{output: o, delimiter: "\n", terminator: "\n"}
			if got := string(f.append([]byte("x"), v, false)); got != "x"+want {
				t.Errorf("%q in form %d: %q, want %q", c.wire, o, got[1:], want)
			}
		}
	}
}

// TestQuotedComesBack types what is shown.
func TestQuotedComesBack(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	got, ok := unquote(string(appendQuoted(nil, all)))
	if !ok || got != string(all) {
		t.Errorf("%q", got)
	}
}

func TestVerbatim(t *testing.T) {
	for line, want := range map[string]bool{
		"info": true, "INFO server": true, "get info": false, "client LIST": true, "client": false, "client id": false,
		"cluster nodes": true, "cluster nodes x": false, "memory doctor": true, "LATENCY graph x": true,
	} {
		if isVerbatim(strings.Fields(line)) != want {
			t.Errorf("%s: %t", line, !want)
		}
	}
}
