package configs

import (
	"slices"
	"testing"
	"time"
)

func TestWarnings(t *testing.T) {
	s := mustLoad(t, []string{"--hz", "20", "--rdbcompression", "yes", "--lua-replicate-commands", "yes"}, nil)
	want := []string{
		"--lua-replicate-commands: lua-replicate-commands is obsolete and has no effect",
		"--hz: hz is kept but has no effect: there is no timer that it would set",
	}
	if !slices.Equal(s.Warnings(), want) {
		t.Errorf("%q", s.Warnings())
	}
}

func TestOrigin(t *testing.T) {
	here(t)
	s := mustLoad(t, []string{"--port", "7001", "--client-output-buffer-limit", "normal", "1", "2", "3", "--log.level", "debug"}, []string{"REREDIS__SERVER__BACKLOG=5"})
	if err := s.Set([]KV{{"maxclients", "9"}}, "default", false); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"server.port": "--port", "server.backlog": "env REREDIS__SERVER__BACKLOG", "server.output_limits.normal.soft": "--client-output-buffer-limit",
		"log.level": "--log.level", "server.maxclients": "CONFIG SET by default at " + s.Origin("server.maxclients").At.Format(time.RFC3339), "http.port": "default",
	} {
		if got := s.Origin(path).String(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

// FuzzQuote: quoting a word and splitting the line gives it back.
func FuzzQuote(f *testing.F) {
	f.Add("a b\"\\\x00\xff\n")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := splitLine("x " + quote(s) + " y")
		if err != nil || !slices.Equal(got, []string{"x", s, "y"}) {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	})
}
