// Package waltest is the conformance kit of wal.Backend: what a backend, built in or a plugin, has to do so that no
// acknowledged write is lost. [Run] checks all rules; each one begins with an empty store.
//
// The store that is under test says by the interfaces it has what the kit can do to it: with [Crasher] it cuts the power, with
// [Failer] it makes operations fail. Without them the rules that need them are skipped.
package waltest

import (
	"math/rand/v2"
	"testing"

	"github.com/reredis/reredis/wal"
)

// Store is a place where a log and its snapshots are kept.
type Store interface {
	// Backend returns a new backend on the store, not opened yet. There may be others.
	Backend() wal.Backend
}

// Crasher is a store whose power can be cut.
type Crasher interface {
	// Crash cuts the power: whatever is not durable may be lost, torn or there. The backends so far are not used
	// any more, not even to close them; the next Backend finds what is left.
	Crash(rng *rand.Rand)
}

// Failer is a store that can be made to fail.
type Failer interface {
	// Fail makes the operation with that number from now on, 1 being the next one that changes something, fail with an error; 0:
	// none does.
	Fail(at int, err error)
	// Failed says whether that operation has come.
	Failed() bool
}

// Rule is one thing that a backend has to do.
type Rule struct {
	Name string
	Says string
	Run  func(tb testing.TB, s Store)
}

// Rules returns all of them.
func Rules() []Rule {
	return []Rule{
		{"Empty", "a new store holds nothing, and its first LSN is 1", empty},
		{"Frames", "frames come back byte for byte but for their seal, from any LSN on", frames},
		{"ReadError", "Read returns the error of its caller at once", readError},
		{"Marks", "marks never go back; with sync, or after Sync, everything is durable", marks},
		{"Order", "a frame that does not follow the last one is refused and leaves no trace", order},
		{"Reopen", "what was written is there when the store is opened anew, closed clean or not", reopen},
		{"Large", "frames of any size find room, and so do many", large},
		{"Beside", "Read and Sync run beside Append", beside},
		{"Trim", "Trim takes nothing behind its LSN, and who reads what is gone gets ErrTrimmed", trim},
		{"Truncate", "Truncate takes everything behind its LSN, for good, and the log goes on there", truncate},
		{"Lock", "a second backend on the store is refused until the first is closed", lock},
		{"Snapshot", "a snapshot comes back as it was written, and is known when the store is opened anew", snapshot},
		{"Abort", "a snapshot that was not published is not there", abort},
		{"Drop", "a dropped snapshot is gone", drop},
		{"Crash", "a power cut leaves a prefix of what was appended, at least up to the durable mark, in whole frames", crash},
		{"CrashTruncate", "a power cut does not bring back what Truncate took", crashTruncate},
		{"CrashSnapshot", "a power cut during a snapshot leaves it whole or not at all, and the others as they were", crashSnapshot},
		{"Errors", "what fails says so, the same frames can be given again, and nothing is lost or there twice", failures},
		{"FailedSync", "what a failed sync has left undecided is never called durable", failedSync},
	}
}

// Run checks all rules, each on a store that fresh makes.
func Run(t *testing.T, fresh func(tb testing.TB) Store) {
	for _, r := range Rules() {
		t.Run(r.Name, func(t *testing.T) { r.Run(t, fresh(t)) })
	}
}
