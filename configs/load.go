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
	"time"
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
	s := &Store{}
	s.source = source{args: in.Args, env: in.Env}
	l := s.source.loader()
	if l.cmd.stdin {
		b, err := readAll(in.Stdin)
		if err != nil {
			l.problem(Problem{Where: stdinOrigin, Text: err.Error(), unreadable: true})
		}
		s.source.stdin = string(b)
	}
	base := l.load()
	s.checkOnly = l.cmd.check
	s.overlayFile = filepath.Join(base.cfg.Server.Dir, OverlayName)
	if !l.cmd.noOverlay {
		var problems []Problem
		s.overlay, problems = readOverlay(s.overlayFile)
		l.problems = append(l.problems, problems...)
	}
	next, origins := s.candidate(base, s.overlay)
	for _, p := range next.validate(origins) {
		l.problem(p)
	}
	if len(l.problems) > 0 {
		return nil, &LoadError{Problems: l.problems, check: l.cmd.check}
	}
	s.base, s.origins, s.seen = base, origins, base.seen
	s.warnings = slices.Concat(base.warnings, s.overlay.conflicts(base.cfg), warningsOf(next, origins))
	s.saved = s.overlay
	s.state.Store(&State{Loaded: time.Now()})
	s.current.Store(next)
	return s, nil
}

// source is what all loads of a process have in common.
type source struct {
	args, env []string
	stdin     string            // what standard input held
	pipes     map[string][]byte // what files held that can be read only once
	names     []string          // the files that the first load chose, nil before it
}

// layers is what the layers below the overlay say: values of their own, which
// may still disagree (see normalize).
type layers struct {
	cfg      *Config
	origins  map[string]Origin
	warnings []string
	seen     fileSet
}

// loader is one load in progress.
type loader struct {
	src      *source
	table    *table
	cmd      command
	cfg      *Config
	origins  map[string]Origin
	problems []Problem
	warnings []string
	seen     fileSet

	// added are the accumulating rows (save) that the redis.conf in progress,
	// or the command line behind it, has set before: the next line adds.
	added map[*Param]bool
	// comment stands above the directive in progress; comments are those of each row, nil if nobody wants them.
	comment  string
	comments map[string]string

	// given are the rows that the file in progress, or the command line, has set, and where.
	given map[*Param]given
}

// given is where a row was set, and whether by the name of a file that holds it.
type given struct {
	at   Origin
	file bool
}

// loader begins a load.
func (src *source) loader() *loader {
	l := &loader{src: src, table: theTable(), cfg: Default(), origins: map[string]Origin{}, seen: fileSet{}}
	l.cmd = parseArgs(src.args, l)
	return l
}

// load goes through the layers, lowest first.
func (l *loader) load() layers {
	l.files()
	l.environment(l.src.env)
	l.given = nil
	l.flags(l.cmd)
	l.finish(l.cmd)
	return layers{cfg: l.cfg, origins: l.origins, warnings: l.warnings, seen: l.seen}
}

// stdinOrigin is where what standard input said came from.
var stdinOrigin = Origin{Layer: LayerFile, Name: "standard input"}

func (l *loader) problem(p Problem) { l.problems = append(l.problems, p) }

// set notes where a row's value came from, or the problem with it.
func (l *loader) set(p *Param, where Origin, name string, err error) {
	if err != nil {
		l.problem(Problem{Where: where, Name: name, Text: hideSecret(p, err)})
		return
	}
	if err := l.notRedacted(p); err != nil {
		l.problem(Problem{Where: where, Name: name, Text: err.Error()})
		return
	}
	l.note(p, where)
}

// note notes where a row was set; a composite one passes it on to those of its leaves that args set.
func (l *loader) note(p *Param, where Origin, args ...string) {
	l.origins[p.Path] = where
	if p.Flags.Has(Composite) {
		for _, leaf := range leavesOf(p) {
			if p.sets(args, leaf.Path) {
				l.note(leaf, where)
			}
		}
		return
	}
	if l.comments != nil {
		l.comments[p.Path] += l.comment
		l.comment = ""
	}
}

// notRedacted refuses what is shown in the place of a secret: a configuration that was printed and is loaded again would set
// it to three stars.
func (l *loader) notRedacted(p *Param) error {
	if !p.Flags.Has(Secret) || p.text(l.cfg) != redacted {
		return nil
	}
	file := p.Path + fileSuffix
	return fmt.Errorf("%s stands for a secret that is not shown; write the secret, or where it lies: %s, or %s in the environment",
		redacted, file, variable(file))
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

// choose says which files to load: those of the command line, else the default one.
// The choice is made once: a file that vanishes must not let another one take its place.
func (l *loader) choose() []string {
	names := slices.Clone(l.cmd.configs)
	if l.cmd.mainFile != "" {
		names = append([]string{l.cmd.mainFile}, names...)
	}
	if len(names) > 0 || l.cmd.stdin {
		return names
	}
	for _, kv := range l.src.env {
		if name, ok := strings.CutPrefix(kv, "REREDIS_CONFIG="); ok && name != "" {
			names = []string{name}
		}
	}
	if len(names) > 0 {
		return names
	}
	for _, name := range defaultFiles {
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			return []string{name}
		}
	}
	return nil
}

// files loads the files of the command line or the default one, and standard input.
func (l *loader) files() {
	src := l.src
	if src.names == nil {
		src.names = l.choose()
	}
	main := l.cmd.mainFile
	for i, name := range src.names {
		// What a main redis.conf accumulates, standard input and the
		// command line continue; every other file stands alone.
		if i > 0 || main == "" || !isRedisConf(name) {
			l.added = nil
		}
		l.path(name)
	}
	if l.cmd.stdin {
		l.given = map[*Param]given{}
		l.redisConf(stdinOrigin.Name, src.stdin)
	}
	if len(src.names) > 1 || (main == "" && !l.cmd.stdin) {
		l.added = nil
	}
}

// defaultDir is where the data of a server lies that is told nothing else.
func defaultDir(port string) string { return filepath.Join("reredis-data", port) }

// finish fills in what depends on other values.
func (l *loader) finish(cmd command) {
	c := l.cfg
	if l.origins["log.format"].IsDefault() && cmd.mainFile != "" && isRedisConf(cmd.mainFile) && l.seen[cmd.mainFile].kind != seenDir {
		c.Log.Format = "redis"
	}
	if c.Server.Dir == "" {
		c.Server.Dir = defaultDir(strconv.Itoa(c.Server.Port))
	}
	if dir, err := filepath.Abs(c.Server.Dir); err != nil {
		l.problem(Problem{Where: l.origins["server.dir"], Name: "server.dir", Text: err.Error()})
	} else {
		c.Server.Dir = dir
	}
}

// normalize makes fields agree that say the same, and their origins with them.
func (c *Config) normalize(origins map[string]Origin) {
	if c.HTTP.Port == 0 && c.HTTP.Enabled {
		c.HTTP.Enabled = false
		setOrigin(origins, "http.enabled", origins["http.port"])
	}
}

// validate checks the rules that concern several parameters.
func (c *Config) validate(origins map[string]Origin) []Problem {
	var out []Problem
	if (c.Server.Port == 0 || len(c.Server.Bind) == 0) && c.Server.UnixSocket == "" {
		name := "server.port"
		if c.Server.Port != 0 {
			name = "server.bind"
		}
		out = append(out, Problem{
			Where: origins[name], Name: name,
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

// warningsOf is what is worth saying about a good configuration as a whole.
func warningsOf(c *Config, origins map[string]Origin) []string {
	return append(compatWarnings(c, origins), unkeptWarnings(c, origins)...)
}

// unkeptWarnings tells of data that nothing keeps, unless an empty save says that this is meant: a redis.conf that is
// silent about it has save points in redis-server.
func unkeptWarnings(c *Config, origins map[string]Origin) []string {
	if c.WAL.Enabled || len(c.WAL.Save) > 0 || !origins["wal.snapshot.save"].IsDefault() {
		return nil
	}
	return []string{fmt.Sprintf(`%s: without a log (appendonly no) and without save points the data is lost when the server ends; redis-server would have: save 3600 1 300 100 60 10000. If that is meant, say so: save "" (wal.snapshot.save: [])`,
		origins["wal.enabled"])}
}

// compatWarnings names the values without effect that somebody set.
func compatWarnings(c *Config, origins map[string]Origin) []string {
	var out []string
	t := theTable()
	for i := range t.rows {
		p := &t.rows[i]
		if at := origins[p.Path]; p.Flags.Has(CompatOnly) && !at.IsDefault() && p.redis(c) != p.Default {
			out = append(out, fmt.Sprintf("%s: %s is kept but has no effect: %s", at, p.Redis, p.Why))
		}
	}
	return out
}
