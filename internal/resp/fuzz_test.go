package resp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	tidwall "github.com/tidwall/resp"
)

// FuzzParser checks any input against a simple parser that always starts anew
// (naive), cut into pieces in several ways, and that encoding the commands
// gives the bytes that they came from.
func FuzzParser(f *testing.F) {
	for _, c := range parserCases {
		if len(c.in) < 1000 {
			f.Add([]byte(c.in), uint16(len(c.in)/2), uint8(3), uint8(0))
		}
	}
	limits := []*Limits{
		nil,
		{Unauth: true},
		{MaxBulk: 40, MaxMultibulk: 5, MaxInline: 20},
		{MaxBulk: 1000, MaxMultibulk: 20, MaxInline: 100, Unauth: true},
	}
	f.Fuzz(func(t *testing.T, in []byte, cut uint16, step, limit uint8) {
		lim := limits[int(limit)%len(limits)]
		whole := parse(t, in, lim)
		want := naive(in, lim)
		if !reflect.DeepEqual(whole.Commands, want.Commands) || whole.Err != want.Err {
			t.Fatalf("%q: got %q, want %q", in, fmt.Sprint(whole), fmt.Sprint(want))
		}
		sameCommands(t, string(in), whole, parse(t, in, lim, int(cut)%(len(in)+1)))
		var cuts []int
		for at := 0; at < len(in); at += 1 + int(step) + len(in)/100 {
			cuts = append(cuts, at)
		}
		sameCommands(t, string(in), whole, parse(t, in, lim, cuts...))

		for i, c := range whole.Commands {
			encoded := AppendCommand(nil, c...)
			if whole.Raws[i] != "-" && whole.Raws[i] != string(encoded) {
				t.Fatalf("raw %q is not the encoding of %q", whole.Raws[i], c)
			}
			again := parse(t, encoded, nil)
			if len(again.Commands) != 1 || !reflect.DeepEqual(again.Commands[0], c) || again.Rest != 0 || again.Raws[0] != string(encoded) {
				t.Fatalf("%q encoded as %q came back as %v", c, encoded, again)
			}
		}
	})
}

// naive is a parser written for plainness: whatever is not complete ends it.
func naive(in []byte, lim *Limits) (r result) {
	for len(in) > 0 {
		if in[0] != '*' {
			at := bytes.IndexByte(in, '\n')
			if at > lim.maxInline() || at < 0 && len(in) > lim.maxInline() {
				r.Err = errBigInline.Error()
				return r
			}
			if at < 0 {
				return r
			}
			args, ok := SplitArgs(bytes.TrimSuffix(in[:at], []byte("\r")), nil)
			if !ok {
				r.Err = errQuotes.Error()
				return r
			}
			if len(args) > 0 {
				r.add(args, nil, true)
			}
			in = in[at+1:]
			continue
		}
		line, rest, found := bytes.Cut(in, []byte("\r"))
		switch n, ok := parseInt(line[1:]); {
		case len(line) > lim.maxInline():
			r.Err = errBigMultibulk.Error()
			return r
		case !found || len(rest) == 0:
			return r
		case !ok || n > int64(lim.maxMultibulk()):
			r.Err = errMultibulk.Error()
			return r
		case n > 10 && lim.unauth():
			r.Err = errUnauthMultibulk.Error()
			return r
		default:
			var args [][]byte
			in = rest[1:]
			for range n {
				line, rest, found := bytes.Cut(in, []byte("\r"))
				if len(line) > lim.maxInline() {
					r.Err = errBigBulk.Error()
					return r
				}
				if !found || len(rest) == 0 {
					return r
				}
				if in[0] != '$' {
					r.Err = errExpectedDollar(in[0]).Error()
					return r
				}
				n, ok := parseInt(line[1:])
				if !ok || n < 0 || n > int64(lim.maxBulk()) {
					r.Err = errBulk.Error()
					return r
				}
				if n > 16384 && lim.unauth() {
					r.Err = errUnauthBulk.Error()
					return r
				}
				if int(n)+2 > len(rest)-1 {
					return r
				}
				args = append(args, rest[1:n+1])
				in = rest[n+3:]
			}
			if len(args) > 0 {
				r.add(args, nil, false)
			}
		}
	}
	return r
}

// TestParserOracle compares with tidwall/resp on random well-formed commands.
func TestParserOracle(t *testing.T) {
	state := uint64(1)
	random := func(n int) int {
		state = state*6364136223846793005 + 1442695040888963407
		return int(state>>33) % n
	}
	var in []byte
	for range 2000 {
		args := make([][]byte, 1+random(20))
		for i := range args {
			size := random(12)
			if random(10) == 0 {
				size = random(2000)
			}
			args[i] = make([]byte, size)
			for k := range args[i] {
				args[i][k] = byte(random(256))
			}
		}
		in = AppendCommand(in, args...)
	}
	cuts := make([]int, 0, len(in)/97+1)
	for at := 0; at < len(in); at += 97 {
		cuts = append(cuts, at)
	}
	got := parse(t, in, nil)
	sameCommands(t, "random", got, parse(t, in, nil, cuts...))
	r := tidwall.NewReader(bytes.NewReader(in))
	for i, c := range got.Commands {
		v, _, err := r.ReadValue()
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, e := range v.Array() {
			want = append(want, string(e.Bytes()))
		}
		if !reflect.DeepEqual(c, want) {
			t.Fatalf("command %d: %q, want %q", i, c, want)
		}
	}
	if _, _, err := r.ReadValue(); !errors.Is(err, io.EOF) || got.Rest != 0 {
		t.Fatalf("%v, %d bytes left", err, got.Rest)
	}
}

// FuzzReadReply checks that nothing makes the reader panic, that a reply comes
// back equal when it is encoded, and that it does not depend on how it arrives.
func FuzzReadReply(f *testing.F) {
	for _, c := range replyCases {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		v, err := ReadReply(bufio.NewReader(bytes.NewReader(in)))
		v2, err2 := ReadReply(bufio.NewReaderSize(&oneByOne{in}, 16))
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("%q: %v; byte by byte: %v", in, err, err2)
		}
		if err != nil {
			return
		}
		encoded := v.AppendTo(nil)
		if !bytes.Equal(encoded, v2.AppendTo(nil)) {
			t.Fatalf("%q: %q; byte by byte: %q", in, v, v2)
		}
		again, err := ReadReply(bufio.NewReader(bytes.NewReader(encoded)))
		if err != nil {
			t.Fatalf("%q encoded as %q: %v", in, encoded, err)
		}
		if !bytes.Equal(again.AppendTo(nil), encoded) {
			t.Fatalf("%q encoded as %q came back as %q", in, encoded, again)
		}
	})
}

// oneByOne is a reader that returns one byte at a time.
type oneByOne struct{ rest []byte }

func (r *oneByOne) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	p[0], r.rest = r.rest[0], r.rest[1:]
	return 1, nil
}

// FuzzSplitArgs checks that an argument that is quoted by redis-cli's rules
// comes back, and that no line makes the splitting panic.
func FuzzSplitArgs(f *testing.F) {
	f.Add(`a "b\x00c" 'd'`)
	f.Fuzz(func(t *testing.T, s string) {
		SplitArgs([]byte(s), nil)
		var quoted strings.Builder
		quoted.WriteByte('"')
		for i := range len(s) {
			fmt.Fprintf(&quoted, `\x%02x`, s[i])
		}
		quoted.WriteByte('"')
		args, ok := SplitArgs([]byte("x "+quoted.String()+" y"), nil)
		if !ok || len(args) != 3 || string(args[1]) != s {
			t.Fatalf("%q: %q", s, args)
		}
	})
}
