//go:build invariants

package commands_test

import "github.com/reredis/reredis/keyspace"

// arenaMode finds slices of the keyspace that a handler uses too long (K6), and use
// of freed cells.
const arenaMode = keyspace.Heap | keyspace.Poison | keyspace.Canary | keyspace.ViewCopy
