package configs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// unit is a suffix of a size and what it multiplies by.
type unit struct {
	suffix string
	bytes  int64
}

// sizeUnits are the suffixes of native notation, largest first.
var sizeUnits = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// redisUnits are the suffixes of redis.conf; "mb" and "m" differ there.
var redisUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000 * 1000, "mb": 1 << 20,
	"g": 1000 * 1000 * 1000, "gb": 1 << 30,
}

// ambiguousUnits are refused in native notation, with both readings named.
var ambiguousUnits = map[string]struct{ binary, decimal int64 }{
	"KB": {1 << 10, 1e3}, "MB": {1 << 20, 1e6}, "GB": {1 << 30, 1e9}, "TB": {1 << 40, 1e12},
	"K": {1 << 10, 1e3}, "M": {1 << 20, 1e6}, "G": {1 << 30, 1e9}, "T": {1 << 40, 1e12},
}

var errSize = errors.New("write a number of bytes, or a size such as 64MiB (B, KiB, MiB, GiB, TiB)")

// splitUnit cuts s after its leading digits.
func splitUnit(s string) (digits, suffix string) {
	i := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// multiply is n*by, false if it does not fit.
func multiply(n, by int64) (int64, bool) {
	if n > math.MaxInt64/by {
		return 0, false
	}
	return n * by, true
}

// parseSize reads native notation.
func parseSize(s string) (int64, error) {
	digits, suffix := splitUnit(strings.ReplaceAll(s, "_", ""))
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%q: too large", s)
	case err != nil:
		return 0, fmt.Errorf("%q: %w", s, errSize)
	}
	suffix = strings.TrimSpace(suffix)
	if suffix == "" {
		return n, nil
	}
	for _, u := range sizeUnits {
		if suffix == u.suffix {
			if v, ok := multiply(n, u.bytes); ok {
				return v, nil
			}
			return 0, fmt.Errorf("%q: too large", s)
		}
	}
	if u, ok := ambiguousUnits[strings.ToUpper(suffix)]; ok {
		binary, ok1 := multiply(n, u.binary)
		decimal, ok2 := multiply(n, u.decimal)
		if !ok1 || !ok2 {
			return 0, fmt.Errorf("%q: too large", s)
		}
		return 0, fmt.Errorf("%q: write %s (%s) or %d; %s means different things in redis.conf and elsewhere",
			s, formatSize(binary), grouped(binary), decimal, suffix)
	}
	return 0, fmt.Errorf("%q: %w", s, errSize)
}

// grouped writes 1,048,576.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// formatSize writes the largest unit that divides n.
func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if u.bytes > 1 && n != 0 && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}

// parseMemory reads Redis' notation: 1k is 1000 bytes, 1kb is 1024. What does
// not fit is returned as -1, which no range holds.
func parseMemory(s string) (int64, error) {
	digits, suffix := splitUnit(s)
	by, ok := redisUnits[strings.ToLower(suffix)]
	if !ok || (digits == "" && s != "") {
		return 0, errMemory
	}
	if s == "" {
		return 0, nil // Redis reads the empty string as 0
	}
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		if v, ok := multiply(n, by); ok {
			return v, nil
		}
	}
	return -1, nil
}

// size is a number of bytes, at least lo.
func size(lo int64) codec[int64] {
	within := func(n int64, err error) (int64, error) {
		if err == nil {
			err = between(n, lo, math.MaxInt64)
		}
		return n, err
	}
	return codec[int64]{
		kind: "size",
		fromFile: func(raw any) (int64, error) {
			if n, ok := wholeNumber(raw); ok {
				return within(n, nil)
			}
			if s, ok := raw.(string); ok {
				return within(parseSize(s))
			}
			return 0, fmt.Errorf("%s: %w", describe(raw), errSize)
		},
		fromText: func(s string) (int64, error) { return within(parseSize(s)) },
		fromRedis: func(_ int64, args []string) (int64, error) {
			return within(parseMemory(args[0]))
		},
		toFile: func(n int64) any {
			if s := formatSize(n); strings.HasSuffix(s, "B") {
				return s
			}
			return n
		},
		toText:  formatSize,
		toRedis: func(n int64) string { return strconv.FormatInt(n, 10) },
	}
}

// errPercent is the error for a percentage that is none.
func errPercent(s string) error { return fmt.Errorf("%q: write a percentage from 1%% to 100%%", s) }

// sizeOrWords is a size for which words may stand: read says what a word means, ok is false if it is
// none; write says what stands for a size.
func sizeOrWords(read func(s string) (n int64, ok bool, err error), write func(n int64) (s string, ok bool)) codec[int64] {
	t := size(0)
	fromFile, fromText, toFile, toText := t.fromFile, t.fromText, t.toFile, t.toText
	t.fromText = func(s string) (int64, error) {
		if n, ok, err := read(s); ok || err != nil {
			return n, err
		}
		return fromText(s)
	}
	t.fromFile = func(raw any) (int64, error) {
		if s, ok := raw.(string); ok {
			return t.fromText(s)
		}
		return fromFile(raw)
	}
	t.toText = func(n int64) string {
		if s, ok := write(n); ok {
			return s
		}
		return toText(n)
	}
	t.toFile = func(n int64) any {
		if s, ok := write(n); ok {
			return s
		}
		return toFile(n)
	}
	return t
}

// sizeOrOff is a size that may be off, the field's 0, or a share of the
// memory that the machine or the container has; total returns that memory.
func sizeOrOff(total func() int64) codec[int64] {
	t := sizeOrWords(func(s string) (int64, bool, error) {
		if s == "off" {
			return 0, true, nil
		}
		p, ok := strings.CutSuffix(s, "%")
		if !ok {
			return 0, false, nil
		}
		n, err := parseInteger(p)
		if err != nil || n < 1 || n > 100 {
			return 0, false, errPercent(s)
		}
		if total() <= 0 {
			return 0, false, fmt.Errorf("%q: the size of the memory is not known here, write a size", s)
		}
		return total() / 100 * n, true, nil
	}, func(n int64) (string, bool) { return "off", n == 0 })
	t.kind = "size, percentage of the memory, or off"
	return t
}

var (
	errShare      = errors.New("argument must be a memory or percent value")
	errShareLarge = errors.New("percentage argument must be less or equal to 100")
)

// parseShare reads a size in Redis' notation, or a percentage, which it returns
// below zero.
func parseShare(s string) (int64, error) {
	if n, err := parseMemory(s); err == nil {
		if n < 0 { // too large for a size, which Redis takes for a percentage
			return 0, errShareLarge
		}
		return n, nil
	}
	if p, ok := strings.CutSuffix(s, "%"); ok {
		if n, err := parseInteger(p); err == nil && n >= 0 {
			if n > 100 {
				return 0, errShareLarge
			}
			return -n, nil
		}
	}
	return 0, errShare
}

// sizeOrShare is a size that may be off, the field's 0, or a percentage of
// another size, kept below zero.
func sizeOrShare() codec[int64] {
	percent := func(n int64) string { return strconv.FormatInt(-n, 10) + "%" }
	t := sizeOrWords(func(s string) (int64, bool, error) {
		if s == "off" {
			return 0, true, nil
		}
		if !strings.HasSuffix(s, "%") {
			return 0, false, nil
		}
		n, err := parseShare(s)
		if err != nil || n == 0 {
			return 0, false, errPercent(s)
		}
		return n, true, nil
	}, func(n int64) (string, bool) {
		if n == 0 {
			return "off", true
		}
		return percent(n), n < 0
	})
	t.kind = "size, percentage, or off"
	t.fromRedis = func(_ int64, args []string) (int64, error) {
		return parseShare(args[0])
	}
	redis := t.toRedis
	t.toRedis = func(n int64) string {
		if n < 0 {
			return percent(n)
		}
		return redis(n)
	}
	return t
}
