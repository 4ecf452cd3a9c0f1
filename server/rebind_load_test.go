package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reredis/reredis/internal/reuse"
)

// TestRebindUnderLoad changes the addresses while clients connect, as often as they can, to one that is always among
// them: by itself, or as one of all addresses. Nobody is refused or reset, also not by a change that is taken back.
func TestRebindUnderLoad(t *testing.T) {
	lo4, other := BindAddr{Host: "127.0.0.1", Network: "tcp"}, BindAddr{Host: "127.0.0.2", Network: "tcp"}
	lo6 := BindAddr{Host: "::1", Network: "tcp", Optional: true}
	all4, all6 := BindAddr{Network: "tcp4"}, BindAddr{Network: "tcp6", Optional: true}
	lists := [][]BindAddr{
		{all4, all6}, {lo4, lo6}, {other, lo4, all6}, {lo6, all4}, {lo4, other, lo6}, {lo4, all6}, {lo6, lo4}, {all4, lo4, all6}, {lo4, lo6, all6}, {lo4, lo6},
	}
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := probe.(syscall.Conn).SyscallConn()
	if err = errors.Join(err, reuse.Retire(raw), probe.Close()); err != nil {
		t.Skipf("connections in a queue are reset on this system: %v", err)
	}
	hosts := []string{"127.0.0.1", "127.0.0.1"}
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		l.Close()
		hosts[1] = "::1"
	}
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d, func(o *Options) { o.Bind = lists[len(lists)-1] })
		port := r.s.Addrs()[0].(*net.TCPAddr).Port
		var load sync.WaitGroup
		var calls atomic.Int64
		stop := make(chan struct{})
		for i := range 32 {
			load.Go(func() {
				for n := 1; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					if err := callOnce(hosts[i%2], port); err != nil {
						t.Errorf("call %d: %v", n, err)
						return
					}
					calls.Add(1)
				}
			})
		}
		kept := r.dial()
		for n := range 200 {
			commit, rollback, err := r.s.Rebind(lists[n%len(lists)], port)
			if err != nil {
				t.Errorf("change %d: %v", n, err)
				break
			}
			for range 10 {
				kept.do("PING") // meanwhile some wait in the new queues
			}
			if n%5 == 4 {
				rollback()
			} else {
				commit()
			}
			enough := calls.Load() + 32
			eventually(t, "clients are served", func() bool { return calls.Load() >= enough || t.Failed() })
		}
		close(stop)
		load.Wait()
		eventually(t, "the old listeners are gone", func() bool {
			r.s.listening.Lock()
			defer r.s.listening.Unlock()
			return len(r.s.leaving) == 0
		})
		t.Logf("%d connections", calls.Load())
	})
}

// callOnce connects, calls PING, and hangs up without leaving a port behind that waits.
func callOnce(host string, port int) error {
	nc, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := nc.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	reply := make([]byte, len("+PONG\r\n"))
	if _, err := io.ReadFull(nc, reply); err != nil {
		return err
	}
	if !bytes.Equal(reply, []byte("+PONG\r\n")) {
		return fmt.Errorf("reply %q", reply)
	}
	return nc.(*net.TCPConn).SetLinger(0)
}
