package configs

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// fileSet is what a load has read, by name: the digest of a file, the list of
// a directory or of what a pattern names, or why it could not be read. Two
// equal sets are the same configuration.
type fileSet map[string]seenFile

// seenFile is one element of a fileSet.
type seenFile struct {
	kind    seenKind
	digest  string
	missing bool // it could not be read
	listed  bool // it was read because a directory or a pattern led to it
}

type seenKind uint8

const (
	seenPlain seenKind = iota
	seenDir
	seenGlob
)

func (s fileSet) file(name string, b []byte, err error) {
	if err != nil {
		s[name] = seenFile{kind: seenPlain, digest: "error: " + err.Error(), missing: true}
		return
	}
	s[name] = seenFile{kind: seenPlain, digest: digest(b)}
}

// list notes that a directory or a pattern led to a file: then it may go.
func (s fileSet) list(name string, listed bool) {
	if f, ok := s[name]; ok {
		f.listed = listed
		s[name] = f
	}
}

func (s fileSet) dir(name string, list []string, err error) {
	s[name] = seenFile{kind: seenDir, digest: strings.Join(list, "\x00"), missing: err != nil}
}

func (s fileSet) glob(pattern string, list []string) {
	s[pattern] = seenFile{kind: seenGlob, digest: strings.Join(list, "\x00")}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// again reads what s names anew.
func (s fileSet) again() fileSet {
	now := make(fileSet, len(s))
	for name, f := range s {
		switch f.kind {
		case seenDir:
			list, err := listDir(name)
			now.dir(name, list, err)
		case seenGlob:
			list, _ := filepath.Glob(name) // the pattern was good before
			now.glob(name, list)
		default:
			b, err := readFile(name)
			now.file(name, b, err)
			now.list(name, f.listed)
		}
	}
	return now
}

// equal reports whether nothing has changed.
func (s fileSet) equal(o fileSet) bool { return maps.Equal(s, o) }

// within reports whether o has all of s, with the same content.
func (s fileSet) within(o fileSet) bool {
	for name, f := range s {
		g, ok := o[name]
		if !ok || g.kind != f.kind || g.digest != f.digest || g.missing != f.missing {
			return false
		}
	}
	return true
}

// vanished is a file that could be read before and cannot now, or has lost all that was in it; nil if
// there is none. What a directory no longer lists was meant to go.
func (s fileSet) vanished(now fileSet) *VanishedError {
	nothing := digest(nil)
	for _, name := range slices.Sorted(maps.Keys(s)) {
		f, g := s[name], now[name]
		switch {
		case f.missing:
		case g.missing && !f.listed:
			return &VanishedError{Name: name}
		case g.kind == seenPlain && g.digest == nothing && f.digest != nothing:
			return &VanishedError{Name: name, Empty: true}
		}
	}
	return nil
}
