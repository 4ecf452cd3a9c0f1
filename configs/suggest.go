package configs

import (
	"maps"
	"slices"
	"strings"
)

// otherNames are names of the same thing in other servers and in older
// configurations, for suggestions only.
var otherNames = map[string]string{
	"host": "server.bind", "listen": "server.bind", "address": "server.bind",
	"password": "server.auth.password", "requirepass": "server.auth.password",
	"max_connections": "server.maxclients", "threads": "server.io.loops", "io_threads": "server.io.loops",
	"data_dir": "server.dir", "datadir": "server.dir", "max_memory": "keyspace.maxmemory",
	"metrics_port": "http.port", "dashboard_port": "http.port", "fsync": "wal.policy",
	"log_level": "log.level", "loglevel": "log.level", "logfile": "log.file",
}

// suggestPath proposes a path for an unknown one, or "".
func (t *table) suggestPath(unknown string) string {
	if unknown = strings.ToLower(unknown); t.isSection(unknown) {
		return "this is a section, it has parts"
	}
	if p := t.leaf(unknown); p != nil {
		return didYouMean(p)
	}
	last := lastSegment(unknown)
	if p := t.byRedis[strings.ReplaceAll(last, "_", "-")]; p != nil && !p.Flags.Has(Composite) {
		return didYouMean(p)
	}
	if p := t.byPath[otherNames[last]]; p != nil {
		return didYouMean(p)
	}
	// Whole paths first, then last segments, then names used elsewhere.
	var found closest
	for i := range t.rows {
		if p := &t.rows[i]; !p.Flags.Has(Composite) && !p.Flags.Has(Hidden) {
			found.consider(unknown, p.Path, p)
		}
	}
	if found.row == nil {
		for i := range t.rows {
			if p := &t.rows[i]; !p.Flags.Has(CompatOnly) && !p.Flags.Has(Composite) {
				found.consider(last, lastSegment(p.Path), p)
			}
		}
	}
	if found.row == nil {
		for i := range t.rows {
			if p := &t.rows[i]; p.Redis != "" && !p.Flags.Has(Composite) {
				found.consider(strings.ReplaceAll(last, "_", "-"), p.Redis, p)
			}
		}
		for name, path := range otherNames {
			found.consider(last, name, t.byPath[path])
		}
	}
	return didYouMean(found.row)
}

// suggestSection proposes a section for an unknown one, or "".
func (t *table) suggestSection(unknown string) string {
	best, bestDistance := "", tolerance(unknown)+1
	for i := range t.rows {
		for s := parent(t.rows[i].Path); s != ""; s = parent(s) {
			if d := distance(strings.ToLower(unknown), s); d < bestDistance {
				best, bestDistance = s, d
			}
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

// suggestOption is suggestRedis for the command line, which has options of its own.
func (t *table) suggestOption(unknown string) string {
	if near := nearest(strings.ToLower(unknown), []string{"check", "config", "help", "no-overlay", "version"}); near != "" {
		return "did you mean --" + near + "?"
	}
	return t.suggestRedis(unknown)
}

// notACommand is what to say of a main file that is not there and may have been meant as a command.
func notACommand(name string) string {
	commands := map[string]string{
		"cli": "cli", "config": "config", "wal": "wal", "version": "version", "help": "help",
		"check": "config check", "show": "config show", "import": "config import",
		"inspect": "wal inspect", "verify": "wal verify", "repair": "wal repair",
	}
	if near := nearest(strings.ToLower(name), slices.Sorted(maps.Keys(commands))); near != "" {
		return "did you mean reredis " + commands[near] + "?"
	}
	return "it is no command either, see reredis help"
}

// hint asks for a suggestion while problems are printed: looking for those of a large file that is no configuration
// at all would take long.
func (l *loader) hint(suggest func(unknown string) string, unknown string) string {
	if len(l.problems) >= maxProblems {
		return ""
	}
	return suggest(unknown)
}

// closest keeps the nearest of the candidates that are near enough; of equals
// the one whose name comes first.
type closest struct {
	row      *Param
	name     string
	distance int
}

func (c *closest) consider(wanted, candidate string, p *Param) {
	d := distance(wanted, candidate)
	if d > tolerance(wanted) || c.row != nil && (d > c.distance || d == c.distance && candidate >= c.name) {
		return
	}
	c.row, c.name, c.distance = p, candidate, d
}

// suggestRedis proposes a name for an unknown directive, or "".
func (t *table) suggestRedis(unknown string) string {
	name := strings.ToLower(unknown)
	if p := t.byRedis[strings.ReplaceAll(name, "_", "-")]; p != nil {
		return "did you mean " + strings.ReplaceAll(name, "_", "-") + "?"
	}
	best, bestDistance := "", tolerance(name)+1
	for i := range t.rows {
		for _, candidate := range append(t.rows[i].redisNames(), t.rows[i].Flag) {
			if d := distance(name, candidate); candidate != "" && d < bestDistance {
				best, bestDistance = candidate, d
			}
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + best + "?"
}

func didYouMean(p *Param) string {
	switch {
	case p == nil:
		return ""
	case p.Redis == "":
		return "did you mean " + p.Path + "?"
	default:
		return "did you mean " + p.Path + "? (Redis: " + p.Redis + ")"
	}
}

func lastSegment(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// tolerance is how far a name may be from what was meant.
func tolerance(name string) int { return min(max(2, len(name)/4), len(name)/2) }

// distance is the number of letters to insert, delete, change or swap with
// their neighbour that make b of a (Damerau-Levenshtein, optimal alignment).
func distance(a, b string) int {
	const far = 1 << 20
	if len(a) > 100 || len(b) > 100 {
		return far
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
