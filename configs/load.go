package configs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Inputs is what a configuration is built from.
type Inputs struct {
	Args  []string  // after the program's name
	Env   []string  // NAME=value
	Stdin io.Reader // read if an argument is "-"
}

// Load builds the configuration from defaults, files, environment and
// command line, each layer above the one before. args are the arguments after
// the program's name, env has the form of os.Environ. The error is a
// *LoadError that holds every problem found.
//
// It reads the files that are named, nothing else, and writes nothing.
func Load(args, env []string) (*Store, error) {
	return LoadFrom(Inputs{Args: args, Env: env, Stdin: os.Stdin})
}

// LoadFrom is Load with another standard input.
func LoadFrom(in Inputs) (*Store, error) {
	l := &loader{table: theTable(), cfg: Default(), origins: map[string]Origin{}, stdin: in.Stdin}
	cmd := parseArgs(in.Args, l)
	l.files(cmd, in.Env)
	l.environment(in.Env)
	l.flags(cmd)
	l.finish(cmd)
	for _, p := range l.cfg.validate(l.origins) {
		l.problem(p)
	}
	if len(l.problems) > 0 {
		return nil, &LoadError{Problems: l.problems}
	}
	s := &Store{origins: l.origins, warnings: append(l.warnings, l.compatWarnings()...)}
	s.current.Store(l.cfg)
	return s, nil
}

// loader is one load in progress.
type loader struct {
	table    *table
	cfg      *Config
	origins  map[string]Origin
	problems []Problem
	warnings []string
	stdin    io.Reader

	// added are the accumulating rows (save) that the redis.conf in progress,
	// or the command line behind it, has set before: the next line adds.
	added map[*Param]bool
}

func (l *loader) problem(p Problem) { l.problems = append(l.problems, p) }

// set notes where a row's value came from, or the problem with it.
func (l *loader) set(p *Param, where Origin, name string, err error) {
	if err != nil {
		l.problem(Problem{Where: where, Name: name, Text: hideSecret(p, err)})
		return
	}
	l.note(p, where)
}

func (l *loader) note(p *Param, where Origin) {
	l.origins[p.Path] = where
	if p.Flags.Has(Composite) {
		for i := range l.table.rows {
			if leaf := &l.table.rows[i]; strings.HasPrefix(leaf.Path, p.Path+".") {
				l.origins[leaf.Path] = where
			}
		}
	}
}

// hideSecret keeps a wrong password out of the message about it.
func hideSecret(p *Param, err error) string {
	if p.Flags.Has(Secret) {
		return "the value is not a string, write it in quotes"
	}
	return err.Error()
}

// defaultFiles are read when neither the command line nor REREDIS_CONFIG
// names a file; the first that exists.
var defaultFiles = []string{"reredis.yaml", "/etc/reredis/reredis.yaml"}

// files loads the files that cmd names, else the default one.
func (l *loader) files(cmd command, env []string) {
	names := slices.Clone(cmd.configs)
	if cmd.mainFile != "" {
		names = append([]string{cmd.mainFile}, names...)
	}
	if len(names) == 0 && !cmd.stdin {
		for _, kv := range env {
			if name, ok := strings.CutPrefix(kv, "REREDIS_CONFIG="); ok && name != "" {
				names = []string{name}
			}
		}
	}
	if len(names) == 0 && !cmd.stdin {
		for _, name := range defaultFiles {
			if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
				names = []string{name}
				break
			}
		}
	}
	for i, name := range names {
		// What a main redis.conf accumulates, standard input and the
		// command line continue; every other file stands alone.
		if i > 0 || cmd.mainFile == "" || !isRedisConf(name) {
			l.added = nil
		}
		l.file(name)
	}
	if cmd.stdin {
		b, err := io.ReadAll(io.LimitReader(l.stdin, maxFile+1))
		if err != nil {
			l.problem(Problem{Where: Origin{Layer: LayerFile, Name: "standard input"}, Text: err.Error()})
			return
		}
		l.redisConf("standard input", string(b))
	}
	if len(names) > 1 || (cmd.mainFile == "" && !cmd.stdin) {
		l.added = nil
	}
}

// finish fills in what depends on other values.
func (l *loader) finish(cmd command) {
	c := l.cfg
	c.normalize()
	if l.origins["log.format"].IsDefault() && cmd.mainFile != "" && isRedisConf(cmd.mainFile) {
		c.Log.Format = "redis"
	}
	if c.Server.Dir == "" {
		c.Server.Dir = filepath.Join("reredis-data", strconv.Itoa(c.Server.Port))
	}
	if dir, err := filepath.Abs(c.Server.Dir); err != nil {
		l.problem(Problem{Where: l.origins["server.dir"], Name: "server.dir", Text: err.Error()})
	} else {
		c.Server.Dir = dir
	}
}

// normalize makes fields agree that say the same.
func (c *Config) normalize() {
	if c.HTTP.Port == 0 {
		c.HTTP.Enabled = false
	}
}

// validate checks the rules that concern several parameters.
func (c *Config) validate(origins map[string]Origin) []Problem {
	var out []Problem
	if (c.Server.Port == 0 || len(c.Server.Bind) == 0) && c.Server.UnixSocket == "" {
		out = append(out, Problem{
			Where: origins["server.port"], Name: "server.port",
			Text: "the server would listen nowhere: set server.port and server.bind, or server.unix.path",
		})
	}
	if at := origins["http.port"]; !at.IsDefault() && c.HTTP.Enabled && c.HTTP.Port == c.Server.Port {
		out = append(out, Problem{
			Where: at, Name: "http.port",
			Text: fmt.Sprintf("%d is server.port too", c.HTTP.Port),
		})
	}
	return out
}

// compatWarnings names the values without effect that somebody set.
func (l *loader) compatWarnings() []string {
	var out []string
	for i := range l.table.rows {
		p := &l.table.rows[i]
		if at := l.origins[p.Path]; p.Flags.Has(CompatOnly) && !at.IsDefault() && p.redis(l.cfg) != p.Default {
			out = append(out, fmt.Sprintf("%s: %s is kept but has no effect: %s", at, p.Redis, p.Why))
		}
	}
	return out
}
