package configs

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
)

// conforms checks a value as a validator of JSON Schema does, as far as ours needs; it returns the first violation.
func conforms(s map[string]any, v any, at string) string {
	for _, key := range slices.Sorted(mapKeys(s)) {
		want := s[key]
		bad := false
		switch key {
		case "const":
			bad = !reflect.DeepEqual(v, want)
		case "enum":
			bad = !slices.ContainsFunc(want.([]any), func(e any) bool { return reflect.DeepEqual(e, v) })
		case "type":
			types, ok := want.([]any)
			if !ok {
				types = []any{want}
			}
			bad = !slices.ContainsFunc(types, func(t any) bool { return isType(v, t.(string)) })
		case "anyOf":
			bad = !slices.ContainsFunc(want.([]any), func(e any) bool { return conforms(e.(map[string]any), v, at) == "" })
		case "pattern":
			text, ok := v.(string)
			bad = ok && !regexp.MustCompile(want.(string)).MatchString(text)
		case "minimum":
			n, ok := v.(float64)
			bad = ok && n < want.(float64)
		case "maximum":
			n, ok := v.(float64)
			bad = ok && n > want.(float64)
		case "items":
			list, _ := v.([]any)
			for _, e := range list {
				if why := conforms(want.(map[string]any), e, at+"[]"); why != "" {
					return why
				}
			}
		case "properties":
			m, _ := v.(map[string]any)
			for k, e := range m {
				sub, ok := want.(map[string]any)[k]
				if !ok {
					return at + "." + k + ": unknown"
				}
				if why := conforms(sub.(map[string]any), e, at+"."+k); why != "" {
					return why
				}
			}
		}
		if bad {
			return at + ": not " + key
		}
	}
	return ""
}

func mapKeys(m map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func isType(v any, t string) bool {
	switch v := v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && v == math.Trunc(v)
	case []any:
		return t == "array"
	}
	return t == "object"
}

// TestSchema: the schema knows every type, takes the example and what loads, and refuses what does not.
func TestSchema(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	rows := theTable().rows
	for i := range rows {
		if p := &rows[i]; !p.Flags.Has(Composite) && p.kindSchema() == nil {
			t.Errorf("%s: no schema for the type %q", p.Path, p.Type)
		}
	}
	for text, good := range map[string]bool{
		string(Example("yaml")): true,
		"server: {port: 0}\nhttp:\ncompat: {hz: 20, activerehashing: true}\n": true,
		"server: {bind: '*', unix: {mode: \"0700\"}, io: {loops: auto}}":      true,
		"server: {auth: {password_file: /run/x}, timeouts: {idle: 1h30m}}":    true,
		"keyspace: {maxmemory: 75%}\nwal: {policy: \"no\"}":                   true,
		"wal: {snapshot: {save: [{after: 1h, changes: 1}]}}":                  true,
		"wal: {snapshot: {save: [{after: 1h}], x: 1}}":                        false,
		"server: {port: 70000}":                                               false,
		"server: {port: \"1\"}":                                               false,
		"server: {prot: 1}":                                                   false,
		"server: {protected_mode: yes please}":                                false,
		"server: {unix: {mode: 0700}}":                                        false,
		"server: {timeouts: {idle: 15}}":                                      false,
		"server: {limits: {max_bulk: 64MB}}":                                  false,
		"wal: {policy: sometimes}":                                            false,
	} {
		m, err := yaml.Parser().Unmarshal([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if why := conforms(s, v, ""); (why == "") != good {
			t.Errorf("%.60s: %q, want good %v", text, why, good)
		}
	}
	if strings.Contains(string(Schema()), "null,") {
		t.Error("a default is missing")
	}
}
