package configs

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

const redacted = "***"

// showOptions choose what show prints.
type showOptions struct {
	origin  bool // where each value comes from
	changed bool // only what is not the default
	redis   bool // redis.conf syntax instead of YAML
}

// show prints the configuration; what it prints can be loaded again, except
// for secrets.
func (s *Store) show(w io.Writer, o showOptions) error {
	c, t := s.Current(), theTable()
	var open []string // sections above the line printed last
	for i := range t.rows {
		p := &t.rows[i]
		at := s.Origin(p.Path)
		switch {
		case p.Flags.Has(Hidden),
			p.Flags.Has(Composite) != o.redis && p.Flags.Has(Composite),
			o.redis && p.Redis == "",
			o.changed && at.IsDefault(),
			p.Flags.Has(CompatOnly) && at.IsDefault():
			continue
		}
		note := ""
		if o.origin {
			note = "  # " + at.String()
		}
		var err error
		if o.redis {
			if note != "" {
				_, err = fmt.Fprintln(w, strings.TrimSpace(note)) // redis.conf has no comment behind a value
			}
			if err == nil {
				_, err = fmt.Fprintln(w, redisLine(p, c))
			}
		} else {
			keys := strings.Split(p.Path, ".")
			last := len(keys) - 1
			same := 0
			for same < last && same < len(open) && open[same] == keys[same] {
				same++
			}
			for d := same; d < last && err == nil; d++ {
				_, err = fmt.Fprintf(w, "%s%s:\n", strings.Repeat("  ", d), keys[d])
			}
			open = keys[:last]
			if err == nil {
				_, err = fmt.Fprintf(w, "%s%s: %s%s\n", strings.Repeat("  ", last), keys[last], nativeValue(p, c), note)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nativeValue writes a value in YAML; JSON's forms are YAML too.
func nativeValue(p *Param, c *Config) string {
	v := p.native(c)
	if p.Flags.Has(Secret) && v != "" {
		v = redacted
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%q", fmt.Sprint(v)) // no value of the table is like that
	}
	return string(b)
}

// redisLine writes a value as a line of redis.conf.
func redisLine(p *Param, c *Config) string {
	v := p.redis(c)
	if p.Flags.Has(Secret) && v != "" {
		v = redacted
	}
	if v == "" || !p.multi && strings.ContainsAny(v, " \"'\\\t\r\n{}#") {
		v = quote(v)
	}
	return p.Redis + " " + v
}
