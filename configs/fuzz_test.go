package configs

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// fuzzLoader is a load that reads no files.
func fuzzLoader() *loader { return (&source{}).loader() }

// roundTrip: what a load accepts is written and read back as it is.
func roundTrip(t *testing.T, l *loader) {
	t.Helper()
	for _, p := range leaves() {
		c := *Default()
		if err := p.setText(&c, p.text(l.cfg)); err != nil || !p.same(&c, l.cfg) {
			t.Errorf("%s: %q is read back as %q, %v", p.Path, p.text(l.cfg), p.text(&c), err)
		}
		c = *Default()
		if err := p.setFile(&c, p.native(l.cfg)); err != nil || !p.same(&c, l.cfg) {
			t.Errorf("%s: %v is read back as %q, %v", p.Path, p.native(l.cfg), p.text(&c), err)
		}
	}
}

// countLeaves counts the values of a tree that a load has to do something about.
func countLeaves(prefix string, tree map[string]any) int {
	n := 0
	for k, v := range tree {
		path := join(prefix, k)
		sub, ok := v.(map[string]any)
		switch {
		case ok && theTable().leaf(path) == nil:
			n += countLeaves(path, sub)
		case v != nil || !theTable().isSection(path):
			n++
		}
	}
	return n
}

// fuzzTree: no bytes make a load panic, and nothing that a file holds is passed over in silence.
func fuzzTree(f *testing.F, ext string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, fileSuffix) || len(text) > 1<<14 {
			return // files of secrets are read
		}
		tooSlow := time.AfterFunc(10*time.Second, func() { panic("takes too long: " + strconv.Quote(text)) })
		defer tooSlow.Stop()
		l := fuzzLoader()
		l.tree("x"+ext, []byte(text))
		roundTrip(t, l)
		raw, err := parsers[ext].Unmarshal([]byte(text))
		switch {
		case err != nil && len(l.problems) == 0:
			t.Errorf("a syntax error is no problem: %v", err)
		case err == nil && len(l.problems) == 0 && countLeaves("", raw) != len(l.origins):
			t.Errorf("%d values, %d of them taken: %v", countLeaves("", raw), len(l.origins), l.origins)
		}
	})
}

func FuzzYAML(f *testing.F) {
	fuzzTree(f, ".yaml", "server: {port: 1}", "a: &a [*a]", "server:\n  bind: ['*']\n  <<: {port: 2}\n", "wal: {snapshot: {save: [{after: 1h, changes: 1}]}}", "? a\n: b", string(Example("yaml")))
}

func FuzzTOML(f *testing.F) {
	fuzzTree(f, ".toml", "server.port = 1", "[server]\nport = 0x10\n[[wal.snapshot.save]]\nafter = \"1h\"\nchanges = 1\n", "a = 1979-05-27", string(Example("toml")))
}

func FuzzJSON(f *testing.F) {
	fuzzTree(f, ".json", `{"server": {"port": 1, "port": 2}}`, "{\"\\ud83d\":\t1e3}", `{"compat": {"hz": 1.5}}`, string(Example("json")))
}

// FuzzRedisConf: no line makes a load panic, and each is applied, warned about or refused.
func FuzzRedisConf(f *testing.F) {
	for _, s := range []string{"port 1", "save 1 1\nsave \"\"", "client-output-buffer-limit normal 1 2 3", "x 'y", "lua-replicate-commands yes", "http.port 1", "bind \"\\x41\""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") || strings.Contains(text, fileSuffix) {
			return
		}
		l := fuzzLoader()
		l.redisConf("x", text)
		roundTrip(t, l)
		if len(l.problems)+len(l.warnings) > 0 {
			return
		}
		for line := range strings.SplitSeq(text, "\n") {
			words, _ := splitLine(strings.Trim(line, " \t\r\n"))
			if len(words) == 0 || strings.HasPrefix(words[0], "#") {
				continue
			}
			name := strings.ToLower(words[0])
			p, _ := l.table.lookup(name)
			switch {
			case name == renameDirective:
				p = l.table.leaf("server.admin.rename_commands")
			case p == nil:
				p = l.table.byFlag[name]
			}
			if p == nil || l.origins[p.Path].IsDefault() {
				t.Errorf("%q is passed over", line)
			}
		}
	})
}

// FuzzArguments: no command line makes a load panic, and each option is applied, warned about or refused.
func FuzzArguments(f *testing.F) {
	f.Add("--save", "1", "--port", "5")
	f.Add("--server.port", "=", "--maxmemory 1mb", "-")
	f.Add("--http-port=1", "--proc-title-template", "--x", "--check")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		args := []string{a, b, c, d}
		if all := strings.ToLower(strings.Join(args, " ")); strings.Contains(all, "include") || strings.Contains(all, fileSuffix) {
			return
		}
		l := fuzzLoader()
		cmd := parseArgs(args, l)
		l.cmd = cmd
		l.flags(cmd)
		roundTrip(t, l)
		if len(l.problems)+len(l.warnings) > 0 {
			return
		}
		taken := len(cmd.configs)
		for _, yes := range []bool{cmd.mainFile != "", cmd.stdin, cmd.check, cmd.noOverlay} {
			if yes {
				taken++
			}
		}
		if taken == 0 && len(cmd.options) == 0 || len(cmd.options) > 0 && len(l.origins) == 0 && strings.TrimSpace(strings.Join(args, "")) != "" && !allBlank(cmd.options) {
			t.Errorf("%q: nothing is taken: %+v", args, cmd)
		}
	})
}

// allBlank reports whether every option is a line without a word.
func allBlank(options []option) bool {
	for _, o := range options {
		if words, _ := splitLine(o.line); o.path != "" || len(words) > 0 {
			return false
		}
	}
	return true
}

// FuzzScalars: sizes, durations and names of variables never panic and round-trip.
func FuzzScalars(f *testing.F) {
	f.Add("64MiB", "REREDIS__SERVER__PORT")
	f.Add("1h30m", "REREDIS__")
	f.Fuzz(func(t *testing.T, s, name string) {
		if n, err := parseSize(s); err == nil {
			if again, err := parseSize(formatSize(n)); err != nil || again != n {
				t.Errorf("size %q: %d, %v", s, again, err)
			}
		}
		if d, err := parseDuration(s); err == nil {
			if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
				t.Errorf("duration %q: %v, %v", s, again, err)
			}
		}
		if strings.Contains(strings.ToLower(name), fileSuffix) {
			return
		}
		l := fuzzLoader()
		l.environment([]string{name + "=" + s, envPrefix + name + "=" + s})
		roundTrip(t, l)
		if strings.IndexByte(name, '=') < 0 && len(l.problems) == 0 && len(l.origins) == 0 {
			t.Errorf("%q is passed over", name)
		}
	})
}
