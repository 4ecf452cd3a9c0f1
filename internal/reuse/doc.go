// Package reuse lets a process listen on addresses that overlap with those it
// listens on already, such as every address next to 127.0.0.1, so that it can move
// from one to the other without a moment in between.
//
// It sets SO_REUSEPORT for that moment only: as long as it is set, other
// processes of the same user could take the port as well.
package reuse
