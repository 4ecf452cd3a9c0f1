package server

import (
	"errors"
	"net"
	"path/filepath"
	"strconv"
	"testing"
)

// TestRebind changes the addresses of a running server: overlapping ones, another port, none.
func TestRebind(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		path := filepath.Join(t.TempDir(), "s")
		r := start(t, d, func(o *Options) { o.UnixSocket = path })
		first := r.dial()
		loopback, every := BindAddr{Host: "127.0.0.1", Network: "tcp"}, BindAddr{Network: "tcp4"}
		port := r.s.Addrs()[0].(*net.TCPAddr).Port
		at := func(host string, port int) net.Addr {
			return &net.TCPAddr{IP: net.ParseIP(host), Port: port}
		}
		rebind := func(port int, bind ...BindAddr) {
			t.Helper()
			commit, _, err := r.s.Rebind(bind, port)
			if err != nil {
				t.Fatal(err)
			}
			commit()
			first.do("PING") // is not touched
			r.dialTo(&net.UnixAddr{Net: "unix", Name: path}).do("PING")
		}
		same := r.s.Addrs()[0]
		rebind(port, loopback, BindAddr{Host: "192.0.2.1", Network: "tcp", Optional: true})
		if now := r.s.Addrs(); now[0] != same || len(now) != 2 {
			t.Errorf("listens on %v", now)
		}
		rebind(port, every) // the same port with another address: no moment without it
		r.dialTo(at("127.0.0.1", port)).do("PING")
		r.dialTo(at("127.0.0.2", port)).do("PING")
		rebind(port, loopback)
		r.dialTo(at("127.0.0.1", port)).do("PING")
		if nc, err := net.Dial("tcp", at("127.0.0.2", port).String()); err == nil {
			nc.Close()
			t.Error("still listens on every address")
		}

		// Somebody else has the port: nothing changes.
		other, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		taken := other.Addr().(*net.TCPAddr).Port
		before := r.s.Addrs()
		if _, _, err := r.s.Rebind([]BindAddr{{Host: "::1", Network: "tcp6", Optional: true}, loopback}, taken); !errors.Is(err, ErrAddrInUse) {
			t.Errorf("%v", err)
		}
		if now := r.s.Addrs(); len(now) != 2 || now[0] != before[0] {
			t.Errorf("listens on %v", now)
		}
		if second, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			second.Close()
			t.Error("the port can be shared")
		}
		r.dial().do("PING")

		// What is taken back leaves nothing behind.
		_, rollback, err := r.s.Rebind([]BindAddr{loopback, every}, port)
		if err != nil {
			t.Fatal(err)
		}
		rollback()
		if nc, err := net.Dial("tcp", at("127.0.0.2", port).String()); err == nil {
			nc.Close()
			t.Error("listens on what was taken back")
		}
		r.dial().do("PING")

		rebind(0)
		if now := r.s.Addrs(); len(now) != 1 {
			t.Errorf("listens on %v", now)
		}
		rebind(port, loopback)
		r.dialTo(at("127.0.0.1", port)).do("PING")
	})
}
