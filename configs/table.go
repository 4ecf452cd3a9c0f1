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
