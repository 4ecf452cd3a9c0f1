package configs

import (
	"maps"
	"slices"
	"strings"
)

const envPrefix = "REREDIS__"

// variable is the name of the environment's variable for a path.
func variable(path string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "__"))
}

// environment loads the variables REREDIS__SECTION__NAME. A double underscore
// nests, a single one belongs to the name. Variables with one underscore after
// REREDIS are never read: orchestrators inject such (REREDIS_PORT=tcp://…).
func (l *loader) environment(env []string) {
	env = slices.Clone(env)
	slices.Sort(env)
	set := map[string]string{} // variables by path
	for _, kv := range env {
		name, value, ok := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, envPrefix)
		if !ok || !ours {
			continue
		}
		where := Origin{Layer: LayerEnv, Name: name}
		path := strings.ToLower(strings.ReplaceAll(rest, "__", "."))
		if before := set[path]; before != "" {
			l.problem(Problem{Where: where, Name: path, Text: "is already set by " + before})
			continue
		}
		set[path] = name
		if !l.setLeaf(where, path, value) {
			l.problem(Problem{Where: where, Name: path, Text: "unknown parameter", Hint: l.hint(l.table.suggestPath, path)})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(set)) {
		name := set[path]
		if base, ok := strings.CutSuffix(path, fileSuffix); ok && set[base] != "" && l.table.secretFile(path) != nil {
			l.problem(Problem{Where: Origin{Layer: LayerEnv, Name: name}, Name: path, Text: "the secret is already set by " + set[base] + "; leave one of them out"})
		}
	}
}
