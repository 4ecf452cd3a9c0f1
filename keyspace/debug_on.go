//go:build invariants

package keyspace

// debug compiles the arena modes Poison, Canary and ViewCopy and the lock checks in.
const debug = true
