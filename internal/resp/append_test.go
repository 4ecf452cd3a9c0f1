package resp

import (
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		name   string
		append func(b []byte, proto int) []byte
		resp2  string
		resp3  string // "" if the same
	}{
		{"status", func(b []byte, _ int) []byte { return AppendStatus(b, "OK") }, "+OK\r\n", ""},
		{"error", func(b []byte, _ int) []byte { return AppendError(b, "ERR bad\r\nthing") }, "-ERR bad  thing\r\n", ""},
		{"int", func(b []byte, _ int) []byte { return AppendInt(b, -7) }, ":-7\r\n", ""},
		{"smallest int", func(b []byte, _ int) []byte { return AppendInt(b, math.MinInt64) }, ":-9223372036854775808\r\n", ""},
		{"bulk", func(b []byte, _ int) []byte { return AppendBulk(b, []byte("a\r\nb")) }, "$4\r\na\r\nb\r\n", ""},
		{"empty bulk", func(b []byte, _ int) []byte { return AppendBulk(b, nil) }, "$0\r\n\r\n", ""},
		{"bulk string", func(b []byte, _ int) []byte { return AppendBulkString(b, strings.Repeat("a", 10)) }, "$10\r\naaaaaaaaaa\r\n", ""},
		{"null", AppendNull, "$-1\r\n", "_\r\n"},
		{"null array", AppendNullArray, "*-1\r\n", "_\r\n"},
		{"array", func(b []byte, _ int) []byte { return AppendArray(b, 100) }, "*100\r\n", ""},
		{"map", func(b []byte, p int) []byte { return AppendMap(b, 5, p) }, "*10\r\n", "%5\r\n"},
		{"set", func(b []byte, p int) []byte { return AppendSet(b, 5, p) }, "*5\r\n", "~5\r\n"},
		{"push", func(b []byte, p int) []byte { return AppendPush(b, 3, p) }, "*3\r\n", ">3\r\n"},
		{"attribute", func(b []byte, _ int) []byte { return AppendAttribute(b, 1) }, "|1\r\n", ""},
		{"true", func(b []byte, p int) []byte { return AppendBool(b, true, p) }, ":1\r\n", "#t\r\n"},
		{"false", func(b []byte, p int) []byte { return AppendBool(b, false, p) }, ":0\r\n", "#f\r\n"},
		{"big number", func(b []byte, p int) []byte { return AppendBigNumber(b, "-123", p) }, "$4\r\n-123\r\n", "(-123\r\n"},
		{"verbatim", func(b []byte, p int) []byte { return AppendVerbatim(b, "txt", "abc", p) }, "$3\r\nabc\r\n", "=7\r\ntxt:abc\r\n"},
		{"short format", func(b []byte, p int) []byte { return AppendVerbatim(b, "x", "", p) }, "$0\r\n\r\n", "=4\r\nx  :\r\n"},
		{"double", func(b []byte, p int) []byte { return AppendDouble(b, 1.5, p) }, "$3\r\n1.5\r\n", ",1.5\r\n"},
		{"infinity", func(b []byte, p int) []byte { return AppendDouble(b, math.Inf(-1), p) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"command", func(b []byte, _ int) []byte { return AppendCommand(b, "GET", "", "abc") }, "*3\r\n$3\r\nGET\r\n$0\r\n\r\n$3\r\nabc\r\n", ""},
		{"command of bytes", func(b []byte, _ int) []byte { return AppendCommand(b, [][]byte{[]byte("GET"), nil}...) }, "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", ""},
		{"no command", func(b []byte, _ int) []byte { return AppendCommand[string](b) }, "*0\r\n", ""},
	} {
		if c.resp3 == "" {
			c.resp3 = c.resp2
		}
		for proto, want := range map[int]string{2: c.resp2, 3: c.resp3} {
			if got := string(c.append([]byte("before"), proto)); got != "before"+want {
				t.Errorf("%s in version %d: %q, want %q", c.name, proto, got, want)
			}
		}
	}
}

func TestAppendHeader(t *testing.T) {
	ns := []int64{math.MaxInt64, math.MinInt64}
	for p := int64(1); p <= 1e9; p *= 10 {
		ns = append(ns, p-1, p, p+1, 7*p, -p)
	}
	for _, n := range ns {
		if got := string(AppendInt(nil, n)); got != fmt.Sprintf(":%d\r\n", n) {
			t.Errorf("%d: %q", n, got)
		}
	}
}

// floatCases is what C's printf("%.17g") makes of a double; see
// TestFloatLikeRedis for many more.
var floatCases = []struct {
	f    float64
	text string
}{
	{0, "0"},
	{math.Copysign(0, -1), "-0"},
	{1, "1"},
	{-1, "-1"},
	{100, "100"},
	{3.25, "3.25"},
	{0.1, "0.10000000000000001"},
	{-3.3, "-3.2999999999999998"},
	{1e15, "1000000000000000"},
	{1e16, "10000000000000000"},
	{99999999999999984, "99999999999999984"},
	{1e17, "1e+17"},
	{-1e17, "-1e+17"},
	{123456789012345680, "1.2345678901234568e+17"},
	{1e20, "1e+20"},
	{1e100, "1e+100"},
	{0.0001, "0.0001"},
	{0.00001, "1.0000000000000001e-05"},
	{5e-324, "4.9406564584124654e-324"},
	{math.MaxFloat64, "1.7976931348623157e+308"},
	{1700000000000.5, "1700000000000.5"},
	{math.Inf(1), "inf"},
	{math.Inf(-1), "-inf"},
	{9007199254740993, "9007199254740992"},
	{12345678901234567, "12345678901234568"},
	{0.30000000000000004, "0.30000000000000004"},
	{2.5e-7, "2.4999999999999999e-07"},
	{1.0000000000000002, "1.0000000000000002"},
	{float64(math.MaxInt64), "9.2233720368547758e+18"},
	{float64(math.MaxUint32), "4294967295"},
}

func TestAppendFloat(t *testing.T) {
	for _, c := range floatCases {
		if got := string(AppendFloat(nil, c.f)); got != c.text {
			t.Errorf("%v: %s, want %s", c.f, got, c.text)
		}
	}
	if got := string(AppendFloat([]byte("x"), math.NaN())); got != "xnan" {
		t.Error(got)
	}
}

func TestAppendLongDouble(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "3": "3", "-3": "-3", "100": "100", "0.1": "0.1", "3.14": "3.14", "5e3": "5000", "-0.5": "-0.5",
		"10.50": "10.5", "1e-17": "0.00000000000000001", "1e-19": "0", "-1e-19": "0", "1e20": "100000000000000000000",
		"17179869185.123456789": "17179869185.12345678918063641", "+Inf": "inf", "-Inf": "-inf",
	} {
		x, _, err := big.ParseFloat(in, 10, 64, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(AppendLongDouble([]byte("x"), x)); got != "x"+want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestAppendAllocs(t *testing.T) {
	buf := make([]byte, 0, 1024)
	text := []byte("hello")
	if n := testing.AllocsPerRun(100, func() {
		b := AppendBulk(AppendInt(AppendStatus(buf, "OK"), 123456), text)
		b = AppendDouble(AppendDouble(b, 0.1, 2), 1e300, 3)
		b = AppendVerbatim(AppendNull(AppendError(b, "ERR x"), 3), "txt", "abc", 3)
		AppendCommand(b, text, text)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
