// Package resp speaks the Redis serialization protocol, versions 2 and 3.
//
// It owns three things: [Parser], which turns the bytes of a connection into
// commands without copying them; the Append functions, which write replies and
// commands to the end of a byte slice; and [ReadReply], which reads replies on
// the client's side (reredis cli, tests).
//
// It does not know what a command means, does no I/O of its own apart from
// ReadReply's reader, and starts no goroutines. The Append functions are pure
// and may be called from anywhere; a Parser belongs to one connection and so
// to one goroutine at a time.
//
// # Protocol versions
//
// Where the two versions differ, a writer takes proto, which is 2 or 3, and
// falls back in version 2 to the form that Redis 7.0 uses: a map becomes an
// array of twice the length, a double a bulk string, a boolean an integer.
package resp
