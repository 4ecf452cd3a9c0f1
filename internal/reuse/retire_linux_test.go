package reuse

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
)

// TestRetire: new connections go past a retired listener, those in its queue are still accepted.
func TestRetire(t *testing.T) {
	narrow := listen(t, &net.ListenConfig{}, "127.0.0.1:0")
	addr := narrow.Addr().String()
	raw := rawConn(t, narrow)
	var lc net.ListenConfig
	end := Allow(&lc, raw)
	_, port, _ := net.SplitHostPort(addr)
	wide := listen(t, &lc, "0.0.0.0:"+port)
	end()
	Forbid(rawConn(t, wide))

	before := dial(t, addr)
	if err := Retire(raw); err != nil {
		t.Skipf("not on this kernel: %v", err)
	}
	meets(t, dial(t, addr), wide)
	meets(t, before, narrow)

	if err := Retire(rawConn(t, wide)); err != nil {
		t.Fatal(err)
	}
	if nc, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to nobody: %v, %v", nc, err)
	}
	closed := listen(t, &net.ListenConfig{}, "127.0.0.1:0")
	closed.Close()
	if err := Retire(rawConn(t, closed)); err == nil {
		t.Error("a closed socket was retired")
	}
}

func listen(t *testing.T, lc *net.ListenConfig, addr string) net.Listener {
	t.Helper()
	l, err := lc.Listen(context.Background(), "tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func rawConn(t *testing.T, l net.Listener) syscall.RawConn {
	t.Helper()
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	return nc
}

// meets checks that nc is the next connection of l.
func meets(t *testing.T, nc net.Conn, l net.Listener) {
	t.Helper()
	got, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.RemoteAddr().String() != nc.LocalAddr().String() {
		t.Errorf("accepted %v, not %v", got.RemoteAddr(), nc.LocalAddr())
	}
}
