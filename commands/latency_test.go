package commands_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// TestLatencyLikeRedis compares what does not depend on durations.
func TestLatencyLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, proto := range []string{"2", "3"} {
		ours.do("HELLO", proto)
		theirs.do("HELLO", proto)
		for _, line := range []string{
			"LATENCY", "LATENCY NOPE", "LATENCY HELP", "LATENCY HELP x", "LATENCY LATEST", "LATENCY LATEST x", "LATENCY HISTORY", "LATENCY HISTORY command",
			"LATENCY GRAPH", "LATENCY GRAPH command", "LATENCY RESET", "LATENCY RESET command nope", "LATENCY DOCTOR x",
			"CONFIG RESETSTAT", "LATENCY HISTOGRAM nope", "LATENCY HISTOGRAM get|x client|nope", "LATENCY HISTOGRAM set get",
		} {
			args := strings.Fields(line)
			if a, b := showAny(ours.do(args...)), showAny(theirs.do(args...)); a != b {
				t.Errorf("RESP%s: %s\n  answers %s\n  Redis   %s", proto, line, a, b)
			}
		}
		for _, s := range []server{ours, theirs} {
			s.do("SET", "k", "v")
			s.do("SET", "k", "v")
			s.do("CLIENT", "ID")
			s.do("CLIENT", "GETNAME")
		}
		// What the distributions hold differs; what they are of does not.
		for _, line := range []string{"LATENCY HISTOGRAM", "LATENCY HISTOGRAM set get client", "LATENCY HISTOGRAM set client|id client"} {
			args := strings.Fields(line)
			a, b := histograms(ours.do(args...)), histograms(theirs.do(args...))
			if a != b {
				t.Errorf("RESP%s: %s\n  is of %s\n  Redis %s", proto, line, a, b)
			}
		}
	}
}

// histograms shows the reply of LATENCY HISTOGRAM without the durations, commands in order of their names.
func histograms(v resp.Value) string {
	var list []string
	for i := 0; i+1 < len(v.Elems); i += 2 {
		h := v.Elems[i+1].Elems
		steps := h[3].Elems
		line := v.Elems[i].String() + " " + h[0].String() + "=" + show(h[1]) + " " + h[2].String()
		if n := len(steps); n == 0 || n%2 != 0 || steps[n-1].Int != h[1].Int {
			line += " which do not add up"
		}
		list = append(list, line+string(rune(v.Kind))+string(rune(h[3].Kind)))
	}
	return strings.Join(sorted(list), ", ")
}

func TestLatencyEvents(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	now := int64(1000)
	m := r.deps.Latency
	m.Now = func() int64 { return now }
	if got := string(cl.do("LATENCY", "DOCTOR").Str); !strings.Contains(got, "latency-monitor-threshold is 0") {
		t.Errorf("doctor without monitoring: %s", got)
	}
	r.params["latency-monitor-threshold"], r.params["slowlog-log-slower-than"] = "100", "-1"
	if got := string(cl.do("LATENCY", "DOCTOR").Str); !strings.Contains(got, "100 ms or longer") {
		t.Errorf("doctor without events: %s", got)
	}
	m.Spike("command", 300*time.Millisecond)
	m.Spike("command", 200*time.Millisecond)
	m.Spike("expire-cycle", 100*time.Millisecond)
	now += 90
	m.Spike("command", 120*time.Millisecond)
	now++
	m.Spike("command", 180*time.Millisecond)
	m.Spike("command", 210*time.Millisecond)
	now += 2
	cl.expect(
		"LATENCY LATEST", `[["command" 1091 210 300] ["expire-cycle" 1000 100 100]]`,
		"LATENCY HISTORY command", "[[1000 300] [1090 120] [1091 210]]",
		"LATENCY HISTORY Command", "[]",
	)
	want := "command - high 300 ms, low 120 ms (all time high 300 ms)\n" + strings.Repeat("-", 80) + "\n" +
		"#  \n| _\n| |\n|_|\n   \n132\nmss\n"
	if got := string(cl.do("LATENCY", "GRAPH", "command").Str); got != want {
		t.Errorf("graph\n%s\nwant\n%s", got, want)
	}
	doctor := string(cl.do("LATENCY", "DOCTOR").Str)
	for _, form := range []string{
		`1\. command: 3 latency spikes \(average 210ms, mean deviation 60ms, period 31\.00 sec\)\. Worst all time event 300ms\.`,
		`2\. expire-cycle: 1 latency spikes \(average 100ms, mean deviation 0ms, period 93\.00 sec\)\. Worst all time event 100ms\.`,
		`CONFIG SET slowlog-log-slower-than 100000\.`,
	} {
		if !regexp.MustCompile(form).MatchString(doctor) {
			t.Errorf("the doctor does not say %q:\n%s", form, doctor)
		}
	}
	for i := range int64(200) {
		now = 5000 + i
		m.Spike("fast-command", time.Duration(i+1)*time.Millisecond)
	}
	history := cl.do("LATENCY", "HISTORY", "fast-command").Elems
	if len(history) != 160 || show(history[0]) != "[5040 41]" || show(history[159]) != "[5199 200]" {
		t.Errorf("%d samples from %s on", len(history), show(history[0]))
	}
	if n := strings.Count(string(cl.do("LATENCY", "GRAPH", "fast-command").Str), "\n"); n != 2+(4+1+2)+1+(4+1+3) {
		t.Errorf("the graph of 160 samples has %d lines", n)
	}
	cl.expect(
		"LATENCY RESET nope FAST-COMMAND", "1",
		"LATENCY RESET", "2",
		"LATENCY LATEST", "[]",
	)
}
