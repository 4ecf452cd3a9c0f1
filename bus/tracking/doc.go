// Package tracking owns client-side caching (CLIENT TRACKING): which client may have which key in its cache, and
// who is told that a key changed.
//
// A [Tracker] has a table of the keys that clients have read, each with its readers, and a table of the prefixes that
// clients want to hear of. Its layer of the bus adds to the first when a command that reads has run; its hook in
// the keyspace takes out of it whatever changes. Both happen under the lock of the key's stripe, so a client is in the
// table before anybody can change what it has read, and no change is missed.
//
// What changed while a command runs is sent when it has ended, its locks still held: then the log layer has
// appended the change, and the message can wait for its LSN. What changes outside of commands (keys that fall due, or
// are evicted) is sent at once and waits for all that is in the log.
//
// While nobody tracks there is neither layer nor hook. The first client that wants to track waits until both are
// there (Prepare); when none is left Tick takes them away.
//
// Locks, none of which is held while another of them is taken: switching, which waits for the keyspace and is taken with
// no stripe held; mu; those of the table's shards. The last two may be taken with stripes held, and before
// the mailboxes of the drivers.
package tracking
