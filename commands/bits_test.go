package commands_test

import (
	"strconv"
	"strings"
	"testing"
)

func TestBits(t *testing.T) {
	newRig(t).connect().expect(
		"GETBIT none 0", "0",
		"SETBIT k 1 1", "0",
		"GET k", `"@"`,
		"SETBIT k 1 1", "1",
		"SETBIT k 1 0", "1",
		"GET k", `"\x00"`,
		"SETBIT k 20 0", "0",
		"STRLEN k", "3",
		"SET n 1", "+OK",
		"GETBIT n 3", "1",
		"OBJECT ENCODING n", `"int"`,
		"SETBIT n 6 0", "0",
		"OBJECT ENCODING n", `"raw"`,
		"SETBIT n 6 1", "0",
		"GET n", `"3"`,
		"OBJECT ENCODING n", `"raw"`,
		"SETBIT k x 1", "-ERR bit offset is not an integer or out of range",
		"SETBIT k -1 1", "-ERR bit offset is not an integer or out of range",
		"SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range",
		"SETBIT k 0 2", "-ERR bit is not an integer or out of range",
		"SETBIT k 0 -1", "-ERR bit is not an integer or out of range",
		"SETBIT k 0 20", "-ERR bit is not an integer or out of range",
	)
}

// TestBitsLimit reaches as far as proto-max-bulk-len lets bits go: a field that begins
// before the end of the longest string may end behind it.
func TestBitsLimit(t *testing.T) {
	const outside = "-ERR bit offset is not an integer or out of range"
	l := newLocal(t, nil)
	l.space.SetMaxValue(100)
	for _, c := range []struct{ cmd, want string }{
		{"SETBIT k 800 1", outside},
		{"SETBIT k 799 1", "0"},
		{"STRLEN k", "100"},
		{"BITFIELD k SET i64 800 1", outside},
		{"BITFIELD k SET i64 799 -1", "[-9223372036854775808]"},
		{"STRLEN k", "108"},
		{"BITOP NOT n k", "108"},
		{"BITCOUNT n", "800"},
		{"BITPOS n 0", "799"},
		{"BITFIELD k GET u8 #100", outside},
		{"BITFIELD k GET u8 #99", "[1]"},
	} {
		if got := show(l.do(strings.Fields(c.cmd)...)); got != c.want {
			t.Errorf("%s: %s, not %s", c.cmd, got, c.want)
		}
	}
}

// TestBitOpLarge computes strings that lie outside of their records, one of them in place.
func TestBitOpLarge(t *testing.T) {
	l := newLocal(t, &ledger{t: t})
	const size = 3 << 20
	l.do("SETRANGE", "a", strconv.Itoa(size-1), "\x0f")
	l.do("SETRANGE", "b", strconv.Itoa(size-1), "\xf1")
	l.do("SETRANGE", "b", "1000000", "middle")
	for _, c := range []struct{ cmd, want string }{
		{"BITOP OR a a b", strconv.Itoa(size)},
		{"GETRANGE a 1000000 1000005", `"middle"`},
		{"GETRANGE a -1 -1", `"\xff"`},
		{"BITOP NOT a a", strconv.Itoa(size)},
		{"BITOP XOR a a a", strconv.Itoa(size)},
		{"BITCOUNT a", "0"},
		{"BITPOS a 1", "-1"},
		{"BITPOS b 1 1000006", strconv.Itoa(8 * (size - 1))},
		{"EXISTS a b", "2"},
	} {
		if got := show(l.do(strings.Fields(c.cmd)...)); got != c.want {
			t.Errorf("%s: %s, not %s", c.cmd, got, c.want)
		}
	}
}
