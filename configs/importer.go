package configs

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// mainImport writes what a redis.conf says in YAML or TOML, with its comments, and tells
// what has no effect here and what was left out.
func mainImport(c *call) int {
	if len(c.rest) != 1 {
		return c.wrong(errors.New("name one redis.conf"))
	}
	if !isRedisConf(c.rest[0]) {
		return c.wrong(fmt.Errorf("%s is no redis.conf", c.rest[0]))
	}
	file := c.values["-o"]
	format, err := c.format(cmp.Or(strings.Replace(strings.TrimPrefix(filepath.Ext(file), "."), "yml", "yaml", 1), "yaml"))
	if err != nil {
		return c.wrong(err)
	}
	im := importRedis(c.rest[0])
	if im.unreadable {
		fmt.Fprintln(c.stderr, im.refused[0])
		return exitUsage
	}
	var b strings.Builder
	if err := formats[format](&b, im.lines); err != nil {
		fmt.Fprintln(c.stderr, err)
		return exitProblem
	}
	status := exitGood
	if file == "" {
		status = c.put([]byte(b.String()))
	} else if err := createFile(file, b.String()); err != nil {
		fmt.Fprintln(c.stderr, err)
		return exitProblem
	}
	for _, w := range im.compat {
		fmt.Fprintln(c.stderr, "no effect:", w)
	}
	for _, w := range im.warnings {
		fmt.Fprintln(c.stderr, "warning:", w)
	}
	for _, w := range im.refused {
		fmt.Fprintln(c.stderr, "left out: "+strings.ReplaceAll(w, "\n", " "))
	}
	if len(im.refused) > 0 {
		return exitRefused
	}
	return status
}

// createFile writes a file that is not there yet: an import replaces nobody's work.
func createFile(name, text string) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	return cmp.Or(err, f.Close())
}

// imported is a redis.conf in our terms.
type imported struct {
	lines                     []line
	compat, refused, warnings []string
	unreadable                bool
}

// readOrStdin reads a file, or standard input for "-".
func (l *loader) readOrStdin(name string) ([]byte, error) {
	if name == "-" {
		return readAll(os.Stdin)
	}
	return l.read(name)
}

// importRedis loads a redis.conf and takes the parameters that it sets.
func importRedis(name string) imported {
	src := &source{}
	l := src.loader()
	l.comments = map[string]string{}
	l.added, l.given = nil, map[*Param]given{}
	b, err := l.readOrStdin(name)
	if err != nil {
		return imported{refused: []string{name + ": " + err.Error()}, unreadable: true}
	}
	if name == "-" {
		name = stdinOrigin.Name
	}
	l.redisConf(name, string(b))
	l.cfg.normalize(l.origins)
	var im imported
	for _, p := range l.problems {
		im.refused = append(im.refused, p.String())
	}
	for i := range l.table.rows {
		p := &l.table.rows[i]
		at := l.origins[p.Path]
		if at.IsDefault() || p.Flags.Has(Composite) {
			continue
		}
		if !utf8.ValidString(p.text(l.cfg)) {
			im.refused = append(im.refused, fmt.Sprintf("%s: %s: the value is not UTF-8, which no YAML, TOML or JSON file can hold", at, p.Path))
			continue
		}
		im.lines = append(im.lines, line{p: p, value: p.native(l.cfg), above: l.comments[p.Path]})
	}
	im.compat = compatWarnings(l.cfg, l.origins)
	im.warnings = append(l.warnings, unkeptWarnings(l.cfg, l.origins)...)
	return im
}
