package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with a configuration.
type Problem struct {
	Where Origin
	Name  string // parameter or key as written
	Text  string
	Hint  string // "did you mean …?", may be empty

	unreadable bool // a file could not be read

	directive string // line of a redis.conf or of the Redis part of the command line
}

// String is one line, or for a Redis directive the block that redis-server
// prints.
func (p Problem) String() string {
	text, name := shown(p.Text), shown(p.Name)
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	if p.directive != "" {
		where := "Reading the command line"
		if p.Where.Layer == LayerFile {
			where = fmt.Sprintf("Reading the configuration file %s, at line %d", p.Where.Name, p.Where.Line)
		}
		return fmt.Sprintf("%s\n>>> '%s'\n%s", where, shown(p.directive), text)
	}
	where := p.Where.position()
	switch {
	case name == "":
		return where + ": " + text
	case p.Where.Layer == LayerEnv || p.Where.Layer == LayerFlag:
		return where + ": " + text
	default:
		return where + ": " + name + ": " + text
	}
}

const maxProblems = 50 // printed; the rest is counted

// LoadError is every problem of a configuration.
type LoadError struct {
	Problems []Problem

	check bool // the command line asked to look only
}

// Status is the status to exit with: 1, or 2 for a file that cannot be read if nothing was to be started.
func (e *LoadError) Status() int {
	if e.check && e.unreadable() {
		return exitUsage
	}
	return exitProblem
}

func (e *LoadError) unreadable() bool {
	return slices.ContainsFunc(e.Problems, func(p Problem) bool { return p.unreadable })
}

// Error prints the problems, one after the other, under Redis' heading when
// they are about its directives.
func (e *LoadError) Error() string {
	var b strings.Builder
	heading := false
	for i, p := range e.Problems {
		if i == maxProblems {
			fmt.Fprintf(&b, "and %d more problems\n", len(e.Problems)-i)
			break
		}
		if p.directive != "" && !heading {
			heading = true
			b.WriteString("*** FATAL CONFIG FILE ERROR ***\n")
		}
		b.WriteString(p.String())
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
