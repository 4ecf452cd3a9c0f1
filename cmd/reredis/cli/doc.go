// Package cli is `reredis cli`, a small line client for machines without
// redis-cli: one command from the arguments, or a session in a terminal.
//
// It owns the options, the connection, the forms in which replies are shown
// and the session's prompt; names, forms and texts are redis-cli's, so that
// scripts can use either. It talks the protocol through internal/resp and knows
// nothing else of Reredis: it works with any server that speaks RESP.
//
// Run is the only entry, called once by cmd/reredis. Everything runs on its
// goroutine, but for the reading of a line of input, which nobody can interrupt.
package cli
