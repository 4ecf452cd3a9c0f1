// Package bus is the command bus: every command is a [Spec] (a row of a table)
// plus a [Handler] (a function), and everything that surrounds a call is
// [Middleware] composed around the handler when the table is built.
//
// The package owns the table of commands and its look-up, the chain
//
//	stats, admit, route, lock, observers, log, handler
//
// of which it provides stats, admit, lock, Observe and log (the last two
// against the interfaces [Observer] and [Log]), the extraction of keys from key
// specs, the reply writer for RESP2 and RESP3, and the one place where an error
// becomes a reply.
//
// It does not know sockets, files, the log's format, configuration or cluster
// membership: the driver (package server) feeds it commands and takes replies,
// and cmd/reredis joins the rest.
//
// A [Bus] may be called from any number of goroutines. A [Ctx] belongs to one
// event loop or connection goroutine, which reuses it for every command; nothing
// in it may be kept by a handler after it returned.
package bus
