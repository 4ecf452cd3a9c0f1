package configs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// syntaxProblems takes the error of a parser of b apart: its messages, each with the place that it is about.
func syntaxProblems(name string, b []byte, err error) []Problem {
	where := Origin{Layer: LayerFile, Name: name}
	at := func(p position, text string) []Problem {
		where.Line, where.Column = p.line, p.column
		return []Problem{{Where: where, Text: text}}
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := e.Position()
		return at(position{line, column}, strings.TrimPrefix(err.Error(), "toml: "))
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return at(placeOf(b, int(e.Offset)-1), err.Error())
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		text := e.Value + ": too large"
		if e.Type.Kind() == reflect.Map {
			text = "the file holds no sections, but one " + e.Value
		}
		return at(placeOf(b, int(e.Offset)-1), text)
	}
	var out []Problem
	for message := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n"), "\n") {
		p := Problem{Where: where}
		p.Where.Line, p.Text = yamlMessage(strings.TrimSpace(message), bytes.Count(b, []byte("\n"))+1)
		out = append(out, p)
	}
	return out
}

// parserMessages are those whose line yaml counts from 0.
var parserMessages = []string{
	"did not find expected node content", "did not find expected '-' indicator", "did not find expected key",
	"did not find expected ',' or ']'", "did not find expected ',' or '}'", "did not find expected <document start>",
}

// yamlMessage is a message of the YAML parser with the line that it names, at most lines; yaml does not name the first one.
func yamlMessage(text string, lines int) (int, string) {
	var line int
	if n, _ := fmt.Sscanf(text, "line %d:", &line); n == 1 {
		_, text, _ = strings.Cut(text, ": ")
	}
	switch {
	case slices.Contains(parserMessages, text):
		line = min(line+1, lines)
	case line == 0 && (strings.HasPrefix(text, "did not find ") || strings.HasPrefix(text, "found ") || strings.HasPrefix(text, "mapping values ")):
		line = 1
	}
	what, into, ok := strings.Cut(strings.TrimPrefix(text, "cannot unmarshal "), " into ")
	switch {
	case !ok:
	case strings.HasPrefix(into, "map["):
		text = "the file holds no sections, but " + map[string]string{"!!seq": "a list"}[what]
		if what != "!!seq" {
			text += "one value"
		}
	default:
		text = "a key must be text"
	}
	return line, text
}
