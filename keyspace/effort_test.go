package keyspace

import "testing"

// effort scales a number of random steps: fewer with -short, fewer under the
// race detector, which makes them ten times as slow and finds nothing in tests
// of one goroutine, and many more with -tags soak.
func effort(n int) int {
	switch {
	case soak:
		n *= 20
	case testing.Short() && raceEnabled:
		n /= 16
	case testing.Short() || raceEnabled:
		n /= 4
	}
	return max(n, 1)
}
