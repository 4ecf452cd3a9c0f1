package configs

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Compat holds the values of the Redis parameters that have no effect here:
// they are kept and returned so that redis.conf files, CONFIG GET and SET and
// Redis' tools work.
type Compat struct {
	values map[string]string // by Redis name, in Redis' notation; replaced whole, never changed
}

// Get returns a value in Redis' notation, by its Redis name.
func (c Compat) Get(name string) string { return c.values[name] }

// set replaces the map, since published ones share it.
func (c *Compat) set(name, value string) {
	if c.values[name] == value {
		return
	}
	m := maps.Clone(c.values)
	if m == nil {
		m = make(map[string]string, 128)
	}
	m[name] = value
	c.values = m
}

// word checks and normalizes the arguments of a parameter without effect, as
// Redis would.
type word struct {
	kind  string
	words []string
	multi bool
	parse func(args []string) (string, error)
}

// compatPath is the path of a Redis parameter without effect.
func compatPath(redis string) string {
	return "compat." + strings.ReplaceAll(redis, "-", "_")
}

// compat makes the row of a Redis parameter that has no effect here.
func compat(redis, def string, w word, p Param) Param {
	p.Path, p.Redis, p.Default = compatPath(redis), redis, def
	p.Flags |= CompatOnly
	p.Type, p.Words, p.multi = w.kind, w.words, w.multi
	p.setRedis = func(c *Config, args []string) error {
		v, err := w.parse(args)
		if err == nil {
			c.Compat.set(redis, v)
		}
		return err
	}
	p.setText = func(c *Config, s string) error {
		if s == def { // an empty list is no argument of Redis' for some
			c.Compat.set(redis, def)
			return nil
		}
		return p.setRedis(c, splitArgs(s, w.multi))
	}
	p.setFile = func(c *Config, raw any) error {
		switch v := raw.(type) {
		case string:
			return p.setText(c, v)
		case bool:
			if strings.Contains(w.kind, "yes") {
				return p.setText(c, yesNo(v))
			}
		}
		if n, ok := wholeNumber(raw); ok && (w.kind == "integer" || w.kind == "size") {
			return p.setText(c, strconv.FormatInt(n, 10))
		}
		return wrongType(raw, "it as in redis.conf, in quotes")
	}
	get := func(c *Config) string { return c.Compat.values[redis] }
	p.redis, p.text = get, get
	p.native = func(c *Config) any { return get(c) }
	return p
}

// splitArgs cuts a value at each blank if the parameter takes several words.
func splitArgs(value string, multi bool) []string {
	switch {
	case !multi:
		return []string{value}
	case value == "":
		return nil
	default:
		return strings.Split(value, " ")
	}
}

// single makes a kind of one word.
func single(kind string, parse func(s string) (string, error)) word {
	return word{kind: kind, parse: func(args []string) (string, error) {
		return parse(args[0])
	}}
}

func wYesNo() word {
	return single("yes | no", func(s string) (string, error) {
		if s = strings.ToLower(s); s != "yes" && s != "no" {
			return "", errYesNo
		}
		return s, nil
	})
}

// wNumber is an integer; the upper bound of 0 means as large as it gets.
func wNumber(lo, hi int64) word {
	if hi == 0 {
		hi = math.MaxInt64
	}
	return single("integer", func(s string) (string, error) {
		n, err := parseInteger(s)
		if err == nil {
			err = between(n, lo, hi)
		}
		return s, err
	})
}

// wInt is a C int that is not negative.
func wInt(lo int64) word { return wNumber(lo, math.MaxInt32) }

// wMemory is a size; the upper bound is the largest integer.
func wMemory(lo int64) word {
	return single("size", func(s string) (string, error) {
		n, err := parseMemory(s)
		if err == nil {
			err = between(n, lo, math.MaxInt64)
		}
		return strconv.FormatInt(n, 10), err
	})
}

func wString() word {
	return single("string", func(s string) (string, error) { return s, nil })
}

// wFile is a file name without a folder.
func wFile(name, what string, emptyOK bool) word {
	return single("file name", func(s string) (string, error) {
		if s == "" && !emptyOK {
			return "", errors.New(name + " can't be empty")
		}
		if strings.ContainsAny(s, `/\`) {
			return "", fmt.Errorf("%s can't be a path, just a %s", name, what)
		}
		return s, nil
	})
}

// wHost is a host name to announce.
func wHost() word {
	return single("host name", func(s string) (string, error) {
		if len(s) >= 256 {
			return "", errors.New("Hostnames must be less than 256 characters")
		}
		for _, r := range s {
			if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.", r) {
				return "", errors.New("Hostnames may only contain alphanumeric characters, hyphens or dots")
			}
		}
		return s, nil
	})
}

func oneOf(words []string) error {
	return errors.New("argument(s) must be one of the following: " + strings.Join(words, ", "))
}

// wEnum is one word of a list; "relative=yes" takes relative and keeps yes.
func wEnum(words ...string) word {
	same := map[string]string{}
	names := slices.Clone(words)
	for i, w := range names {
		name, keep, ok := strings.Cut(w, "=")
		if !ok {
			keep = name
		}
		names[i], same[name] = name, keep
	}
	return word{kind: strings.Join(names, " | "), words: names, parse: func(args []string) (string, error) {
		if len(args) != 1 {
			return "", oneOf(names)
		}
		keep, ok := same[strings.ToLower(args[0])]
		if !ok {
			return "", oneOf(names)
		}
		return keep, nil
	}}
}

// wShutdown is a set of words, returned in the order of the list.
func wShutdown() word {
	names := []string{"default", "save", "nosave", "now", "force"}
	return word{kind: "default | save | nosave | now | force", words: names, multi: true, parse: func(args []string) (string, error) {
		if len(args) == 0 {
			return "", oneOf(names)
		}
		on := map[string]bool{}
		for _, a := range args {
			a = strings.ToLower(a)
			if !slices.Contains(names, a) {
				return "", oneOf(names)
			}
			on[a] = true
		}
		if on["save"] && on["nosave"] {
			return "", errors.New("shutdown options SAVE and NOSAVE can't be used simultaneously")
		}
		delete(on, "default") // it is the empty set
		if len(on) == 0 {
			return "default", nil
		}
		return strings.Join(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !on[n] }), " "), nil
	}}
}

// wOOMValues is three numbers.
func wOOMValues() word {
	return word{kind: "three integers", multi: true, parse: func(args []string) (string, error) {
		if len(args) != 3 {
			return "", errArgs
		}
		for _, a := range args {
			if n, err := strconv.ParseInt(a, 10, 64); err != nil || n < -2000 || n > 2000 {
				return "", errors.New("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
			}
		}
		return strings.Join(args, " "), nil
	}}
}

// wTemplate is a process title; its variables are checked.
func wTemplate() word {
	known := []string{"title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"}
	return single("string", func(s string) (string, error) {
		bad := errors.New("template format is invalid or contains unknown variables")
		if s == "" {
			return "", bad
		}
		for rest := s; ; {
			_, after, ok := strings.Cut(rest, "{")
			if !ok {
				return s, nil
			}
			name, tail, ok := strings.Cut(after, "}")
			if !ok || !slices.Contains(known, name) {
				return "", bad
			}
			rest = tail
		}
	})
}

// wBacklog is a size that is at least 16 KiB, whatever is asked for.
func wBacklog() word {
	w := wMemory(1)
	inner := w.parse
	w.parse = func(args []string) (string, error) {
		s, err := inner(args)
		if n, e := strconv.ParseInt(s, 10, 64); err == nil && e == nil {
			s = strconv.FormatInt(max(n, 16<<10), 10)
		}
		return s, err
	}
	return w
}

// wHz is a number that is brought into range rather than refused.
func wHz() word {
	return single("integer", func(s string) (string, error) {
		n, err := parseInteger(s)
		if err == nil {
			err = between(n, 0, math.MaxInt32)
		}
		return strconv.FormatInt(min(max(n, 1), 500), 10), err
	})
}

// only keeps a parameter at the values that are true here, and says why; the
// inner kind still checks the form first, with Redis' texts.
func only(w word, why string, values ...string) word {
	inner := w.parse
	w.parse = func(args []string) (string, error) {
		v, err := inner(args)
		if err != nil {
			return "", err
		}
		if !slices.Contains(values, v) {
			return "", errors.New(why)
		}
		return v, nil
	}
	return w
}

// wReplicaOf takes nothing but "no one" until there is replication.
func wReplicaOf() word {
	return word{kind: "host port", multi: true, parse: func(args []string) (string, error) {
		if len(args) == 1 && args[0] == "" {
			return "", nil
		}
		if len(args) != 2 {
			return "", errArgs
		}
		if strings.EqualFold(args[0], "no") && strings.EqualFold(args[1], "one") {
			return "", nil
		}
		if p, err := strconv.ParseInt(args[1], 10, 64); err != nil || p < 0 || p > 65535 {
			return "", errors.New("Invalid master port")
		}
		return "", errors.New("replication is not available yet")
	}}
}
