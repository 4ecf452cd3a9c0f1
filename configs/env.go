package configs

import (
	"slices"
	"strings"
)

const envPrefix = "REREDIS__"

// environment loads the variables REREDIS__SECTION__NAME. A double underscore
// nests, a single one belongs to the name. Variables with one underscore after
// REREDIS are never read: orchestrators inject such (REREDIS_PORT=tcp://…).
func (l *loader) environment(env []string) {
	env = slices.Clone(env)
	slices.Sort(env)
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ok || !ours {
			continue
		}
		where := Origin{Layer: LayerEnv, Name: name}
		path := strings.ToLower(strings.ReplaceAll(rest, "__", "."))
		p := l.table.byPath[path]
		if p == nil || p.Flags.Has(Composite) {
			l.problem(Problem{Where: where, Name: path, Text: "unknown parameter", Hint: l.table.suggestPath(path)})
			continue
		}
		l.set(p, where, path, p.setText(l.cfg, value))
	}
}
