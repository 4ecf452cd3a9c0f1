package configs

import (
	"fmt"
	"strings"
	"sync"
)

// table is the parameters with their indexes; it never changes.
type table struct {
	rows    []Param
	byPath  map[string]*Param
	byRedis map[string]*Param // own names and aliases, in lower case
	byFlag  map[string]*Param
}

// theTable is built at first use.
var theTable = sync.OnceValue(func() *table {
	t := &table{
		rows:    params(),
		byPath:  map[string]*Param{},
		byRedis: map[string]*Param{},
		byFlag:  map[string]*Param{},
	}
	add := func(index map[string]*Param, name string, p *Param) {
		if index[name] != nil {
			panic(fmt.Sprintf("configs: two rows are called %q", name))
		}
		index[name] = p
	}
	for i := range t.rows {
		p := &t.rows[i]
		add(t.byPath, p.Path, p)
		for _, name := range p.redisNames() {
			add(t.byRedis, name, p)
		}
		if p.Flag != "" {
			add(t.byFlag, p.Flag, p)
		}
	}
	return t
})

// lookup finds a row by a path (it has a dot) or a Redis name, in any case.
func (t *table) lookup(name string) (p *Param, isPath bool) {
	name = strings.ToLower(name)
	if strings.Contains(name, ".") {
		return t.leaf(name), true
	}
	return t.byRedis[name], false
}

// match is a row with the name it was found by.
type match struct {
	p      *Param
	name   string
	isPath bool
}

// isPattern reports whether a name given to CONFIG stands for several.
func isPattern(name string) bool { return strings.ContainsAny(name, "[*?") }

// match finds the rows that a name or a pattern stands for, in the order of the table. A pattern with a dot is about
// paths, any other about Redis names; only an exact name, which is returned as it was written, finds hidden rows.
func (t *table) match(pattern string) []match {
	if !isPattern(pattern) {
		p, isPath := t.lookup(pattern)
		if p == nil {
			return nil
		}
		return []match{{p, pattern, isPath}}
	}
	var out []match
	byPath := strings.Contains(pattern, ".")
	for i := range t.rows {
		p := &t.rows[i]
		switch {
		case p.Flags.Has(Hidden):
		case byPath:
			if !p.Flags.Has(Composite) && glob(pattern, p.Path) {
				out = append(out, match{p, p.Path, true})
			}
		default:
			for _, name := range p.redisNames() {
				if glob(pattern, name) {
					out = append(out, match{p, name, false})
				}
			}
		}
	}
	return out
}

// leaf is the row of a path, nil if there is none or its parts have rows of their own.
func (t *table) leaf(path string) *Param {
	if p := t.byPath[path]; p != nil && !p.Flags.Has(Composite) {
		return p
	}
	return nil
}

// leaves are the rows that have a value of their own.
func (t *table) leaves() []*Param {
	var out []*Param
	for i := range t.rows {
		if p := &t.rows[i]; !p.Flags.Has(Composite) {
			out = append(out, p)
		}
	}
	return out
}

// part reports whether a path is one of those that a composite row stands for.
func (t *table) part(path string) bool {
	for i := range t.rows {
		if p := &t.rows[i]; p.Flags.Has(Composite) && strings.HasPrefix(path, p.Path+".") {
			return true
		}
	}
	return false
}

// isSection reports whether rows lie below path.
func (t *table) isSection(path string) bool {
	for i := range t.rows {
		if strings.HasPrefix(t.rows[i].Path, path+".") {
			return true
		}
	}
	return false
}

// Default returns the configuration of a start without files, environment and
// arguments, except that server.dir stays empty.
func Default() *Config {
	c := *defaults()
	return &c
}

var defaults = sync.OnceValue(func() *Config {
	c := &Config{}
	t := theTable()
	for i := range t.rows {
		p := &t.rows[i]
		if p.Flags.Has(Composite) {
			continue // its leaves have defaults
		}
		if err := p.setText(c, p.Default); err != nil {
			panic(fmt.Sprintf("configs: default of %s: %v", p.Path, err))
		}
	}
	return c
})
