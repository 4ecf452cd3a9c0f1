package configs

import (
	"bytes"
	stdjson "encoding/json"
	"strconv"

	"github.com/knadh/koanf/parsers/json"
)

// exactJSON reads JSON with its integers as they are; the parser within makes floats of all numbers.
type exactJSON struct{ *json.JSON }

// Unmarshal reads a text; its errors are those of the parser within.
func (p exactJSON) Unmarshal(b []byte) (map[string]any, error) {
	if m, err := p.JSON.Unmarshal(b); err != nil {
		return m, err
	}
	dec := stdjson.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var m map[string]any
	if err := dec.Decode(&m); err != nil {
		return nil, err
	}
	numbers(m)
	return m, nil
}

// numbers makes integers of the whole numbers in v, however they are written, and floats of the others.
func numbers(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = numbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = numbers(e)
		}
	case stdjson.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n
		}
		f, _ := v.Float64() // the text was read before
		if n := int64(f); float64(n) == f && n < 1<<53 && n > -(1<<53) {
			return n // 1e3
		}
		return f
	}
	return v
}
