package commands_test

import (
	"math/rand/v2"
	"strconv"
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

// TestBitsLikeRedis makes the same random changes here and there.
func TestBitsLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		args := []string{"SETBIT", "k" + strconv.Itoa(rnd.IntN(3)), strconv.Itoa(rnd.IntN(400)), strconv.Itoa(rnd.IntN(2))}
		if rnd.IntN(3) == 0 {
			args = append([]string{"GETBIT"}, args[1:3]...)
		}
		if rnd.IntN(100) == 0 {
			args = []string{"SET", args[1], strconv.Itoa(rnd.IntN(1000))}
		}
		if a, b := show(ours.do(args...)), show(theirs.do(args...)); a != b {
			t.Fatalf("%q: %s, Redis %s", args, a, b)
		}
		if a, b := show(ours.do("GET", args[1])), show(theirs.do("GET", args[1])); a != b {
			t.Fatalf("after %q: %s, Redis %s", args, a, b)
		}
	}
}
