package main

import (
	"strings"
	"testing"
	"time"
)

func TestBucketsAreNarrowAndOrdered(t *testing.T) {
	for v := uint64(0); v < 1<<40; v += 1 + v/100 {
		i := bucket(v)
		if u := upper(i); u < v || u-v > v/16+1 {
			t.Fatalf("%d is in bucket %d, which ends at %d", v, i, u)
		}
		if i > 0 && upper(i-1) >= v {
			t.Fatalf("%d would be in bucket %d too", v, i-1)
		}
	}
}

func TestQuantile(t *testing.T) {
	var h, other histogram
	for i := range 10_000 {
		h.add(time.Duration(i))
		other.add(time.Duration(i))
	}
	h.merge(&other)
	for q, want := range map[float64]time.Duration{0.5: 5000, 0.99: 9900, 0.9999: 9999} {
		if got := h.quantile(q); got < want || got > want*104/100 {
			t.Errorf("quantile %v is %d, want about %d", q, got, want)
		}
	}
}

func TestCollections(t *testing.T) {
	got := collections("gc 1 @0.012s 2%: 0.018+1.3+0.076 ms clock, 0.5+0.25/1.25/7+0.5 ms cpu, 4->4->0 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n" +
		"ready\ngc 2 @1.5s 1%: 0.01+1+0.07 ms clock, 1+1/1/0+1 ms cpu, 9->9->1 MB, 9 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n")
	want := []collection{{"1.5", 4, "9->9->1 MB"}, {"0.012", 2.5, "4->4->0 MB"}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParseBenchmark(t *testing.T) {
	f, err := parseBenchmark(`"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"GET","100000.50","0.261","0.080","0.255","0.303","0.407","1.447"
`)
	if want := (figures{ops: 100000.5, p50: 0.255, p99: 0.407}); err != nil || f != want {
		t.Errorf("got %v, %v", f, err)
	}
	for _, bad := range []string{"", "\"test\",\"rps\"\n", "\"test\",\"rps\"\n\"GET\",\"1\"\n"} {
		if _, err := parseBenchmark(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}

func TestRatioIsOfTheSameRound(t *testing.T) {
	a := []figures{{ops: 10}, {ops: 200}, {ops: 30}}
	b := []figures{{ops: 5}, {ops: 100}, {ops: 15}}
	ops := func(f figures) float64 { return f.ops }
	if r, m := ratio(a, b, ops), median(a, ops); r != 2 || m != 30 {
		t.Errorf("ratio %v, median %v", r, m)
	}
	table := render([]load{{name: "get"}}, [][2][]figures{{a, b}}, [2]float64{60, 100}, 3)
	for _, want := range []string{"| get ", "2.00", "ratio 0.60"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestChoose(t *testing.T) {
	if got, err := choose("get-c50-P1,incr-c50-P16"); err != nil || len(got) != 2 || got[1].test != "incr" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose("get"); err == nil || !strings.Contains(err.Error(), "set-c500-P1") {
		t.Errorf("%v does not list the cases", err)
	}
}
