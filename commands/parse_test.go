package commands

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "10": 10, "9223372036854775807": math.MaxInt64,
		"-9223372036854775808": math.MinInt64,
	} {
		if n, ok := parseInt([]byte(text)); !ok || n != want {
			t.Errorf("parseInt(%q) = %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+1", "01", "-0", "00", " 1", "1 ", "1x", "0x1", "9223372036854775808",
		"-9223372036854775809", "18446744073709551616", "99999999999999999999", "1\x00",
	} {
		if n, ok := parseInt([]byte(text)); ok {
			t.Errorf("parseInt(%q) = %d", text, n)
		}
	}
}

func FuzzParseInt(f *testing.F) {
	f.Add([]byte("-9223372036854775808"))
	f.Add([]byte("007"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, ok := parseInt(b)
		want, err := strconv.ParseInt(string(b), 10, 64)
		canonical := err == nil && strconv.FormatInt(want, 10) == string(b)
		if ok != canonical || ok && n != want {
			t.Errorf("parseInt(%q) = %d, %v", b, n, ok)
		}
	})
}

func TestParseCursor(t *testing.T) {
	for text, want := range map[string]uint64{
		"": 0, "0": 0, "007": 7, "+5": 5, "-1": math.MaxUint64, "-0": 0,
		"18446744073709551615": math.MaxUint64, "-18446744073709551615": 1,
		"\x00": 0, "12\x00x": 12,
	} {
		if n, ok := parseCursor([]byte(text)); !ok || n != want {
			t.Errorf("parseCursor(%q) = %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{" 1", "1 ", "x", "-", "+", "18446744073709551616", "1.0"} {
		if n, ok := parseCursor([]byte(text)); ok {
			t.Errorf("parseCursor(%q) = %d", text, n)
		}
	}
}

func TestParseLongDouble(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "1": "1", "+1": "1", "1.": "1", ".5": "0.5", "1e3": "1000", "1E+3": "1000", "5e-1": "0.5",
		"0x10": "16", "0x1.8p1": "3", "0X.8": "0.5", "-0x1P-1": "-0.5", "00012": "12",
		"inf": "inf", "-INFINITY": "-inf", "3.14159265358979323846": "3.14159265358979324",
		"123456789012345678901234567890": "123456789012345678899921813504",
	} {
		x, ok := parseLongDouble([]byte(text))
		if !ok {
			t.Errorf("%q is refused", text)
			continue
		}
		if got := string(resp.AppendLongDouble(nil, x)); got != want {
			t.Errorf("%q is %s, not %s", text, got, want)
		}
	}
	for _, text := range []string{
		"", "+", "-", ".", "e5", "1e", "1e+", "0x", "0xg", "0x1p", "x", "nan", "-nan", " 1", "1 ", "1_0", "--1", "in", "infi",
		"1e5000", "1e-5000", "0x1p20000", "1e999999999999", "1\x00", "1..2", "1.2.3", strings.Repeat("1", 5120),
	} {
		if _, ok := parseLongDouble([]byte(text)); ok {
			t.Errorf("%q is accepted", text)
		}
	}
}

// The sum of two long doubles has one rounding, at 64 bits.
func TestAddLongDouble(t *testing.T) {
	parse := func(s string) *big.Float {
		x, ok := parseLongDouble([]byte(s))
		if !ok {
			t.Fatal(s)
		}
		return x
	}
	for _, c := range []struct{ a, b, want string }{
		{"10.5", "0.1", "10.6"},
		{"5.0e3", "200", "5200"},
		{"1", "-1", "0"},
		{"9007199254740993", "1", "9007199254740994"},
		{"17179869184", "1.5", "17179869185.5"},
		{"3", "0.000000000000000006", "3.00000000000000001"},
	} {
		sum, ok := addLongDouble(parse(c.a), parse(c.b))
		if got := string(resp.AppendLongDouble(nil, sum)); !ok || got != c.want {
			t.Errorf("%s + %s = %s, not %s", c.a, c.b, got, c.want)
		}
	}
	for _, c := range [][2]string{{"inf", "1"}, {"1", "-inf"}, {"inf", "-inf"}, {"1e4932", "1e4932"}} {
		if _, ok := addLongDouble(parse(c[0]), parse(c[1])); ok {
			t.Errorf("%s + %s has a sum", c[0], c[1])
		}
	}
}

func TestGlobHint(t *testing.T) {
	for pattern, same := range map[string]string{
		"{tag}*": "{tag}", "user:{42}:*": "{42}", "plain": "plain", "a{b}[cd]": "{b}", "{a}{b}*": "{a}",
		"{}plain": "{}plain",
	} {
		if got, want := globHint([]byte(pattern)), globHint([]byte(same)); got != want || got.Slot < 0 {
			t.Errorf("globHint(%q) = %v, not %v", pattern, got, want)
		}
	}
	for _, pattern := range []string{"*", "*{tag}", "{t*g}", "{ta?}x", "{}*", "a{b*", `\{tag}*`, "[{]tag}", "{tag*}"} {
		if got := globHint([]byte(pattern)); got.Slot != -1 {
			t.Errorf("globHint(%q) = %v", pattern, got)
		}
	}
}

func BenchmarkLCS(b *testing.B) {
	x, y := make([]byte, 10000), make([]byte, 10000)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i], y[i] = byte('a'+rng.IntN(4)), byte('a'+rng.IntN(4))
	}
	for b.Loop() {
		newLCS(x, y).length()
	}
}
