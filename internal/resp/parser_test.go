package resp

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// result is what came out of some input: the commands, and how it ended.
type result struct {
	Commands [][]string
	Raws     []string // "-" for nil
	Inline   []bool
	Err      string
	Rest     int // bytes that were not consumed
}

// parse feeds in to a parser, cut at the given offsets. Every piece moves the
// remaining bytes to another address, and what has been consumed is overwritten.
func parse(t testing.TB, in []byte, lim *Limits, cuts ...int) (r result) {
	t.Helper()
	var p Parser
	var args [][]byte
	var buf []byte
	from := 0
	for _, to := range append(cuts, len(in)) {
		old := buf
		buf = append(make([]byte, 0, len(old)+to-from), old...)
		buf = append(buf, in[from:to]...)
		for i := range old {
			old[i] = '?'
		}
		from = to
		for {
			out, raw, inline, n, ok, err := p.Next(buf, lim, args)
			if n < 0 || n > len(buf) || ok && n == 0 || ok && err != nil {
				t.Fatalf("n %d of %d, ok %t, err %v", n, len(buf), ok, err)
			}
			if err != nil {
				if _, ok := errors.AsType[*ProtocolError](err); !ok {
					t.Fatalf("error of type %T", err)
				}
				r.Err, r.Rest = err.Error(), len(in)-from+len(buf)-n
				return r
			}
			if ok {
				r.add(out, raw, inline)
			}
			buf, args = buf[n:], out
			if !ok {
				if need := p.Need(); need < 0 || need > 0 && len(buf) == 0 {
					t.Fatalf("need %d with %d bytes left", need, len(buf))
				}
				break
			}
		}
	}
	r.Rest = len(buf)
	return r
}

func (r *result) add(args [][]byte, raw []byte, inline bool) {
	command := make([]string, len(args))
	for i, a := range args {
		command[i] = string(a)
	}
	text := string(raw)
	if raw == nil {
		text = "-"
	}
	r.Commands, r.Raws, r.Inline = append(r.Commands, command), append(r.Raws, text), append(r.Inline, inline)
}

// parserCases is input, the commands in it (arguments joined with |) and the
// error at its end. The error texts are those of Redis 7.0.15; see
// TestParserLikeRedis.
var parserCases = []struct {
	in       string
	commands []string
	err      string
}{
	{"", nil, ""},
	{"*1\r\n$4\r\nPING\r\n", []string{"PING"}, ""},
	{"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{"GET|"}, ""},
	{"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nabcdefghijkl\r\n*1\r\n$4\r\nPING\r\n", []string{"SET|k|abcdefghijkl", "PING"}, ""},
	{"*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n", []string{"ECHO|\r\n"}, ""},
	{"*2\r\n$4\r\nECHO\r\n$100\r\n" + strings.Repeat("a", 100) + "\r\n", []string{"ECHO|" + strings.Repeat("a", 100)}, ""},
	{"*12\r\n" + strings.Repeat("$1\r\na\r\n", 12), []string{"a|a|a|a|a|a|a|a|a|a|a|a"}, ""},
	{"*0\r\n*-1\r\n*-12345\r\n*1\r\n$4\r\nPING\r\n*0\r\n", []string{"PING"}, ""},
	{"*1\r\n$4\r\nPIN", nil, ""},
	{"*2\r\n$4\r\nPING\r\n", nil, ""},
	{"*1", nil, ""},
	{"*1\r", nil, ""},

	// Redis looks at CR only, where a line of RESP ends, and not at what follows.
	{"*1\rX$4\rXPINGXY", []string{"PING"}, ""},
	{"*1\r\n$4\r\nPING\n\n*1\r\n$4\r\nPING\r\n", []string{"PING", "PING"}, ""},

	{"*a\r\n", nil, "invalid multibulk length"},
	{"*\r\n", nil, "invalid multibulk length"},
	{"*-\r\n", nil, "invalid multibulk length"},
	{"*+1\r\n", nil, "invalid multibulk length"},
	{"*01\r\n", nil, "invalid multibulk length"},
	{"* 1\r\n", nil, "invalid multibulk length"},
	{"*1 \r\n", nil, "invalid multibulk length"},
	{"*2147483648\r\n", nil, "invalid multibulk length"},
	{"*9223372036854775807\r\n", nil, "invalid multibulk length"},
	{"*9223372036854775808\r\n", nil, "invalid multibulk length"},
	{"*18446744073709551617\r\n", nil, "invalid multibulk length"},
	{"*-9223372036854775808\r\nPING\r\n", []string{"PING"}, ""},
	{"*-9223372036854775809\r\n", nil, "invalid multibulk length"},
	{"*1048577\r\n$4\r\nPING\r\n", nil, ""},
	{"*2147483647\r\n$4\r\nPING\r\nx\r\n", nil, "expected '$', got 'x'"},

	{"*1\r\nPING\r\n", nil, "expected '$', got 'P'"},
	{"*1\r\n\r\n", nil, "expected '$', got ' '"},
	{"*1\r\n\n\r\n", nil, "expected '$', got ' '"},
	{"*1\r\nPING", nil, ""},
	{"*1\r\nPING\r", nil, ""},
	{"*1\r\n*1\r\n$4\r\nPING\r\n", nil, "expected '$', got '*'"},
	{"*1\r\n$\r\n", nil, "invalid bulk length"},
	{"*1\r\n$-1\r\n", nil, "invalid bulk length"},
	{"*1\r\n$4x\r\nPING\r\n", nil, "invalid bulk length"},
	{"*1\r\n$04\r\nPING\r\n", nil, "invalid bulk length"},
	{"*1\r\n$536870913\r\n", nil, "invalid bulk length"},
	{"*1\r\n$536870912\r\n", nil, ""},
	{"*1\r\n$123456789012345678901234567890\r\n", nil, "invalid bulk length"},
	{"*1\r\n$4\r\nPINGPONG\r\n", []string{"PING", "NG"}, ""}, // PO is where CR LF should be

	{"PING\r\n", []string{"PING"}, ""},
	{"PING\n", []string{"PING"}, ""},
	{"\r\n\n  \r\n \t\v\f\r\nPING\r\n", []string{"PING"}, ""},
	{"PING", nil, ""},
	{"  SET  a\tb \r\n", []string{"SET|a|b"}, ""},
	{"SET a\rb\r\r\n", []string{"SET|a|b"}, ""},
	{"SET a\vb\f\n", []string{"SET|a\vb\f"}, ""},
	{`SET a "b c" 'd e'` + "\n", []string{"SET|a|b c|d e"}, ""},
	{`SET "\n\r\t\b\a\x41\xfF\"\\\q\xZ1\x4" ""` + "\n", []string{"SET|\n\r\t\b\aA\xff\"\\qxZ1x4|"}, ""},
	{`SET '\n\'"' ''` + "\n", []string{`SET|\n'"|`}, ""},
	{`SET a"b c" d'e'` + "\n", []string{"SET|ab c|de"}, ""},
	{`SET a\"b` + "\n", nil, "unbalanced quotes in request"},
	{`SET \x41` + "\n", []string{`SET|\x41`}, ""},
	{`SET "a"b` + "\n", nil, "unbalanced quotes in request"},
	{`SET "a""b"` + "\n", nil, "unbalanced quotes in request"},
	{`SET "a` + "\n", nil, "unbalanced quotes in request"},
	{`SET 'a` + "\r\n", nil, "unbalanced quotes in request"},
	{`SET 'a'b` + "\r\n", nil, "unbalanced quotes in request"},
	{`SET "a\` + "\r\n", nil, "unbalanced quotes in request"},
	{`SET "a"` + "\vb\r\n", []string{"SET|a|b"}, ""},
	{"GET *1\r\n*1\r\n$4\r\nPING\r\nPING\r\n", []string{"GET|*1", "PING", "PING"}, ""},

	{strings.Repeat("a", 65536) + "\n", []string{strings.Repeat("a", 65536)}, ""},
	{strings.Repeat("a", 65537), nil, "too big inline request"},
	{strings.Repeat("a", 65536), nil, ""},
	{"*" + strings.Repeat("1", 65536), nil, "too big mbulk count string"},
	{"*" + strings.Repeat("1", 65535), nil, ""},
	{"*" + strings.Repeat("1", 65535) + "\r\n", nil, "invalid multibulk length"},
	{"*1\r\n$" + strings.Repeat("1", 65536), nil, "too big bulk count string"},
	{"*1\r\nx" + strings.Repeat("1", 65536), nil, "too big bulk count string"},
	{"*1\r\n$" + strings.Repeat("1", 65535), nil, ""},
}

func TestParser(t *testing.T) {
	for _, c := range parserCases {
		checkCase(t, c.in, nil, c.commands, c.err)
	}
}

// TestParserUnauth is the limits of a client that has yet to authenticate.
func TestParserUnauth(t *testing.T) {
	big := strings.Repeat("a", 16384)
	for _, c := range []struct {
		in       string
		commands []string
		err      string
	}{
		{"*10\r\n" + strings.Repeat("$1\r\na\r\n", 10), []string{"a|a|a|a|a|a|a|a|a|a"}, ""},
		{"*11\r\n" + strings.Repeat("$1\r\na\r\n", 11), nil, "unauthenticated multibulk length"},
		{"*x\r\n", nil, "invalid multibulk length"},
		{"*2147483648\r\n", nil, "invalid multibulk length"},
		{"*1\r\n$16384\r\n" + big + "\r\n", []string{big}, ""},
		{"*1\r\n$16385\r\na" + big + "\r\n", nil, "unauthenticated bulk length"},
		{"*1\r\n$536870913\r\n", nil, "invalid bulk length"},
		{"*1\r\n$-1\r\n", nil, "invalid bulk length"},
	} {
		checkCase(t, c.in, &Limits{Unauth: true}, c.commands, c.err)
	}
}

func TestParserLimits(t *testing.T) {
	lim := &Limits{MaxBulk: 3, MaxMultibulk: 2, MaxInline: 5}
	for _, c := range []struct {
		in       string
		commands []string
		err      string
	}{
		{"*2\r\n$3\r\nabc\r\n$1\r\na\r\n", []string{"abc|a"}, ""},
		{"*3\r\n", nil, "invalid multibulk length"},
		{"*1\r\n$4\r\n", nil, "invalid bulk length"},
		{"abcde\n", []string{"abcde"}, ""},
		{"abcdef\n", nil, "too big inline request"},
		{"*12345\r\n", nil, "too big mbulk count string"},
		{"*1\r\n$12345\r\n", nil, "too big bulk count string"},
	} {
		checkCase(t, c.in, lim, c.commands, c.err)
	}
}

// checkCase parses in whole, cut in two at (nearly) every byte, and byte by byte.
func checkCase(t *testing.T, in string, lim *Limits, commands []string, wantErr string) {
	t.Helper()
	whole := parse(t, []byte(in), lim)
	var got []string
	for _, c := range whole.Commands {
		got = append(got, strings.Join(c, "|"))
	}
	if wantErr != "" {
		wantErr = "Protocol error: " + wantErr
	}
	if !reflect.DeepEqual(got, commands) || whole.Err != wantErr {
		t.Errorf("%.60q: got %.60q, %q; want %.60q, %q", in, got, whole.Err, commands, wantErr)
	}
	step := 1 + len(in)/300
	var all []int
	for cut := 0; cut <= len(in); cut += step {
		all = append(all, cut)
		sameCommands(t, in, whole, parse(t, []byte(in), lim, cut))
	}
	sameCommands(t, in, whole, parse(t, []byte(in), lim, all...))
}

func sameCommands(t testing.TB, in string, a, b result) {
	t.Helper()
	if a.Err != "" { // what follows the error has arrived or not
		a.Rest, b.Rest = 0, 0
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%.60q: in one piece %.200q, in several %.200q", in, fmt.Sprint(a), fmt.Sprint(b))
	}
}

func TestParserRaw(t *testing.T) {
	const set, ping = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$10\r\n0123456789\r\n", "*1\r\n$4\r\nPING\r\n"
	in := "\r\n*0\r\n" + set + "GET a\r\n" + ping + "*1\r\n$4\r\nPING\n\n"
	r := parse(t, []byte(in), nil)
	if want := []string{set, "-", ping, "-"}; !reflect.DeepEqual(r.Raws, want) {
		t.Errorf("raw %q", r.Raws)
	}
	if want := []bool{false, true, false, false}; !reflect.DeepEqual(r.Inline, want) {
		t.Errorf("inline %v", r.Inline)
	}
}

// TestParserOwnership appends to each argument and to raw, which must not
// change what stands behind them in the buffer.
func TestParserOwnership(t *testing.T) {
	for _, in := range []string{"*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n", "*2\r\n$3\r\nGET\r\n$1\r\na\r\rPING\r\n", "GET a b\r\nPING\r\n"} {
		buf := append(make([]byte, 0, 100), in...)
		var p Parser
		args, raw, _, _, _, _ := p.Next(buf, nil, nil)
		for _, a := range append(args, raw) {
			_ = append(a, "!!!"...)
		}
		if string(buf) != in {
			t.Errorf("buffer became %q", buf)
		}
	}
}

func TestParserSkips(t *testing.T) {
	var p Parser
	_, _, _, n, ok, err := p.Next([]byte("\r\n*0\r\n*2\r\n$3\r\nGET\r\n$3\r\nab"), nil, nil)
	if n != 6 || ok || err != nil || p.Need() != 3 {
		t.Fatalf("n %d, ok %t, err %v, need %d", n, ok, err, p.Need())
	}
	args, raw, _, n, ok, err := p.Next([]byte("*2\r\n$3\r\nGET\r\n$3\r\nabc\r\n"), nil, nil)
	if n != 22 || !ok || err != nil || len(args) != 2 || len(raw) != 22 || p.Need() != 0 {
		t.Fatalf("n %d, ok %t, err %v, args %q, need %d", n, ok, err, args, p.Need())
	}
}

// TestParserResumes checks that what has been passed of a partial command is
// not looked at again: neither the arguments nor the beginning of a long line.
func TestParserResumes(t *testing.T) {
	const n = 1000
	one := "$10\r\n0123456789\r\n"
	in := []byte("*1000\r\n" + strings.Repeat(one, n))
	var p Parser
	for i := range n {
		have := len("*1000\r\n") + i*len(one) + 8
		if _, _, _, _, ok, err := p.Next(in[:have], nil, nil); ok || err != nil {
			t.Fatal(ok, err)
		}
		if p.left != n-i || p.off != have-3 || p.Need() != 9 {
			t.Fatalf("after %d arguments: %+v", i, p)
		}
	}
	p.Reset()
	for have := 1; have < 1000; have++ {
		line := bytes.Repeat([]byte{'a'}, have)
		if p.Next(line, nil, nil); p.scan != have {
			t.Fatalf("%+v", p)
		}
	}
}

// TestParserAllocs holds the promise of no allocation for complete commands,
// and for a hostile count, of which nothing is believed until it has arrived.
func TestParserAllocs(t *testing.T) {
	args := make([][]byte, 0, 256)
	hostile := []byte("*2147483647\r\n" + strings.Repeat("$1\r\na\r\n", 1000))
	if n := testing.AllocsPerRun(100, func() {
		var p Parser
		for have := len(hostile) - 5000; have <= len(hostile); have += 100 {
			p.Next(hostile[:have], nil, nil)
		}
	}); n != 0 {
		t.Errorf("hostile count: %v allocations", n)
	}
	for _, c := range benchCommands {
		var p Parser
		if n := testing.AllocsPerRun(100, func() {
			for buf := c.wire; len(buf) > 0; {
				var n int
				args, _, _, n, _, _ = p.Next(buf, nil, args)
				buf = buf[n:]
			}
			p.Next(c.wire[:len(c.wire)-1], nil, args) // and in pieces
			p.Next(c.wire, nil, args)
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func TestParseInt(t *testing.T) {
	for _, s := range []string{
		"0", "1", "-1", "42", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "99999999999999999999", "-0", "00", "01", "-01", "+1", "", "-", "1 ", " 1", "0x1", "1_0", "1.0",
	} {
		n, err := strconv.ParseInt(s, 10, 64)
		want := err == nil && strconv.FormatInt(n, 10) == s
		if got, ok := parseInt([]byte(s)); ok != want || ok && got != n {
			t.Errorf("%q: %d %t", s, got, ok)
		}
	}
}
