package configs

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

const maxInclude = 16 // files deep

// refused are directives that must not pass silently, since without them the
// server would do something else than asked.
var refused = map[string]string{
	"loadmodule": "Redis modules cannot be loaded here",
	"user":       "users are not available yet, only requirepass is",
	"sentinel":   "there is no Sentinel here",
}

// ignored are directives that Redis itself accepts without any effect.
var ignored = []string{"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"}

// redisConf loads the text of a redis.conf.
func (l *loader) redisConf(name, text string, includedBy ...string) {
	text = strings.TrimPrefix(text, byteOrderMark)
	if isUTF16(text) {
		l.problem(Problem{Where: Origin{Layer: LayerFile, Name: name, Line: 1}, Text: saveAsUTF8})
		return
	}
	var comment []string // above the line, if anybody wants it
	for i, line := range strings.Split(text, "\n") {
		line = strings.Trim(line, " \t\r\n")
		if line == "" {
			comment = nil
			continue
		}
		if line[0] == '#' {
			if l.comments != nil {
				comment = append(comment, strings.TrimLeft(line, "# ")+"\n")
			}
			continue
		}
		l.comment, comment = strings.Join(comment, ""), nil
		l.directive(line, Origin{Layer: LayerFile, Name: name, Line: i + 1}, append(slices.Clone(includedBy), name)...)
	}
}

// directive applies one line of a redis.conf, or one option of the command
// line in that form. files are the file it stands in and those that include it.
func (l *loader) directive(line string, where Origin, files ...string) {
	line = strings.Trim(line, " \t\r\n")
	fail := func(err error, hint string) {
		_, unreadable := errors.AsType[*includeError](err)
		l.problem(Problem{Where: where, Text: err.Error(), Hint: hint, directive: line, unreadable: unreadable})
	}
	words, err := splitLine(line)
	if err != nil {
		fail(err, "")
		return
	}
	if len(words) == 0 {
		return
	}
	name, args := strings.ToLower(words[0]), words[1:]
	if where.Layer == LayerFlag {
		where.Name = name
	}
	p, isPath := l.table.lookup(name)
	switch {
	case name == renameDirective:
		p, isPath = l.table.leaf(renamesPath), false
	case p == nil:
		p, isPath = l.table.byFlag[name], true
	}
	switch {
	case p != nil && isPath:
		if len(args) != 1 {
			fail(errArgs, "")
			return
		}
		err = p.setText(l.cfg, args[0])
	case p != nil:
		args, err = l.redisArgs(p, args)
	case len(args) == 1 && l.table.secretFile(name) != nil:
		l.setSecret(l.table.secretFile(name), where, name, args[0])
		l.again(l.table.secretFile(name), where, true)
		return
	case name == "include" && len(args) == 1:
		err = l.include(args[0], files)
		if err == nil {
			return
		}
	case refused[name] != "":
		err = errors.New(refused[name])
	case slices.Contains(ignored, name) && len(args) == 1:
		l.warnings = append(l.warnings, fmt.Sprintf("%s: %s is obsolete and has no effect", where, name))
		return
	default:
		suggest := l.table.suggestRedis
		switch {
		case strings.Contains(name, "."):
			suggest = l.table.suggestPath
		case where.Layer == LayerFlag:
			suggest = l.table.suggestOption
		}
		fail(errors.New("Bad directive or wrong number of arguments"), l.hint(suggest, name))
		return
	}
	if err == nil {
		err = l.notRedacted(p)
	}
	if err != nil {
		if p != nil && p.Flags.Has(Secret) {
			line = name + " " + redacted
		}
		fail(err, "")
		return
	}
	l.again(p, where, false)
	l.note(p, where, args...)
}

// redisArgs sets a row from the words behind its name, and returns them, since several may lie in one pair of quotes.
func (l *loader) redisArgs(p *Param, args []string) ([]string, error) {
	switch {
	case !p.multi && len(args) != 1:
		return nil, errArgs
	case p.multi && len(args) == 1 && args[0] != "":
		var err error
		if args, err = splitLine(args[0]); err != nil {
			return nil, err
		}
	}
	if p.clear != nil && !l.added[p] {
		p.clear(l.cfg)
	}
	err := p.setRedis(l.cfg, args)
	if err == nil && p.clear != nil {
		if l.added == nil {
			l.added = map[*Param]bool{}
		}
		l.added[p] = true
	}
	return args, err
}

// include loads the files that a pattern names; a pattern with wildcards may
// name none.
func (l *loader) include(pattern string, files []string) error {
	if len(files) >= maxInclude {
		return fmt.Errorf("more than %d files include each other", maxInclude)
	}
	names := []string{pattern}
	if strings.ContainsAny(pattern, "*?[") {
		var err error
		if names, err = filepath.Glob(pattern); err != nil {
			return err
		}
		l.seen.glob(pattern, names)
	}
	given := l.given
	defer func() { l.given = given }()
	for _, name := range names {
		l.given = nil // it may say something else than the file that includes it
		if slices.Contains(files, name) {
			return fmt.Errorf("%s includes itself", name)
		}
		b, err := l.read(name)
		l.seen.list(name, len(names) > 1 || name != pattern)
		if err != nil {
			return &includeError{name, err}
		}
		l.redisConf(name, string(b), files...)
	}
	return nil
}

// includeError says that an included file cannot be read.
type includeError struct {
	name string
	err  error
}

func (e *includeError) Error() string {
	return fmt.Sprintf("can't open config file '%s': %v", e.name, e.err)
}
