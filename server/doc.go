// Package server drives client connections: it listens, accepts, reads
// commands, hands them to the command bus and writes the replies.
//
// It owns the sockets, the connections and their buffers, the limits on both,
// and the registry of clients. It does not know what a command does, what the
// keyspace is, or where settings come from: cmd/reredis fills [Options].
//
// Two drivers share one conn type. The event loops (Linux, plaintext) run
// commands themselves, one goroutine per core; everything of a connection
// belongs to its loop, and others reach it by message. The
// goroutine-per-connection driver is for systems without epoll and for
// connections that are more than a socket; there a mutex guards the connection
// while commands run.
//
// [New] binds the addresses and starts no goroutine; [Server.Run] serves until
// its context ends and returns when all its goroutines have. The methods of a
// Server may be called from any goroutine.
package server
