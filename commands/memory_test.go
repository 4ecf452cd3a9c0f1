package commands_test

import (
	"strings"
	"testing"
)

func TestMemoryUsage(t *testing.T) {
	cl := newRig(t).connect()
	for _, c := range []struct{ size, least, most int64 }{
		{1, 1, 100}, {100, 100, 250}, {33_000, 33_000, 42_000}, {100_000, 100_000, 130_000}, {10_000_000, 10_000_000, 10_100_000},
	} {
		cl.do("SET", "k", strings.Repeat("A", 100_000)) // a smaller value takes none of the room of a larger one
		cl.do("SET", "k", strings.Repeat("A", int(c.size)))
		if n := cl.do("MEMORY", "USAGE", "k").Int; n < c.least || n > c.most {
			t.Errorf("%d bytes take %d", c.size, n)
		}
	}
}

// TestMemoryUsageLikeRedis compares all replies that are no sizes.
func TestMemoryUsageLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, line := range []string{
		"SET k v", "MEMORY", "MEMORY NOPE", "MEMORY USAGE", "MEMORY USAGE none", "MEMORY USAGE none SAMPLES", "MEMORY USAGE k samples x",
		"MEMORY USAGE k SAMPLES -1", "MEMORY USAGE k SAMPLES 1 SAMPLES", "MEMORY USAGE k x 1", "MEMORY USAGE none SAMPLES 0 samples 3", "MEMORY HELP x",
	} {
		a, b := show(ours.do(strings.Fields(line)...)), show(theirs.do(strings.Fields(line)...))
		if a != b {
			t.Errorf("%s\n  answers %s\n  Redis   %s", line, a, b)
		}
	}
}
