package configs

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var (
	randomSeed = flag.Uint64("seed", 0, "seed of the tests with chance, 0 for another one each time")
	randomRuns = flag.Int("runs", 60, "runs of each test with chance")
	fixedTime  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

// byChance runs a test many times, and tells the seed of a run that fails.
func byChance(t *testing.T, run func(t *testing.T, rng *rand.Rand)) {
	first, runs := *randomSeed, *randomRuns
	if first == 0 {
		first = rand.Uint64() >> 1
	} else {
		runs = 1
	}
	for i := range runs {
		seed := first + uint64(i)
		if !t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { run(t, rand.New(rand.NewPCG(seed, 0))) }) {
			t.Fatalf("again: go test ./configs -run '%s$' -seed %d", t.Name(), seed)
		}
	}
}

func pick[T any](rng *rand.Rand, list []T) T { return list[rng.IntN(len(list))] }

// randomString has letters of every kind; bytes that are no UTF-8 only if asked for.
func randomString(rng *rand.Rand, anyBytes bool) string {
	var b strings.Builder
	for range rng.IntN(8) {
		switch rng.IntN(6) {
		case 0:
			b.WriteString(pick(rng, []string{" ", "#", "\"", "'", "\\", "\n", "\r", "\t", "\x00", "\x7f", "{", "}", ",", ": ", "---", "%", "\v", "é"}))
		case 1:
			b.WriteRune(pick(rng, []rune{0x85, 0xa0, 0x2028, 0xfeff, 0xfffd, 0xffff, 0xe000, 0x1f600, 0x10ffff, 0x1b}))
		case 2:
			if r := rune(rng.IntN(0x3000)); utf8.ValidRune(r) {
				b.WriteRune(r)
			}
		case 3:
			if anyBytes {
				b.WriteByte(byte(rng.IntN(256)))
			}
		default:
			b.WriteString(pick(rng, []string{"a", "yes", "null", "1", "~", "on", "true", "0x1"}))
		}
	}
	return b.String()
}

// randomText is a native text that p may take, or not.
func randomText(rng *rand.Rand, p *Param, anyBytes bool) string {
	n := rng.Int64N(1 << rng.IntN(62))
	switch kind, _, _ := strings.Cut(p.Type, ","); {
	case len(p.Words) > 0:
		return pick(rng, p.Words)
	case kind == "boolean":
		return pick(rng, []string{"true", "false"})
	case kind == "size":
		return pick(rng, []string{"off", fmt.Sprint(n), fmt.Sprint(n>>20, "MiB"), fmt.Sprint(n>>10, "KiB"), fmt.Sprint(n%100+1, "%")})
	case kind == "duration":
		return pick(rng, []string{"off", "0s", fmt.Sprint(n%110_000, "d"), fmt.Sprint(n>>30, "s"), fmt.Sprint(n>>20, "ms"), fmt.Sprint(n>>10, "us"), fmt.Sprint(n>>40, "m")})
	case strings.HasPrefix(kind, "integer"):
		return pick(rng, []string{"auto", fmt.Sprint(n), fmt.Sprint(n % 20), fmt.Sprint(1 << (n % 10)), fmt.Sprint(n % 70000)})
	case kind == "octal mode":
		return fmt.Sprintf("%04o", n%0o1000)
	case kind == "list of hosts":
		return strings.Join([]string{"*", "::1", "-10.0.0.1", "fe80::1%eth0", "a-b.c_d"}[:rng.IntN(5)+1], ",")
	case kind == "list of percentages":
		return pick(rng, []string{"", "50", fmt.Sprint(rng.Float64()*100, ",100"), "0,1e-7,99.9"})
	case kind == "list of {after, changes}":
		return pick(rng, []string{"", fmt.Sprint(n%math.MaxInt32, " ", n>>31), "3600 1 60 100"})
	case kind == "table of names":
		return pick(rng, []string{"", "flushall=", "get=true,true=get,null=1,0x10=~"[:26], "keys=all-keys,config="})
	case kind == "event letters":
		return pick(rng, []string{"", "KEA", "An", "g$n", "Ehz"})
	case p.Flags.Has(CompatOnly) && rng.IntN(4) > 0:
		return pick(rng, values)
	}
	return randomString(rng, anyBytes)
}

// randomize gives p a value that it takes; its default if none is found.
func randomize(rng *rand.Rand, p *Param, c *Config, anyBytes bool) {
	for range 30 {
		if p.setText(c, randomText(rng, p, anyBytes)) == nil {
			return
		}
	}
}

// sameConfig compares all values.
func sameConfig(t *testing.T, what string, got, want *Config) {
	t.Helper()
	for _, p := range leaves() {
		if !p.same(got, want) {
			t.Errorf("%s: %s is %q, want %q", what, p.Path, p.text(got), p.text(want))
		}
	}
}

// lossy are rows whose Redis notation does not say all, as in Redis: Redis prints six decimals and leaves "n" out.
func lossy(p *Param, c *Config) bool {
	return p.Path == "observe.latency.percentiles" || p.Path == "observe.events" && strings.Contains(p.text(c), "n")
}

// TestInvariant8ParseFormat: a value of any type is read back from what is written of it, in every notation.
func TestInvariant8ParseFormat(t *testing.T) {
	byChance(t, func(t *testing.T, rng *rand.Rand) {
		c := Default()
		var lines []line
		for _, p := range leaves() {
			randomize(rng, p, c, false)
			lines = append(lines, line{p: p, value: p.native(c)})
		}
		for format, write := range formats {
			var b bytes.Buffer
			mustDo(t, write(&b, lines))
			l := fuzzLoader()
			l.tree("x."+format, b.Bytes())
			if len(l.problems) > 0 {
				t.Errorf("%s: %v\n%s", format, &LoadError{Problems: l.problems}, &b)
				continue
			}
			sameConfig(t, format, l.cfg, c)
		}
		for _, p := range leaves() {
			randomize(rng, p, c, true)
			back := Default()
			if err := p.setText(back, p.text(c)); err != nil || !p.same(back, c) {
				t.Errorf("%s: %q is read back as %q, %v", p.Path, p.text(c), p.text(back), err)
			}
			if p.Redis == "" || lossy(p, c) {
				continue
			}
			value := p.redis(c)
			if err := setAtRuntime(back, p, KV{p.Redis, value}); err != nil && p.Redis != "replicaof" || !p.same(back, c) {
				t.Errorf("CONFIG SET %s %q: %q, %v", p.Redis, value, p.text(back), err)
			}
			text := strings.Join(redisLines(p, c), "\n")
			if p.Flags.Has(Secret) {
				text = p.Redis + " " + quote(value)
			}
			l := fuzzLoader()
			l.redisConf("x", text)
			if len(l.problems) > 0 || !p.same(l.cfg, c) {
				t.Errorf("%q: %q, %v", text, p.text(l.cfg), l.problems)
			}
		}
	})
}

// randomRedisConf is a redis.conf that loads.
func randomRedisConf(rng *rand.Rand) string {
	var b strings.Builder
	for range rng.IntN(40) {
		p := pick(rng, leaves())
		c := Default()
		randomize(rng, p, c, false)
		switch {
		case rng.IntN(4) == 0:
			b.WriteString(pick(rng, []string{"\n", "# " + strings.ToValidUTF8(strings.ReplaceAll(randomString(rng, false), "\n", ""), "") + "\n", " # a\r\n", "\n\n"}))
		case rng.IntN(8) == 0:
			fmt.Fprintf(&b, "client-output-buffer-limit %s %d 2kb 3\n", pick(rng, []string{"normal", "replica", "SLAVE", "pubsub"}), rng.IntN(9999))
		case p.Path == "server.dir" || p.Path == "log.format" || p.Redis == "replicaof":
		case p.Redis == "" || lossy(p, c):
			fmt.Fprintf(&b, "%s %s\n", p.Path, quote(p.text(c)))
		case p.multi && p.redis(c) != "":
			fmt.Fprintf(&b, "%s %s\n", pick(rng, p.redisNames()), p.redis(c))
		default:
			fmt.Fprintf(&b, "%s \t%s\n", strings.ToUpper(pick(rng, p.redisNames())), quote(p.redis(c)))
		}
	}
	return b.String()
}

// TestInvariant8Import: what is imported loads to what the redis.conf does: those of Redis, and others.
func TestInvariant8Import(t *testing.T) {
	same := func(t *testing.T) {
		t.Helper()
		s, err := Load([]string{"--config", "redis.conf"}, nil)
		if err != nil {
			if _, ok := errors.AsType[*LoadError](err); ok && strings.Contains(err.Error(), ": the server would listen nowhere") || strings.Contains(err.Error(), "is server.port too") {
				return
			}
			t.Fatal(err)
		}
		for format := range formats {
			var out, bad bytes.Buffer
			if status := mainWith([]string{"import", "redis.conf", "-o", "a." + format}, nil, &out, &bad); status != exitGood {
				t.Fatalf("import: %d\n%s", status, &bad)
			}
			again, err := Load([]string{"--config", "a." + format}, nil)
			if err != nil {
				text, _ := os.ReadFile("a." + format)
				t.Fatalf("%v\n%s", err, text)
			}
			sameConfig(t, format, again.Current(), s.Current())
		}
	}
	for _, name := range []string{"redis-7.0.conf", "redis-7.2.conf"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", name))
			mustDo(t, err)
			here(t, "redis.conf", string(b))
			same(t)
		})
	}
	byChance(t, func(t *testing.T, rng *rand.Rand) {
		text := randomRedisConf(rng)
		here(t, "redis.conf", text)
		same(t)
		if t.Failed() {
			t.Logf("%s", text)
		}
	})
}

// stackValues are some parameters, one of each type at least, with values.
var stackValues = map[string][]string{
	"server.maxclients": {"1", "77"}, "keyspace.maxmemory": {"off", "1MiB", "123457"}, "server.timeouts.idle": {"off", "5s", "90m"},
	"server.protected_mode": {"true", "false"}, "wal.policy": {"always", "everysec", "no"}, "server.bind": {"127.0.0.1", "::1,10.0.0.1"},
	"server.unix.mode": {"0700", "0777"}, "server.auth.password": {"", "geheim", "a b\"c", "ü#"}, "observe.latency.percentiles": {"", "50,99.9"},
	"wal.snapshot.save": {"", "60 1", "60 1 5 5"}, "server.output_limits.normal.hard": {"0", "1MiB"}, "keyspace.compat": {"7.0", "7.2"},
	"compat.hz": {"10", "20"}, "log.level": {"info", "warning", "nothing"}, "server.limits.clients_memory": {"off", "5%", "1MiB"},
	"keyspace.eviction.lfu_decay": {"1m", "0s"}, "server.io.loops": {"auto", "3"}, "server.admin.rename_commands": {"", "flushall=x,keys="},
}

// randomLayer sets some parameters.
func randomLayer(rng *rand.Rand) (*Config, []*Param) {
	c := Default()
	var rows []*Param
	for _, p := range leaves() {
		if list := stackValues[p.Path]; list != nil && rng.IntN(3) == 0 {
			if err := p.setText(c, pick(rng, list)); err == nil {
				rows = append(rows, p)
			}
		}
	}
	return c, rows
}

// asRedis writes a value as the words of a directive.
func asRedis(p *Param, c *Config) []string {
	switch {
	case p.Redis == "" || lossy(p, c):
		return []string{p.Path, p.text(c)}
	case p.multi && p.redis(c) != "":
		return append([]string{p.Redis}, splitArgs(p.redis(c), true)...)
	}
	return []string{p.Redis, p.redis(c)}
}

// TestInvariant6RandomStacks: a random stack of layers against a model of which goes before which.
func TestInvariant6RandomStacks(t *testing.T) {
	byChance(t, func(t *testing.T, rng *rand.Rand) {
		here(t)
		type told struct{ value, from string }
		model := map[string]told{} // the last layer that says something decides
		args, env := []string{"--dir", "d"}, []string(nil)
		say := func(from string, c *Config, rows []*Param, write func(p *Param)) {
			for _, p := range rows {
				model[p.Path] = told{p.text(c), from}
				if write != nil {
					write(p)
				}
			}
		}
		for i := range rng.IntN(5) {
			c, rows := randomLayer(rng)
			ext := pick(rng, []string{"yaml", "toml", "json", "conf"})
			name := fmt.Sprintf("%d.%s", i, ext)
			var b bytes.Buffer
			var lines []line
			say(name+":", c, rows, func(p *Param) {
				words := asRedis(p, c)
				for i := range words[1:] {
					words[i+1] = quote(words[i+1])
				}
				if lines = append(lines, line{p: p, value: p.native(c)}); ext == "conf" {
					fmt.Fprintln(&b, strings.Join(words, " "))
				}
			})
			if ext != "conf" {
				mustDo(t, formats[ext](&b, lines))
			}
			write(t, name, b.String())
			args = append(args, "--config", name)
		}
		c, rows := randomLayer(rng)
		say("env REREDIS__", c, rows, func(p *Param) {
			env = append(env, envPrefix+strings.ToUpper(strings.ReplaceAll(p.Path, ".", "__"))+"="+p.text(c))
		})
		c, rows = randomLayer(rng)
		say("--", c, rows, func(p *Param) {
			if words := asRedis(p, c); rng.IntN(2) == 0 && p.Redis != "" {
				args = append(append(args, "--"+words[0]), words[1:]...)
				return
			}
			args = append(args, "--"+p.Path+"="+p.text(c))
		})
		over := overlay{}
		c, rows = randomLayer(rng)
		say("CONFIG SET by ", c, rows, func(p *Param) { over = over.with(p, p.text(c), Default(), fixedTime, "x") })
		text, err := over.text()
		mustDo(t, err)
		write(t, filepath.Join("d", OverlayName), string(text))

		s := mustLoad(t, args, env)
		for _, p := range leaves() {
			want, set := model[p.Path]
			if !set {
				want = told{p.text(Default()), "default"}
			}
			if slices.Contains([]string{"server.dir", "log.format"}, p.Path) {
				continue
			}
			if got := s.Origin(p.Path).String(); p.text(s.Current()) != want.value || !strings.HasPrefix(got, want.from) {
				t.Errorf("%s is %q from %s, want %q from %s\n%q %q", p.Path, p.text(s.Current()), got, want.value, want.from, args, env)
			}
		}
	})
}
