package main

import (
	"bufio"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestMonitorCLI monitors with redis-cli. (Monitor of go-redis gives its connection back to the pool while it reads.)
func TestMonitorCLI(t *testing.T) {
	path, err := exec.LookPath("redis-cli")
	if err != nil {
		t.Skip("no redis-cli here")
	}
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			cli := exec.CommandContext(t.Context(), path, "-p", s.port, "MONITOR")
			out, err := cli.StdoutPipe()
			if err == nil {
				err = cli.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			defer cli.Wait()
			defer cli.Process.Kill()
			lines := bufio.NewScanner(out)
			if !lines.Scan() || lines.Text() != "OK" {
				t.Fatalf("got %q", lines.Text())
			}
			is(t, "OK")(s.client(t).Set(t.Context(), "k", "a \"b\"\r\n\xff", 0).Result())
			const want = `"set" "k" "a \"b\"\r\n\xff"`
			for lines.Scan() && !strings.HasSuffix(lines.Text(), want) {
				if strings.Contains(lines.Text(), `"set"`) {
					t.Errorf("got %s, want %s", lines.Text(), want)
				}
			}
		})
	}
}

var shownLine = regexp.MustCompile(`^\d{10}\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\] (.*)$`)

// shown reads lines of MONITOR, with databases but without times and addresses, until one ends with last.
func (w *wire) shown(last string) (lines []string) {
	w.t.Helper()
	for {
		v := w.reply()
		m := shownLine.FindStringSubmatch(string(v.Str))
		if m == nil {
			w.t.Fatalf("an unexpected %v", v)
		}
		lines = append(lines, m[1]+" "+m[2])
		if strings.HasSuffix(m[2], last) {
			return lines
		}
	}
}

// say sends a command in words and reads its reply, one status or error.
func (w *wire) say(line, want string) {
	w.t.Helper()
	w.send(line + "\r\n")
	if v := w.reply(); string(v.Str) != want {
		w.t.Errorf("%s answers %s, want %s", line, v.Str, want)
	}
}

// TestMonitor compares what a monitor sees, and how it ends, on redis-server and with both drivers.
func TestMonitor(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			m, c := s.wire(t), s.wire(t)
			m.say("MONITOR", "OK")
			c.send("SELECT 5\r\nSET k v\r\nINCR k\r\nGET\r\nAUTH x\r\nCONFIG GET x\r\nMULTI\r\nSET a 1\r\nCONFIG GET x\r\nDBSIZE\r\nEXEC\r\n" +
				"MULTI\r\nNOPE\r\nEXEC\r\nMULTI\r\nEXEC 1\r\nWAIT 1 1\r\nFLUSHALL\r\nECHO end\r\n")
			want := []string{
				`5 "SELECT" "5"`, `5 "SET" "k" "v"`, `5 "INCR" "k"`, `5 "AUTH" "(redacted)"`, `5 "MULTI"`, `5 "SET" "a" "1"`, `5 "DBSIZE"`, `5 "EXEC"`,
				`5 "MULTI"`, `5 "EXEC"`, `5 "MULTI"`, `5 "EXEC" "1"`, `5 "WAIT" "1" "1"`, `5 "FLUSHALL"`, `5 "ECHO" "end"`,
			}
			if got := m.shown(`"end"`); !slices.Equal(got, want) {
				t.Errorf("lines are\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
			m.say("GET k", "ERR Replica can't interact with the keyspace")
			m.say("RESET", "RESET")
			m.say("GET k", "")
			m.say("MONITOR", "OK")
			m.say("QUIT", "OK")
			if rest := m.rest(); strings.Contains(rest, "GET") {
				t.Errorf("after QUIT: %q", rest)
			}
			m = s.wire(t)
			m.say("MONITOR", "OK")
			is(t, int64(1))(s.client(t).ClientKillByFilter(t.Context(), "ID", monitorID(t, s)).Result())
			m.rest()
		})
	}
}

// monitorID is the number of the client that monitors.
func monitorID(t *testing.T, s *instance) (id string) {
	t.Helper()
	eventually(t, "one client monitors", func() bool {
		list := regexp.MustCompile(`(?m)^id=(\d+) .* flags=O `).FindAllStringSubmatch(s.client(t).ClientList(t.Context()).Val(), -1)
		if len(list) == 1 {
			id = list[0][1]
		}
		return len(list) == 1
	})
	return id
}

// TestMonitorSlow cuts a monitor that does not read by the limit of its class, while others go on.
func TestMonitorSlow(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			c := s.client(t)
			is(t, "OK")(c.ConfigSet(t.Context(), "client-output-buffer-limit", "normal 1mb 0 0").Result())
			quick, slow := s.wire(t), s.wire(t)
			slow.say("MONITOR", "OK")
			id := monitorID(t, s)
			quick.say("MONITOR", "OK")
			value := strings.Repeat("x", 32<<10)
			for i := 0; ; i++ {
				is(t, "OK")(c.Set(t.Context(), fmt.Sprint("k", i), value, 0).Result())
				quick.shown(value + `"`)
				if !strings.Contains(c.ClientList(t.Context()).Val(), "id="+id+" ") {
					break
				}
				if i == 10_000 {
					t.Fatal("the slow monitor was not cut")
				}
			}
			slow.rest()
			is(t, "there")(c.Echo(t.Context(), "there").Result())
			quick.shown(`"there"`)
		})
	}
}
