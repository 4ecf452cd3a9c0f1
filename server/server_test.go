package server

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
)

// TestMaxClients refuses those above the limit, which may be changed.
func TestMaxClients(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.Settings.MaxClients = 2 })
		first := r.dial()
		first.do("PING")
		r.dial().do("PING")
		if got := r.dial().rest(); got != textMaxClients {
			t.Errorf("the third got %q", got)
		}
		_ = first.Close()
		eventually(t, "there is room", func() bool { return r.s.Stats().Connected == 1 })
		r.dial().do("PING")
		set := *r.s.Settings()
		set.MaxClients = 3
		if n := r.s.SetSettings(set); n != 3 {
			t.Errorf("room for %d clients", n)
		}
		r.dial().do("PING")
		if got := r.dial().rest(); got != textMaxClients {
			t.Errorf("the fourth got %q", got)
		}
		if st := r.s.Stats(); st.Rejected != 2 || st.Received != 4 || st.Connected != 3 {
			t.Errorf("counted %+v", st)
		}
		r.s.ResetStats()
		if st := r.s.Stats(); st.Rejected != 0 || st.Received != 0 || st.Connected != 3 || st.NetIn != 0 {
			t.Errorf("after the reset: %+v", st)
		}
	})
}

// TestProtectedMode refuses other machines while there is no password.
func TestProtectedMode(t *testing.T) {
	ip := outsideIP(t)
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) {
			o.Bind = []BindAddr{{Network: "tcp4"}}
			o.Settings.ProtectedMode = true
		})
		_, port, _ := net.SplitHostPort(r.s.Addrs()[0].String())
		outside, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(ip, port))
		if err != nil {
			t.Fatal(err)
		}
		inside, err := net.ResolveTCPAddr("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			t.Fatal(err)
		}
		if got := r.dialTo(outside).rest(); got != textProtected || !strings.HasPrefix(got, "-DENIED Redis is running in protected mode") {
			t.Errorf("got %q", got)
		}
		if v := r.dialTo(inside).do("PING"); v.String() != "PONG" {
			t.Error(v)
		}
		set := *r.s.Settings()
		set.ProtectedMode = false
		r.s.SetSettings(set)
		if v := r.dialTo(outside).do("PING"); v.String() != "PONG" {
			t.Error(v)
		}
	})
}

// outsideIP is an address of this machine that is not a loopback one.
func outsideIP(t *testing.T) string {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has only loopback addresses")
	return ""
}

// TestUnixSocket replaces a socket that a dead server left, sets its mode and removes it.
func TestUnixSocket(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		dir, err := os.MkdirTemp("", "rr") // t.TempDir may be too long for a socket
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		path := filepath.Join(dir, "s")
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		_ = stale.Close()
		r := start(t, d, func(o *Options) {
			o.UnixSocket, o.UnixSocketPerm = path, 0o700
			o.Settings.ProtectedMode = true
		})
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v", st.Mode(), err)
		}
		c := r.dialTo(r.s.Addrs()[1])
		c.do("NAME", "unix")
		done := make(chan struct{})
		r.s.Each(func(cl *bus.Client, _ bus.ConnState) bool {
			if cl.Addr != path+":0" || !cl.Unix || !cl.Local || cl.Name != "unix" {
				t.Errorf("client %+v", cl)
			}
			return false
		}, func() { close(done) })
		<-done
		// A peer that has sent and gone still had its command run.
		c.send("SET last word\r\n")
		_ = c.Close()
		c = r.dialTo(r.s.Addrs()[1])
		eventually(t, "the last command ran", func() bool { return c.do("GET", "last").String() == "word" })
		r.stop()
		<-r.end
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
}

// TestUnixSocketKeepsFiles does not remove what is no socket.
func TestUnixSocketKeepsFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{UnixSocket: path}); err == nil {
		t.Error("it took a file for a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestAddresses binds several addresses, leaves out optional ones, and takes no others.
func TestAddresses(t *testing.T) {
	s, err := New(Options{Driver: drivers()[0], Bind: []BindAddr{
		{Host: "127.0.0.1", Network: "tcp"},
		{Host: "192.0.2.1", Network: "tcp", Optional: true},
		{Host: "127.0.0.2", Network: "tcp", Optional: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Addrs()
	if len(a) < 1 || len(a) == 2 && a[0].(*net.TCPAddr).Port != a[1].(*net.TCPAddr).Port {
		t.Errorf("listens on %v", a)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err = New(Options{Bind: []BindAddr{{Host: "192.0.2.1", Network: "tcp"}}}); err == nil {
		t.Errorf("listens on %v", s.Addrs())
	}
}

// TestInUse says who has the port and which one is free.
func TestInUse(t *testing.T) {
	answers := []struct{ answer, by string }{
		{"$30\r\n# Server\r\nredis_version:7.0.15\r\n\r\n", "redis-server 7.0.15"},
		{"$30\r\n# Server\r\nreredis_version:1.2\r\nredis_version:7.0.15\r\n\r\n", "reredis 1.2"},
		{"-NOAUTH Authentication required.\r\n", "a Redis server with a password"},
		{"HTTP/1.1 400 Bad Request\r\n", "a web server"},
		{"SSH-2.0-OpenSSH_9\r\n", `a server that answers "SSH-2.0-OpenSSH_9"`},
		{"", "a server that does not answer"},
	}
	for _, a := range answers {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = nc.Write([]byte(a.answer))
			_, _ = nc.Read(make([]byte, 100))
			_ = nc.Close()
		})
		port := ln.Addr().(*net.TCPAddr).Port
		_, err = New(Options{Port: port, Bind: []BindAddr{{Host: "127.0.0.1", Network: "tcp"}}})
		var in *InUseError
		if !errors.As(err, &in) || !errors.Is(err, ErrAddrInUse) || !errors.Is(err, syscall.EADDRINUSE) {
			t.Fatalf("%q: error %v", a.answer, err)
		}
		if in.By != a.by || in.Port != port || in.Free <= port || !strings.HasPrefix(in.Error(), "Failed listening on port ") {
			t.Errorf("%q: %v", a.answer, err)
		}
		_ = ln.Close()
		wg.Wait()
	}
}

// TestShutdownDrains: replies of what was read arrive before the connections end.
func TestShutdownDrains(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		idle, slow, waits, blocks := r.dial(), r.dial(), r.dial(), r.dial()
		idle.do("PING")
		const n, size = 30, 500_000
		slow.send(strings.Repeat("BIG 500000\r\n", n))
		eventually(t, "the commands are read", func() bool { return r.s.Stats().NetIn >= 14+12*n })
		waits.send("WAIT w\r\nECHO after\r\n")
		wake := r.waiting(1)[0]
		blocks.send("BLOCK b\r\n")
		lost := r.waiting(1)[0]
		r.stop()
		idle.closed()
		blocks.closed()
		lost("too late")
		wake("!")
		if got, want := waits.rest(), bulk("w!")+bulk("after"); got != want {
			t.Errorf("the waiting one got %q", got)
		}
		if got, want := len(slow.rest()), n*len(bulk(strings.Repeat("b", size))); got != want {
			t.Errorf("the slow one got %d bytes, want %d", got, want)
		}
		<-r.end
		if nc, err := net.Dial("tcp", r.s.Addrs()[0].String()); err == nil {
			_ = nc.Close()
			t.Error("it still listens")
		}
	})
}

// TestShutdownGrace: who does not read, or waits for ever, is cut in the end.
func TestShutdownGrace(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.ShutdownGrace = 50 * time.Millisecond })
		c, w := r.dial(), r.dial()
		c.send(strings.Repeat("BIG 1000000\r\n", 50))
		w.send("WAIT x\r\n")
		wake := r.waiting(1)[0]
		eventually(t, "the commands are read", func() bool { return r.s.Stats().NetOut > 0 })
		r.stop()
		<-r.end
		wake("late")
	})
}

// TestManyConnections opens and drops thousands in every state; nothing stays.
func TestManyConnections(t *testing.T) {
	const waves, each = 20, 500
	states := []string{"", "PING\r\n", "*2\r\n$4\r\nECHO\r\n$5\r\nab", "*2\r\n$3\r\nLEN\r\n$100000\r\nab", "BLOCK x\r\n", "BIG 500000\r\n", "*x\r\n"}
	eachDriver(t, func(t *testing.T, d Driver) {
		before := files()
		r := start(t, d)
		for range waves {
			conns := make([]net.Conn, each)
			for i := range conns {
				nc, err := net.Dial("tcp", r.s.Addrs()[0].String())
				if err != nil {
					t.Fatal(err)
				}
				_, _ = nc.Write([]byte(states[i%len(states)]))
				if i%2 == 0 {
					_ = nc.(*net.TCPConn).SetLinger(0)
				}
				conns[i] = nc
			}
			for _, nc := range conns {
				_ = nc.Close()
			}
		}
		eventually(t, "all are gone", func() bool {
			st := r.s.Stats()
			return st.Received == waves*each && st.Connected == 0
		})
		r.stop()
		<-r.end
		if after := files(); after > before {
			t.Errorf("%d sockets, %d before", after, before)
		}
	})
}

// TestUpkeep is called on every loop, soon while more is due, and rarely when idle.
func TestUpkeep(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		var calls [2]atomic.Int64
		start(t, d, func(o *Options) {
			o.Upkeep = func(c *bus.Ctx, share, of int, budget time.Duration) (bool, time.Duration) {
				if want := len(calls); d == DriverLoops && of != want || budget <= 0 || c.Now() == 0 {
					t.Errorf("share %d of %d, budget %v, now %d", share, of, budget, c.Now())
				}
				return calls[share].Add(1) < 1000, time.Second
			}
		})
		eventually(t, "it is called", func() bool {
			return calls[0].Load() >= 1000 && (d != DriverLoops || calls[1].Load() >= 1000)
		})
	})
}

// TestKeepalive: what the settings say holds for accepted connections.
func TestFallbacks(t *testing.T) {
	if _, err := New(Options{Driver: "threads"}); err == nil {
		t.Error("an unknown driver was accepted")
	}
	s, err := New(Options{Driver: DriverAuto})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Addrs()) != 0 {
		t.Errorf("listens on %v", s.Addrs())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = ctx
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
