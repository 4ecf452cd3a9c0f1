package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// unwatched is what the log says if the system does not tell of changed files.
const unwatched = "the system does not tell of changed files"

// confined starts the command that follows in a user namespace that setup has changed.
func confined(t testing.TB, unshare, setup string) []string {
	t.Helper()
	argv := []string{"unshare", unshare, "sh", "-c", setup + ` && exec "$0" "$@"`}
	if err := exec.Command(argv[0], append(argv[1:], "true")...).Run(); err != nil {
		t.Skipf("no such namespace can be made here: %v", err)
	}
	return argv
}

// watchLimit lets a process have no inotify instances, or no watches.
func watchLimit(t testing.TB, what string) []string {
	t.Helper()
	return confined(t, "-Ur", "echo 0 >/proc/sys/user/max_inotify_"+what)
}

// TestReloadWithoutWatches: where the system has no inotify instance or no watch left, that is said once, and changes are found.
func TestReloadWithoutWatches(t *testing.T) {
	for _, what := range []string{"instances", "watches"} {
		t.Run(what, func(t *testing.T) {
			s := startConfined(t, watchLimit(t, what))
			c := s.client(t)
			eventually(t, "a warning", func() bool { return strings.Contains(s.out.String(), "fs.inotify.max_user_"+what) })
			for _, n := range []string{"12", "13"} {
				put(t, filepath.Join(s.dir, "conf", "a.yaml"), "server: {maxclients: "+n+"}\n")
				eventually(t, "the file is loaded", func() bool { return parameter(t, c, "maxclients") == n })
			}
			if n := strings.Count(s.out.String(), unwatched); n != 1 {
				t.Errorf("%d warnings", n)
			}
		})
	}
}

// TestReloadWithoutPermission: a file, or its directory, that we may not read any more is told of, once, and loaded when we may again.
func TestReloadWithoutPermission(t *testing.T) {
	s := startConfined(t, confined(t, "-U", "true"))
	c := s.client(t)
	file := filepath.Join(s.dir, "conf", "a.yaml")
	for i, name := range []string{file, filepath.Dir(file)} {
		st, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, file, "server: {maxclients: 20}\n")
		eventually(t, "the file is loaded", func() bool { return parameter(t, c, "maxclients") == "20" })
		if err := os.Chmod(name, 0); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a warning", func() bool { return strings.Count(s.out.String(), "cannot be read any more") == i+1 })
		if got := parameter(t, c, "maxclients"); got != "20" {
			t.Errorf("maxclients is %s", got)
		}
		if err := errors.Join(replace(file, "server: {maxclients: 21}\n"), os.Chmod(name, st.Mode())); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the file is loaded", func() bool { return parameter(t, c, "maxclients") == "21" })
	}
	if strings.Contains(s.out.String(), unwatched) {
		t.Error("a lack of permission is taken for a lack of watches")
	}
}

// startConfined starts a server with a.yaml behind the words of confined.
func startConfined(t *testing.T, before []string) *instance {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	file := filepath.Join(dir, "conf", "a.yaml")
	if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, file, "server: {maxclients: 11}\n")
	s := spawn(t, dir, append(before, binary, "--config", file, "--port", port, "--http-port", freePort(t), "--appendonly", "no")...)
	s.port = port
	if err := s.await(); err != nil {
		t.Fatal(err)
	}
	return s
}
