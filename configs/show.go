package configs

import (
	"io"
	"strings"
)

const redacted = "***"

// showOptions choose what show prints.
type showOptions struct {
	origin  bool   // where each value comes from
	changed bool   // only what is not the default
	format  string // yaml, toml, json, or redis for redis.conf
}

// show prints the configuration; what it prints can be loaded again, except
// for secrets.
func (s *Store) show(w io.Writer, o showOptions) error {
	c, t := s.Current(), theTable()
	redis := o.format == "redis"
	var lines []line
	for i := range t.rows {
		p := &t.rows[i]
		at := s.Origin(p.Path)
		switch {
		case p.Flags.Has(Hidden),
			p.Flags.Has(Composite) && !redis,
			redis && p.Redis == "",
			o.changed && at.IsDefault(),
			p.Flags.Has(CompatOnly) && at.IsDefault():
			continue
		}
		l := line{p: p, value: p.native(c)}
		if p.Flags.Has(Secret) && l.value != "" {
			l.value = redacted
		}
		if o.origin {
			l.note = at.String()
		}
		lines = append(lines, l)
	}
	if redis {
		return writeRedis(w, lines, c)
	}
	return formats[o.format](w, lines)
}

// writeRedis writes a redis.conf, which has no comments behind a value.
func writeRedis(w io.Writer, lines []line, c *Config) error {
	for _, l := range lines {
		text := redisLine(l.p, c) + "\n"
		if l.note != "" {
			text = "# " + l.note + "\n" + text
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
	}
	return nil
}

// redisLine writes a value as a line of redis.conf.
func redisLine(p *Param, c *Config) string {
	v := p.redis(c)
	if p.Flags.Has(Secret) && v != "" {
		v = redacted
	}
	if v == "" || !p.multi && strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'\\{}#", r) }) {
		v = quote(v)
	}
	return p.Redis + " " + v
}
