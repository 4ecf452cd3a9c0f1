package hdr

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// values are recorded once, twice and so on; what is expected of them was computed with the library that
// Redis 7.0.15 contains.
var values = []int64{
	1, 200, 255, 256, 257, 1000, 1023, 1024, 1027, 1028, 2047, 2048, 5000, 9999, 10000, 16384, 33000, 66000, 70000, 131071,
	131072, 999999, 1000000, 5000000, 20000000, 123456789, 536870911, 536870912, 999999999, 1000000000,
}

func TestLikeRedis(t *testing.T) {
	var h Histogram
	for i, v := range values {
		h.Record(time.Duration(v), int64(i+1))
	}
	for p, want := range map[float64]int64{
		0: 1, 1: 255, 25: 10047, 50: 1003519, 75: 123731967, 90: 1002438655, 99: 1002438655, 99.9: 1002438655, 100: 1002438655,
	} {
		if got := int64(h.Percentile(p)); got != want {
			t.Errorf("percentile %v is %d, want %d", p, got, want)
		}
	}
	want := []Step{
		{1, 55},
		{2, 78},
		{8, 91},
		{16, 136},
		{33, 153},
		{66, 171},
		{132, 231},
		{1056, 276},
		{8454, 300},
		{33816, 325},
		{135266, 351},
		{541065, 406},
		{1073741, 465},
	}
	if got := h.Steps(); !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
	var few Histogram
	for i, v := range []int64{300, 900, 1500, 40000} {
		few.Record(time.Duration(v), int64(i+1))
	}
	if got, want := few.Steps(), []Step{{1, 3}, {2, 6}, {66, 10}}; !slices.Equal(got, want) {
		t.Errorf("steps %v, want %v", got, want)
	}
	if got := few.Total(); got != 10 {
		t.Errorf("total %d", got)
	}
}

func TestBounds(t *testing.T) {
	next := int64(0)
	for i := range buckets {
		low, high := bounds(i)
		if low != next || index(low) != i || index(high) != i {
			t.Fatalf("bucket %d is %d to %d, of indexes %d and %d; it should begin at %d", i, low, high, index(low), index(high), next)
		}
		next = high + 1
	}
	var h Histogram
	h.Record(-5, 1)
	h.Record(time.Hour, 1)
	if got := fmt.Sprint(h.Percentile(0), h.Percentile(50), h.Percentile(100)); got != "1ns 1ns 1.002438655s" {
		t.Errorf("out of bounds: %s", got)
	}
	var empty Histogram
	if empty.Percentile(50) != 0 || empty.Steps() != nil {
		t.Error("an empty histogram has values")
	}
}
