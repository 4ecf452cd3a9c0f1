package configs

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// redacted is shown in the place of a secret. No layer takes it for one.
const redacted = "***"

// showOptions choose what show prints.
type showOptions struct {
	origin  bool   // where each value comes from
	changed bool   // only what is not the default
	format  string // yaml, toml, json, or redis for redis.conf
}

// show prints the configuration; what it prints can be loaded again, but for secrets: these are refused then.
func (s *Store) show(w io.Writer, o showOptions) error {
	if o.format == "redis" {
		return s.showRedis(w, o)
	}
	c, t := s.Current(), theTable()
	var lines []line
	for i := range t.rows {
		p := &t.rows[i]
		if !p.Flags.Has(Composite) && s.shown(p, o) {
			lines = append(lines, line{p: p, value: hidden(p, p.native(c)), note: s.noteOf(p, o)})
		}
	}
	return formats[o.format](w, lines)
}

// shown reports whether a row is printed.
func (s *Store) shown(p *Param, o showOptions) bool {
	switch {
	case !s.from(p).IsDefault():
		return true
	case p.Flags.Has(Hidden), p.Flags.Has(CompatOnly):
		return false
	case p.Path == "log.format":
		// Its default is another one where the main file is a redis.conf.
		return !o.changed || (o.format == "redis") != (s.Current().Log.Format == "redis")
	default:
		return !o.changed
	}
}

// from is where a row's value comes from; of a composite one that of the first part that somebody set.
func (s *Store) from(p *Param) Origin {
	leaves := leavesOf(p)
	if i := slices.IndexFunc(leaves, func(leaf *Param) bool { return !s.Origin(leaf.Path).IsDefault() }); i >= 0 {
		return s.Origin(leaves[i].Path)
	}
	return Origin{}
}

func (s *Store) noteOf(p *Param, o showOptions) string {
	if !o.origin {
		return ""
	}
	return s.from(p).String()
}

// hidden is a value, or what is shown in the place of a secret.
func hidden[T any](p *Param, v T) T {
	if secret, ok := any(v).(string); ok && p.Flags.Has(Secret) && secret != "" {
		return any(redacted).(T)
	}
	return v
}

const onlyOurs = "# What follows redis-server does not know."

// showRedis prints a redis.conf, which has no comments behind a value. What has no Redis name is set by its path, at the
// end.
func (s *Store) showRedis(w io.Writer, o showOptions) error {
	c, t := s.Current(), theTable()
	var known, ours strings.Builder
	for i := range t.rows {
		p := &t.rows[i]
		if t.part(p.Path) || !s.shown(p, o) {
			continue
		}
		b, lines := &known, redisLines(p, c)
		if p.Redis == "" && p.Path != renamesPath {
			b = &ours
		}
		if note := s.noteOf(p, o); note != "" && len(lines) > 0 {
			fmt.Fprintf(b, "# %s\n", note)
		}
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
	}
	if ours.Len() > 0 {
		fmt.Fprintf(&known, "\n%s\n%s", onlyOurs, ours.String())
	}
	_, err := io.WriteString(w, known.String())
	return err
}

// redisLines writes a value as lines of a redis.conf. There is one for each command with another name.
func redisLines(p *Param, c *Config) []string {
	switch {
	case p.Path == renamesPath:
		var lines []string
		for _, r := range c.Admin.Renames {
			lines = append(lines, renameDirective+" "+oneWord(r.From)+" "+oneWord(r.To))
		}
		return lines
	case p.Redis == "":
		return []string{p.Path + " " + oneWord(hidden(p, p.text(c)))}
	}
	v := hidden(p, p.redis(c))
	if !p.multi || v == "" {
		v = oneWord(v)
	}
	return []string{p.Redis + " " + v}
}

// oneWord writes a word of a line so that splitLine returns it, in quotes only where it takes some.
func oneWord(s string) string {
	special := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"'\\{}#", r) }
	if s == "" || strings.IndexFunc(s, special) >= 0 {
		return quote(s)
	}
	return s
}
