// Package configs owns every setting of Reredis: one table of parameters
// behind files (YAML, TOML, JSON, redis.conf), environment, command line and
// the CONFIG command, and the Config that all of them produce.
//
// A parameter that has no row in the table does not exist: it cannot be
// loaded, read with CONFIG GET or used by another package.
//
// The package knows nothing of its readers and imports nothing of ours. What
// must react to a change registers an applier (Store.OnChange) when the
// server is wired together.
//
// A published *Config is never changed again, so any goroutine may read it.
// Store.Current is one atomic load; Get, Set and Origin may be called from any
// goroutine; Load, OnChange and Main belong to start-up.
package configs
