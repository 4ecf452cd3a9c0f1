package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLogFileIsRotated: a log file that is renamed or removed is begun anew; one that cannot be begun is written on.
func TestLogFileIsRotated(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "a.log")
	l, err := openLogFile(name)
	if err != nil {
		t.Fatal(err)
	}
	say := func(line string) {
		t.Helper()
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	say("one ")
	say("two ")
	move(name, name+".1")
	say("three ")
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	say("four ")
	move(dir, dir+"2")
	say("five ")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"a.log.1": "one two ", "a.log": "four five "} {
		if b, err := os.ReadFile(filepath.Join(dir+"2", file)); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", file, b, err)
		}
	}
}
