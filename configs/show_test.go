package configs

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// samples are values in native text, of which each row takes some.
var samples = []string{
	"0", "1", "2", "3", "7", "16", "64", "99", "100", "1000", "4096", "65535", "-1", "-5",
	"1KiB", "3MiB", "64MiB", "1GiB", "off", "auto", "50%", "1s", "90s", "2m", "5m", "1h", "7d", "15ms", "20us",
	"true", "false", "yes", "no", "*", "10.0.0.1,-::1", "localhost,::*", "900 1", "3600 1 60 10000", "300 0",
	"config=,flushall=admin-flush,no=yes,get=g2", "50", "99.9,100", "33.333333", "KEA", "Kg$", "0770", "0000", "7.2",
	"a word", `"quoted" 'word' \back`, "tab\there", "line\nend", "# no comment", "{title}", "ünï", "\x01\x7f", "trailing ", " leading", "null", "~", "[a]", "{", "a: b", "&a", "***x",
	"nosave now", "save force", "127.0.0.1 6380", "1 2 3", "0-3", "no one", "5 6 7",
}

// sampled is the samples that a row takes and that are not its default.
func sampled(p *Param) (list []string) {
	def := Default()
	for _, s := range slices.Concat(p.Words, samples) {
		c := Default()
		if p.setText(c, s) == nil && !p.same(c, def) && !slices.Contains(list, p.text(c)) {
			list = append(list, p.text(c))
		}
	}
	return list
}

// random sets rows at random, all that can be set with few at their default if most is true.
func random(t *testing.T, rng *rand.Rand, most bool) []string {
	t.Helper()
	var args []string
	for _, p := range leaves() {
		list := sampled(p)
		if len(list) == 0 || p.Flags.Has(Secret) || !most && rng.IntN(8) > 0 {
			continue
		}
		args = append(args, "--"+p.Path+"="+list[rng.IntN(len(list))])
	}
	return args
}

// TestInvariant8RandomConfigurations: what show prints of any configuration is the same one when it is loaded, in each
// format, whole or with the changed values only.
func TestInvariant8RandomConfigurations(t *testing.T) {
	for _, p := range leaves() {
		if len(sampled(p)) == 0 && !p.Flags.Has(CompatOnly) { // some of those take their default only
			t.Errorf("no sample is another value of %s", p.Path)
		}
	}
	tried := 0
	for seed := range uint64(60) {
		here(t)
		args := random(t, rand.New(rand.NewPCG(seed, 1)), seed%2 == 0)
		s, err := Load(args, nil)
		if err != nil {
			if !strings.Contains(err.Error(), "nowhere") && !strings.Contains(err.Error(), "is server.port too") {
				t.Fatalf("%q: %v", args, err)
			}
			continue
		}
		tried++
		for _, format := range []string{"yaml", "toml", "json", "redis"} {
			for _, o := range []showOptions{{}, {changed: true}, {origin: true}} {
				if o.format = format; o.origin && format == "json" {
					continue // it has no comments
				}
				s.showsItself(t, o, format == "redis")
			}
		}
	}
	if tried < 20 {
		t.Errorf("%d configurations were good", tried)
	}
}

// showsItself loads what is shown. A redis.conf is the main file.
func (s *Store) showsItself(t *testing.T, o showOptions, main bool) {
	t.Helper()
	var b strings.Builder
	mustDo(t, s.show(&b, o))
	file := "a." + strings.Replace(o.format, "redis", "conf", 1)
	write(t, file, b.String())
	args := []string{"--config", file}
	if main {
		args = []string{file}
	}
	again, err := Load(args, nil)
	if err != nil {
		t.Fatalf("%+v: %v\n%s", o, err, b.String())
	}
	if reflect.DeepEqual(again.Current(), s.Current()) {
		return
	}
	for _, p := range leaves() {
		if !p.same(again.Current(), s.Current()) && !(o.changed && p.Path == "server.dir") {
			t.Errorf("%+v: %s is %q, was %q", o, p.Path, p.text(again.Current()), p.text(s.Current()))
		}
	}
	if t.Failed() {
		t.Fatal(b.String())
	}
}

// TestShownSecretsAreNotLoaded: three stars in the place of a secret are refused wherever they are loaded from, and are no
// password.
func TestShownSecretsAreNotLoaded(t *testing.T) {
	const want = "*** stands for a secret that is not shown; write the secret, or where it lies: server.auth.password_file, or REREDIS__SERVER__AUTH__PASSWORD_FILE in the environment"
	for _, format := range []string{"yaml", "toml", "json", "redis"} {
		here(t)
		s := mustLoad(t, []string{"--requirepass", "geheim", "--masterauth", "auch"}, nil)
		var b strings.Builder
		mustDo(t, s.show(&b, showOptions{format: format}))
		if strings.Contains(b.String(), "geheim") || strings.Contains(b.String(), "auch") || strings.Count(b.String(), redacted) != 2 {
			t.Errorf("%s: %s", format, b.String())
		}
		file := "a." + strings.Replace(format, "redis", "conf", 1)
		write(t, file, b.String())
		if _, err := Load([]string{file}, nil); err == nil || strings.Count(err.Error(), "*** stands for") != 2 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", format, err)
		}
	}
	here(t, "pw", "***\n", "good", "geheim\n")
	for _, args := range [][]string{
		{"--requirepass", redacted}, {"--server.auth.password", redacted}, {"--server.auth.password=***"}, {"--server.auth.password_file", "pw"},
	} {
		if _, err := Load(args, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", args, err)
		}
	}
	if _, err := Load(nil, []string{"REREDIS__SERVER__AUTH__PASSWORD=***"}); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	write(t, "a.conf", "server.auth.password_file good\n")
	if s := mustLoad(t, []string{"a.conf"}, nil); s.Current().Server.RequirePass != "geheim" {
		t.Errorf("the password is %q", s.Current().Server.RequirePass)
	}
	// A client may set what it likes, which REWRITE keeps.
	s := mustLoad(t, []string{"--dir", "data"}, nil)
	s.mustSet(t, "requirepass", redacted)
	mustDo(t, s.Rewrite())
	if s := mustLoad(t, []string{"--dir", "data"}, nil); s.Current().Server.RequirePass != redacted {
		t.Errorf("the password is %q", s.Current().Server.RequirePass)
	}
}

// TestShowRedis: renamed commands are lines, limits that were set one by one are shown as one, and what redis-server does
// not know comes last.
func TestShowRedis(t *testing.T) {
	here(t)
	s := mustLoad(t, []string{
		"--server.output_limits.normal.hard", "2KiB", "--server.admin.rename_commands", "config=,flushall=gone",
		"--http-port", "7002", "--key-load-delay", "5", "--log.format", "redis",
	}, nil)
	var b strings.Builder
	mustDo(t, s.show(&b, showOptions{format: "redis", changed: true, origin: true}))
	want := fmt.Sprintf(`# --server.output_limits.normal.hard
client-output-buffer-limit normal 2048 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
# --server.admin.rename_commands
rename-command config ""
rename-command flushall gone
# --key-load-delay
key-load-delay 5

%s
# --http-port
http.port 7002
# --log.format
log.format redis
`, onlyOurs)
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
