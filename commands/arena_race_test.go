//go:build race && !invariants

package commands_test

import "github.com/reredis/reredis/keyspace"

// arenaMode is where the race detector sees the data.
const arenaMode = keyspace.Heap
