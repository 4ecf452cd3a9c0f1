package commands_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// docsExceptions are commands whose hint differs from that of 7.0.15, with the reason.
var docsExceptions = map[string]string{
	"client|kill":             "MAXAGE is of 7.4",
	"command|getkeys":         "7.0 does not say that a command follows",
	"command|getkeysandflags": "as command|getkeys",
	"debug":                   "7.0 does not say that a subcommand follows",
}

// TestCommandDocsLikeRedis compares COMMAND DOCS: the fields, and of the arguments what
// redis-cli shows as a hint, names, types and versions. Summaries are our own words.
func TestCommandDocsLikeRedis(t *testing.T) {
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
				a, b := ours.do("COMMAND", "DOCS", name), theirs.do("COMMAND", "DOCS", name)
				if a.Kind != b.Kind || len(b.Elems) != 2 {
					t.Fatalf("%s: %s, Redis %s", name, showAny(a), showAny(b))
				}
				compareDocsReply(t, name, a.Elems[1], b.Elems[1])
			}
		})
	}
}

func compareDocsReply(t *testing.T, name string, a, b resp.Value) {
	t.Helper()
	x, y := fieldsOf(a), fieldsOf(b)
	for _, f := range []string{"since", "group", "deprecated_since", "replaced_by", "doc_flags"} {
		if showAny(x[f]) != showAny(y[f]) {
			t.Errorf("%s: %s is %s, Redis %s", name, f, showAny(x[f]), showAny(y[f]))
		}
	}
	for _, f := range []string{"summary", "complexity"} {
		if len(y[f].Str) > 0 && len(x[f].Str) == 0 {
			t.Errorf("%s: no %s", name, f)
		}
	}
	if showVersions(x["history"]) != showVersions(y["history"]) && docsExceptions[name] == "" {
		t.Errorf("%s: history %s, Redis %s", name, showVersions(x["history"]), showVersions(y["history"]))
	}
	if docsExceptions[name] != "" {
		return
	}
	if p, q := hint(x["arguments"], " "), hint(y["arguments"], " "); p != q {
		t.Errorf("%s: the hint\n  is    %s\n  Redis %s", name, p, q)
	} else if p, q := flat(x["arguments"]), flat(y["arguments"]); p != q {
		t.Errorf("%s: the arguments\n  are   %s\n  Redis %s", name, p, q)
	}
	if a.Kind != b.Kind || x["arguments"].Kind != y["arguments"].Kind {
		t.Errorf("%s: other types of replies", name)
	}
}

// fieldsOf reads a map, also where RESP2 makes an array of it.
func fieldsOf(v resp.Value) map[string]resp.Value {
	m := map[string]resp.Value{}
	for i := 0; i+1 < len(v.Elems); i += 2 {
		m[string(v.Elems[i].Str)] = v.Elems[i+1]
	}
	return m
}

// showVersions lists the versions of a history; its words are our own.
func showVersions(v resp.Value) string {
	var list []string
	for _, e := range v.Elems {
		list = append(list, string(e.Elems[0].Str))
	}
	return strings.Join(list, " ")
}

// hint writes arguments as redis-cli does, after its rules.
func hint(v resp.Value, sep string) string {
	var list []string
	for _, e := range v.Elems {
		list = append(list, hintOf(e))
	}
	return strings.Join(list, sep)
}

func hintOf(v resp.Value) string {
	f := fieldsOf(v)
	flags := showAny(f["flags"])
	token, repeat := string(f["token"].Str), string(f["name"].Str)
	switch typ := string(f["type"].Str); typ {
	case "oneof":
		repeat = hint(f["arguments"], "|")
	case "block":
		repeat = hint(f["arguments"], " ")
	case "pure-token":
		repeat = ""
	}
	if token != "" && repeat != "" {
		token += " "
	}
	text := token + repeat
	if strings.Contains(flags, "+multiple") {
		again := repeat
		if strings.Contains(flags, "+multiple_token") {
			again = token + repeat
		}
		text += " [" + again + " ...]"
	}
	if strings.Contains(flags, "+optional") {
		text = "[" + text + "]"
	}
	return text
}

// flat lists the arguments, groups before their parts: name, type, key spec and versions. A block of one part, as Redis makes
// for some repetitions, is that part.
func flat(v resp.Value) string {
	var list []string
	var walk func(v resp.Value, since string)
	walk = func(v resp.Value, since string) {
		for _, e := range v.Elems {
			f := fieldsOf(e)
			args, typ := f["arguments"], string(f["type"].Str)
			since := since + string(f["since"].Str)
			if typ == "block" && len(args.Elems) == 1 {
				walk(args, since)
				continue
			}
			name := string(f["name"].Str)
			if typ == "pure-token" {
				name = string(f["token"].Str)
			}
			list = append(list, fmt.Sprintf("%s:%s:%s:%s:%s", name, typ, show(f["key_spec_index"]), since, f["deprecated_since"].Str))
			walk(args, "")
		}
	}
	walk(v, "")
	return strings.Join(list, " ")
}

func TestEveryUsageParses(t *testing.T) {
	r := newRig(t)
	for _, s := range r.bus.Specs() {
		if _, err := s.Arguments(); err != nil {
			t.Error(err)
		}
		for i := range s.Subs {
			if _, err := s.Subs[i].Arguments(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestExceptionsAreUsed(t *testing.T) {
	all := names(newRig(t).connect())
	for _, m := range []map[string]string{docsExceptions, newerThanRedis} {
		for name := range m {
			if !slices.Contains(all, name) {
				t.Errorf("an exception for %s, which does not exist", name)
			}
		}
	}
}
