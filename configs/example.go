package configs

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

const exampleHead = `# Every parameter of Reredis with its default; written by "reredis config example".
# Copy what you want to change. "reredis config check FILE" tells every mistake
# before a start, docs/configuration.md how the layers fit together.
`

// Example returns an example file with every native parameter, in YAML or TOML.
func Example(format string) []byte {
	var b strings.Builder
	b.WriteString(exampleHead)
	c := Default()
	var lines []line
	t := theTable()
	for i := range t.rows {
		if p := &t.rows[i]; !p.Flags.Has(CompatOnly) && !p.Flags.Has(Composite) && !p.Flags.Has(Hidden) {
			lines = append(lines, line{p: p, value: p.native(c), above: p.Doc})
		}
	}
	_ = formats[format](&b, lines) // a Builder takes everything
	return []byte(b.String())
}

// line is one parameter of a configuration that is written.
type line struct {
	p     *Param
	value any
	above string // comment on a line of its own
	note  string // comment behind it
}

// formats are the syntaxes that a configuration can be written in.
var formats = map[string]func(w io.Writer, lines []line) error{
	"yaml": writeYAML, "toml": writeTOML, "json": writeJSON,
}

// inSections puts lines of one section together, in the order in which sections first appear.
func inSections(lines []line, section func(*Param) string) []line {
	first := map[string]int{}
	for i, l := range lines {
		s := section(l.p)
		for s != "" {
			if _, ok := first[s]; !ok {
				first[s] = i
			}
			s = parent(s)
		}
	}
	// A section comes where its outermost one begins.
	key := func(l line) []int {
		var k []int
		for s := section(l.p); s != ""; s = parent(s) {
			k = append(k, first[s])
		}
		slices.Reverse(k)
		return k
	}
	out := slices.Clone(lines)
	slices.SortStableFunc(out, func(a, b line) int {
		return slices.Compare(key(a), key(b))
	})
	return out
}

// parent is the path of the section that a path lies in, "" for none.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, '.'))] }

func writeYAML(w io.Writer, lines []line) error {
	var open []string // sections above the line printed last
	for _, l := range inSections(lines, func(p *Param) string { return parent(p.Path) }) {
		keys := strings.Split(l.p.Path, ".")
		last := len(keys) - 1
		same := 0
		for same < last && same < len(open) && open[same] == keys[same] {
			same++
		}
		var b strings.Builder
		for d := same; d < last; d++ {
			fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", d), keys[d])
		}
		open = keys[:last]
		indent := strings.Repeat("  ", last)
		writeComment(&b, indent, l.above)
		fmt.Fprintf(&b, "%s%s: %s%s\n", indent, keys[last], flow(l.value, ": "), behind(l.note))
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func writeTOML(w io.Writer, lines []line) error {
	open := ""
	for _, l := range inSections(lines, func(p *Param) string { return parent(p.Path) }) {
		var b strings.Builder
		if section := parent(l.p.Path); section != open {
			fmt.Fprintf(&b, "\n[%s]\n", section)
			open = section
		}
		writeComment(&b, "", l.above)
		fmt.Fprintf(&b, "%s = %s%s\n", lastSegment(l.p.Path), flow(l.value, " = "), behind(l.note))
		if _, err := io.WriteString(w, b.String()); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(w io.Writer, lines []line) error {
	root := map[string]any{}
	for _, l := range lines {
		keys := strings.Split(l.p.Path, ".")
		at := root
		for _, k := range keys[:len(keys)-1] {
			sub, ok := at[k].(map[string]any)
			if !ok {
				sub = map[string]any{}
				at[k] = sub
			}
			at = sub
		}
		at[keys[len(keys)-1]] = l.value
	}
	b, err := json.MarshalIndent(root, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", b)
	}
	return err
}

// flow writes a value on one line; is stands between a key and its value.
func flow(v any, is string) string {
	switch v := v.(type) {
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = flow(e, is)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			keys[i] = flowKey(k) + is + flow(v[k], is)
		}
		return "{" + strings.Join(keys, ", ") + "}"
	case string:
		return quoteJSON(v)
	}
	return fmt.Sprint(v) // numbers and booleans look the same everywhere
}

// flowKey writes a key that may be a word of YAML, or a number, in quotes.
func flowKey(k string) string {
	if k == "after" || k == "changes" {
		return k
	}
	return quoteJSON(k)
}

// quoteJSON writes a string as JSON does, which YAML and TOML read as well: letters as they are, and what may not or
// would not stay as it is there, by number.
func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // any string can be written
	var out strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		if r < 1<<16 && !unicode.IsPrint(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func behind(note string) string {
	if note == "" {
		return ""
	}
	return "  # " + note
}

// printable leaves out what may not stand in a comment.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// writeComment breaks a comment into lines.
func writeComment(b *strings.Builder, indent, text string) {
	const width = 100
	for part := range strings.Lines(text) {
		n := 0
		for i, word := range strings.Fields(part) {
			switch {
			case i == 0:
				b.WriteString(indent + "# ")
			case n+len(word) >= width:
				b.WriteString("\n" + indent + "# ")
				n = 0
			default:
				b.WriteByte(' ')
				n++
			}
			b.WriteString(strings.Map(printable, word))
			n += len(word)
		}
		if n > 0 {
			b.WriteByte('\n')
		}
	}
}
