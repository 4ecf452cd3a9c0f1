package main

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/server"
)

// TestFairness measures, so it runs only when asked to (REREDIS_MEASURE=1, on an
// idle machine): beside event loops that redis-benchmark keeps busy, the
// goroutine driver on the same bus and the HTTP server must still answer.
func TestFairness(t *testing.T) {
	if os.Getenv("REREDIS_MEASURE") == "" {
		t.Skip("a measurement: set REREDIS_MEASURE=1")
	}
	port, web := freePort(t), freePort(t)
	store, err := configs.LoadFrom(configs.Inputs{Args: []string{"--port", port, "--http-port", web, "--dir", t.TempDir(), "--appendonly", "no"}})
	if err != nil {
		t.Fatal(err)
	}
	n, err := newNode(store, slog.New(slog.DiscardHandler), &slog.LevelVar{})
	if err != nil {
		t.Fatal(err)
	}
	loops := server.DefaultLoops()
	o := n.serverOptions(store.Current(), loops)
	o.Driver, o.Bind, o.Port = server.DriverGoroutines, []server.BindAddr{{Host: "127.0.0.1", Network: "tcp"}}, 0
	beside, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 2)
	go func() { ended <- n.run() }()
	go func() { ended <- beside.Run(t.Context()) }()
	s := &instance{t: t, port: port, done: make(chan struct{})}
	if err := s.await(); err != nil {
		t.Fatal(err)
	}

	var loads []*exec.Cmd
	for range loops {
		load := exec.Command("redis-benchmark", "-p", port, "-t", "get", "-c", "50", "-P", "64", "-n", "1000000000", "-r", "100000", "-q")
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		loads = append(loads, load)
	}
	c, err := net.Dial("tcp", beside.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64)
	for name, ask := range map[string]func() error{
		"PING": func() error {
			if _, err := c.Write([]byte("PING\r\n")); err != nil {
				return err
			}
			_, err := c.Read(buf)
			return err
		},
		"/healthz": func() error {
			res, err := http.Get("http://127.0.0.1:" + web + "/healthz")
			if err != nil {
				return err
			}
			return res.Body.Close()
		},
	} {
		var took []time.Duration
		for range 2000 {
			began := time.Now()
			if err := ask(); err != nil {
				t.Fatal(name, err)
			}
			took = append(took, time.Since(began))
		}
		slices.Sort(took)
		p99 := took[len(took)*99/100]
		t.Logf("%s beside %s saturated loops: p50 %v, p99 %v, max %v", name, strconv.Itoa(loops), took[len(took)/2], p99, took[len(took)-1])
		if p99 > 10*time.Millisecond {
			t.Errorf("%s: p99 %v", name, p99)
		}
	}
	for _, load := range loads {
		_ = load.Process.Kill()
		_ = load.Wait()
	}
	n.stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
