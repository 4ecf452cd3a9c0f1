package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestThreeInOneFolder: servers that are started in one folder, with only their ports given, have each its own data, and find
// it again.
func TestThreeInOneFolder(t *testing.T) {
	folder := t.TempDir()
	var ports, webs []string
	for range 3 {
		ports, webs = append(ports, freePort(t)), append(webs, freePort(t))
	}
	start := func() (all []*instance) {
		for i, port := range ports {
			s := spawn(t, folder, binary, "--port", port, "--http-port", webs[i])
			s.port = port
			all = append(all, s)
		}
		for _, s := range all {
			if err := s.await(); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	for i, s := range start() {
		c := s.client(t)
		is(t, "OK")(c.Set(t.Context(), "mine", ports[i], 0).Result())
		if _, err := os.Stat(filepath.Join(folder, "reredis-data", ports[i], "MANIFEST")); err != nil {
			t.Error(err)
		}
		if status, _ := get(t, webs[i], "/"); status != 200 {
			t.Errorf("the web side of %s answers %d", ports[i], status)
		}
		if i == 1 {
			s.kill9()
		} else if code := s.terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	for i, s := range start() {
		is(t, ports[i])(s.client(t).Get(t.Context(), "mine").Result())
	}
}
