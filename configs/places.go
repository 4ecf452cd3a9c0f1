package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// CheckPlaces looks whether the server can use the places that the configuration names: the directory of its data, which
// it makes if it has to, its log and its unix socket. It opens for reading and writes nothing. The error is a *LoadError.
func (s *Store) CheckPlaces() error {
	c := s.Current()
	var problems []Problem
	for _, place := range []struct {
		path, name string
		check      func(string) error
	}{
		{"server.dir", c.Server.Dir, checkDir},
		{"server.unix.path", c.Server.UnixSocket, func(name string) error { return checkParent(filepath.Dir(name)) }},
		{"log.file", c.Log.File, checkFile},
	} {
		if place.name == "" {
			continue
		}
		if err := place.check(place.name); err != nil {
			problems = append(problems, Problem{Where: s.Origin(place.path), Name: place.path, Text: err.Error()})
		}
	}
	if len(problems) > 0 {
		return &LoadError{Problems: problems}
	}
	return nil
}

// checkDir takes a directory that can be read and written, or made.
func checkDir(name string) error {
	_, err := os.ReadDir(name)
	for errors.Is(err, fs.ErrNotExist) && name != filepath.Dir(name) {
		name = filepath.Dir(name) // it is made in the first one that is there
		_, err = os.Stat(name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, bare(err))
	}
	return checkParent(name)
}

// checkParent takes a directory in which files can be made.
func checkParent(name string) error {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", name, bare(err))
	case !st.IsDir():
		return fmt.Errorf("%s: not a directory", name)
	}
	if err := writable(name); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// checkFile takes a file that can be appended to, or made.
func checkFile(name string) error {
	st, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkParent(filepath.Dir(name))
	case err == nil && st.IsDir():
		return fmt.Errorf("%s: is a directory", name)
	case err == nil:
		err = writable(name)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, bare(err))
	}
	return nil
}
