//go:build !linux && !darwin

package keyspace

const canMap = false

func mapMemory(n int) ([]byte, error) { return make([]byte, n), nil }
func unmapMemory([]byte)              {}
func dropPages([]byte)                {}
func populatePages([]byte) error      { return nil }
func mergePages([]byte) error         { return nil }
func primePages([]byte)               {}
func mayMerge() bool                  { return false }
