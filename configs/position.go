package configs

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"
)

// position is a place in a file, from 1.
type position struct{ line, column int }

// maxNodes is how large a YAML document may be when its aliases are written out.
const maxNodes = 10_000

// positions finds the place of each key, by its path, and what the parsers
// let pass: duplicate keys of JSON, further YAML documents, octal numbers.
func positions(ext, name string, b []byte, t *table) (map[string]position, []Problem) {
	at := map[string]position{}
	switch ext {
	case ".toml":
		tomlPositions(at, b)
		return at, nil
	case ".json":
		return at, jsonPositions(name, b, at)
	}
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	var doc yaml.Node
	if dec.Decode(&doc) != nil || len(doc.Content) == 0 {
		return at, nil
	}
	v := nodeVisitor{name: name, table: t, at: at}
	v.visit("", doc.Content[0], false)
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		v.problems = append(v.problems, Problem{
			Where: Origin{Layer: LayerFile, Name: name, Line: more.Line},
			Text:  "a second document in one file would be ignored; remove it",
		})
	}
	return at, v.problems
}

// bomb reports a YAML document that would become huge, before it does.
func bomb(ext, name string, b []byte) (Problem, bool) {
	var doc yaml.Node
	if ext == ".toml" || ext == ".json" || yaml.Unmarshal(b, &doc) != nil || expanded(&doc, map[*yaml.Node]int{}) <= maxNodes {
		return Problem{}, false
	}
	return Problem{
		Where: Origin{Layer: LayerFile, Name: name},
		Text:  fmt.Sprintf("has more than %d values when its aliases are written out", maxNodes),
	}, true
}

// expanded counts the nodes below n with each alias in place of its name, up to
// a little more than maxNodes.
func expanded(n *yaml.Node, known map[*yaml.Node]int) int {
	if size, ok := known[n]; ok {
		return size
	}
	known[n] = maxNodes // of an anchor that contains itself
	size := 1
	if n.Alias != nil {
		size += expanded(n.Alias, known)
	}
	for _, c := range n.Content {
		if size += expanded(c, known); size > maxNodes {
			break
		}
	}
	known[n] = size
	return size
}

// nodeVisitor walks the mappings of a YAML document.
type nodeVisitor struct {
	name     string
	table    *table
	at       map[string]position
	problems []Problem
}

func (v *nodeVisitor) problem(n *yaml.Node, path, text string) {
	v.problems = append(v.problems, Problem{
		Where: Origin{Layer: LayerFile, Name: v.name, Line: n.Line, Column: n.Column}, Name: path, Text: text,
	})
}

// visit goes through the keys of a mapping. Those of its merges ("<<") come last, since the mapping's own go
// before them, and an earlier merge before a later one: merged says that n is one of them.
func (v *nodeVisitor) visit(prefix string, n *yaml.Node, merged bool) {
	n = resolved(n)
	if n.Kind == yaml.SequenceNode && merged {
		for _, m := range n.Content {
			v.visit(prefix, m, true)
		}
	}
	if n.Kind != yaml.MappingNode {
		return
	}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		path := join(prefix, key.Value)
		first, known := v.at[path]
		switch {
		case key.Tag == "!!merge":
			merges = append(merges, value)
			continue
		case known && merged:
			continue
		case known:
			v.problem(key, path, fmt.Sprintf("is already set at line %d", first.line))
			continue
		}
		v.at[path] = position{key.Line, key.Column}
		if p := v.table.leaf(path); p != nil && p.Type != "octal mode" && isOctal(resolved(value)) {
			v.problem(key, path, fmt.Sprintf("%s: YAML reads this as an octal number; write it without the leading zero, or in quotes", resolved(value).Value))
		}
		v.visit(path, value, false)
	}
	for _, m := range merges {
		v.visit(prefix, m, true)
	}
}

// resolved is the node that an alias names, and any other node itself.
func resolved(n *yaml.Node) *yaml.Node {
	if n.Alias != nil {
		return n.Alias
	}
	return n
}

// isOctal reports whether n is a number such as 0644.
func isOctal(n *yaml.Node) bool {
	digits := strings.TrimLeft(n.Value, "+-")
	return n.Kind == yaml.ScalarNode && n.Tag == "!!int" && len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "01234567_") == ""
}

// tomlPositions fills at from the expressions of a TOML document.
func tomlPositions(at map[string]position, b []byte) {
	var p unstable.Parser
	p.Reset(b)
	table := ""
	for p.NextExpression() {
		e := p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			table = tomlKeys(&p, at, "", e)
		case unstable.KeyValue:
			tomlPair(&p, at, table, e)
		}
	}
}

// tomlPair notes a key and the keys of an inline table behind it.
func tomlPair(p *unstable.Parser, at map[string]position, prefix string, e *unstable.Node) {
	path := tomlKeys(p, at, prefix, e)
	if v := e.Value(); v != nil && v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			tomlPair(p, at, path, it.Node())
		}
	}
}

// tomlKeys notes the place of a dotted key and of the tables it opens, and
// returns its path.
func tomlKeys(p *unstable.Parser, at map[string]position, prefix string, e *unstable.Node) string {
	path := prefix
	for it := e.Key(); it.Next(); {
		key := it.Node()
		if path != "" {
			path += "."
		}
		path += string(key.Data)
		if _, ok := at[path]; !ok {
			s := p.Shape(key.Raw)
			at[path] = position{s.Start.Line, s.Start.Column}
		}
	}
	return path
}
