// Package hdr counts durations in a histogram whose buckets have the bounds of Redis' latency histograms, so
// that percentiles and distributions come out as Redis prints them.
//
// The buckets are those of HdrHistogram for values from 1 ns to 1 s with two significant digits: 256 of 1 ns
// each, then for each doubling 128, each twice as wide as those before.
//
//	index  0 .. 255   values 0 .. 255       width 1
//	     256 .. 383        256 .. 511       width 2
//	     384 .. 511        512 .. 1023      width 4
//	     ...
//	    2944 .. 3071  536870912 .. 2^30-1   width 2^22
package hdr

import (
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	halfBits = 7 // of the number of buckets for each doubling
	half     = 1 << halfBits
	buckets  = 24 * half

	least = 1
	most  = int64(time.Second)
)

// Histogram counts durations. The zero value is empty. Its methods may be called from any goroutine; what is
// recorded while one reads it may be seen or not.
type Histogram struct {
	total  atomic.Int64
	counts [buckets]atomic.Int64
}

// Record counts n durations of d; what is out of bounds counts as the bound.
func (h *Histogram) Record(d time.Duration, n int64) {
	h.counts[index(min(max(int64(d), least), most))].Add(n)
	h.total.Add(n)
}

// Total is the number of durations counted.
func (h *Histogram) Total() int64 { return h.total.Load() }

// index is the bucket of a value.
func index(v int64) int {
	shift := bits.Len64(uint64(v)|(2*half-1)) - (halfBits + 1)
	return shift<<halfBits + int(v>>shift)
}

// bounds are the least and the greatest value of a bucket.
func bounds(i int) (low, high int64) {
	shift := max(0, i>>halfBits-1)
	low = int64(i-shift<<halfBits) << shift
	return low, low + 1<<shift - 1
}

// Percentile returns the greatest duration of the bucket that the percentile p, from 0 to 100, lies in; for 0
// the least of the first.
func (h *Histogram) Percentile(p float64) time.Duration {
	wanted := max(1, int64(min(p, 100)/100*float64(h.Total())+0.5))
	var n int64
	for i := range h.counts {
		if n += h.counts[i].Load(); n >= wanted {
			low, high := bounds(i)
			if p == 0 {
				return time.Duration(low)
			}
			return time.Duration(high)
		}
	}
	return 0
}

// Step is a part of a distribution: Count durations were not above Micros microseconds.
type Step struct{ Micros, Count int64 }

// Steps is the distribution over levels that double from about a microsecond on, without those that
// add nothing.
func (h *Histogram) Steps() []Step {
	var steps []Step
	var n, seen int64
	total := h.Total()
	level := int64(1024)
	for i := range h.counts {
		n += h.counts[i].Load()
		low, high := bounds(i)
		if low < level && i < buckets-1 {
			continue
		}
		if n > seen {
			steps = append(steps, Step{high / 1000, n})
		}
		seen = n
		if n >= total {
			break
		}
		level *= 2
	}
	return steps
}
