package server

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
)

// TestPublishersWait floods subscribers of both loops from connections of both: all messages arrive, and
// what waits to be delivered stays bounded, because the publishers are held back.
func TestPublishersWait(t *testing.T) {
	const members, publishers, each, size = 60, 4, 4000, 200
	r, _ := startRoom(t, DriverLoops)
	d := r.s.drivers[0].(*loops)
	var readers, writers sync.WaitGroup
	for range members {
		c := r.dial()
		c.do("JOIN")
		readers.Go(func() {
			n := int64(publishers * each * len(fmt.Sprintf("*1\r\n$%d\r\n%s\r\n", size, strings.Repeat("x", size))))
			if got, err := io.CopyN(io.Discard, c.r, n); err != nil {
				t.Errorf("a subscriber got %d of %d bytes: %v", got, n, err)
			}
		})
	}
	for range publishers {
		c := r.dial()
		writers.Go(func() {
			go c.send(strings.Repeat("SAY "+strings.Repeat("x", size)+"\r\n", each))
			c.want(strings.Repeat("+said\r\n", each))
		})
	}
	done := make(chan struct{})
	go func() {
		writers.Wait()
		readers.Wait()
		close(done)
	}()
	most := int64(0)
	for waiting := true; waiting; {
		select {
		case <-done:
			waiting = false
		default:
			for _, l := range d.list {
				most = max(most, l.backlog.cost.Load())
			}
		}
	}
	t.Logf("at most %d MB waited", most>>20)
	// Beyond the limit go what a connection had read when it was passed.
	if slack := int64(publishers * members * readSize * 2); most > pushMost+slack {
		t.Errorf("%d bytes waited to be delivered", most)
	}
	for i, l := range d.list {
		if cost := l.backlog.cost.Load(); cost != 0 || l.backlog.behind.Load() {
			t.Errorf("loop %d still has %d bytes to deliver", i, cost)
		}
	}
	if n := d.behind.Load(); n != 0 {
		t.Errorf("%d loops are behind in the end", n)
	}
	if n := r.s.Stats().OutputLimited; n != 0 {
		t.Errorf("%d clients were cut", n)
	}
}
