package configs

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// mainImport writes what a redis.conf says in YAML or TOML, with its comments, and tells
// what has no effect here and what was left out.
func mainImport(args, _ []string, stdout, stderr io.Writer) int {
	o := takeOptions(args, nil, "-o", "--format")
	if len(o.rest) != 1 {
		fmt.Fprint(stderr, configUsage)
		return exitUsage
	}
	file := o.values["-o"]
	format := cmp.Or(o.values["--format"], strings.TrimPrefix(filepath.Ext(file), "."), "yaml")
	if format == "yml" {
		format = "yaml"
	}
	if formats[format] == nil {
		fmt.Fprint(stderr, configUsage)
		return exitUsage
	}
	im := importRedis(o.rest[0])
	if im.unreadable {
		fmt.Fprintln(stderr, im.refused[0])
		return exitUsage
	}
	var b strings.Builder
	if err := formats[format](&b, im.lines); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	status := exitGood
	if file == "" {
		status = put(stdout, stderr, []byte(b.String()))
	} else if err := createFile(file, b.String()); err != nil {
		fmt.Fprintln(stderr, err)
		return exitProblem
	}
	for _, w := range im.compat {
		fmt.Fprintln(stderr, "no effect:", w)
	}
	for _, w := range im.refused {
		fmt.Fprintln(stderr, "left out: "+strings.ReplaceAll(w, "\n", " "))
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
	lines           []line
	compat, refused []string
	unreadable      bool
}

// importRedis loads a redis.conf and takes the parameters that it sets.
func importRedis(name string) imported {
	src := &source{}
	l := src.loader()
	l.comments = map[string]string{}
	l.added, l.given = nil, map[*Param]Origin{}
	b, err := l.read(name)
	if err != nil {
		return imported{refused: []string{name + ": " + err.Error()}, unreadable: true}
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
	im.compat = append(compatWarnings(l.cfg, l.origins), l.warnings...)
	return im
}
