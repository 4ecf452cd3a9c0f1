package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// TestFirstStarts: servers from one folder need another port each, nothing else. HTTP moves by itself and says so, also
// to whoever reads the log only; a new data directory is told of beside others, and one that is in use is refused.
func TestFirstStarts(t *testing.T) {
	dir := t.TempDir()
	busy, err := net.Listen("tcp", "127.0.0.1:8080") // or somebody else has it
	if err == nil {
		defer busy.Close()
	}
	put(t, filepath.Join(dir, "third.conf"), "") // its log has Redis' form, and there is no banner
	var servers []*instance
	var ports []string
	for i, args := range [][]string{nil, nil, {"third.conf"}} {
		port := freePort(t)
		s := spawn(t, dir, append(append([]string{binary}, args...), "--port", port)...)
		s.port = port
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		c := s.client(t)
		is(t, "OK")(c.Set(t.Context(), "who", i, 0).Result())
		is(t, int64(1))(c.DBSize(t.Context()).Result())
		is(t, map[string]string{"dir": filepath.Join(dir, "reredis-data", port)})(c.ConfigGet(t.Context(), "dir").Result())
		is(t, map[string]string{"http.port": "8080"})(c.ConfigGet(t.Context(), "http.port").Result())
		info, err := c.InfoMap(t.Context(), "reredis").Result()
		web := info["Reredis"]["http_port"]
		if err != nil || web == "8080" || web == "" {
			t.Errorf("http_port is %q, %v", web, err)
		}
		if status, _ := get(t, web, "/healthz"); status != 200 {
			t.Errorf("HTTP on %s: %d", web, status)
		}
		out := s.out.String()
		if !strings.Contains(out, "HTTP port 8080 is taken: HTTP is on "+web) || args == nil && !strings.Contains(out, "(8080 is taken)") {
			t.Errorf("does not say where HTTP is: %s", out)
		}
		if told := strings.Contains(out, "a new data directory is made beside others"); told != (i > 0) || i > 0 && !strings.Contains(out, ports[0]) {
			t.Errorf("server %d: %s", i, out)
		}
		servers, ports = append(servers, s), append(ports, port)
	}
	late := spawn(t, dir, binary, "--port", freePort(t), "--http-port", "0", "--dir", filepath.Join("reredis-data", ports[0]))
	if code := late.exit(); code != 1 || !strings.Contains(late.out.String(), fmt.Sprintf("(pid %d,", servers[0].cmd.Process.Pid)) {
		t.Errorf("in a directory that is in use: %d %s", code, late.out.String())
	}
	if code := servers[1].terminate(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	again := spawn(t, dir, binary, "--port", ports[1])
	again.port = ports[1]
	if err := again.await(); err != nil {
		t.Fatal(err)
	}
	is(t, "1")(again.client(t).Get(t.Context(), "who").Result())
	if strings.Contains(again.out.String(), "beside others") {
		t.Errorf("its directory is not new: %s", again.out.String())
	}
}

// TestPortOfOthers: who has the port is told, for whoever can be there, and a free port is named.
func TestPortOfOthers(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for want, addr := range map[string]net.Addr{"a web server": web.Listener.Addr(), "a server that does not answer": silent.Addr()} {
		_, port, _ := net.SplitHostPort(addr.String())
		s := spawn(t, t.TempDir(), binary, "--port", port, "--http-port", "0")
		code, out := s.exit(), s.out.String()
		if code != 1 || !strings.Contains(out, "Failed listening on port "+port+" (TCP): "+port+" is "+want) {
			t.Errorf("%s: %d %s", want, code, out)
		}
		_, free, _ := strings.Cut(out, "try --port ")
		if ln, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimSpace(free)); err != nil {
			t.Errorf("the port that is named: %v", err)
		} else {
			ln.Close()
		}
	}
	// An HTTP port that somebody asked for is not moved.
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	s := spawn(t, t.TempDir(), binary, "--port", freePort(t), "--http-port", port)
	if code := s.exit(); code != 1 || !strings.Contains(s.out.String(), "HTTP port "+port+" is taken: choose another with --http-port, or 0 for none") {
		t.Errorf("%d %s", code, s.out.String())
	}
}
