package configs

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// splitList reads a list of native text: comma separated, or JSON when it
// starts with a bracket.
func splitList(s string) ([]string, error) {
	if strings.HasPrefix(s, "[") {
		var out []string
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			return nil, fmt.Errorf("%q: not a JSON list of strings", s)
		}
		return out, nil
	}
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	out := strings.Split(s, ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out, nil
}

// anyList reads a list of a file; a single string is a list of one.
func anyList(raw any) ([]any, bool) {
	switch v := raw.(type) {
	case []any:
		return v, true
	case []string:
		out := make([]any, len(v))
		for i, s := range v {
			out[i] = s
		}
		return out, true
	case string:
		return []any{v}, true
	}
	return nil, false
}

const maxBind = 16 // as many as Redis takes

// notInHost finds what no host name, address, zone or "*" contains.
func notInHost(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".:-_%*", r)
}

// hosts is a list of addresses to listen on.
func hosts() codec[[]string] {
	check := func(list []string, err error) ([]string, error) {
		if err != nil {
			return nil, err
		}
		if len(list) > maxBind {
			return nil, errors.New("Too many bind addresses specified.")
		}
		for _, h := range list {
			if h == "" || h == "-" || strings.IndexFunc(h, notInHost) >= 0 {
				return nil, fmt.Errorf("%q is not a host to listen on", h)
			}
		}
		return list, nil
	}
	return codec[[]string]{
		kind:  "list of hosts",
		multi: true,
		fromFile: func(raw any) ([]string, error) {
			items, ok := anyList(raw)
			if !ok {
				return nil, wrongType(raw, `a list such as ["127.0.0.1", "::1"]`)
			}
			list := make([]string, 0, len(items))
			for _, it := range items {
				s, ok := it.(string)
				if !ok {
					return nil, wrongType(it, "a host in quotes")
				}
				list = append(list, s)
			}
			return check(list, nil)
		},
		fromText: func(s string) ([]string, error) { return check(splitList(s)) },
		fromRedis: func(_ []string, args []string) ([]string, error) {
			if len(args) == 1 && args[0] == "" {
				args = nil
			}
			return check(slices.Clone(args), nil)
		},
		toFile: func(list []string) any {
			out := make([]any, len(list))
			for i, h := range list {
				out[i] = h
			}
			return out
		},
		toText:  func(list []string) string { return strings.Join(list, ",") },
		toRedis: func(list []string) string { return strings.Join(list, " ") },
	}
}

// percentiles is a list of numbers from 0 to 100.
func percentiles() codec[[]float64] {
	const name = "latency-tracking-info-percentiles"
	parse := func(words []string) ([]float64, error) {
		var list []float64
		for _, w := range words {
			f, err := strconv.ParseFloat(w, 64)
			if err != nil || math.IsNaN(f) {
				return nil, errors.New("Invalid " + name + " parameters")
			}
			if f < 0 || f > 100 {
				return nil, errors.New(name + " parameters should sit between [0.0,100.0]")
			}
			list = append(list, f)
		}
		return list, nil
	}
	join := func(list []float64, sep string, format func(float64) string) string {
		words := make([]string, len(list))
		for i, f := range list {
			words[i] = format(f)
		}
		return strings.Join(words, sep)
	}
	exactly := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return codec[[]float64]{
		kind:  "list of percentages",
		multi: true,
		fromFile: func(raw any) ([]float64, error) {
			items, ok := anyList(raw)
			if !ok {
				return nil, wrongType(raw, "a list such as [50, 99, 99.9]")
			}
			words := make([]string, len(items))
			for i, it := range items {
				words[i] = fmt.Sprint(it)
			}
			return parse(words)
		},
		fromText: func(s string) ([]float64, error) {
			words, err := splitList(s)
			if err != nil {
				return nil, err
			}
			return parse(words)
		},
		fromRedis: func(_ []float64, args []string) ([]float64, error) {
			if len(args) == 1 && args[0] == "" {
				args = nil
			}
			return parse(args)
		},
		toFile: func(list []float64) any {
			out := make([]any, len(list))
			for i, f := range list {
				if f == math.Trunc(f) {
					out[i] = int64(f)
				} else {
					out[i] = f
				}
			}
			return out
		},
		toText:  func(list []float64) string { return join(list, ",", exactly) },
		toRedis: func(list []float64) string { return join(list, " ", formatPercentile) },
	}
}

// formatPercentile writes as Redis does: at most six decimals, without zeros at the end.
func formatPercentile(f float64) string {
	s := strconv.FormatFloat(f, 'f', 6, 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

var errSave = errors.New("Invalid save parameters")

// savePoints is a list of snapshot rules; "" in Redis' notation is the empty
// list, and each directive of a redis.conf adds to those before it.
func savePoints() codec[[]SavePoint] {
	fromWords := func(old []SavePoint, words []string) ([]SavePoint, error) {
		if len(words) == 1 && words[0] == "" {
			return nil, nil
		}
		if len(words)%2 != 0 {
			return nil, errSave
		}
		list := slices.Clone(old)
		for i := 0; i < len(words); i += 2 {
			secs, err1 := strconv.ParseInt(words[i], 10, 64)
			changes, err2 := strconv.ParseInt(words[i+1], 10, 64)
			if err1 != nil || err2 != nil || secs < 1 || changes < 0 || secs > math.MaxInt32 || changes > math.MaxInt32 {
				return nil, errSave
			}
			list = append(list, SavePoint{After: time.Duration(secs) * time.Second, Changes: changes})
		}
		return list, nil
	}
	fromItems := func(raw any) ([]SavePoint, error) {
		items, ok := raw.([]any)
		if !ok {
			if tables, isTables := raw.([]map[string]any); isTables {
				for _, t := range tables {
					items = append(items, t)
				}
			} else {
				return nil, wrongType(raw, "a list such as [{after: 1h, changes: 1}]")
			}
		}
		var list []SavePoint
		for _, it := range items {
			p, err := savePoint(it)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	}
	toWords := func(list []SavePoint) string {
		words := make([]string, 0, 2*len(list))
		for _, p := range list {
			words = append(words, strconv.FormatInt(int64(p.After/time.Second), 10), strconv.FormatInt(p.Changes, 10))
		}
		return strings.Join(words, " ")
	}
	return codec[[]SavePoint]{
		kind:     "list of {after, changes}",
		multi:    true,
		fromFile: fromItems,
		fromText: func(s string) ([]SavePoint, error) {
			if !strings.HasPrefix(s, "[") {
				return fromWords(nil, strings.Fields(s))
			}
			raw, err := parsers[".json"].Unmarshal([]byte(`{"save":` + s + `}`))
			if err != nil {
				return nil, fmt.Errorf(`%q: not a JSON list such as [{"after": "1h", "changes": 1}]`, s)
			}
			return fromItems(raw["save"])
		},
		fromRedis: fromWords,
		toFile: func(list []SavePoint) any {
			out := make([]any, len(list))
			for i, p := range list {
				out[i] = map[string]any{"after": formatDuration(p.After), "changes": p.Changes}
			}
			return out
		},
		toText:  toWords,
		toRedis: toWords,
	}
}

// savePoint reads one element of the list in a file.
func savePoint(raw any) (SavePoint, error) {
	t, ok := raw.(map[string]any)
	if !ok {
		return SavePoint{}, wrongType(raw, "{after: 1h, changes: 1}")
	}
	for _, k := range slices.Sorted(maps.Keys(t)) {
		if k != "after" && k != "changes" {
			return SavePoint{}, fmt.Errorf("unknown key %q, there are after and changes", k)
		}
	}
	s, ok := t["after"].(string)
	if !ok {
		return SavePoint{}, fmt.Errorf("after: %w", wrongType(t["after"], "a duration such as 1h"))
	}
	after, err := parseDuration(s)
	if err != nil {
		return SavePoint{}, fmt.Errorf("after: %w", err)
	}
	if after < time.Second || after%time.Second != 0 || after > math.MaxInt32*time.Second {
		return SavePoint{}, fmt.Errorf("after: %s: must be whole seconds, at least one", s)
	}
	changes, ok := wholeNumber(t["changes"])
	if !ok || changes < 0 || changes > math.MaxInt32 {
		return SavePoint{}, fmt.Errorf("changes: %w", wrongType(t["changes"], "a whole number"))
	}
	return SavePoint{After: after, Changes: changes}, nil
}
