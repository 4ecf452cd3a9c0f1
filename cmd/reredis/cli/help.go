package cli

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reredis/reredis/internal/resp"
)

// doc is what COMMAND DOCS says of a command or subcommand.
type doc struct {
	name    string // "CONFIG GET"
	usage   string // its arguments
	summary string
	since   string
	group   string
}

const generalHelp = `reredis cli
To get help about commands type:
      "help @<group>" to get a list of commands in <group>
      "help <command>" for help on <command>
      "help <tab>" to get a list of possible help topics
      "<count> <command>" to run a command several times
      "connect <host> <port>" to go to another server
      "clear" to clear the screen
      "quit" to exit
`

// isHelp tells the commands that are for the client.
func isHelp(name string) bool { return name == "?" || strings.EqualFold(name, "help") }

// help shows the command whose name begins with words, or a group of commands.
func (s *session) help(ctx context.Context, words []string) error {
	if len(words) == 0 {
		s.print([]byte(generalHelp))
		return nil
	}
	if s.docs == nil {
		if s.conn == nil {
			if err := s.connect(ctx); err != nil {
				return err
			}
		}
		docs, err := s.fetchDocs(ctx)
		if err != nil {
			return err
		}
		s.docs = docs
	}
	group, isGroup := strings.CutPrefix(words[0], "@")
	topic := strings.Join(words, " ")
	var b []byte
	for _, d := range s.docs {
		switch {
		case isGroup && strings.EqualFold(d.group, group):
			b = d.append(b, s.o.output == outputTTY, false)
		case !isGroup && (strings.EqualFold(d.name, topic) || len(d.name) > len(topic) && strings.EqualFold(d.name[:len(topic)+1], topic+" ")):
			b = d.append(b, s.o.output == outputTTY, true)
		}
	}
	if len(b) == 0 {
		b = append(b, "No help on "+topic+".\n"...)
	} else {
		b = append(b, '\n')
	}
	s.print(b)
	return nil
}

// append adds the doc as text, with colors for a terminal.
func (d *doc) append(b []byte, color, group bool) []byte {
	const bold, gray, yellow, plain = "\x1b[1m", "\x1b[90m", "\x1b[33m", "\x1b[0m"
	paint := func(with, text string) string {
		if color && text != "" {
			return with + text + plain
		}
		return text
	}
	b = fmt.Appendf(b, "\n  %s\n", strings.TrimSpace(paint(bold, d.name)+" "+paint(gray, d.usage)))
	b = fmt.Appendf(b, "  %s %s\n", paint(yellow, "summary:"), d.summary)
	if d.since != "" {
		b = fmt.Appendf(b, "  %s %s\n", paint(yellow, "since:"), d.since)
	}
	if group {
		b = fmt.Appendf(b, "  %s %s\n", paint(yellow, "group:"), d.group)
	}
	return b
}

// completions is what can be typed: commands, and for help also groups.
func (s *session) completions() []string {
	var words, groups []string
	for _, d := range s.docs {
		words = append(words, d.name)
		if group := "@" + d.group; d.group != "" && !slices.Contains(groups, group) {
			groups = append(groups, group)
		}
	}
	return append(words, groups...)
}

// fetchDocs asks the server for the docs of all commands.
func (s *session) fetchDocs(ctx context.Context) ([]doc, error) {
	v, err := s.roundTrip(ctx, []string{"COMMAND", "DOCS"})
	if err != nil {
		return nil, err
	}
	if v.IsError() {
		return nil, message("Error: COMMAND DOCS: " + v.String())
	}
	docs := readDocs(nil, v)
	slices.SortFunc(docs, func(a, b doc) int { return strings.Compare(a.name, b.name) })
	return docs, nil
}

// readDocs reads pairs of names and descriptions. Like all that reads replies
// of a server, it passes over what it does not know.
func readDocs(docs []doc, v resp.Value) []doc {
	for name, about := range pairs(v) {
		d := doc{
			name:    strings.ToUpper(strings.ReplaceAll(name, "|", " ")),
			usage:   usageOf(field(about, "arguments"), " "),
			summary: field(about, "summary").String(),
			since:   field(about, "since").String(),
			group:   field(about, "group").String(),
		}
		docs = readDocs(append(docs, d), field(about, "subcommands"))
	}
	return docs
}

// pairs iterates over a map, which is an array in version 2.
func pairs(v resp.Value) func(yield func(string, resp.Value) bool) {
	return func(yield func(string, resp.Value) bool) {
		for i := 0; i+1 < len(v.Elems); i += 2 {
			if !yield(v.Elems[i].String(), v.Elems[i+1]) {
				return
			}
		}
	}
}

// field is the value of a key, or the zero Value.
func field(v resp.Value, key string) resp.Value {
	for k, value := range pairs(v) {
		if k == key {
			return value
		}
	}
	return resp.Value{}
}

// usageOf writes arguments in the usual notation.
func usageOf(arguments resp.Value, separator string) string {
	parts := make([]string, len(arguments.Elems))
	for i, a := range arguments.Elems {
		parts[i] = argumentUsage(a)
	}
	return strings.Join(parts, separator)
}

func argumentUsage(a resp.Value) string {
	var what string
	switch field(a, "type").String() {
	case "pure-token":
	case "oneof":
		what = usageOf(field(a, "arguments"), "|")
	case "block":
		what = usageOf(field(a, "arguments"), " ")
	default:
		what = field(a, "name").String()
	}
	token := field(a, "token")
	before := token.String()
	if before == "" && token.Kind == resp.KindBulk {
		before = `""` // the token is an empty string
	}
	flags := field(a, "flags")
	has := func(flag string) bool {
		return slices.ContainsFunc(flags.Elems, func(f resp.Value) bool { return bytes.Equal(f.Str, []byte(flag)) })
	}
	whole := join(before, what)
	if has("multiple") {
		again := what
		if has("multiple_token") {
			again = whole
		}
		whole += " [" + again + " ...]"
	}
	if has("optional") {
		whole = "[" + whole + "]"
	}
	return whole
}

// join puts a space between two words, unless one is missing.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}
