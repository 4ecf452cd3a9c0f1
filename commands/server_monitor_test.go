package commands_test

import (
	"strings"
	"testing"
)

// TestMonitor tries what a client that monitors may do; what lines look like is tested in bus/monitor.
func TestMonitor(t *testing.T) {
	r := newRig(t)
	m, c := r.connect(), r.connect()
	const aloof = "-ERR Replica can't interact with the keyspace"
	c.expect("MULTI", "+OK", "MONITOR", "+QUEUED", "EXEC", "[-ERR MONITOR isn't allowed for DENY BLOCKING client]")
	m.expect("GET k", "nil", "MONITOR", "+OK")
	if got := m.all("MONITOR"); got != "" {
		t.Errorf("the second MONITOR answers %s", got)
	}
	m.expect(
		"GET k", aloof, "SET k v", aloof, "PUBLISH a b", aloof,
		"MULTI", "+OK", "GET k", aloof, "EXEC", "-EXECABORT Transaction discarded because of previous errors.",
		"PING", "+PONG", "SELECT 3", "+OK",
	)
	c.expect("SET k v", "+OK")
	var lines []string
	for line := range strings.SplitSeq(m.pushes(), "+") {
		if _, command, ok := strings.Cut(line, "] "); ok {
			lines = append(lines, command)
		}
	}
	if got := strings.Join(lines, " "); got != `"MULTI" "EXEC" "PING" "SELECT" "3" "SET" "k" "v"` {
		t.Errorf("lines: %s", got)
	}
	if got := c.text("CLIENT LIST TYPE normal"); !strings.Contains(got, " flags=O ") || !strings.Contains(got, "cmd=select") {
		t.Errorf("CLIENT LIST: %s", got)
	}
	m.expect("RESET", "+RESET", "GET k", `"v"`)
	c.expect("PING", "+PONG")
	if got := m.pushes(); got != "" || r.deps.Monitor.Any() {
		t.Errorf("after RESET: %s", got)
	}
	m.expect("MONITOR", "+OK")
	m.all("CLIENT REPLY OFF")
	c.expect("PING", "+PONG")
	if got := m.pushes(); got != "" {
		t.Errorf("without replies: %s", got)
	}
}
