package commands_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// newerThanRedis are commands that 7.0.15 does not have, with the version that brought them.
var newerThanRedis = map[string]string{
	"config|unset":    "ours",
	"config|reload":   "ours",
	"config|origin":   "ours",
	"client|setinfo":  "7.2.0",
	"client|no-touch": "7.2.0",
}

// infoExceptions are fields of COMMAND INFO that differ from Redis on purpose.
var infoExceptions = map[string]string{}

// names lists every command and subcommand of a rig.
func names(cl *rigClient) []string {
	var list []string
	for _, v := range cl.do("COMMAND", "LIST").Elems {
		list = append(list, string(v.Str))
	}
	slices.Sort(list)
	return list
}

// infoFields are the elements of a COMMAND INFO entry.
var infoFields = []string{
	"name", "arity", "flags", "first key", "last key", "step", "categories", "tips", "key specs", "subcommands",
}

// TestCommandInfoLikeRedis compares what COMMAND INFO says, field by field.
func TestCommandInfoLikeRedis(t *testing.T) {
	theirs := newRemote(t)
	for _, proto := range []string{"2", "3"} {
		t.Run("RESP"+proto, func(t *testing.T) {
			ours := newRig(t).connect()
			ours.do("HELLO", proto)
			theirs.do("HELLO", proto)
			for _, name := range names(ours) {
				if newerThanRedis[name] != "" {
					continue
				}
				a, b := ours.do("COMMAND", "INFO", name), theirs.do("COMMAND", "INFO", name)
				compareInfo(t, name, a.Elems[0], b.Elems[0])
			}
		})
	}
}

func compareInfo(t *testing.T, name string, a, b resp.Value) {
	t.Helper()
	if b.IsNull() {
		t.Errorf("%s: Redis has no such command", name)
		return
	}
	for i, field := range infoFields {
		if field == "subcommands" {
			continue // each is compared by itself; we may have fewer
		}
		x, y := showAny(a.Elems[i]), showAny(b.Elems[i])
		if field == "tips" || field == "flags" || field == "categories" {
			x, y = sortedWords(a.Elems[i]), sortedWords(b.Elems[i])
		}
		if x != y && infoExceptions[name+" "+field] == "" {
			t.Errorf("%s: %s\n  is    %s\n  Redis %s", name, field, x, y)
		}
	}
	if len(a.Elems) != len(b.Elems) {
		t.Errorf("%s: %d fields, Redis has %d", name, len(a.Elems), len(b.Elems))
	}
}

// showAny writes any reply, the type of aggregates included.
func showAny(v resp.Value) string {
	switch v.Kind {
	case resp.KindArray, resp.KindSet, resp.KindMap:
		parts := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			parts[i] = showAny(e)
		}
		return string(rune(v.Kind)) + "(" + strings.Join(parts, " ") + ")"
	}
	return show(v)
}

func sortedWords(v resp.Value) string {
	var words []string
	for _, e := range v.Elems {
		words = append(words, showAny(e))
	}
	slices.Sort(words)
	return string(rune(v.Kind)) + "(" + strings.Join(words, " ") + ")"
}

func TestCommandShapes(t *testing.T) {
	cl := newRig(t).connect()
	all := cl.do("COMMAND")
	if n := cl.do("COMMAND", "COUNT").Int; int(n) != len(all.Elems) {
		t.Errorf("COMMAND COUNT %d, COMMAND has %d", n, len(all.Elems))
	}
	if got := len(cl.do("COMMAND", "INFO").Elems); got != len(all.Elems) {
		t.Errorf("COMMAND INFO has %d", got)
	}
	if v := cl.do("COMMAND", "INFO", "get", "nope", "client|nope", "get|x", "CLIENT|Kill"); len(v.Elems) != 5 ||
		v.Elems[0].IsNull() || !v.Elems[1].IsNull() || !v.Elems[2].IsNull() || !v.Elems[3].IsNull() || v.Elems[4].IsNull() {
		t.Errorf("COMMAND INFO of several: %s", show(v))
	}
	if got := len(cl.do("COMMAND", "DOCS").Elems); got != 2*len(all.Elems) {
		t.Errorf("COMMAND DOCS has %d", got)
	}
	if got := len(cl.do("COMMAND", "DOCS", "nope", "get").Elems); got != 2 {
		t.Errorf("COMMAND DOCS nope get has %d", got)
	}
	cl.expect(
		"COMMAND LIST FILTERBY MODULE x", "[]",
		"COMMAND LIST FILTERBY PATTERN xyz*", "[]",
		"COMMAND LIST FILTERBY PATTERN CLIENT|K*", `["client|kill"]`,
		"COMMAND LIST FILTERBY ACLCAT nope", "[]",
		"COMMAND LIST FILTERBY NOPE x", "-ERR syntax error",
		"COMMAND LIST FILTERBY", "-ERR syntax error",
		"COMMAND LIST x", "-ERR syntax error",
		"COMMAND NOPE", "-ERR unknown subcommand 'NOPE'. Try COMMAND HELP.",
		"COMMAND COUNT x", "-ERR wrong number of arguments for 'command|count' command",
	)
	if v := cl.do("COMMAND", "LIST", "FILTERBY", "ACLCAT", "String"); len(v.Elems) < 20 {
		t.Errorf("commands of @string: %s", show(v))
	}
}

// getKeys are commands whose keys both servers find.
var getKeys = []string{
	"GET k", "SET k v", "SET k v GET", "SET k v EX 1", "MSET a 1 b 2", "MSET a 1 b", "MGET a b c", "MGET", "DEL a b", "COPY a b DB 1", "LCS a b LEN",
	"RENAME a b", "OBJECT ENCODING k", "OBJECT HELP", "PING", "NOPE", "CLIENT LIST", "CLIENT NOPE", "GETEX k PERSIST", "TOUCH x",
	"SCAN 0", "FLUSHALL", "EXPIRE k 1", "APPEND k v", "CONFIG GET x", "DBSIZE", "DEBUG OBJECT k", "GETDEL k", "INCRBYFLOAT k 1", "MSETNX a b c d",
	"BITFIELD k", "BITFIELD k GET u8 0", "BITFIELD k OVERFLOW WRAP GET u8 0 GET u8 1", "BITFIELD k GET u8 0 SET u8 0 1", "BITFIELD k INCRBY u8 0 1",
	"BITFIELD k OVERFLOW", "BITFIELD k GET u8", "BITFIELD k NOPE",
}

func TestCommandGetKeysLikeRedis(t *testing.T) {
	theirs := newRemote(t)
	ours := newRig(t).connect()
	for _, proto := range []string{"2", "3"} {
		ours.do("HELLO", proto)
		theirs.do("HELLO", proto)
		for _, sub := range []string{"GETKEYS", "GETKEYSANDFLAGS"} {
			for _, line := range getKeys {
				args := append([]string{"COMMAND", sub}, strings.Fields(line)...)
				if a, b := showAny(ours.do(args...)), showAny(theirs.do(args...)); a != b {
					t.Errorf("%s %s\n  is    %s\n  Redis %s", sub, line, a, b)
				}
			}
		}
	}
}

// TestHelpLikeRedis compares the form of every HELP: first and last lines.
func TestHelpLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, name := range []string{"CLIENT", "COMMAND", "CONFIG", "DEBUG", "FUNCTION"} {
		a, b := ours.do(name, "HELP").Elems, theirs.do(name, "help").Elems
		if show(a[0]) != show(b[0]) || show(a[len(a)-1]) != show(b[len(b)-1]) {
			t.Errorf("%s HELP: %s ... %s, Redis %s ... %s", name, show(a[0]), show(a[len(a)-1]), show(b[0]), show(b[len(b)-1]))
		}
	}
	if v := ours.do("COMMAND", "HELP"); showAny(v) != showAny(theirs.do("COMMAND", "HELP")) {
		t.Error("COMMAND HELP differs")
	}
	// CONFIG has subcommands more, in front of HELP's own two lines.
	a, b := ours.do("CONFIG", "HELP").Elems, theirs.do("CONFIG", "HELP").Elems
	for i := range len(b) - 2 {
		if show(a[i]) != show(b[i]) {
			t.Errorf("CONFIG HELP: %s, Redis %s", show(a[i]), show(b[i]))
		}
	}
}
