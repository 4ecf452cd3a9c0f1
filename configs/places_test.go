package configs

import (
	"fmt"
	"os"
	"testing"
)

// TestCheckPlaces: a place that the server could not use is told before a start, and nothing is made.
func TestCheckPlaces(t *testing.T) {
	here(t)
	write(t, "file", "x")
	wd, err := os.Getwd()
	mustDo(t, err)
	for _, c := range []struct {
		args []string
		want string // "" if all is well; %[1]s is the working directory
	}{
		{[]string{"--dir", "d/e", "--logfile", "a.log", "--unixsocket", "a.sock"}, ""},
		{[]string{"--dir", ".", "--logfile", "file"}, ""},
		{[]string{"--logfile", "nowhere/a.log"}, "--logfile: nowhere: no such file or directory"},
		{[]string{"--logfile", "."}, "--logfile: .: is a directory"},
		{[]string{"--logfile", "file/a.log"}, "--logfile: file/a.log: not a directory"},
		{[]string{"--unixsocket", "nowhere/a.sock"}, "--unixsocket: nowhere: no such file or directory"},
		{[]string{"--no-overlay", "--dir", "file"}, "--dir: %[1]s/file: not a directory"},
		{[]string{"--no-overlay", "--dir", "file/d"}, "--dir: %[1]s/file/d: not a directory"},
		{[]string{"--no-overlay", "--dir", "file", "--logfile", "nowhere/x"}, "--dir: %[1]s/file: not a directory\n--logfile: nowhere: no such file or directory"},
	} {
		s, err := Load(c.args, nil)
		if err != nil {
			t.Errorf("%q: %v", c.args, err)
			continue
		}
		got, want := "", c.want
		if err := s.CheckPlaces(); err != nil {
			got = err.Error()
		}
		if want != "" {
			want = fmt.Sprintf(want+"%.0[1]s", wd)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", c.args, got, want)
		}
	}
	list, err := os.ReadDir(".")
	if err != nil || len(list) != 1 {
		t.Errorf("something was made: %v, %v", list, err)
	}
}
