package configs

import (
	"fmt"
	"strings"
)

// sections are the headings of the reference, in the table's order.
var sections = []struct{ prefix, title, about string }{
	{"server", "Server", "Where and how clients are served."},
	{"http", "HTTP", "Health, readiness and metrics."},
	{"keyspace", "Keyspace", "What holds the data."},
	{"wal", "Write-ahead log", "How data is kept on disk; docs/durability.md tells what each policy promises."},
	{"observe", "Observation", "What the server watches about itself."},
	{"log", "Log", "The server's own log."},
}

const referenceHead = `# Configuration reference

<!-- Written by "reredis config doc" from the table in configs; do not edit. -->

A parameter has a path, which files, the environment and the command line use, and often a Redis name, which redis.conf,
` + "`CONFIG`" + ` and the command line use. Both mean the same value.

| where | how | notation of values |
|-|-|-|
| YAML, TOML or JSON file | ` + "`--config FILE`, or `reredis FILE`" + ` | native: sizes ` + "`64MiB`, durations `15s`, `true`" + ` |
| redis.conf (any other file name) | ` + "`reredis redis.conf`, `-` for standard input" + ` | Redis': ` + "`64mb`, `15`, `yes`" + ` |
| environment | ` + "`REREDIS__SERVER__PORT=6380`" + `: two underscores nest | native; lists with commas |
| command line, paths | ` + "`--server.port 6380`, `--server.port=6380`" + ` | native |
| command line, Redis names | ` + "`--port 6380`, `--save 3600 1 --save 60 100`" + ` | Redis' |
| at run time | ` + "`CONFIG SET port 6380`, `CONFIG SET server.port 6380`" + ` | Redis' for Redis names, native for paths |

Defaults are overruled by files (in the order given), these by the environment, this by the command line, this by ` + "`CONFIG SET`" + `.
Without a file on the command line, ` + "`$REREDIS_CONFIG`, else `./reredis.yaml`, else `/etc/reredis/reredis.yaml`" + ` is read. A directory stands
for its ` + "`*.yaml *.yml *.toml *.json *.conf`" + ` in the order of their names. A *secret* may also come from a file: its path with
` + "`_file`, or its variable with `_FILE`, names it" + `.

Sizes are bytes or ` + "`B KiB MiB GiB TiB`" + `; under Redis names ` + "`k` is 1000 and `kb` 1024" + `. Durations are written as
` + "`200ms`, `15s`, `1h30m`, `7d`" + `; under Redis names a bare number counts the unit in brackets.

*Live* parameters change at once with ` + "`CONFIG SET`" + `; *live or restart* ones do where the part that uses them can
follow, and are refused otherwise; *new* ones hold for what is made afterwards, connections or files of the log; *restart* ones
are read at the start; *fixed* ones belong to the data.
`

// Doc returns docs/reference/configuration.md.
func Doc() []byte {
	var b strings.Builder
	b.WriteString(referenceHead)
	t := theTable()
	for _, s := range sections {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| path | Redis name | type | default | set |\n|-|-|-|-|-|\n", s.title, s.about)
		var notes strings.Builder
		for i := range t.rows {
			p := &t.rows[i]
			if p.Flags.Has(CompatOnly) || !strings.HasPrefix(p.Path, s.prefix+".") {
				continue
			}
			path := p.Path
			if p.Flags.Has(Composite) {
				path += ".*"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", path, redisCell(p), cell(p.Type), defaultCell(p), setCell(p))
			fmt.Fprintf(&notes, "- `%s`: %s.\n", path, p.Doc)
		}
		b.WriteString("\n" + notes.String())
	}
	b.WriteString(`
## Redis' parameters without effect

They are kept, checked and returned, so that redis.conf files and tools work, and a value away from the default is named
in the log of the start. Their paths are ` + "`compat.` and the name with underscores: `compat.hz`" + `.

| Redis name | default | set | why it has no effect |
|-|-|-|-|
`)
	for i := range t.rows {
		if p := &t.rows[i]; p.Flags.Has(CompatOnly) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", redisCell(p), defaultCell(p), setCell(p), p.Why)
		}
	}
	return []byte(b.String())
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func redisCell(p *Param) string {
	names := p.redisNames()
	if p.Flag != "" {
		names = append(names, "--"+p.Flag)
	}
	if len(names) == 0 {
		return "–"
	}
	s := "`" + strings.Join(names, "`, `") + "`"
	if p.Unit != "" && p.Redis != "" {
		s += " (" + p.Unit + ")"
	}
	return s
}

func defaultCell(p *Param) string {
	if p.Default == "" {
		return `""`
	}
	return "`" + cell(p.Default) + "`"
}

// setCell is when a change takes effect, and who may make it.
func setCell(p *Param) string {
	s := p.Set.String()
	if p.Flags.Has(Applied) {
		s = "live or restart"
	}
	if p.Flags.Has(Protected) {
		s += ", protected"
	}
	if p.Flags.Has(Secret) {
		s += ", secret"
	}
	return s
}
