package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/reredis/reredis/internal/resp"
)

// patience bounds every wait of the tests in this package.
const patience = 30 * time.Second

// binary is the server under test, built once by TestMain with the build tags
// and the race detector of the test itself.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "reredis-test-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "reredis")
	args := []string{"build", "-o", binary}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-tags" || s.Key == "-race" {
				args = append(args, s.Key+"="+s.Value)
			}
		}
	}
	build := exec.Command("go", append(args, ".")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	code := 1
	if err := build.Run(); err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// kind is a server that the tests run against.
type kind struct {
	name string
	argv func(port string) []string
	// queues says that commands run on while their replies wait for a slow reader, as
	// in Redis; otherwise the reader holds its own commands up.
	queues bool
}

// ours are Reredis with each driver of connections.
var ours = []kind{driver("loops"), driver("goroutines")}

func driver(name string) kind {
	return kind{name: name, queues: name == "loops", argv: func(port string) []string {
		return []string{binary, "--port", port, "--http-port", "0", "--server.io.driver", name}
	}}
}

// kinds adds redis-server 7.0, where it is installed, to ours: what a test
// expects of Reredis is thereby checked to be true of Redis.
func kinds(t *testing.T) []kind {
	t.Helper()
	v, err := exec.Command("redis-server", "--version").Output()
	if err != nil || !bytes.Contains(v, []byte("v=7.0.")) {
		t.Log("no redis-server 7.0 here; expectations are not checked against it")
		return ours
	}
	return append([]kind{{name: "redis-server", queues: true, argv: func(port string) []string {
		return []string{"redis-server", "--port", port, "--save", "", "--enable-debug-command", "yes"}
	}}}, ours...)
}

// instance is a running process with a directory of its own.
type instance struct {
	t    testing.TB
	port string
	dir  string
	cmd  *exec.Cmd
	out  lockedBuffer
	done chan struct{} // closed when it has ended
}

// launch starts a server that answers, and stops it when the test ends.
func (k kind) launch(t testing.TB, more ...string) *instance {
	t.Helper()
	for range 5 { // somebody may take the port between looking and listening
		port := freePort(t)
		s := spawn(t, t.TempDir(), append(k.argv(port), more...)...)
		s.port = port
		err := s.await()
		if err == nil {
			return s
		}
		if !strings.Contains(s.out.String(), "Failed listening") {
			t.Fatal(err)
		}
		t.Logf("trying another port: %s", s.out.String())
	}
	t.Fatal("no port is free")
	return nil
}

// spawn starts argv in dir without waiting for anything.
func spawn(t testing.TB, dir string, argv ...string) *instance {
	t.Helper()
	s := &instance{t: t, dir: dir, cmd: exec.Command(argv[0], argv[1:]...), done: make(chan struct{})}
	s.cmd.Dir, s.cmd.Stdout, s.cmd.Stderr = dir, &s.out, &s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the state tells
		close(s.done)
	}()
	t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.done
		if t.Failed() {
			out := s.out.String()
			t.Logf("%s printed:\n%s", strings.Join(argv, " "), out[max(0, len(out)-4000):])
		}
	})
	return s
}

// await waits until the server answers on its port.
func (s *instance) await() error {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		select {
		case <-s.done:
			return fmt.Errorf("ended with status %d", s.cmd.ProcessState.ExitCode())
		case <-time.After(5 * time.Millisecond):
		}
		if c, err := net.Dial("tcp", s.addr()); err == nil {
			c.SetDeadline(deadline)
			_, err = c.Write([]byte("PING\r\n"))
			line, err2 := bufio.NewReader(c).ReadString('\n')
			if err == nil && err2 == nil && !strings.HasPrefix(line, "-LOADING") {
				c.Close()
				return nil
			}
			c.Close()
		}
	}
	return errors.New("does not answer")
}

func (s *instance) addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

// terminate sends SIGTERM and returns the exit code.
func (s *instance) terminate() int {
	s.t.Helper()
	s.cmd.Process.Signal(syscall.SIGTERM)
	return s.exit()
}

// exit waits for the end of the process and returns its exit code.
func (s *instance) exit() int {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("the server does not end")
	}
	return s.cmd.ProcessState.ExitCode()
}

// client connects with go-redis.
func (s *instance) client(t testing.TB, set ...func(*redis.Options)) *redis.Client {
	t.Helper()
	o := &redis.Options{Addr: s.addr(), Protocol: 3}
	for _, f := range set {
		f(o)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// wire is a bare connection, for bytes that no client would send.
type wire struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *instance) wire(t testing.TB) *wire {
	t.Helper()
	c, err := net.Dial("tcp", s.addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return &wire{c, t, bufio.NewReaderSize(c, 64<<10)}
}

// send writes raw bytes; the other side may close meanwhile.
func (w *wire) send(s string) {
	w.t.Helper()
	if _, err := w.Write([]byte(s)); err != nil && !closed(err) {
		w.t.Fatal(err)
	}
}

func (w *wire) reply() resp.Value {
	w.t.Helper()
	v, err := resp.ReadReply(w.r)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

// rest reads until the other side closes.
func (w *wire) rest() string {
	w.t.Helper()
	var b bytes.Buffer
	if _, err := b.ReadFrom(w.r); err != nil && !closed(err) {
		w.t.Fatalf("after %q: %v", b.String(), err)
	}
	return b.String()
}

func closed(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// get fetches a page of the HTTP server at port.
func get(t testing.TB, port, path string) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, b.String()
}

// lockedBuffer is written by the process while the test reads it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// is returns a check of the two results of go-redis' Result.
func is[T any](t testing.TB, want T) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err != nil || fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
			t.Errorf("got %#v, %v; want %#v", got, err, want)
		}
	}
}

// fails returns a check that a call failed with the given text.
func fails[T any](t testing.TB, text string) func(T, error) {
	t.Helper()
	return func(got T, err error) {
		t.Helper()
		if err == nil || err.Error() != text {
			t.Errorf("got %#v, %v; want the error %s", got, err, text)
		}
	}
}

// missing returns a check that the reply was null.
func missing[T any](t testing.TB) func(T, error) {
	t.Helper()
	return fails[T](t, redis.Nil.Error())
}
