// Package commands holds the commands: one file per family, each a table of
// [bus.Spec] and below it the handlers in the table's order.
//
// A handler checks arguments, reads or changes the keyspace through the Tx of its
// [bus.Ctx] and writes the reply; locking, logging, routing and admission are
// layers of the bus around it. Names, replies and error texts are those of
// Redis 7.0.15.
//
// What the connection and server commands need of the rest of the program
// stands in [Deps] as functions and small interfaces, which cmd/reredis joins:
// the package knows no sockets, files or configuration parameters.
//
// Handlers run on whichever event loop or goroutine drives the connection, so
// what they share must be safe for concurrent use; a handler that waits parks
// its command (bus.Ctx.Park) instead of blocking.
package commands
