package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Redis' words for a wrong value.
var (
	errArgs    = errors.New("wrong number of arguments")
	errYesNo   = errors.New("argument must be 'yes' or 'no'")
	errInteger = errors.New("argument couldn't be parsed into an integer")
	errOctal   = errors.New("argument couldn't be parsed as an octal number")
	errMemory  = errors.New("argument must be a memory value")
)

// wrongType is the problem of a file's value that has another type.
func wrongType(raw any, want string) error {
	return fmt.Errorf("%s: write %s", describe(raw), want)
}

// describe shows a raw value of a file in a message.
func describe(raw any) string {
	switch v := raw.(type) {
	case nil:
		return "no value"
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "a table"
	case []any:
		return "a list"
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', 1, 64) // not as the integer that it is not
		}
		return fmt.Sprint(v)
	default:
		return fmt.Sprint(v)
	}
}

// wholeNumber returns the integer of a file's value.
func wholeNumber(raw any) (int64, bool) {
	switch v := raw.(type) {
	case int:
		return int64(v), true
	case int64:
		return v, true
	case uint64:
		return int64(v), v <= math.MaxInt64
	default:
		return 0, false
	}
}

// parseInteger takes what Redis takes: no plus sign, no leading zero, no blank.
func parseInteger(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, errInteger
	}
	return n, nil
}

func between(n, lo, hi int64) error {
	if n < lo || n > hi {
		return fmt.Errorf("argument must be between %d and %d inclusive", lo, hi)
	}
	return nil
}

// boolean is true or false; Redis writes yes or no.
func boolean() codec[bool] {
	redis := func(s string) (bool, error) {
		switch strings.ToLower(s) {
		case "yes":
			return true, nil
		case "no":
			return false, nil
		}
		return false, errYesNo
	}
	return codec[bool]{
		kind: "boolean",
		fromFile: func(raw any) (bool, error) {
			if b, ok := raw.(bool); ok {
				return b, nil
			}
			if s, ok := raw.(string); ok {
				switch strings.ToLower(s) {
				case "yes", "on":
					return false, fmt.Errorf("%q: write true", s)
				case "no", "off":
					return false, fmt.Errorf("%q: write false", s)
				}
			}
			return false, wrongType(raw, "true or false")
		},
		fromText: func(s string) (bool, error) {
			switch s {
			case "true", "1":
				return true, nil
			case "false", "0":
				return false, nil
			}
			if b, err := redis(s); err == nil {
				return b, nil
			}
			return false, fmt.Errorf("%q: write true or false", s)
		},
		fromRedis: func(_ bool, args []string) (bool, error) {
			return redis(args[0])
		},
		toFile:  func(b bool) any { return b },
		toText:  strconv.FormatBool,
		toRedis: yesNo,
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// integer is a whole number between lo and hi.
func integer[T int | int64](lo, hi int64) codec[T] {
	parse := func(s string) (T, error) {
		n, err := parseInteger(s)
		if err == nil {
			err = between(n, lo, hi)
		}
		return T(n), err
	}
	format := func(n T) string { return strconv.FormatInt(int64(n), 10) }
	return codec[T]{
		kind: fmt.Sprintf("integer %d–%d", lo, hi),
		fromFile: func(raw any) (T, error) {
			n, ok := wholeNumber(raw)
			if !ok {
				return 0, wrongType(raw, "a whole number")
			}
			return T(n), between(n, lo, hi)
		},
		fromText: parse,
		fromRedis: func(_ T, args []string) (T, error) {
			return parse(args[0])
		},
		toFile:  func(n T) any { return int64(n) },
		toText:  format,
		toRedis: format,
	}
}

// orAuto adds the word auto, the field's 0, to a number that is at least 1.
func orAuto(t codec[int]) codec[int] {
	file, text := t.fromFile, t.fromText
	t.kind += ", or auto"
	t.fromText = func(s string) (int, error) {
		if s == "auto" {
			return 0, nil
		}
		return text(s)
	}
	t.fromFile = func(raw any) (int, error) {
		if raw == "auto" {
			return 0, nil
		}
		return file(raw)
	}
	toText := t.toText
	t.toText = func(n int) string {
		if n == 0 {
			return "auto"
		}
		return toText(n)
	}
	t.toFile = func(n int) any {
		if n == 0 {
			return "auto"
		}
		return int64(n)
	}
	return t
}

// text is any string.
func text() codec[string] {
	same := func(s string) (string, error) { return s, nil }
	return codec[string]{
		kind: "string",
		fromFile: func(raw any) (string, error) {
			s, ok := raw.(string)
			if !ok {
				return "", fmt.Errorf("%s: write it in quotes", describe(raw))
			}
			return s, nil
		},
		fromText:  same,
		fromRedis: func(_ string, args []string) (string, error) { return args[0], nil },
		toFile:    func(s string) any { return s },
		toText:    func(s string) string { return s },
		toRedis:   func(s string) string { return s },
	}
}

// enum is one of words, in any case.
func enum(words ...string) codec[string] { return enumAs(words, words) }

// enumAs is an enumeration whose words Redis spells differently: redis[i] is
// Redis' word for words[i], "" if Redis has none (the native word is taken and
// returned then).
func enumAs(words, redis []string) codec[string] {
	pick := func(s string, from []string) (string, bool) {
		i := slices.IndexFunc(from, func(w string) bool { return w != "" && strings.EqualFold(w, s) })
		if i < 0 {
			return "", false
		}
		return words[i], true
	}
	known := slices.DeleteFunc(slices.Clone(redis), func(w string) bool { return w == "" })
	t := text()
	t.kind, t.words = strings.Join(words, " | "), words
	native := func(s string) (string, error) {
		if w, ok := pick(s, words); ok {
			return w, nil
		}
		return "", fmt.Errorf("%q: must be one of %s", s, strings.Join(words, ", "))
	}
	t.fromText = native
	t.fromFile = func(raw any) (string, error) {
		switch v := raw.(type) {
		case string:
			return native(v)
		case bool:
			for _, w := range []string{"no", "off", "yes", "on"} {
				if slices.Contains(words, w) && v == (w == "yes" || w == "on") {
					return "", fmt.Errorf("%v: write %q in quotes", v, w)
				}
			}
		}
		return "", fmt.Errorf("%s: must be one of %s, in quotes", describe(raw), strings.Join(words, ", "))
	}
	t.fromRedis = func(_ string, args []string) (string, error) {
		if len(args) == 1 {
			if w, ok := pick(args[0], redis); ok {
				return w, nil
			}
			if i := slices.Index(words, args[0]); i >= 0 && redis[i] == "" {
				return words[i], nil
			}
		}
		return "", fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(known, ", "))
	}
	t.toRedis = func(s string) string {
		if i := slices.Index(words, s); i >= 0 && redis[i] != "" {
			return redis[i]
		}
		return s
	}
	return t
}

// octal is a file mode: a quoted octal string such as "0700".
func octal() codec[fs.FileMode] {
	parse := func(s string) (fs.FileMode, error) {
		n, err := strconv.ParseUint(s, 8, 32)
		if err != nil {
			return 0, errOctal
		}
		if n > 0o777 {
			return 0, errors.New("argument must be between 0 and 777 inclusive")
		}
		return fs.FileMode(n), nil
	}
	native := func(m fs.FileMode) string { return fmt.Sprintf("%04o", uint32(m)) }
	return codec[fs.FileMode]{
		kind: "octal mode",
		fromFile: func(raw any) (fs.FileMode, error) {
			switch v := raw.(type) {
			case string:
				return parse(v)
			case int, int64, uint64:
				n, _ := wholeNumber(v)
				return 0, fmt.Errorf("%d: write a mode as an octal number in quotes, such as %q", n, fmt.Sprintf("%04o", n))
			}
			return 0, wrongType(raw, `an octal number in quotes, such as "0700"`)
		},
		fromText: parse,
		fromRedis: func(_ fs.FileMode, args []string) (fs.FileMode, error) {
			return parse(args[0])
		},
		toFile:  func(m fs.FileMode) any { return native(m) },
		toText:  native,
		toRedis: func(m fs.FileMode) string { return strconv.FormatUint(uint64(m), 8) },
	}
}
