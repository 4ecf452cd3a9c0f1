package commands

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reredis/reredis/bus"
)

// groupTitles are Redis' groups in the order of the reference.
var groupTitles = []struct{ group, title string }{
	{"generic", "Keys"},
	{"string", "Strings"},
	{"bitmap", "Bitmaps"},
	{"connection", "Connection"},
	{"server", "Server"},
	{"scripting", "Scripting and functions"},
}

// Reference writes the page about commands, in Markdown, from their Specs.
func Reference(specs []*bus.Spec) []byte {
	var b strings.Builder
	b.WriteString("# Command reference\n\n" +
		"<!-- Written from the Specs in package commands by \"go test ./commands -run Reference -update\"; do not edit. -->\n\n" +
		"Names, replies and error texts are those of Redis " + RedisVersion + ". Commands of later versions name theirs.\n" +
		"`[]` is optional, `<a | b>` a choice, `x [x ...]` once or more.\n")
	known := map[string]bool{}
	for _, g := range groupTitles {
		known[g.group] = true
		writeGroup(&b, g.title, specsOf(specs, func(s *bus.Spec) bool { return s.Group == g.group }))
	}
	writeGroup(&b, "Others", specsOf(specs, func(s *bus.Spec) bool { return !known[s.Group] }))
	return []byte(b.String())
}

// specsOf lists the commands, and after a container its subcommands, that want keeps, sorted by name.
func specsOf(specs []*bus.Spec, want func(*bus.Spec) bool) []*bus.Spec {
	var list []*bus.Spec
	for _, s := range specs {
		if want(s) {
			list = append(list, s)
		}
		for i := range s.Subs {
			if want(&s.Subs[i]) {
				list = append(list, &s.Subs[i])
			}
		}
	}
	slices.SortFunc(list, func(a, b *bus.Spec) int { return strings.Compare(a.FullName(), b.FullName()) })
	return list
}

// writeGroup writes one group's section.
func writeGroup(b *strings.Builder, title string, list []*bus.Spec) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n", title)
	for _, s := range list {
		if s.Run != nil || len(s.Subs) == 0 {
			writeCommand(b, s)
		}
	}
}

// writeCommand writes one command's paragraph.
func writeCommand(b *strings.Builder, s *bus.Spec) {
	name := strings.ToUpper(strings.ReplaceAll(s.FullName(), "|", " "))
	fmt.Fprintf(b, "\n### %s\n\n", name)
	fmt.Fprintf(b, "`%s`\n\n", strings.TrimSpace(name+" "+s.Usage))
	b.WriteString(s.Summary)
	if s.Deprecated != "" {
		fmt.Fprintf(b, " Deprecated since %s: use %s.", s.Deprecated, s.ReplacedBy)
	}
	b.WriteString("\n\n")
	fmt.Fprintf(b, "Since %s", s.Since)
	for _, h := range s.History {
		fmt.Fprintf(b, "; %s: %s", h.Version, lowerFirst(strings.TrimSuffix(h.Note, ".")))
	}
	fmt.Fprintf(b, ". %s.\n\n", strings.TrimSuffix(s.Complexity, "."))
	fmt.Fprintf(b, "Flags: %s. Categories: %s.", words("", s.Flags.Names()), words("@", s.Categories().Names()))
	if keys := describeKeySpecs(s); keys != "" {
		fmt.Fprintf(b, " Keys: %s.", keys)
	}
	b.WriteString("\n")
}

// words lists names, "none" if there are none.
func words(prefix string, names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return prefix + strings.Join(names, ", "+prefix)
}

// lowerFirst makes the note of a change continue a sentence, unless it begins with a name.
func lowerFirst(s string) string {
	for _, article := range []string{"The ", "A ", "Several ", "Without ", "Added "} {
		if strings.HasPrefix(s, article) {
			return strings.ToLower(s[:1]) + s[1:]
		}
	}
	return s
}

// describeKeySpecs says where the keys stand and what is done with them.
func describeKeySpecs(s *bus.Spec) string {
	var parts []string
	for _, k := range s.Keys {
		where := ""
		switch {
		case k.Begin.Keyword != "":
			where = "after " + k.Begin.Keyword
		case k.Begin.Index == 0:
			where = "found by the command"
		case k.Find.Kind == bus.FindKeyNum:
			where = fmt.Sprintf("counted by argument %d", k.Begin.Index+k.Find.NumIndex)
		case k.Find.Last == 0:
			where = fmt.Sprintf("argument %d", k.Begin.Index)
		case k.Find.Last > 0:
			where = fmt.Sprintf("arguments %d to %d", k.Begin.Index, k.Begin.Index+k.Find.Last)
		default:
			where = fmt.Sprintf("from argument %d on", k.Begin.Index)
			if k.Find.Step > 1 {
				where += fmt.Sprintf(", every %d", k.Find.Step)
			}
		}
		parts = append(parts, where+" ("+words("", k.Flags.Names())+")")
	}
	return strings.Join(parts, "; ")
}
