package configs

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"go.yaml.in/yaml/v3"
)

// position is a place in a file, from 1.
type position struct{ line, column int }

// positions finds the place of each key, by its path, and what the parsers
// let pass: duplicate keys of JSON, further YAML documents.
func positions(ext, name string, b []byte) (map[string]position, []Problem) {
	at := map[string]position{}
	if ext == ".toml" {
		tomlPositions(at, b)
		return at, nil
	}
	// JSON is YAML with more brackets.
	dec := yaml.NewDecoder(strings.NewReader(string(b)))
	var doc yaml.Node
	if dec.Decode(&doc) != nil || len(doc.Content) == 0 {
		return at, nil
	}
	v := nodeVisitor{name: name, at: at}
	v.visit("", doc.Content[0])
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		v.problems = append(v.problems, Problem{
			Where: Origin{Layer: LayerFile, Name: name, Line: more.Line},
			Text:  "a second document in one file would be ignored; remove it",
		})
	}
	return at, v.problems
}

// nodeVisitor walks the mappings of a YAML document.
type nodeVisitor struct {
	name     string
	at       map[string]position
	problems []Problem
}

func (v *nodeVisitor) visit(prefix string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		path := key.Value
		if prefix != "" {
			path = prefix + "." + path
		}
		if first, ok := v.at[path]; ok {
			v.problems = append(v.problems, Problem{
				Where: Origin{Layer: LayerFile, Name: v.name, Line: key.Line, Column: key.Column},
				Name:  path, Text: fmt.Sprintf("is already set at line %d", first.line),
			})
			continue
		}
		v.at[path] = position{key.Line, key.Column}
		v.visit(path, n.Content[i+1])
	}
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

// syntaxProblems takes a parser's error apart: its messages, each with the
// line that it names.
func syntaxProblems(name string, err error) []Problem {
	where := Origin{Layer: LayerFile, Name: name}
	if t, ok := errors.AsType[*toml.DecodeError](err); ok {
		where.Line, where.Column = t.Position()
		return []Problem{{Where: where, Text: strings.TrimPrefix(err.Error(), "toml: ")}}
	}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors:\n")
	var out []Problem
	for message := range strings.SplitSeq(text, "\n") {
		p := Problem{Where: where, Text: strings.TrimSpace(message)}
		var line int
		if n, _ := fmt.Sscanf(p.Text, "line %d:", &line); n == 1 {
			_, p.Text, _ = strings.Cut(p.Text, ": ")
			p.Where.Line = line
		}
		out = append(out, p)
	}
	return out
}
