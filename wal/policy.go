package wal

import "fmt"

// Policy says what a reply waits for.
type Policy uint32

// The policies, named as appendfsync's values.
const (
	// Always: the reply waits until its write is durable.
	Always Policy = iota
	// EverySec: it waits until its write was handed to the operating system; that is
	// synced about once a second.
	EverySec
	// No: it waits for the same; the operating system decides when to sync.
	No
)

var policyNames = [...]string{"always", "everysec", "no"}

// String is the name.
func (p Policy) String() string { return policyNames[p] }

// ParsePolicy reads a policy's name.
func ParsePolicy(s string) (Policy, error) {
	for i, name := range policyNames {
		if s == name {
			return Policy(i), nil
		}
	}
	return 0, fmt.Errorf("wal: '%s' is no policy: always, everysec or no", s)
}
