package commands_test

import (
	"strings"
	"testing"
)

// TestLolwut: a picture, and the line that Redis ends with; what is wrong with the arguments is so in Redis' words.
func TestLolwut(t *testing.T) {
	cl := newRig(t).connect()
	for _, line := range []string{"LOLWUT", "LOLWUT VERSION 5", "LOLWUT VERSION 6 1 2", "LOLWUT x", "LOLWUT VERSION"} {
		text := string(cl.do(strings.Fields(line)...).Str)
		if strings.Count(text, "\n") != 21 || !strings.HasSuffix(text, "\nRedis ver. 7.0.15\n") {
			t.Errorf("%s:\n%s", line, text)
		}
	}
	cl.expect("LOLWUT VERSION x", "-ERR value is not an integer or out of range")
}
