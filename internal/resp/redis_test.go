package resp

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// startRedis runs a real redis-server for the test and returns a function that
// connects to it.
func startRedis(t *testing.T, args ...string) func() net.Conn {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: nothing to compare with")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(path, append([]string{"--port", "0", "--unixsocket", socket, "--dir", dir, "--save", ""}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return func() net.Conn {
		deadline := time.Now().Add(20 * time.Second)
		for {
			c, err := net.Dial("unix", socket)
			if err == nil {
				_ = c.SetDeadline(deadline)
				return c
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	}
}

// isRedis70 tells whether the server at the other end is the version whose
// texts we promise.
func isRedis70(t *testing.T, c net.Conn) bool {
	t.Helper()
	if _, err := c.Write(AppendCommand(nil, "INFO", "server")); err != nil {
		t.Fatal(err)
	}
	v, err := ReadReply(bufio.NewReader(c))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(v.Str, []byte("redis_version:7.0."))
}

// TestParserLikeRedis sends what our parser refuses to a real server and
// compares the texts, and what it accepts, to compare how many replies come.
func TestParserLikeRedis(t *testing.T) {
	dial := startRedis(t)
	if c := dial(); !isRedis70(t, c) {
		t.Skip("redis-server is not version 7.0")
	}
	for _, c := range parserCases {
		compareWithRedis(t, dial(), c.in, nil)
	}
	locked := startRedis(t, "--requirepass", "secret")
	for _, in := range []string{
		"*11\r\n", "*x\r\n", "*2147483648\r\n", "*1\r\n$16385\r\n", "*1\r\n$16384\r\n", "*1\r\n$536870913\r\n", "*1\r\n$-1\r\n", "*10\r\n$16384\r\n",
	} {
		compareWithRedis(t, locked(), in, &Limits{Unauth: true})
	}
}

func compareWithRedis(t *testing.T, c net.Conn, in string, lim *Limits) {
	t.Helper()
	defer c.Close()
	ours := parse(t, []byte(in), lim)
	if _, err := c.Write([]byte(in)); err != nil {
		t.Fatal(err)
	}
	if ours.Err == "" && ours.Rest == 0 {
		if _, err := c.Write(AppendCommand(nil, "ECHO", "end of "+t.Name())); err != nil {
			t.Fatal(err)
		}
	}
	if ours.Err == "" && ours.Rest > 0 {
		return // neither of the two answers
	}
	r := bufio.NewReader(c)
	for i := 0; ; i++ {
		v, err := ReadReply(r)
		if err != nil {
			t.Errorf("%.60q: %d commands, then redis-server: %v", in, i, err)
			return
		}
		s := strings.TrimPrefix(v.String(), "ERR ")
		switch {
		case s == "end of "+t.Name() || strings.HasPrefix(s, "Protocol error"):
			if i != len(ours.Commands) || ours.Err != "" && s != ours.Err {
				t.Errorf("%.60q: redis-server says %q after %d commands, we %q after %d", in, s, i, ours.Err, len(ours.Commands))
			}
			return
		}
	}
}

// TestInlineLikeRedis lets a real server split lines into arguments.
func TestInlineLikeRedis(t *testing.T) {
	c := startRedis(t)()
	defer c.Close()
	r := bufio.NewReader(c)
	state := uint64(1)
	alphabet := []string{" ", "\t", "a", "b", `\`, `"`, `'`, "x", "4", "1", "\r", "\v", "n", `\x41`, `""`, `" `, ` "`, `' `, ` '`}
	for range 5000 {
		var line strings.Builder
		for range 12 {
			state = state*6364136223846793005 + 1442695040888963407
			line.WriteString(alphabet[int(state>>33)%len(alphabet)])
		}
		args, ok := SplitArgs([]byte(line.String()), nil)
		if !ok {
			continue // Redis would close the connection; see the cases above
		}
		fmt.Fprintf(c, "EVAL \"return ARGV\" 0 %s\n", line.String())
		v, err := ReadReply(r)
		if err != nil || v.Kind != KindArray {
			t.Fatalf("%q: %v %q", line.String(), err, v.String())
		}
		if len(v.Elems) != len(args) {
			t.Fatalf("%q: redis-server finds %d arguments, we %q", line.String(), len(v.Elems), args)
		}
		for i, e := range v.Elems {
			if !bytes.Equal(e.Str, args[i]) {
				t.Fatalf("%q: argument %d is %q for redis-server and %q for us", line.String(), i, e.Str, args[i])
			}
		}
	}
}

// TestFloatLikeRedis compares the text of doubles in scores.
func TestFloatLikeRedis(t *testing.T) {
	c := startRedis(t)()
	defer c.Close()
	if !isRedis70(t, c) {
		t.Skip("redis-server is not version 7.0: later versions print doubles in another way")
	}
	r := bufio.NewReader(c)
	check := func(f float64) {
		in := strconv.FormatFloat(f, 'g', -1, 64)
		if _, err := c.Write(AppendCommand(AppendCommand(nil, "ZADD", "z", in, "m"), "ZSCORE", "z", "m")); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadReply(r); err != nil {
			t.Fatal(err)
		}
		v, err := ReadReply(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendFloat(nil, f)); got != v.String() {
			t.Errorf("%s: %s, redis-server %s", in, got, v.String())
		}
	}
	state := uint64(1)
	for range 3000 {
		state = state*6364136223846793005 + 1442695040888963407
		bits := state ^ state>>29
		if f := math.Float64frombits(bits); !math.IsNaN(f) {
			check(f)
		}
		check(float64(int64(bits) >> (bits % 64)))
		check(float64(bits%100000) / 100)
	}
	for _, known := range floatCases {
		if known.f != 0 { // a sorted set does not keep the sign of -0
			check(known.f)
		}
	}
}

// TestAppendLikeRedis compares the writers' forms with DEBUG PROTOCOL, which
// sends one reply of each type.
func TestAppendLikeRedis(t *testing.T) {
	dial := startRedis(t, "--enable-debug-command", "yes")
	for proto := 2; proto <= 3; proto++ {
		c := dial()
		if proto == 3 {
			if _, err := c.Write(AppendCommand(nil, "HELLO", "3")); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadReply(bufio.NewReader(c)); err != nil {
				t.Fatal(err)
			}
		}
		for kind, want := range map[string][]byte{
			"string":   AppendBulkString(nil, "Hello World"),
			"integer":  AppendInt(nil, 12345),
			"double":   AppendDouble(nil, 3.141, proto),
			"null":     AppendNull(nil, proto),
			"array":    AppendInt(AppendInt(AppendInt(AppendArray(nil, 3), 0), 1), 2),
			"set":      AppendInt(AppendInt(AppendInt(AppendSet(nil, 3, proto), 0), 1), 2),
			"map":      AppendBool(AppendInt(AppendBool(AppendInt(AppendBool(AppendInt(AppendMap(nil, 3, proto), 0), false, proto), 1), true, proto), 2), false, proto),
			"verbatim": AppendVerbatim(nil, "txt", "This is a verbatim\nstring", proto),
			"bignum":   AppendBigNumber(nil, "1234567999999999999999999999999999999", proto),
			"true":     AppendBool(nil, true, proto),
			"false":    AppendBool(nil, false, proto),
		} {
			if _, err := c.Write(AppendCommand(nil, "DEBUG", "PROTOCOL", kind)); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want))
			if _, err := c.Read(got[:1]); err != nil {
				t.Fatal(err)
			}
			for at := 1; at < len(got); {
				n, err := c.Read(got[at:])
				if err != nil {
					t.Fatal(err)
				}
				at += n
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s in version %d:\n%swe have\n%s", kind, proto, hex.Dump(got), hex.Dump(want))
			}
		}
		c.Close()
	}
}
