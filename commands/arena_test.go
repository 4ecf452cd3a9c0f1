//go:build !race && !invariants

package commands_test

import "github.com/reredis/reredis/keyspace"

// arenaMode is that of production.
const arenaMode = keyspace.Mmap
