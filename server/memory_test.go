package server

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
)

// clients returns how many connections of each name there are, and what the largest holds.
func (r *rig) clients() (count, bytes map[string]int) {
	count, bytes = map[string]int{}, map[string]int{}
	done := make(chan struct{})
	r.s.Each(func(c *bus.Client, st bus.ConnState) bool {
		count[c.Name]++
		bytes[c.Name] = max(bytes[c.Name], st.TotalMem)
		return false
	}, func() { close(done) })
	<-done
	return count, bytes
}

// limitClients sets the limit of all clients' memory.
func (r *rig) limitClients(n int64) {
	set := *r.s.Settings()
	set.ClientMemory = n
	r.s.SetSettings(set)
}

// fat connects a client that has sent size bytes of a command and not its end.
func (r *rig) fat(name string, size int, stay bool) *client {
	r.t.Helper()
	c := r.dial()
	c.do("name", name)
	if stay {
		c.do("stay", "on")
	}
	c.send(fmt.Sprintf("*2\r\n$3\r\nLEN\r\n$%d\r\n%s", size+10, strings.Repeat("x", size)))
	return c
}

// TestClientMemory: beyond the limit the largest clients are closed, no more than need be,
// and none that is exempted.
func TestClientMemory(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		control := r.dial()
		control.do("name", "control")
		sizes := map[string]int{"small": 100 << 10, "middle": 300 << 10, "large": 1 << 20}
		for name, size := range sizes {
			for range 4 {
				r.fat(name, size, false)
			}
		}
		r.fat("stays", 2<<20, true)
		var bytes map[string]int
		eventually(t, "all have been read", func() bool {
			_, bytes = r.clients()
			return bytes["small"] > sizes["small"] && bytes["middle"] > sizes["middle"] && bytes["large"] > sizes["large"] &&
				r.s.Stats().Memory > int64(2<<20+4*(1<<20+300<<10+100<<10))
		})
		total := r.s.Stats().Memory
		for _, step := range []struct {
			less int // bytes below what is in use
			want string
		}{
			{-100, "small 4, middle 4, large 4"},
			{2*bytes["large"] - 100, "small 4, middle 4, large 2"},
			{2*bytes["large"] + bytes["middle"] - 100, "small 4, middle 3, large 0"},
			{3*bytes["middle"] + bytes["small"] - 100, "small 3, middle 0, large 0"},
		} {
			r.limitClients(total - int64(step.less))
			var got string
			eventually(t, step.want, func() bool {
				count, _ := r.clients()
				got = fmt.Sprintf("small %d, middle %d, large %d", count["small"], count["middle"], count["large"])
				if count["control"] != 1 || count["stays"] != 1 {
					t.Fatalf("control %d, stays %d", count["control"], count["stays"])
				}
				return got == step.want
			})
			total = r.s.Stats().Memory
		}
		if n := r.s.Stats().Evicted; n != 2+2+1+3+1 {
			t.Errorf("%d clients are counted as closed", n)
		}
		if !r.log.has("all clients together hold too much memory") {
			t.Error("the log does not say so")
		}
		r.limitClients(1)
		control.closed()
		r.limitClients(0)
		r.dial().do("ping")
	})
}

// TestClientMemoryGrows: the limit holds for what clients come to hold later: input,
// replies that they do not read, and what commands keep for them.
func TestClientMemoryGrows(t *testing.T) {
	eachDriver(t, func(t *testing.T, d Driver) {
		r := start(t, d)
		const limit = 4 << 20
		r.limitClients(limit)
		gone := func(what string) {
			t.Helper()
			eventually(t, what+": it is closed", func() bool {
				count, _ := r.clients()
				return count["fat"] == 0
			})
			eventually(t, what+": the memory is free", func() bool { return r.s.Stats().Memory < limit })
		}
		r.fat("two", limit-1<<20, false)
		r.fat("two", limit-2<<20, false)
		eventually(t, "one of two is closed", func() bool {
			count, _ := r.clients()
			return count["two"] == 1 && r.s.Stats().Evicted == 1
		})
		writer := r.dial()
		writer.do("name", "fat")
		go func() { // until the server closes it
			_, _ = io.WriteString(writer, fmt.Sprintf("*2\r\n$3\r\nLEN\r\n$%d\r\n%s", 2*limit, strings.Repeat("x", 2*limit)))
		}()
		eventually(t, "input", func() bool { return r.s.Stats().Evicted >= 2 })
		gone("input")

		c := r.dial()
		c.do("name", "fat")
		c.send(fmt.Sprintf("BIG %d\r\nBIG %d\r\n", 3*limit, 3*limit))
		gone("output")

		c = r.dial()
		c.do("name", "fat")
		c.send(fmt.Sprintf("KEEP %d\r\n", 2*limit))
		gone("kept")

		c = r.fat("exempt", limit+1<<20, true)
		eventually(t, "it is read", func() bool {
			_, bytes := r.clients()
			return bytes["exempt"] > limit
		})
		c.send(strings.Repeat("x", 10) + "\r\nSTAY off\r\n" + fmt.Sprintf("KEEP %d\r\n", 2*limit))
		gone("exempt no more")
	})
}
