package resp

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func text(k Kind, s string) Value { return Value{Kind: k, Str: []byte(s)} }

func number(n int64) Value { return Value{Kind: KindInt, Int: n} }

func list(k Kind, elems ...Value) Value { return Value{Kind: k, Elems: append([]Value{}, elems...)} }

var null = Value{Kind: KindNull}

// replyCases is replies as they are sent and as they are read.
var replyCases = []struct {
	in   string
	want Value
}{
	{"+OK\r\n", text(KindStatus, "OK")},
	{"+\r\n", text(KindStatus, "")},
	{"-ERR bad\r\n", text(KindError, "ERR bad")},
	{":42\r\n", number(42)},
	{":-9223372036854775808\r\n", number(math.MinInt64)},
	{"$3\r\na\r\n\r\n", text(KindBulk, "a\r\n")},
	{"$0\r\n\r\n", text(KindBulk, "")},
	{"$-1\r\n", null},
	{"*-1\r\n", null},
	{"_\r\n", null},
	{"*0\r\n", list(KindArray)},
	{"*2\r\n:1\r\n*1\r\n$-1\r\n", list(KindArray, number(1), list(KindArray, null))},
	{"%1\r\n+a\r\n:1\r\n", list(KindMap, text(KindStatus, "a"), number(1))},
	{"~2\r\n:1\r\n:2\r\n", list(KindSet, number(1), number(2))},
	{">1\r\n+x\r\n", list(KindPush, text(KindStatus, "x"))},
	{"#t\r\n", Value{Kind: KindBool, Int: 1}},
	{"#f\r\n", Value{Kind: KindBool}},
	{",3.25\r\n", Value{Kind: KindDouble, Float: 3.25, Str: []byte("3.25")}},
	{",-inf\r\n", Value{Kind: KindDouble, Float: math.Inf(-1), Str: []byte("-inf")}},
	{",1e400\r\n", Value{Kind: KindDouble, Float: math.Inf(1), Str: []byte("1e400")}},
	{"(-123456789012345678901234567890\r\n", text(KindBigNumber, "-123456789012345678901234567890")},
	{"=7\r\ntxt:abc\r\n", Value{Kind: KindVerbatim, Ext: "txt", Str: []byte("abc")}},
	{"!8\r\nERR x\r\ny\r\n", text(KindBulkError, "ERR x\r\ny")},
	{"|1\r\n+ttl\r\n:5\r\n:1\r\n", Value{Kind: KindInt, Int: 1, Attrs: []Value{text(KindStatus, "ttl"), number(5)}}},
	{"*1\r\n|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n_\r\n", list(KindArray, Value{Kind: KindNull, Attrs: []Value{text(KindStatus, "a"), number(1), text(KindStatus, "b"), number(2)}})},
}

func TestReadReply(t *testing.T) {
	for _, c := range replyCases {
		r := bufio.NewReaderSize(strings.NewReader(c.in+"+next\r\n"), 16)
		got, err := ReadReply(r)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v", c.in, got, err)
		}
		if next, err := ReadReply(r); err != nil || string(next.Str) != "next" {
			t.Errorf("%q: then %+v, %v", c.in, next, err)
		}
		again, err := ReadReply(bufio.NewReader(bytes.NewReader(c.want.AppendTo(nil))))
		if err != nil || !reflect.DeepEqual(again, c.want) {
			t.Errorf("%q encoded and read again: %+v, %v", c.in, again, err)
		}
		for cut := 1; cut < len(c.in); cut++ {
			if _, err := ReadReply(bufio.NewReader(strings.NewReader(c.in[:cut]))); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", c.in[:cut], err)
			}
		}
	}
	if _, err := ReadReply(bufio.NewReader(strings.NewReader(""))); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

func TestReadReplyErrors(t *testing.T) {
	for _, in := range []string{
		"\r\n", "\n", "x\r\n", "+a\n", ":\r\n", ":1a\r\n", ":9223372036854775808\r\n", "$x\r\n", "$-2\r\n", "$536870913\r\n", "$?\r\n", "*?\r\n",
		"$1\r\nabc", "*-2\r\n", "%-1\r\n", "~-1\r\n", ">-1\r\n", "!-1\r\n", "=-1\r\n", "=3\r\ntxt\r\n", "=4\r\ntxtx\r\n", "#x\r\n", "#\r\n", "_x\r\n", "(\r\n", "(-\r\n",
		"(1a\r\n", ",\r\n", ",x\r\n", "*1\r\nx\r\n", "*99999999999\r\n",
		strings.Repeat("*1\r\n", 65) + ":1\r\n", strings.Repeat("|0\r\n", 65) + ":1\r\n", "+" + strings.Repeat("a", 70000) + "\r\n",
	} {
		if v, err := ReadReply(bufio.NewReader(strings.NewReader(in))); !errors.Is(err, ErrReply) {
			t.Errorf("%.40q: %+v, %v", in, v, err)
		}
	}
	long := strings.Repeat("a", 60000)
	if v, err := ReadReply(bufio.NewReader(strings.NewReader("-" + long + "\r\n"))); err != nil || string(v.Str) != long {
		t.Error(err)
	}
}

// TestReadReplyMemory sends lengths that nothing follows.
func TestReadReplyMemory(t *testing.T) {
	for _, in := range []string{"$536870912\r\nabc", "*1000000000\r\n:1\r\n", "%1000000000\r\n:1\r\n", strings.Repeat("*1000000\r\n", 60)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := ReadReply(bufio.NewReader(strings.NewReader(in)))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, io.ErrUnexpectedEOF) || used > 1<<20 {
			t.Errorf("%.20q: %v, %d bytes", in, err, used)
		}
	}
}

func TestReadReplyBig(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789"), 100_000)
	v, err := ReadReply(bufio.NewReader(bytes.NewReader(AppendBulk(nil, big))))
	if err != nil || !bytes.Equal(v.Str, big) {
		t.Fatal(err, len(v.Str))
	}
}

func TestValueString(t *testing.T) {
	for in, want := range map[string]string{"+OK\r\n": "OK", ":5\r\n": "5", "#t\r\n": "1", ",1.50\r\n": "1.50", "_\r\n": "", "*0\r\n": ""} {
		v, err := ReadReply(bufio.NewReader(strings.NewReader(in)))
		if err != nil || v.String() != want || v.IsNull() != (in == "_\r\n") || v.IsError() {
			t.Errorf("%q: %+v, %v", in, v, err)
		}
	}
}
