package main

import (
	"testing"

	"github.com/reredis/reredis/configs"
)

// TestStripes: the default is eight for each loop, a power of two; a number that is set counts.
func TestStripes(t *testing.T) {
	for _, c := range []struct{ set, loops, want int }{
		{0, 1, 8}, {0, 2, 16}, {0, 3, 32}, {0, 4, 32}, {0, 256, 2048}, {4, 2, 4},
	} {
		cfg := &configs.Config{Keyspace: configs.Keyspace{Stripes: c.set}}
		if got := stripes(cfg, c.loops); got != c.want {
			t.Errorf("%d set, %d loops: %d stripes, want %d", c.set, c.loops, got, c.want)
		}
	}
}
