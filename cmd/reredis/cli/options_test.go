package cli

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	t.Setenv("REDISCLI_AUTH", "")
	base := func(change func(o *options)) options {
		o := options{host: "127.0.0.1", port: 6379, repeat: 1, delimiter: "\n", terminator: "\n", auth: true, command: []string{}}
		change(&o)
		return o
	}
	for line, want := range map[string]options{
		"":                            base(func(*options) {}),
		"get -p 1":                    base(func(o *options) { o.command = []string{"get", "-p", "1"} }),
		"-h h -p 1 -n 3 get":          base(func(o *options) { o.host, o.port, o.db, o.command = "h", 1, 3, []string{"get"} }),
		"-a x --user u -e":            base(func(o *options) { o.password, o.user, o.onCommandLine = "x", "u", true }),
		"--pass x --no-auth-warning":  base(func(o *options) { o.password, o.onCommandLine, o.warned = "x", true, true }),
		"-s /tmp/s -3 --raw":          base(func(o *options) { o.socket, o.resp3, o.output = "/tmp/s", true, outputRaw }),
		"-r -1 -i 0.25 --no-raw -2":   base(func(o *options) { o.repeat, o.interval, o.output, o.resp2 = -1, 250*time.Millisecond, outputTTY, true }),
		"-X t --quoted-input --json":  base(func(o *options) { o.stdinTag, o.stdinTagged, o.quotedInput, o.output = "t", true, true, outputJSON }),
		"-d , -D ; --show-pushes YES": base(func(o *options) { o.delimiter, o.terminator, o.pushes = ",", ";", "yes" }),
		"-u redis://":                 base(func(*options) {}),
		"-u redis://h":                base(func(o *options) { o.host = "h" }),
		"-u redis://[::1]:7/2":        base(func(o *options) { o.host, o.port, o.db = "::1", 7, 2 }),
		"-u redis://p%40w@h:7":        base(func(o *options) { o.password, o.onCommandLine, o.host, o.port = "p@w", true, "h", 7 }),
		"-u redis://u:p@h":            base(func(o *options) { o.user, o.password, o.onCommandLine, o.host = "u", "p", true, "h" }),
		"-h":                          base(func(o *options) { o.help, o.command = true, nil }),
		"-x --help --version -v":      base(func(o *options) { o.stdinLast, o.help, o.version = true, true, true }),
	} {
		got, err := parseOptions(strings.Fields(line))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", line, *got, want)
		}
	}
}

func TestOptionsEnvironment(t *testing.T) {
	t.Setenv("REDISCLI_AUTH", "old")
	t.Setenv("REREDIS_AUTH", "new")
	for line, want := range map[string]string{"": "new", "-a mine": "mine", "-u redis://url@h": "url"} {
		if o, err := parseOptions(strings.Fields(line)); err != nil || o.password != want || !o.auth {
			t.Errorf("%s: %+v, %v", line, o, err)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for line, want := range map[string]string{
		"-p":                 "Unrecognized option or bad number of args for: '-p'",
		"--what x":           "Unrecognized option or bad number of args for: '--what'",
		"-p x":               "-p x: not a number from 0 to 65535",
		"-p 65536":           "-p 65536: not a number from 0 to 65535",
		"-i -1":              "-i -1: not a number of seconds",
		"-i nan":             "-i nan: not a number of seconds",
		"-2 -3":              "Options -2 and -3 are mutually exclusive.",
		"-x -X t":            "Options -x and -X are mutually exclusive.",
		"-u http://h":        "-u http://h: Invalid URI scheme",
		"--show-pushes x":    "--show-pushes x: yes or no is possible",
		"-n -1":              "-n -1: not a number from 0 to 2147483647",
		"-u redis://h/x":     "-u redis://h/x: not a number from 0 to 2147483647",
		"-u redis://h:99999": "-u redis://h:99999: not a number from 0 to 65535",
	} {
		if _, err := parseOptions(strings.Fields(line)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestUsage(t *testing.T) {
	r := run(t, "", "--help")
	if r.status != 0 || r.err != "" || !strings.HasPrefix(r.out, "Usage: reredis cli [OPTIONS]") {
		t.Errorf("%+v", r)
	}
	for _, row := range optionTable {
		if row.help != "" && !strings.Contains(r.out, row.names[:2]) {
			t.Errorf("no %s in the help", row.names)
		}
	}
	if r := run(t, "", "-v"); r.status != 0 || !strings.HasPrefix(r.out, "reredis cli ") {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "--nothing"); r.status != 1 || r.out != "" {
		t.Errorf("%+v", r)
	}
}
