package bus

import (
	"strings"
	"testing"
)

// sketch writes arguments compactly: type:name, the token before it, ? optional, + multiple,
// ++ multiple with its token, () block, {} choice.
func sketch(args []Arg) string {
	var parts []string
	for _, a := range args {
		var b strings.Builder
		if a.Token != "" && a.Type != ArgToken {
			b.WriteString(a.Token + " ")
		}
		switch a.Type {
		case ArgToken:
			b.WriteString(a.Token)
		case ArgBlock:
			b.WriteString("(" + sketch(a.Args) + ")")
		case ArgOneOf:
			b.WriteString("{" + sketch(a.Args) + "}")
		default:
			b.WriteString(a.Name)
			if a.Type != ArgString {
				b.WriteString(":" + a.Type.String())
			}
		}
		if a.Optional {
			b.WriteString("?")
		}
		if a.Multiple {
			b.WriteString("+")
		}
		if a.MultipleToken {
			b.WriteString("+")
		}
		parts = append(parts, b.String())
	}
	return strings.Join(parts, ", ")
}

func TestParseUsage(t *testing.T) {
	for _, c := range []struct{ usage, want string }{
		{"", ""},
		{"key value", "key, value"},
		{"key [key ...]", "key+"},
		{"key value [key value ...]", "(key, value)+"},
		{"[section [section ...]]", "section?+"},
		{"[NX | XX]", "{NX, XX}?"},
		{"[GET]", "GET?"},
		{"[COUNT count]", "COUNT count:integer?"},
		{"[COUNT count [ANY]]", "(COUNT count:integer, ANY?)?"},
		{
			"key value [NX | XX] [GET] [EX seconds | PXAT unix-time-milliseconds | KEEPTTL]",
			"key, value, {NX, XX}?, GET?, {EX seconds:integer, PXAT unix-time-milliseconds:unix-time, KEEPTTL}?",
		},
		{"<ON | OFF | SKIP>", "{ON, OFF, SKIP}"},
		{"a | b", "{a, b}"},
		{
			"[protover [AUTH username password] [SETNAME clientname]]",
			"(protover:integer, AUTH (username, password)?, SETNAME clientname?)?",
		},
		{"key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]]", "key, BY pattern:pattern?, LIMIT (offset:integer, count:integer)?, GET pattern:pattern?++"},
		{"[WEIGHTS weight [weight ...]]", "WEIGHTS weight:integer?+"},
		{"STREAMS key [key ...] id [id ...]", "STREAMS (key+, id+)"},
		{"[<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id>", "({MAXLEN, MINID}, {=, ~}?, threshold, LIMIT count:integer?)?, {*, id}"},
		{"<key | \"\">", "{key, \"\"}"},
		{
			"key [GET encoding offset | <SET encoding offset value | INCRBY encoding offset increment> [...]]",
			"key, {GET (encoding, offset:integer), {SET (encoding, offset:integer, value), INCRBY (encoding, offset:integer, increment:integer)}+}?",
		},
		{"[FILTERBY <MODULE module-name | ACLCAT category>]", "FILTERBY {MODULE module-name, ACLCAT category}?"},
	} {
		args, err := ParseUsage(c.usage)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := sketch(args); got != c.want {
			t.Errorf("%q\n  is   %s\n  want %s", c.usage, got, c.want)
		}
	}
}

func TestParseUsageErrors(t *testing.T) {
	for _, usage := range []string{"[", "]", "<a", "a >", "[]", "a |", "| a", "key ...", "<>", "[a | ]"} {
		if args, err := ParseUsage(usage); err == nil {
			t.Errorf("%q is %s, want an error", usage, sketch(args))
		}
	}
}

// TestArgNotes: notes find arguments by the names that Usage gives, in groups too; one that finds none is an error.
func TestArgNotes(t *testing.T) {
	s := Spec{Name: "x", Usage: "key [NX | XX] [EX seconds]", Args: []ArgNote{
		{Arg: "nx_xx", Name: "condition", Since: "7.0.0"}, {Arg: "xx", Deprecated: "7.2.0"}, {Arg: "seconds", Name: "ttl"},
	}}
	args, err := s.Arguments()
	if err != nil {
		t.Fatal(err)
	}
	c, ttl := args[1], args[2]
	if c.Name != "condition" || c.Since != "7.0.0" || c.Args[1].Deprecated != "7.2.0" || c.Args[0].Deprecated != "" || ttl.Name != "ttl" || ttl.Type != ArgInteger {
		t.Errorf("%+v", args)
	}
	s.Args = []ArgNote{{Arg: "condition", Name: "c"}}
	if args, err := s.Arguments(); err == nil {
		t.Errorf("%+v", args)
	}
}

func TestArgumentsMarkKeys(t *testing.T) {
	keys := func(s Spec) string {
		args, err := s.Arguments()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		var walk func([]Arg)
		walk = func(args []Arg) {
			for _, a := range args {
				if a.Type == ArgKey {
					names = append(names, a.Name+string(rune('0'+a.KeySpec)))
				}
				walk(a.Args)
			}
		}
		walk(args)
		return strings.Join(names, " ")
	}
	one := OneKey(1, KeyRO)
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Name: "get", Usage: "key", Keys: []KeySpec{one}}, "key0"},
		{Spec{Name: "copy", Usage: "source destination [DB destination-db]", Keys: []KeySpec{one, OneKey(2, KeyOW)}}, "source0 destination1"},
		{Spec{Name: "mset", Usage: "key value [key value ...]", Keys: []KeySpec{KeyRange(1, -1, 2, KeyOW)}}, "key0"},
		{Spec{Name: "lcs", Usage: "key1 key2 [LEN]", Keys: []KeySpec{KeyRange(1, 1, 1, KeyRO)}}, "key10 key20"},
		{Spec{Name: "sintercard", Usage: "numkeys key [key ...] [LIMIT limit]", Keys: []KeySpec{KeyCount(1, KeyRO)}}, "key0"},
		{Spec{Name: "freq", full: "object|freq", Usage: "key", Keys: []KeySpec{OneKey(2, KeyRO)}}, "key0"},
		{Spec{Name: "xread", Usage: "[COUNT count] STREAMS key [key ...] id [id ...]", Keys: []KeySpec{KeyAfter("STREAMS", 1, KeyRO)}}, "key0"},
		{Spec{Name: "echo", Usage: "message"}, ""},
	} {
		if got := keys(c.spec); got != c.want {
			t.Errorf("%s: keys %q, want %q", c.spec.Name, got, c.want)
		}
	}
}

func FuzzParseUsage(f *testing.F) {
	for _, s := range []string{"key [key ...]", "[A | B c]", "<X [y ...]> [...]", "a [b [c ...]] | D"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, usage string) {
		args, err := ParseUsage(usage)
		if err == nil {
			sketch(args)
		}
	})
}
