package configs

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
)

// schema is a JSON Schema, or a part of one.
type schema = map[string]any

// Schema returns the JSON Schema (2020-12) of a configuration file, for editors.
func Schema() []byte {
	root := schema{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "Configuration of Reredis",
		"type":    "object", "additionalProperties": false, "properties": schema{},
	}
	t := theTable()
	for i := range t.rows {
		p := &t.rows[i]
		if p.Flags.Has(Composite) {
			continue
		}
		section := root
		for key := range strings.SplitSeq(parent(p.Path), ".") {
			properties := section["properties"].(schema)
			if properties[key] == nil {
				properties[key] = schema{"type": []string{"object", "null"}, "additionalProperties": false, "properties": schema{}}
			}
			section = properties[key].(schema)
		}
		properties := section["properties"].(schema)
		properties[lastSegment(p.Path)] = p.schema()
		if p.Flags.Has(Secret) {
			properties[lastSegment(p.Path)+fileSuffix] = schema{
				"type": "string", "minLength": 1, "description": "File that holds " + p.Path,
			}
		}
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and maps of them
	}
	return append(b, '\n')
}

// schema describes what a file may say.
func (p *Param) schema() schema {
	s := schema{}
	maps.Copy(s, p.kindSchema())
	s["description"] = p.Doc
	if p.Flags.Has(CompatOnly) {
		s["description"] = "Without effect: " + p.Why
	}
	if !p.Flags.Has(Secret) {
		s["default"] = p.native(Default())
	}
	s["x-mutable"] = p.Set.String()
	if p.Redis != "" {
		s["x-redis-name"] = p.Redis
	}
	if p.Unit != "" {
		s["x-redis-unit"] = p.Unit
	}
	return s
}

const (
	sizePattern     = `^[0-9][0-9_]*( ?(B|KiB|MiB|GiB|TiB))?$`
	durationPattern = `^(0|([0-9.]+(ns|us|µs|ms|s|m|h))+|[0-9]+d)$`
)

// kindSchemas are the forms of values by the kind of their codec; what stands behind a
// comma in a kind is added as a word.
var kindSchemas = map[string]schema{
	"boolean":             {"type": "boolean"},
	"string":              {"type": "string"},
	"event letters":       {"type": "string", "pattern": "^[AKEgn$lshzxetdm]*$"},
	"table of names":      {"type": "object", "additionalProperties": schema{"type": "string"}},
	"octal mode":          {"type": "string", "pattern": "^[0-7]{1,4}$"},
	"size":                {"anyOf": []schema{{"type": "integer", "minimum": 0}, {"type": "string", "pattern": sizePattern}}},
	"duration":            {"anyOf": []schema{{"const": 0}, {"type": "string", "pattern": durationPattern}}},
	"list of hosts":       {"anyOf": []schema{{"type": "string"}, {"type": "array", "items": schema{"type": "string"}, "maxItems": maxBind}}},
	"list of percentages": {"type": "array", "items": schema{"type": "number", "minimum": 0, "maximum": 100}},
	"list of {after, changes}": {"type": "array", "items": schema{
		"type": "object", "additionalProperties": false, "required": []string{"after", "changes"},
		"properties": schema{"after": schema{"type": "string", "pattern": durationPattern}, "changes": schema{"type": "integer", "minimum": 0}},
	}},
}

// kindSchema is the form of the values of p's type.
func (p *Param) kindSchema() schema {
	if p.Flags.Has(CompatOnly) {
		return schema{"type": []string{"string", "integer", "boolean"}}
	}
	if len(p.Words) > 0 {
		return schema{"enum": p.Words}
	}
	if s, ok := kindSchemas[p.Type]; ok {
		return s
	}
	kind, more, _ := strings.Cut(p.Type, ",")
	s, ok := kindSchemas[kind]
	if lo, hi, isRange := strings.Cut(strings.TrimPrefix(kind, "integer "), "–"); !ok && isRange {
		low, _ := strconv.ParseInt(lo, 10, 64)
		high, _ := strconv.ParseInt(hi, 10, 64)
		s = schema{"type": "integer", "minimum": low, "maximum": high}
	}
	var others []schema
	if strings.Contains(more, "percentage") {
		others = append(others, schema{"type": "string", "pattern": "^[0-9]{1,3}%$"})
	}
	for _, word := range []string{"auto", "off"} {
		if strings.HasSuffix(more, "or "+word) {
			others = append(others, schema{"const": word})
		}
	}
	if len(others) == 0 {
		return s
	}
	return schema{"anyOf": append([]schema{s}, others...)}
}
