package main

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets of at most 3 % width.
type histogram struct {
	counts [64 << 5]uint64
	total  uint64
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.total += o.total
}

// quantile returns a duration that at least the share q of all do not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	left := uint64(q * float64(h.total))
	for i, n := range h.counts {
		if n > left {
			return time.Duration(upper(i))
		}
		left -= n
	}
	return 0
}

// bucket: below 32 each value has its own; above, the five bits after the first.
func bucket(v uint64) int {
	if v < 32 {
		return int(v)
	}
	shift := bits.Len64(v) - 6
	return (shift+1)<<5 | int(v>>shift&31)
}

// upper is the largest value of a bucket.
func upper(i int) uint64 {
	if i < 32 {
		return uint64(i)
	}
	shift := i>>5 - 1
	return (uint64(i&31)|32)<<shift | (1<<shift - 1)
}
