package configs

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestMistakesAreCounted: a load prints at most maxProblems.
func TestMistakesAreCounted(t *testing.T) {
	var b strings.Builder
	for range maxProblems + 3 {
		b.WriteString("nonsense\n")
	}
	_, err := LoadFrom(Inputs{Args: []string{"-"}, Stdin: strings.NewReader(b.String())})
	var load *LoadError
	if !errors.As(err, &load) || len(load.Problems) != maxProblems+3 {
		t.Fatalf("%v", err)
	}
	if got := load.Error(); strings.Count(got, "Bad directive") != maxProblems || !strings.HasSuffix(got, "and 3 more problems") {
		t.Error(got)
	}
}

// TestInvariant7SecretsStaySecret: no message and no output shows a password.
func TestInvariant7SecretsStaySecret(t *testing.T) {
	const password = "hunter2"
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.conf", []byte("requirepass "+password+" "+password+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load([]string{"a.conf", "--requirepass", password, password}, nil)
	if err == nil || strings.Contains(err.Error(), password) {
		t.Errorf("%v", err)
	}
	s := mustLoad(t, []string{"--requirepass", password}, nil)
	for _, o := range []showOptions{{format: "yaml"}, {format: "toml"}, {format: "json"}, {format: "redis"}} {
		var b strings.Builder
		if err := s.show(&b, o); err != nil || strings.Contains(b.String(), password) || !strings.Contains(b.String(), redacted) {
			t.Errorf("%v: %s", err, b.String())
		}
	}
	if got := s.Get([]string{"requirepass"}); got[0].Value != password {
		t.Errorf("CONFIG GET says %q", got)
	}
}
