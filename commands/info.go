package commands

import (
	"fmt"
	"strings"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/keyspace"
)

// infoSection is one section of INFO.
type infoSection struct {
	name      string // as asked for, lower case
	title     string
	isDefault bool
	write     func(h *server, w *infoWriter)
}

// infoSections are the sections in their order.
var infoSections = []infoSection{
	{"server", "Server", true, (*server).infoServer},
	{"reredis", "Reredis", true, (*server).infoReredis},
	{"clients", "Clients", true, (*server).infoClients},
	{"memory", "Memory", true, (*server).infoMemory},
	{"persistence", "Persistence", true, (*server).infoPersistence},
	{"stats", "Stats", true, (*server).infoStats},
	{"replication", "Replication", true, (*server).infoReplication},
	{"cpu", "CPU", true, (*server).infoCPU},
	{"modules", "Modules", true, func(*server, *infoWriter) {}},
	{"commandstats", "Commandstats", false, (*server).infoCommandStats},
	{"errorstats", "Errorstats", true, (*server).infoErrorStats},
	{"latencystats", "Latencystats", false, (*server).infoLatencyStats},
	{"cluster", "Cluster", true, (*server).infoCluster},
	{"keyspace", "Keyspace", true, (*server).infoKeyspace},
}

// infoWriter collects the text of INFO, and what several sections need.
type infoWriter struct {
	strings.Builder
	ctx   *bus.Ctx
	stats keyspace.Stats  // since the start
	since *keyspace.Stats // at the last CONFIG RESETSTAT: what to subtract
	net   Net
	rates Sample
	err   error // why there can be no reply now
}

// add writes one field.
func (w *infoWriter) add(name string, value any) { fmt.Fprintf(w, "%s:%v\r\n", name, value) }

// ratio writes a field with two digits behind the point.
func (w *infoWriter) ratio(name string, value float64) { fmt.Fprintf(w, "%s:%.2f\r\n", name, value) }

// bytes writes a field, and beside it the same for people.
func (w *infoWriter) bytes(name string, n int64) {
	w.add(name, n)
	w.add(name+"_human", humanBytes(n))
}

// zeros writes fields that are always 0: what they count, Reredis has not.
func (w *infoWriter) zeros(names ...string) {
	for _, n := range names {
		w.add(n, 0)
	}
}

// flag writes 1 or 0.
func (w *infoWriter) flag(name string, on bool) {
	v := 0
	if on {
		v = 1
	}
	w.add(name, v)
}

func (h *server) info(c *bus.Ctx) error {
	wanted := infoWanted(c.Args[1:])
	c.Publish()
	w := &infoWriter{ctx: c, stats: c.Bus().Space().Stats(), since: h.base.Load(), rates: h.d.Rates.PerSecond(), net: h.net()}
	for _, s := range infoSections {
		if !wanted(&s) {
			continue
		}
		if w.Len() > 0 {
			w.WriteString("\r\n")
		}
		w.WriteString("# " + s.title + "\r\n")
		if s.write(h, w); w.err != nil {
			return w.err
		}
	}
	c.Reply.Verbatim("txt", w.String())
	return nil
}

// net returns the figures of the connections.
func (h *server) net() (n Net) {
	if h.d.Net != nil {
		n = h.d.Net()
	}
	return n
}

// infoWanted reads the arguments of INFO. Unknown sections are no error.
func infoWanted(args [][]byte) func(*infoSection) bool {
	names := map[string]bool{}
	for _, a := range args {
		names[strings.ToLower(string(a))] = true
	}
	all := names["all"] || names["everything"]
	byDefault := len(args) == 0 || names["default"]
	return func(s *infoSection) bool {
		return all || (byDefault && s.isDefault) || names[s.name] || (s.name == "modules" && names["module_list"])
	}
}

// humanBytes writes an amount of bytes as Redis does: 1.50K.
func humanBytes(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%dB", n)
	}
	v, units := float64(n)/1024, "KMGTP"
	for v >= 1024 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	return fmt.Sprintf("%.2f%c", v, units[0])
}
