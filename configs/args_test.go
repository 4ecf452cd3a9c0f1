package configs

import (
	"maps"
	"testing"
)

// TestArguments are the golden cases of Redis' argument grammar and of ours.
func TestArguments(t *testing.T) {
	conf := map[string]string{"default.conf": "loglevel verbose\nsave 900 1\nappendonly no\n", "minimal.conf": "loglevel verbose\n"}
	for _, c := range []loadCase{
		{name: "save without value", args: []string{"default.conf", "--save", "--loglevel", "debug"}, want: []string{"save=", "loglevel=debug"}},
		{name: "save last", args: []string{"default.conf", "--loglevel", "debug", "--save"}, want: []string{"save=", "loglevel=debug"}},
		{name: "save empty", args: []string{"default.conf", "--save", "", "--loglevel", "debug"}, want: []string{"save=", "loglevel=debug"}},
		{name: "save adds to the file", args: []string{"default.conf", "--save", "100", "100"}, want: []string{"save=900 1 100 100"}},
		{name: "save replaces the default", args: []string{"minimal.conf", "--save", "100 100"}, want: []string{"save=100 100"}},
		{name: "save twice", args: []string{"--save", "3600", "1", "--save", "60", "10"}, want: []string{"save=3600 1 60 10"}},
		{name: "save of a file replaces an earlier file's", files: map[string]string{"b.conf": "save 1 1"}, args: []string{"default.conf", "--config", "b.conf"}, want: []string{"save=1 1"}},
		{name: "name and value in one argument", args: []string{"default.conf", "--maxmemory 700mb", "--maxclients 7"}, want: []string{"maxmemory=734003200", "maxclients=7"}},
		{
			name: "first option without dashes", args: []string{"default.conf", "loglevel", "debug", "--maxmemory '700mb'", "--maxclients '7'"},
			want: []string{"loglevel=debug", "maxmemory=734003200", "maxclients=7"},
		},
		{name: "value with dashes", args: []string{"default.conf", "--proc-title-template", "--my--title", "--loglevel", "debug"}, want: []string{"proc-title-template=--my--title", "loglevel=debug"}},
		{name: "value with dashes in one argument", args: []string{"default.conf", "--proc-title-template --my--title", "--loglevel debug"}, want: []string{"proc-title-template=--my--title", "loglevel=debug"}},
		{
			name: "value that is a name", args: []string{"default.conf", "--proc-title-template", "--save", "--save", "", "--loglevel", "debug"},
			want: []string{"proc-title-template=--save", "save=", "loglevel=debug"},
		},
		{
			name: "several words", args: []string{"default.conf", "--shutdown-on-sigint", "nosave", "force", "now", "--shutdown-on-sigterm", "nosave force"},
			want: []string{"shutdown-on-sigint=nosave now force", "shutdown-on-sigterm=nosave force"},
		},
		{name: "standard input", args: []string{"-"}, stdin: "port 7001\n", want: []string{"port=7001"}},
		{name: "standard input last", args: []string{"default.conf", "--port", "7002", "-"}, stdin: "port 7001\nsave 1 1", want: []string{"port=7002", "save=900 1 1 1"}},
		{name: "equals sign", args: []string{"--port=7001", "--server.timeouts.idle=5s", "--requirepass", "a=b"}, want: []string{"port=7001", "timeout=5", "requirepass=a=b"}},
		{name: "paths", args: []string{"--server.port", "7001", "--server.protected_mode", "--http.enabled", "false", "--keyspace.maxmemory", "off"}, want: []string{"port=7001", "protected-mode=yes", "http.enabled=false", "maxmemory=0"}},
		{name: "http-port", args: []string{"--http-port", "0"}, want: []string{"http.port=0", "http.enabled=false"}},
		{name: "upper case", args: []string{"--PORT", "7001", "--LogLevel", "DEBUG"}, want: []string{"port=7001", "loglevel=debug"}},
		{name: "suite", args: []string{"--port", "7001", "--dir", "/tmp/x", "--http-port", "0", "--appendonly", "no", "--save", "", "--enable-protected-configs", "yes", "--enable-debug-command", "yes", "--enable-module-command", "yes"}, want: []string{"dir=/tmp/x", "enable-debug-command=yes", "appendonly=no"}},
		{name: "bind", args: []string{"--bind", "127.0.0.1", "-::1", "*"}, want: []string{"bind=127.0.0.1 -::1 *"}},
		{name: "bind with a name like an option", args: []string{"--bind", "127.0.0.1", "--port", "7001"}, want: []string{"bind=127.0.0.1", "port=7001"}},

		{name: "no value", args: []string{"--port"}, bad: redisError("port", "wrong number of arguments")},
		{name: "no value at the end", args: []string{"--port", "6380", "--loglevel"}, bad: redisError("loglevel", "wrong number of arguments")},
		{name: "two values", args: []string{"--port", "6379", "6380"}, bad: redisError(`port "6379" "6380"`, "wrong number of arguments")},
		{name: "a name as value", args: []string{"--port", "--loglevel", "verbose"}, bad: redisError(`port "--loglevel" "verbose"`, "wrong number of arguments")},
		{name: "no integer", args: []string{"--port", "--bla", "--loglevel", "verbose"}, bad: redisError(`port "--bla"`, "argument couldn't be parsed into an integer")},
		{name: "no level", args: []string{"--logfile", "--my--log--file", "--loglevel", "--bla"}, bad: redisError(`loglevel "--bla"`, "argument(s) must be one of the following: debug, verbose, notice, warning")},
		{name: "no words", args: []string{"--shutdown-on-sigint"}, bad: redisError("shutdown-on-sigint", "argument(s) must be one of the following: default, save, nosave, now, force")},
		{name: "no words at the end", args: []string{"--shutdown-on-sigint", "now force", "--shutdown-on-sigterm"}, bad: redisError("shutdown-on-sigterm", "argument(s) must be one of the following: default, save, nosave, now, force")},
		{name: "replicaof", args: []string{"--replicaof", "127.0.0.1", "abc"}, bad: redisError(`replicaof "127.0.0.1" "abc"`, "Invalid master port")},
		{name: "replicaof with dashes", args: []string{"--replicaof", "--127.0.0.1", "abc"}, bad: redisError(`replicaof "--127.0.0.1" "abc"`, "Invalid master port")},
		{
			name: "replicaof with dashes twice", args: []string{"--replicaof", "--127.0.0.1", "--abc"},
			bad: redisError(`replicaof "--127.0.0.1"`, "wrong number of arguments") + "\nReading the command line\n>>> 'abc'\nBad directive or wrong number of arguments",
		},
		{name: "refused", args: []string{"--appendonly", "maybe", "--daemonize", "yes"}, bad: redisError(`appendonly "maybe"`, "argument must be 'yes' or 'no'") +
			"\nReading the command line\n>>> 'daemonize \"yes\"'\nthe server stays in the foreground: let systemd or a container run it, or use nohup and &"},
		{name: "misspelt", args: []string{"--prot", "1"}, bad: redisError(`prot "1"`, "Bad directive or wrong number of arguments; did you mean port?")},
		{name: "quotes", args: []string{`--port "1`}, bad: redisError(`port "1`, "Unbalanced quotes in configuration line")},
	} {
		if c.files == nil {
			c.files = map[string]string{}
		}
		maps.Copy(c.files, conf)
		t.Run(c.name, c.run)
	}
}

func redisError(line, text string) string {
	return "*** FATAL CONFIG FILE ERROR ***\nReading the command line\n>>> '" + line + "'\n" + text
}
