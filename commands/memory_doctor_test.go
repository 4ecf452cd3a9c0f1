package commands

import (
	"strings"
	"testing"
)

// TestMemoryDiagnosis: each finding alone, in Redis' order all together, and the two reports without any.
func TestMemoryDiagnosis(t *testing.T) {
	const mb = 1 << 20
	healthy := memoryFigures{used: 100 * mb, peak: 100 * mb, allocated: 100 * mb, active: 100 * mb, resident: 100 * mb, rss: 100 * mb}
	net := Net{Clients: 2}
	if got := healthy.diagnosis(&net); got != "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n" {
		t.Errorf("healthy: %s", got)
	}
	small := memoryFigures{used: 5*mb - 1, peak: 100 * mb}
	if got := small.diagnosis(&net); !strings.HasPrefix(got, "Hi Sam, this instance is empty or is using very little memory,") {
		t.Errorf("nearly empty: %s", got)
	}
	all := healthy
	var titles []string
	for _, c := range []struct {
		title string
		ail   func(f *memoryFigures)
	}{
		{"Peak memory", func(f *memoryFigures) { f.peak = 151 * mb }},
		{"High total RSS", func(f *memoryFigures) { f.rss, f.resident, f.active, f.allocated = 141*mb, 141*mb, 141*mb, 141*mb }},
		{"High allocator fragmentation", func(f *memoryFigures) { f.allocated -= 11 * mb }},
		{"High allocator RSS overhead", func(f *memoryFigures) { f.active -= 20 * mb; f.allocated -= 20 * mb }},
		{"High process RSS overhead", func(f *memoryFigures) { f.resident -= 50 * mb; f.active -= 50 * mb; f.allocated -= 50 * mb }},
		{"Big client buffers", func(f *memoryFigures) { f.clients = 401 << 10 }},
	} {
		f := healthy
		c.ail(&f)
		c.ail(&all)
		got := f.diagnosis(&net)
		if !strings.HasPrefix(got, "Sam, I detected a few issues in this Redis instance memory implants:\n\n * "+c.title+": ") ||
			strings.Count(got, "\n * ") != 1 || !strings.HasSuffix(got, "\n\nI'm here to keep you safe, Sam. I want to help you.\n") {
			t.Errorf("%s: %s", c.title, got)
		}
		titles = append(titles, c.title)
	}
	report, at := all.diagnosis(&net), 0
	for _, title := range titles {
		i := strings.Index(report[at:], " * "+title+": ")
		if i < 0 {
			t.Fatalf("no %s after byte %d in %s", title, at, report)
		}
		at += i
	}
}
