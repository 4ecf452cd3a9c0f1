package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/reredis/reredis/internal/version"
)

// announce says on start what a newcomer needs to know, and in the log what tools wait for.
func (n *node) announce(out io.Writer) {
	cfg := n.store.Current()
	v := version.Get()
	n.log.Info("Reredis version=" + v.Version + ", bits=64, commit=" + v.Commit + ", PID: " + fmt.Sprint(os.Getpid()) + ", just started")
	if asked, used := n.web.Ports(); asked != used && len(n.web.Addrs()) > 0 {
		n.log.Info(fmt.Sprintf("HTTP port %d is taken: HTTP is on %d", asked, used))
	}
	if cfg.Log.Format == "redis" {
		return // the reader is a tool
	}
	var listens []string
	connect := ""
	for _, a := range n.server.Addrs() {
		listens = append(listens, a.Network()+" "+a.String())
		if connect == "" {
			connect = cliArgs(a)
		}
	}
	fmt.Fprintf(out, "\n  Reredis %s   pid %d   %s driver\n\n", v.Version, os.Getpid(), cfg.Server.Driver)
	for i, l := range listens {
		fmt.Fprintf(out, "  %-10s %s\n", []string{"listens on", ""}[min(i, 1)], l)
	}
	if web := n.web.Addrs(); len(web) > 0 {
		note := ""
		if asked, used := n.web.Ports(); asked != used {
			note = fmt.Sprintf("   (%d is taken)", asked)
		}
		fmt.Fprintf(out, "  %-10s http://%s%s\n", "web", web[0], note)
	}
	fmt.Fprintf(out, "  %-10s %s\n", "data", n.dataNote())
	fmt.Fprintf(out, "  %-10s redis-cli%s    or: reredis cli%s\n\n", "connect", connect, connect)
}

// dataNote says where the data lies and when it is safe.
func (n *node) dataNote() string {
	if !n.store.Current().WAL.Enabled {
		return n.persist.dir + "   (snapshots only: there is no log)"
	}
	when := map[string]string{
		"always":   "on disk before a reply says so",
		"everysec": "on disk within a second or so",
		"no":       "on disk when the system likes",
	}
	return n.persist.dir + "   (" + when[n.store.Current().WAL.Policy] + ")"
}

// cliArgs are the arguments that make redis-cli connect to a.
func cliArgs(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return " -s " + a.String()
	}
	var b strings.Builder
	if !tcp.IP.IsUnspecified() && !tcp.IP.IsLoopback() {
		b.WriteString(" -h " + tcp.IP.String())
	}
	if tcp.Port != 6379 {
		fmt.Fprintf(&b, " -p %d", tcp.Port)
	}
	return b.String()
}
