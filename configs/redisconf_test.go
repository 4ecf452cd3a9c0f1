package configs

import (
	"slices"
	"testing"
	"time"
)

func TestRedisConf(t *testing.T) {
	for _, c := range []loadCase{
		{
			name: "suite's default.conf",
			files: map[string]string{"redis.conf": `# Redis configuration for testing.

always-show-logo yes
notify-keyspace-events KEA
daemonize no
pidfile /var/run/redis.pid
port 6379
timeout 0
bind 127.0.0.1
loglevel verbose
logfile ''
databases 16
latency-monitor-threshold 1
repl-diskless-sync-delay 0
save 900 1
rdbcompression yes
dbfilename dump.rdb
slave-serve-stale-data yes
appendonly no
appendfsync everysec
no-appendfsync-on-rewrite no
activerehashing yes
enable-protected-configs yes
enable-debug-command yes
enable-module-command yes
propagation-error-behavior panic`},
			args: []string{"redis.conf"},
			want: []string{
				"notify-keyspace-events=AKE", "latency-monitor-threshold=1", "save=900 1", "appendfsync=everysec", "propagation-error-behavior=panic",
				"replica-serve-stale-data=yes", "observe.latency.over=1ms", "wal.policy=everysec", "log.level=verbose",
			},
		},
		{
			name: "notations",
			files: map[string]string{"redis.conf": "\t PORT 7001 \r\n#port 1\nmaxmemory 1k\nproto-max-bulk-len 2mb\nrequirepass \"a \\x41\\\"\"\n" +
				"unixsocketperm 770\nhash-max-ziplist-entries 20\nhash-max-listpack-entries 21\nclient-output-buffer-limit normal 1kb 2kb 3\n" +
				"client-output-buffer-limit replica 1 2 3\nslowlog-log-slower-than -1\nhttp.port 0\nlog.level debug\nlist-max-ziplist-value 64\nlua-time-limit 1\n" +
				"lATency-tracking-info-percentiles \"50 99\"\n"},
			args: []string{"redis.conf"},
			want: []string{
				"port=7001", "maxmemory=1000", "proto-max-bulk-len=2097152", `requirepass=a A"`, "unixsocketperm=770", "hash-max-ziplist-entries=21", "hash-max-listpack-entries=21",
				"client-output-buffer-limit=normal 1024 2048 3 slave 1 2 3 pubsub 33554432 8388608 60", "slowlog-log-slower-than=-1", "observe.slowlog.over=off",
				"http.enabled=false", "loglevel=debug", "busy-reply-threshold=1", "latency-tracking-info-percentiles=50 99", "server.unix.mode=0770",
				"server.output_limits.normal.hard=1KiB",
			},
		},
		{
			name:  "include",
			files: map[string]string{"redis.conf": "port 1\ninclude conf.d/*.conf\ninclude nothing/*\ninclude last", "conf.d/a.conf": "port 2\nsave 1 1", "conf.d/b.conf": "save 2 2", "last": "maxclients 5"},
			args:  []string{"redis.conf"},
			want:  []string{"port=2", "save=1 1 2 2", "maxclients=5"},
		},
		{
			name:  "renamed",
			files: map[string]string{"redis.conf": "rename-command FLUSHDB badger\nrename-command config \"\"\n"},
			args:  []string{"redis.conf", "--rename-command", "keys", "all-keys"},
			want:  []string{"server.admin.rename_commands=config=,flushdb=badger,keys=all-keys"},
		},
		{
			name:  "renamed in YAML",
			files: map[string]string{"a.yaml": "server: {admin: {rename_commands: {FLUSHDB: badger, config: ''}}}"},
			args:  []string{"a.yaml"},
			want:  []string{"server.admin.rename_commands=config=,flushdb=badger"},
		},
		{
			name:  "renamed twice",
			files: map[string]string{"redis.conf": "rename-command FLUSHDB badger\nrename-command flushdb x"},
			args:  []string{"redis.conf"},
			bad:   "*** FATAL CONFIG FILE ERROR ***\nReading the configuration file redis.conf, at line 2\n>>> 'rename-command flushdb x'\nNo such command in rename-command",
		},
		{
			name:  "refused",
			files: map[string]string{"redis.conf": "include redis.conf\ninclude missing\nrename-command flushall\nuser default on nopass\nloadmodule x.so\ntls-port 1\ncluster-enabled yes\naclfile a.acl\nport 'x\n"},
			args:  []string{"redis.conf"},
			bad: `
*** FATAL CONFIG FILE ERROR ***
Reading the configuration file redis.conf, at line 1
>>> 'include redis.conf'
redis.conf includes itself
Reading the configuration file redis.conf, at line 2
>>> 'include missing'
can't open config file 'missing': no such file or directory
Reading the configuration file redis.conf, at line 3
>>> 'rename-command flushall'
wrong number of arguments
Reading the configuration file redis.conf, at line 4
>>> 'user default on nopass'
users are not available yet, only requirepass is
Reading the configuration file redis.conf, at line 5
>>> 'loadmodule x.so'
Redis modules cannot be loaded here
Reading the configuration file redis.conf, at line 6
>>> 'tls-port 1'
TLS is not available yet
Reading the configuration file redis.conf, at line 7
>>> 'cluster-enabled yes'
the cluster is not available yet
Reading the configuration file redis.conf, at line 8
>>> 'aclfile a.acl'
users are not available yet, only requirepass is
Reading the configuration file redis.conf, at line 9
>>> 'port 'x'
Unbalanced quotes in configuration line`,
		},
	} {
		t.Run(c.name, c.run)
	}
}

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
	t.Chdir(t.TempDir())
	c := loadCase{}
	c.run(t)
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
