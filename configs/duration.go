package configs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// durationUnits are the suffixes a duration is written with, largest first.
var durationUnits = []struct {
	suffix string
	value  time.Duration
}{
	{"d", day},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
	{"us", time.Microsecond},
	{"ns", time.Nanosecond},
}

// parseDuration reads Go's syntax plus whole days: "15s", "1h30m", "7d".
func parseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s[:1], "+-iInN") {
		return 0, fmt.Errorf("%q: write a unit, such as %ss", s, s)
	}
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := parseInteger(days); err == nil && n >= 0 && n <= int64(math.MaxInt64/day) {
			return time.Duration(n) * day, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q: write a duration such as 15s, 200ms, 1h30m or 7d", s)
	}
	return d, nil
}

// formatDuration writes one number with the largest unit that divides d.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	for _, u := range durationUnits {
		if d%u.value == 0 {
			return strconv.FormatInt(int64(d/u.value), 10) + u.suffix
		}
	}
	return d.String()
}

// errMinusOne is about Redis' word for off.
var errMinusOne = errors.New(`-1: write "off"`)

// timing describes a duration: bare numbers under the Redis name count unit,
// and lie between lo and hi; off is the field's value for the word off, and
// noOff says that there is no such word.
type timing struct {
	unit   time.Duration
	lo, hi int64
	off    time.Duration
	noOff  bool
}

// duration is a span of time in whole units of Redis' name.
func duration(t timing) codec[time.Duration] {
	within := func(d time.Duration, err error) (time.Duration, error) {
		if err != nil {
			return 0, err
		}
		if d%t.unit != 0 {
			return 0, fmt.Errorf("%s: must be a multiple of %s", formatDuration(d), formatDuration(t.unit))
		}
		return d, between(int64(d/t.unit), t.lo, t.hi)
	}
	parse := func(s string) (time.Duration, error) {
		switch {
		case t.noOff:
		case s == "off":
			return t.off, nil
		case s == "-1":
			return 0, errMinusOne
		}
		return within(parseDuration(s))
	}
	format := func(d time.Duration) string {
		if d == t.off && !t.noOff {
			return "off"
		}
		return formatDuration(d)
	}
	kind := "duration"
	if !t.noOff {
		kind = "duration, or off"
	}
	return codec[time.Duration]{
		kind: kind,
		unit: map[time.Duration]string{time.Minute: "min", time.Second: "s", time.Millisecond: "ms", time.Microsecond: "µs"}[t.unit],
		fromFile: func(raw any) (time.Duration, error) {
			if s, ok := raw.(string); ok {
				return parse(s)
			}
			if n, ok := wholeNumber(raw); ok {
				switch {
				case n == 0:
					return within(0, nil)
				case n == -1 && !t.noOff:
					return 0, errMinusOne
				case n < 0:
					return 0, wrongType(raw, "a duration such as 15s")
				}
				return 0, fmt.Errorf("%d: write a unit, such as %q", n, strconv.FormatInt(n, 10)+"s")
			}
			if raw == false && !t.noOff {
				return 0, fmt.Errorf("false: write %q in quotes", "off")
			}
			return 0, wrongType(raw, "a duration such as 15s")
		},
		fromText: parse,
		fromRedis: func(_ time.Duration, args []string) (time.Duration, error) {
			n, err := parseInteger(args[0])
			if err != nil {
				return 0, err
			}
			if err := between(n, t.lo, t.hi); err != nil {
				return 0, err
			}
			if n < 0 {
				return t.off, nil
			}
			if n > math.MaxInt64/int64(t.unit) {
				return 0, errors.New("argument is longer than 292 years")
			}
			return time.Duration(n) * t.unit, nil
		},
		toFile: func(d time.Duration) any { return format(d) },
		toText: format,
		toRedis: func(d time.Duration) string {
			if d < 0 {
				return "-1"
			}
			return strconv.FormatInt(int64(d/t.unit), 10)
		},
	}
}
