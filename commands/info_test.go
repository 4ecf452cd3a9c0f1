package commands_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/internal/resp"
)

// infoTitles lists the sections of an INFO reply.
func infoTitles(v resp.Value) []string {
	var list []string
	for line := range strings.SplitSeq(string(v.Str), "\r\n") {
		if title, ok := strings.CutPrefix(line, "# "); ok {
			list = append(list, title)
		}
	}
	return list
}

// infoFieldsOf reads the fields of an INFO reply.
func infoFieldsOf(v resp.Value) map[string]string {
	m := map[string]string{}
	for line := range strings.SplitSeq(string(v.Str), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			m[name] = value
		}
	}
	return m
}

// missingInfo are fields of Redis that ours does not show, with the reason.
var missingInfo = map[string]string{}

// TestInfoLikeRedis asks both for everything: same sections, no field missing, same order.
func TestInfoLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, s := range []server{theirs, ours} {
		s.do("SET", "k", "v")
		s.do("SETEX", "e", "100", "v")
		s.do("NOPE")
	}
	for _, args := range [][]string{{"INFO", "everything"}, {"INFO"}, {"INFO", "cpu", "STATS"}, {"INFO", "nope"}, {"INFO", "cpu", "default"}, {"INFO", "modules"}} {
		a, b := ours.do(args...), theirs.do(args...)
		own := slices.DeleteFunc(infoTitles(a), func(s string) bool { return s == "Reredis" })
		if !slices.Equal(own, infoTitles(b)) {
			t.Errorf("%q: sections %q, Redis %q", args, own, infoTitles(b))
		}
		x, y := infoFieldsOf(a), infoFieldsOf(b)
		for name := range y {
			if _, ok := x[name]; !ok && missingInfo[name] == "" && !strings.HasPrefix(name, "cmdstat_") && !strings.HasPrefix(name, "latency_") {
				t.Errorf("%q: no field %s:%s", args, name, y[name])
			}
		}
	}
	x, y := infoFieldsOf(ours.do("INFO", "everything")), infoFieldsOf(theirs.do("INFO", "everything"))
	for _, name := range []string{
		"redis_version", "redis_mode", "role", "db0", "errorstat_ERR", "cluster_enabled", "loading", "maxmemory", "maxmemory_policy",
		"keyspace_hits", "keyspace_misses", "expired_keys", "aof_enabled", "os", "arch_bits", "hz",
	} {
		if a, b := x[name], y[name]; a != b && name != "db0" {
			t.Errorf("%s is %q, Redis %q", name, a, b)
		}
	}
	if !strings.HasPrefix(x["db0"], "keys=2,expires=1,avg_ttl=") {
		t.Errorf("db0:%s", x["db0"])
	}
}

func TestInfoFigures(t *testing.T) {
	r := newRig(t)
	r.net = commands.Net{Clients: 3, MaxClients: 100, Blocked: 1, Received: 10, Rejected: 2, InputBytes: 1000, OutputBytes: 2000, Reads: 5, Writes: 6}
	cl := r.connect()
	cl.do("SET", "k", "v")
	cl.do("GET", "k")
	cl.do("GET", "none")
	cl.do("SETEX", "k", "0", "v")
	cl.do("NOPE")
	cl.do("GET")
	f := infoFieldsOf(cl.do("INFO", "everything"))
	for name, want := range map[string]string{
		"connected_clients": "3", "maxclients": "100", "blocked_clients": "1",
		"total_connections_received": "10", "rejected_connections": "2",
		"total_net_input_bytes": "1000", "total_net_output_bytes": "2000",
		"keyspace_hits": "1", "keyspace_misses": "1",
		"total_commands_processed": "4", "total_error_replies": "3", "errorstat_ERR": "count=3",
		"reredis_version": "0.0.0-test", "tcp_port": "7777", "run_id": strings.Repeat("ab", 20),
	} {
		if f[name] != want {
			t.Errorf("%s:%s, want %s", name, f[name], want)
		}
	}
	for name, form := range map[string]string{
		"cmdstat_setex":                `calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=1`,
		"cmdstat_get":                  `calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0`,
		"latency_percentiles_usec_get": `p50=\d+\.\d{3},p99=\d+\.\d{3},p99.9=\d+\.\d{3}`,
	} {
		if !regexp.MustCompile("^" + form + "$").MatchString(f[name]) {
			t.Errorf("%s:%s, want %s", name, f[name], form)
		}
	}
	r.params["latency-tracking-info-percentiles"] = "0 100"
	if f := infoFieldsOf(cl.do("INFO", "latencystats")); !strings.HasPrefix(f["latency_percentiles_usec_get"], "p0=") {
		t.Errorf("other percentiles: %q", f)
	}
	r.params["latency-tracking"] = "no"
	if f := infoFieldsOf(cl.do("INFO", "latencystats")); len(f) != 0 {
		t.Errorf("latency tracking is off: %q", f)
	}
	cl.expect("CONFIG RESETSTAT", "+OK")
	f = infoFieldsOf(cl.do("INFO", "all"))
	for name, want := range map[string]string{
		"connected_clients": "3", "total_connections_received": "0", "total_net_input_bytes": "0",
		"keyspace_hits": "0", "total_error_replies": "0", "errorstat_ERR": "", "cmdstat_get": "",
	} {
		if f[name] != want {
			t.Errorf("after RESETSTAT %s:%s, want %s", name, f[name], want)
		}
	}
	cl.do("HELLO", "3")
	if v := cl.do("INFO", "server"); v.Kind != resp.KindVerbatim || v.Ext != "txt" {
		t.Errorf("in RESP3 INFO is %c %s", v.Kind, v.Ext)
	}
}

// TestChangesLikeRedis counts what commands have changed.
func TestChangesLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	changes := func(s server) int {
		n, _ := strconv.Atoi(infoFieldsOf(s.do("INFO", "persistence"))["rdb_changes_since_last_save"])
		return n
	}
	for _, line := range []string{
		"SET k 1", "SET k 2", "INCR k", "APPEND k x", "SETRANGE k 0 y", "SETRANGE new 5 y", "GET k", "MSET a 1 b 2 c 3", "SETNX a 1", "DEL a b none",
		"EXPIRE c 100", "EXPIRE c 200", "PERSIST c", "PERSIST c", "SETBIT bits 5 1", "SETBIT bits 5 1", "SETBIT k 1 0", "BITFIELD bits SET u8 0 4",
		"BITFIELD bits GET u8 0", "BITFIELD bits SET u8 0 255", "BITOP NOT dest bits", "COPY k copy", "GETDEL copy", "GETEX k EX 100", "GETEX k",
		"INCRBYFLOAT f 1.5", "SET k v XX GET", "SET none v XX", "EXPIREAT k 1", "SWAPDB 0 1",
	} {
		was, before := changes(ours), changes(theirs)
		ours.do(strings.Fields(line)...)
		theirs.do(strings.Fields(line)...)
		if got, want := changes(ours)-was, changes(theirs)-before; got != want {
			t.Errorf("%s counts %d changes, in Redis %d", line, got, want)
		}
	}
}
