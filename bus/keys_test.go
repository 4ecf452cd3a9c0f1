package bus

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeyRefs(t *testing.T) {
	sortStore := func(args [][]byte, refs []KeyRef) ([]KeyRef, error) {
		refs = append(refs, KeyRef{Pos: 1, Flags: KeyRO})
		for i := 2; i < len(args)-1; i++ {
			if EqualFold(args[i], "store") {
				refs = append(refs, KeyRef{Pos: i + 1, Flags: KeyOW})
			}
		}
		return refs, nil
	}
	for _, tc := range []struct {
		spec Spec
		args string
		want string
		err  bool
	}{
		{Spec{Keys: []KeySpec{OneKey(1, KeyRO)}}, "get k", "[1]", false},
		{Spec{Keys: []KeySpec{KeyRange(1, -1, 1, KeyRO)}}, "mget a b c", "[1 2 3]", false},
		{Spec{Keys: []KeySpec{KeyRange(1, -1, 2, KeyRO)}}, "mset a 1 b 2", "[1 3]", false},
		{Spec{Keys: []KeySpec{OneKey(1, KeyRO), OneKey(2, KeyOW)}}, "rename a b", "[1 2]", false},
		{Spec{Keys: []KeySpec{KeyCount(1, KeyRO)}}, "sintercard 2 a b limit 3", "[2 3]", false},
		{Spec{Keys: []KeySpec{KeyCount(1, KeyRO)}}, "sintercard 0 a", "[]", false},
		{Spec{Keys: []KeySpec{KeyCount(1, KeyRO)}}, "sintercard 3 a b", "", true},
		{Spec{Keys: []KeySpec{KeyCount(1, KeyRO)}}, "sintercard -1 a b", "", true},
		{Spec{Keys: []KeySpec{KeyCount(1, KeyRO)}}, "sintercard 99999999999999999999 a b", "", true},
		{Spec{Keys: []KeySpec{OneKey(1, KeyOW), KeyCount(2, KeyRO)}}, "zunionstore d 2 a b", "[1 3 4]", false},
		{Spec{Keys: []KeySpec{KeyAfter("STREAMS", 1, KeyRO)}}, "xread count 2 streams s 0", "[4]", false},
		{Spec{Keys: []KeySpec{{Flags: KeyRO, Begin: BeginSearch{Keyword: "STREAMS", From: 1}, Find: FindKeys{Kind: FindRange, Last: -1, Step: 1, Limit: 2}}}}, "xread streams a b 0 0", "[2 3]", false},
		{Spec{Keys: []KeySpec{KeyAfter("KEYS", -2, KeyRO)}}, "migrate h p  0 9 keys a", "[7]", false},
		{Spec{Keys: []KeySpec{KeyAfter("STORE", 1, KeyRO)}}, "x a b", "[]", false},
		{Spec{Extract: sortStore}, "sort k limit 0 1 STORE d", "[1 6]", false},
	} {
		var args [][]byte
		for w := range strings.SplitSeq(tc.args, " ") {
			args = append(args, []byte(w))
		}
		refs, err := tc.spec.KeyRefs(args, nil)
		if (err != nil) != tc.err {
			t.Errorf("%s: error %v", tc.args, err)
			continue
		}
		pos := []int{}
		for _, r := range refs {
			pos = append(pos, r.Pos)
		}
		if got := fmt.Sprint(pos); !tc.err && got != tc.want {
			t.Errorf("%s: keys at %s, want %s", tc.args, got, tc.want)
		}
	}
}

func TestLegacy(t *testing.T) {
	for _, tc := range []struct {
		keys              []KeySpec
		first, last, step int
		movable           bool
	}{
		{nil, 0, 0, 0, false},
		{[]KeySpec{OneKey(1, KeyRO)}, 1, 1, 1, false},
		{[]KeySpec{KeyRange(1, -1, 2, KeyRO)}, 1, -1, 2, false},
		{[]KeySpec{OneKey(1, KeyRW), OneKey(2, KeyOW)}, 1, 2, 1, false},
		{[]KeySpec{OneKey(1, KeyOW), KeyCount(2, KeyRO)}, 1, 1, 1, true},
		{[]KeySpec{KeyCount(1, KeyRO)}, 0, 0, 0, true},
	} {
		s := Spec{Keys: tc.keys}
		first, last, step := s.Legacy()
		if first != tc.first || last != tc.last || step != tc.step || s.Movable() != tc.movable {
			t.Errorf("%+v: %d %d %d %v", tc.keys, first, last, step, s.Movable())
		}
	}
}

// TestEqualFold: in any case, up to the first zero byte.
func TestEqualFold(t *testing.T) {
	for text, want := range map[string]bool{
		"get": true, "GeT": true, "GET\x00": true, "get\x00x": true, "GETX": false, "ge": false, "": false, "ge\x00": false, "\x00get": false, "GE\x00T": false,
	} {
		if got := EqualFold([]byte(text), "GET"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
