package configs

import (
	"fmt"
	"strings"
)

// command is a command line taken apart.
type command struct {
	mainFile string   // first argument without dashes
	stdin    bool     // "-" as the first or last argument
	configs  []string // --config, in order
	options  []option

	check     bool // --check: look at the configuration, start nothing
	noOverlay bool // --no-overlay: without what CONFIG REWRITE has kept
}

// option is one setting of the command line, in order: a path with a value, or
// a line of redis.conf.
type option struct {
	path  string // "" for a line
	value string
	bare  bool // a path without a value
	line  string
}

// parseArgs takes the arguments apart as redis-server does, and picks ours
// (--config, names with a dot, --name=value) from among them. Redis' rule:
// an argument that starts with "--" opens a directive, arguments up to the
// next one are its values, and a value directly after the name may start with
// "--" itself.
func parseArgs(args []string, l *loader) command {
	var cmd command
	own := map[string]*bool{"--check": &cmd.check, "--no-overlay": &cmd.noOverlay}
	for len(args) > 0 && own[args[0]] != nil { // the main file may stand behind them
		*own[args[0]] = true
		args = args[1:]
	}
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		cmd.mainFile = args[0]
		args = args[1:]
	}
	complete := true // the open directive has a value
	open := func(line string) { cmd.options = append(cmd.options, option{line: line}) }
	add := func(s string) {
		if n := len(cmd.options); n > 0 && cmd.options[n-1].path == "" {
			cmd.options[n-1].line += s
			return
		}
		open(s)
	}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		last := i == len(args)-1
		nextOpens := !last && strings.HasPrefix(args[i+1], "--")
		if arg == "-" && (i == 0 && cmd.mainFile == "" || last) {
			cmd.stdin = true
			continue
		}
		if !complete || !strings.HasPrefix(arg, "--") {
			add(" " + quote(arg))
			complete = true
			continue
		}
		name, value, assigned := strings.Cut(arg[2:], "=")
		name = strings.TrimSpace(name)
		if !isName(name) {
			assigned = false // "--maxmemory 700mb" or "--user x=y": one argument with its values
		}
		switch {
		case own[arg] != nil:
			*own[arg] = true
		case assigned && name == "config" || arg == "--config":
			if !assigned && !last {
				i++
				value = args[i]
			}
			if value == "" {
				l.problem(Problem{Where: Origin{Layer: LayerFlag, Name: "config"}, Name: "config", Text: "names no file"})
				continue
			}
			cmd.configs = append(cmd.configs, value)
		case strings.Contains(name, ".") && isName(name):
			o := option{path: strings.ToLower(name), value: value}
			p := l.table.byPath[o.path]
			boolean := p != nil && p.Type == "boolean"
			switch {
			case assigned:
			case last || boolean && nextOpens:
				o.bare = true
			default:
				i++
				o.value = args[i]
			}
			cmd.options = append(cmd.options, o)
		case assigned:
			open(name + " " + quote(value))
		default:
			open(arg[2:])
			words, _ := splitLine(arg)
			if len(words) != 1 {
				break // the name and its values in one argument
			}
			complete = false
			// An empty list of arguments arrives as "--save" alone.
			if strings.EqualFold(arg, "--save") && (last || nextOpens) {
				add(` ""`)
				complete = true
			}
		}
	}
	return cmd
}

// isName reports whether s can be the name of a parameter.
func isName(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-' {
			return false
		}
	}
	return true
}

// flags applies the options of the command line.
func (l *loader) flags(cmd command) {
	for _, o := range cmd.options {
		if o.path == "" {
			l.directive(o.line, Origin{Layer: LayerFlag})
			continue
		}
		where := Origin{Layer: LayerFlag, Name: o.path}
		p := l.table.leaf(o.path)
		switch {
		case o.bare && p != nil && p.Type == "boolean":
			l.again(p, where, false)
			l.set(p, where, o.path, p.setText(l.cfg, "true"))
		case o.bare && (p != nil || l.table.secretFile(o.path) != nil):
			kind := "file name"
			if p != nil {
				kind = p.Type
			}
			l.problem(Problem{Where: where, Name: o.path, Text: fmt.Sprintf("needs a value (%s)", kind)})
		case !l.setLeaf(where, o.path, o.value):
			l.problem(Problem{Where: where, Name: o.path, Text: "unknown parameter", Hint: l.hint(l.table.suggestPath, o.path)})
		case p == nil:
			l.again(l.table.secretFile(o.path), where, true)
		default:
			l.again(p, where, false)
		}
	}
}

// again notes where the file in progress or the command line sets a row, and warns if it
// has done so before: as in Redis, the last one counts. file says that it names the file of a secret; one that
// is given in both ways is refused.
func (l *loader) again(p *Param, where Origin, file bool) {
	if p == nil || p.clear != nil || p.Flags.Has(Composite) {
		return // each adds to what was there
	}
	if l.given == nil {
		l.given = map[*Param]given{}
	}
	switch before, ok := l.given[p]; {
	case !ok:
	case before.file != file:
		l.problem(Problem{Where: where, Name: p.Path, Text: fmt.Sprintf("the secret is already set by %s; leave one of them out", before.at)})
	default:
		l.warnings = append(l.warnings, fmt.Sprintf("%s: %s was set before, by %s; this one counts", where, p.Path, before.at))
	}
	l.given[p] = given{where, file}
}
