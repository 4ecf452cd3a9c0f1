package latency

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Rules is what the doctor has to know of the configuration.
type Rules struct {
	LateOver time.Duration // latency-monitor-threshold, 0: nothing is monitored
	SlowOver time.Duration // slowlog-log-slower-than, negative: there is no slow log
}

// figures sum up the samples of an event, in milliseconds.
type figures struct {
	average, deviation int64
	period             float64 // seconds between two samples
}

func (m *Monitor) figures(e *Event) (f figures) {
	n := int64(len(e.Samples))
	for _, s := range e.Samples {
		f.average += s.Took
	}
	f.average /= n
	for _, s := range e.Samples {
		f.deviation += max(s.Took-f.average, f.average-s.Took)
	}
	f.deviation /= n
	f.period = float64(max(1, m.Now()-e.Samples[0].At)) / float64(n)
	return f
}

// advice is what to do about events of some kind.
type advice struct {
	events []string
	holds  func(r Rules) bool // nil: always
	text   func(r Rules) string
}

// plain is an advice that is always the same.
func plain(s string) func(Rules) string { return func(Rules) string { return s } }

// advices are all that the doctor knows, in the order in which they are given.
var advices = []advice{
	{
		events: []string{"command"}, holds: func(r Rules) bool { return r.SlowOver < 0 },
		text: func(r Rules) string {
			return fmt.Sprintf("The slow log is off, so it is not known which commands were slow. "+
				"Switch it on: CONFIG SET slowlog-log-slower-than %d.", r.LateOver.Microseconds())
		},
	},
	{
		events: []string{"command"}, holds: func(r Rules) bool { return r.SlowOver > r.LateOver },
		text: func(r Rules) string {
			return fmt.Sprintf("The slow log keeps only commands that are slower than what is monitored here. "+
				"Make both the same: CONFIG SET slowlog-log-slower-than %d.", r.LateOver.Microseconds())
		},
	},
	{events: []string{"command"}, text: plain("See with SLOWLOG GET which commands were slow, and with INFO commandstats which are slow on average.")},
	{events: []string{"command"}, text: plain("Commands take as long as what they touch is big. Prefer SCAN to KEYS, UNLINK to DEL, and many small values to a big one.")},
	{events: []string{"fast-command"}, text: plain("Commands that do little work took long, so the process did not get the processor. " +
		"Look for other load on the machine, for a limit of the container's CPU time, and for a virtual machine whose host is busy.")},
	{events: []string{"expire-cycle"}, text: plain("Many keys expire at the same moment. Spread their times to live.")},
	{events: []string{"eviction-cycle", "eviction-del"}, text: plain("Keys are evicted in masses, as after maxmemory was lowered or big values arrived. " +
		"Lower maxmemory in small steps, and leave room for the biggest values.")},
	{events: []string{"aof-write", "aof-fsync-always"}, text: plain("The disk is slow to take the log. Use a local disk that nobody else uses, " +
		"or a policy of the log that does not make replies wait for it.")},
}

// Doctor reports about all events, in words.
func (m *Monitor) Doctor(r Rules) string {
	events := m.Events()
	switch {
	case len(events) == 0 && r.LateOver == 0:
		return "Nothing is monitored: latency-monitor-threshold is 0. " +
			"Set it to the least number of milliseconds that are too long for you, for instance CONFIG SET latency-monitor-threshold 100.\n"
	case len(events) == 0:
		return fmt.Sprintf("Nothing has taken %d ms or longer. There is nothing to report.\n", r.LateOver.Milliseconds())
	}
	var b strings.Builder
	b.WriteString("These events took longer than they should:\n\n")
	for i := range events {
		e := &events[i]
		f := m.figures(e)
		fmt.Fprintf(&b, "%d. %s: %d latency spikes (average %dms, mean deviation %dms, period %.2f sec). Worst all time event %dms.\n",
			i+1, e.Name, len(e.Samples), f.average, f.deviation, f.period, e.Worst)
	}
	b.WriteString("\nWhat may help:\n\n")
	given := 0
	for _, a := range advices {
		concerned := slices.ContainsFunc(events, func(e Event) bool { return slices.Contains(a.events, e.Name) })
		if concerned && (a.holds == nil || a.holds(r)) {
			b.WriteString("- " + a.text(r) + "\n")
			given++
		}
	}
	if given == 0 {
		b.WriteString("- Nothing is known that would help with these.\n")
	}
	return b.String()
}
