package configs

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// jsonVisitor finds the places of the keys of a JSON text, and keys that
// are there twice, of which encoding/json would keep the last.
type jsonVisitor struct {
	name     string
	text     []byte
	dec      *json.Decoder
	at       map[string]position
	problems []Problem
}

// jsonPositions visits a text that is known to be good.
func jsonPositions(name string, b []byte, at map[string]position) []Problem {
	v := jsonVisitor{name: name, text: b, dec: json.NewDecoder(bytes.NewReader(b)), at: at}
	v.value("", true)
	return v.problems
}

// value goes through one value; noted says that its keys are kept, which those in a list are not.
func (v *jsonVisitor) value(prefix string, noted bool) {
	tok, err := v.dec.Token()
	if err != nil {
		return
	}
	switch tok {
	case json.Delim('{'):
		v.object(prefix, noted)
	case json.Delim('['):
		for v.dec.More() {
			v.value(prefix, false)
		}
		_, _ = v.dec.Token() // the bracket: the text is good
	}
}

func (v *jsonVisitor) object(prefix string, noted bool) {
	here := map[string]position{}
	for v.dec.More() {
		tok, err := v.dec.Token()
		key, ok := tok.(string)
		if err != nil || !ok {
			return
		}
		pos := v.position(int(v.dec.InputOffset()))
		path := join(prefix, key)
		if first, twice := here[key]; twice {
			v.problems = append(v.problems, Problem{
				Where: Origin{Layer: LayerFile, Name: v.name, Line: pos.line, Column: pos.column},
				Name:  path, Text: fmt.Sprintf("is already set at line %d", first.line),
			})
		}
		here[key] = pos
		if noted {
			v.at[path] = pos
		}
		v.value(path, noted)
	}
	_, _ = v.dec.Token() // the bracket
}

// position is where the string that ends at offset begins.
func (v *jsonVisitor) position(offset int) position {
	start := offset - 1
	for start > 0 {
		start = bytes.LastIndexByte(v.text[:start], '"')
		if start <= 0 || !escaped(v.text[:start]) {
			break
		}
	}
	return placeOf(v.text, start)
}

// escaped reports whether what follows b has a backslash before it.
func escaped(b []byte) bool {
	n := len(b) - len(bytes.TrimRight(b, `\`))
	return n%2 == 1
}
