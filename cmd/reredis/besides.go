package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/reredis/reredis/configs"
)

const maxBesides = 10 // names that are shown

// besides names the data directories beside one that the port names and that is not there yet, "" if there are none: a
// changed port must not look like lost data.
func besides(store *configs.Store, dir string) string {
	if _, err := os.Stat(dir); !os.IsNotExist(err) || !store.Origin("server.dir").IsDefault() {
		return ""
	}
	found, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*", metaName))
	if err != nil || len(found) == 0 {
		return ""
	}
	var names []string
	for _, f := range found[:min(len(found), maxBesides)] {
		names = append(names, filepath.Base(filepath.Dir(f)))
	}
	if len(found) > maxBesides {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}
