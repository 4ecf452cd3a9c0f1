package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/configs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = []configs.BindAddr{{Host: "127.0.0.1", Network: "tcp4"}}

// start runs a server until the test ends.
func start(t *testing.T, o Options) (s *Server, stop func() error) {
	t.Helper()
	if o.Bind == nil {
		o.Bind = loopback
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s, stop
}

// client keeps no connections, so that none is left behind.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

func do(t *testing.T, method string, s *Server, path string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addrs()[0].String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(b)
}

// ready waits until Run has begun.
func ready(t *testing.T, s *Server) {
	t.Helper()
	for !s.running.Load() {
		if t.Context().Err() != nil {
			t.Fatal("does not run")
		}
	}
}

func TestPages(t *testing.T) {
	var notReady atomic.Pointer[error]
	s, _ := start(t, Options{
		Build: Build{Version: "1.2.3<", Commit: "abc"},
		Ready: func() error {
			if e := notReady.Load(); e != nil {
				return *e
			}
			return nil
		},
	})
	ready(t, s)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/healthz", 200, "ok\n"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 200, "ready\n"},
		{"POST", "/healthz", 405, ""},
		{"GET", "/nothing", 404, ""},
		{"GET", "/", 200, "Version 1.2.3&lt;, abc"},
	} {
		status, header, body := do(t, c.method, s, c.path)
		if status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s %s: %d %q", c.method, c.path, status, body)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: %v", c.method, c.path, header)
		}
	}
	loading := errors.New("loading the log")
	notReady.Store(&loading)
	if status, _, body := do(t, "GET", s, "/readyz"); status != 503 || body != "loading the log\n" {
		t.Errorf("/readyz: %d %q", status, body)
	}
	if status, _, _ := do(t, "GET", s, "/healthz"); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
}

// counts are the commands of a bus.
type counts struct{ list []*bus.Counts }

func (c counts) Processed() uint64     { return 42 }
func (c counts) Unknown() uint64       { return 3 }
func (c counts) Counts() []*bus.Counts { return c.list }

func TestMetrics(t *testing.T) {
	get, never := &bus.Counts{Spec: &bus.Spec{Name: "get"}}, &bus.Counts{Spec: &bus.Spec{Name: "set"}}
	get.Calls.Store(40)
	get.Failed.Store(2)
	s, _ := start(t, Options{
		Build: Build{Version: "1.2.3", Commit: "abc"},
		Sources: Sources{
			Commands: counts{[]*bus.Counts{get, never}},
			Net: func() Net {
				return Net{Clients: 5, Rejected: 6, InputBytes: 7, OutputBytes: 8, Evicted: 15, Memory: 16}
			},
			Keyspace: func() Keyspace {
				return Keyspace{
					UsedMemory: 1 << 40, MappedBytes: 10, Hits: 11, Misses: 12, EvictedKeys: 17, ExpireLagP99: 1500,
					Databases: []Database{{}, {}, {Keys: 13, Expires: 14}},
				}
			},
			WAL: func() WAL {
				return WAL{
					Appended: 25, Durable: 24, Snapshot: 20, Syncs: 18, Refusing: true,
					Committing: 1500 * time.Millisecond, SnapshotTime: time.Now(), SnapshotBytes: 19,
				}
			},
		},
	})
	status, header, body := do(t, "GET", s, "/metrics")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v %s", status, header, body)
	}
	for _, line := range []string{
		`reredis_build_info{commit="abc",version="1.2.3"} 1`,
		`reredis_commands_processed_total 42`,
		`reredis_commands_unknown_total 3`,
		`reredis_command_calls_total{command="get"} 40`,
		`reredis_command_failed_total{command="get"} 2`,
		`reredis_connected_clients 5`,
		`reredis_connections_rejected_total 6`,
		`reredis_net_input_bytes_total 7`,
		`reredis_net_output_bytes_total 8`,
		`reredis_memory_used_bytes 1.099511627776e+12`,
		`reredis_memory_mapped_bytes 10`,
		`reredis_keyspace_hits_total 11`,
		`reredis_keyspace_misses_total 12`,
		`reredis_expire_lag_seconds{quantile="0.99"} 1.5`,
		`reredis_clients_closed_memory_limit_total 15`,
		`reredis_clients_memory_bytes 16`,
		`reredis_evicted_keys_total 17`,
		`reredis_wal_lsn{kind="appended"} 25`,
		`reredis_wal_lsn{kind="durable"} 24`,
		`reredis_wal_lsn{kind="snapshot"} 20`,
		`reredis_wal_syncs_total 18`,
		`reredis_wal_refusing_writes 1`,
		`reredis_wal_commit_seconds_total 1.5`,
		`reredis_snapshot_bytes 19`,
		`# TYPE reredis_snapshot_age_seconds gauge`,
		`reredis_db_keys{db="0"} 0`,
		`reredis_db_keys{db="2"} 13`,
		`reredis_db_keys_expiring{db="2"} 14`,
		`# TYPE go_goroutines gauge`,
		`# TYPE process_resident_memory_bytes gauge`,
	} {
		if !strings.Contains(body, "\n"+line+"\n") && !strings.HasPrefix(body, line) {
			t.Errorf("no %s", line)
		}
	}
	for _, part := range []string{`command="set"`, `db="1"`} {
		if strings.Contains(body, part) {
			t.Errorf("%s is there", part)
		}
	}
}

// TestNoSources: a server without sources still serves.
func TestNoSources(t *testing.T) {
	s, _ := start(t, Options{})
	if status, _, body := do(t, "GET", s, "/metrics"); status != 200 || strings.Contains(body, "reredis_connected") {
		t.Errorf("%d %s", status, body)
	}
}

func TestBusyPort(t *testing.T) {
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if _, err := New(Options{Bind: loopback, Port: port, PortFixed: true}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("fixed: %v", err)
	}
	s, _ := start(t, Options{Port: port})
	if asked, used := s.Ports(); asked != port || used <= port || s.Addrs()[0].(*net.TCPAddr).Port != used {
		t.Errorf("asked %d, used %d, listens on %v", asked, used, s.Addrs()[0])
	}
	if status, _, _ := do(t, "GET", s, "/healthz"); status != 200 {
		t.Error(status)
	}
}

func TestAddresses(t *testing.T) {
	s, err := New(Options{Bind: configs.Addrs([]string{"localhost"})})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, port := s.Ports()
	for _, a := range s.Addrs() {
		if !strings.HasSuffix(a.String(), ":"+strconv.Itoa(port)) {
			t.Errorf("%v is not on port %d", a, port)
		}
	}
	off, err := New(Options{Off: true})
	if err != nil || len(off.Addrs()) > 0 {
		t.Errorf("off: %v, %v", off, err)
	}
	if _, err := New(Options{}); !errors.Is(err, errNoAddress) {
		t.Errorf("without addresses: %v", err)
	}
	if _, err := New(Options{Bind: []configs.BindAddr{{Host: "192.0.2.1", Network: "tcp", Optional: true}}}); !errors.Is(err, errNoAddress) {
		t.Errorf("with an address of somebody else: %v", err)
	}
}

// TestTooManyConnections: connections beyond the limit are closed, and their
// places come back.
func TestTooManyConnections(t *testing.T) {
	s, _ := start(t, Options{})
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConnections {
		c, err := net.Dial("tcp", s.Addrs()[0].String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	// Connections are accepted in order, so the next one finds no place.
	extra, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	if _, err := extra.Read(make([]byte, 1)); err == nil {
		t.Error("one connection too many is served")
	}
	for _, c := range open {
		c.Close()
	}
	open = nil
	for ask(s) != nil {
		if t.Context().Err() != nil {
			t.Fatal("no place comes back")
		}
	}
}

// ask makes one request.
func ask(s *Server) error {
	res, err := client.Get("http://" + s.Addrs()[0].String() + "/healthz")
	if err != nil {
		return err
	}
	return res.Body.Close()
}

// TestStop: Run ends although a connection is idle and another has sent half
// of a request; then nobody listens.
func TestStop(t *testing.T) {
	s, stop := start(t, Options{})
	if err := ask(s); err != nil {
		t.Fatal(err)
	}
	idle, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	fmt.Fprint(idle, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(idle).ReadString('\n'); err != nil || line != "HTTP/1.1 200 OK\r\n" {
		t.Fatalf("%q %v", line, err)
	}
	half, err := net.Dial("tcp", s.Addrs()[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer half.Close()
	fmt.Fprint(half, "GET /hea")
	if err := stop(); err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
	if s.running.Load() {
		t.Error("it says that it runs")
	}
}

// TestListenerFails: Run returns the error of a listener that is gone.
func TestListenerFails(t *testing.T) {
	s, err := New(Options{Bind: loopback})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.lns[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Run(t.Context()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestRebindUnderLoad: whoever connects while a server moves between addresses that both reach it is answered.
func TestRebindUnderLoad(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere connections that wait are reset")
	}
	s, _ := start(t, Options{})
	_, port := s.Ports()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/healthz", port))
				if err != nil {
					t.Error(err)
					return
				}
				r.Body.Close()
			}
		})
	}
	for i := range 50 {
		commit, _, err := s.Rebind([][]configs.BindAddr{{{Network: "tcp4"}}, loopback}[i%2], port)
		if err != nil {
			t.Error(err)
			break
		}
		commit()
		do(t, "GET", s, "/healthz")
	}
	close(done)
	wg.Wait()
}

// TestRebind moves a running server, turns it off and on again.
func TestRebind(t *testing.T) {
	s, _ := start(t, Options{})
	_, port := s.Ports()
	for _, bind := range [][]configs.BindAddr{
		{{Network: "tcp4"}}, loopback, {}, {{Host: "127.0.0.2", Network: "tcp4"}, loopback[0]}, loopback,
	} {
		commit, _, err := s.Rebind(bind, port)
		if err != nil {
			t.Fatalf("%v: %v", bind, err)
		}
		commit()
		if addrs := s.Addrs(); len(addrs) != len(bind) {
			t.Fatalf("listens on %v", addrs)
		}
		if len(bind) > 0 {
			if status, _, _ := do(t, "GET", s, "/healthz"); status != http.StatusOK {
				t.Errorf("%v: %d", bind, status)
			}
		}
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, _, err := s.Rebind(loopback, taken.Addr().(*net.TCPAddr).Port); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("%v", err)
	}
	_, rollback, err := s.Rebind([]configs.BindAddr{{Network: "tcp4"}}, port)
	if err != nil {
		t.Fatal(err)
	}
	rollback()
	if status, _, _ := do(t, "GET", s, "/healthz"); status != http.StatusOK {
		t.Errorf("after a rollback: %d", status)
	}
}
