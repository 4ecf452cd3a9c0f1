package configs

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// evictionPolicy is maxmemory-policy.
func evictionPolicy() codec[string] {
	return enum(
		"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
		"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction",
	)
}

// quotedVersion explains the number that a version without quotes becomes.
func quotedVersion(parse func(any) (string, error)) func(any) (string, error) {
	return func(raw any) (string, error) {
		switch v := raw.(type) {
		case float64:
			return "", fmt.Errorf("%.1f: write a version in quotes, such as %q", v, fmt.Sprintf("%.1f", v))
		case int, int64, uint64:
			return "", errors.New(`write a version in quotes, such as "7.0"`)
		}
		return parse(raw)
	}
}

// wholeSeconds is a duration that is kept as a number of seconds.
func wholeSeconds() codec[int64] {
	d := duration(timing{unit: time.Second, hi: math.MaxInt32, noOff: true})
	secs := func(v time.Duration, err error) (int64, error) { return int64(v / time.Second), err }
	span := func(n int64) time.Duration { return time.Duration(n) * time.Second }
	return codec[int64]{
		kind:      d.kind,
		fromFile:  func(raw any) (int64, error) { return secs(d.fromFile(raw)) },
		fromText:  func(s string) (int64, error) { return secs(d.fromText(s)) },
		fromRedis: func(old int64, args []string) (int64, error) { return secs(d.fromRedis(span(old), args)) },
		toFile:    func(n int64) any { return d.toFile(span(n)) },
		toText:    func(n int64) string { return d.toText(span(n)) },
		toRedis:   func(n int64) string { return d.toRedis(span(n)) },
	}
}
