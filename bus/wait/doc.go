// Package wait keeps commands that wait, most of them for keys: who waits for which
// key since when, and that each ends exactly once.
//
// It owns the queues of waiters, one for each database and key, and the end of each
// [Waiter]: served, timed out, ended by somebody, or left by a client that went away. It does not
// know commands, connections, the keyspace or its locks: package bus tries to
// serve a waiter, and hands its end to the connection that owns it.
//
// Invariants; the tests are named after them:
//
//   - B1: a waiter ends exactly once, and its wake is called at most once: never by Cancel,
//     once by any other end.
//   - B2: waiters of a key are tried in the order in which they were added, one at a time; one
//     is tried in only one queue at a time.
//   - B3: a waiter that has not ended is in the queue of each of its keys; one that has ended is in none,
//     and a key without waiters has no queue.
//   - B4: nobody waits for a try but another try: End, Cancel and timers return at once and take
//     effect when the try is over, if that did not end the waiter.
//
// All methods may be called from any goroutine. Locks, in their order: a queue's
// turn, a waiter's try, whatever the try function takes (stripes of the keyspace);
// below everything and only for a few instructions the mutexes of waiters and shards. So everything
// but Serve may be called with stripes held.
package wait
