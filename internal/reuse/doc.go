// Package reuse lets a process listen on addresses that overlap with those it
// listens on already, such as every address next to 127.0.0.1, so that it can move
// from one to the other without a moment in between.
//
// Where two sockets could have a connection, the system gives it to the one with the narrower address, and resets
// what waits in the queue of one that is closed: Retire lets a socket go without that.
//
// Allow sets SO_REUSEPORT for that moment only: as long as it is set, other
// processes of the same user could take the port as well.
package reuse
