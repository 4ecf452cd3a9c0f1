package commands

import (
	"fmt"
	"strings"

	"github.com/reredis/reredis/bus"
)

func (h *server) memoryMallocStats(c *bus.Ctx) error {
	st := c.Bus().Space().Stats()
	heap := readHeap()
	var b strings.Builder
	b.WriteString("___ Begin " + allocator + " statistics ___\n")
	for _, line := range []struct {
		name  string
		bytes int64
	}{
		{"arenas: address space", st.MappedBytes},
		{"arenas: pages in use", st.PageBytes},
		{"arenas: cells in use", st.UsedMemory},
		{"Go heap: objects", heap.objects},
		{"Go heap: spans in use", heap.inUse},
		{"Go runtime: all that it has of the system", heap.mapped},
		{"process: resident", residentBytes()},
	} {
		fmt.Fprintf(&b, "%-42s %15d\n", line.name+":", line.bytes)
	}
	fmt.Fprintf(&b, "%-42s %15d\n", "keys that wait to be freed:", st.LazyFreePending)
	b.WriteString("___ End " + allocator + " statistics ___\n")
	c.Reply.Verbatim("txt", b.String())
	return nil
}
