package latency

import (
	"fmt"
	"strings"
)

// The size of a graph: columns are samples, and each row of characters has three levels.
const (
	graphColumns = 80
	graphRows    = 4
)

// graphLevels are the levels within a row.
const graphLevels = "_o#"

// Graph draws the samples of an event with bars, under each of which stands how long ago it was, from top
// to bottom.
func (m *Monitor) Graph(e *Event) string {
	low, high := e.Samples[0].Took, e.Samples[0].Took
	for _, s := range e.Samples {
		low, high = min(low, s.Took), max(high, s.Took)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s - high %d ms, low %d ms (all time high %d ms)\n", e.Name, high, low, e.Worst)
	b.WriteString(strings.Repeat("-", graphColumns) + "\n")
	now := m.Now()
	for i := 0; i < len(e.Samples); i += graphColumns {
		if i > 0 {
			b.WriteByte('\n')
		}
		drawPart(&b, e.Samples[i:min(i+graphColumns, len(e.Samples))], low, high, now)
	}
	return b.String()
}

// drawPart draws as many samples as fit beside one another.
func drawPart(b *strings.Builder, samples []Sample, low, high, now int64) {
	const steps = len(graphLevels) * graphRows
	labels := make([]string, len(samples))
	for i, s := range samples {
		labels[i] = ago(now - s.At)
	}
	bar := func(s Sample, row int) byte {
		step := int(min(float64(steps-1), float64((s.Took-low)*int64(steps))/float64(max(1, high-low))))
		switch level := step - (graphRows-1-row)*len(graphLevels); {
		case level < 0:
			return ' '
		case level < len(graphLevels):
			return graphLevels[level]
		default:
			return '|'
		}
	}
	line := make([]byte, len(samples)+1)
	line[len(samples)] = '\n'
	for row := range graphRows {
		for i, s := range samples {
			line[i] = bar(s, row)
		}
		b.Write(line)
	}
	for row := -1; ; row++ { // -1: a blank line
		some := row < 0
		for i, l := range labels {
			line[i] = ' '
			if row >= 0 && row < len(l) {
				line[i], some = l[row], true
			}
		}
		if !some {
			return
		}
		b.Write(line)
	}
}

// ago is a short form of a time in seconds.
func ago(seconds int64) string {
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", seconds)
	case seconds < 3600:
		return fmt.Sprintf("%dm", seconds/60)
	case seconds < 24*3600:
		return fmt.Sprintf("%dh", seconds/3600)
	default:
		return fmt.Sprintf("%dd", seconds/(24*3600))
	}
}
