// Package wal is the write-ahead log: it makes effects durable and gives them back in order.
//
// It owns LSNs, batches, segments, group commit, the marks that say how far the log
// is written and durable, the gate that replies wait for, snapshots, compaction, recovery,
// readers, and the [Backend] interface with the backend on files.
//
// It does not know what an effect means (recovery hands effects to an [Applier]), the
// keyspace (snapshots walk it through a [Walker]), clients and sockets (a loop registers a
// function that wakes it), or the roles of a cluster. An effect is bytes with a length.
//
// Words. An effect is a deterministic, self-contained change of one key, RESP-encoded. An entry
// is an effect with its slot and database, and has an [LSN] of its own; LSNs are dense.
// A group is entries that are applied all or none. A batch, written as a [Frame], is what
// one commit writes: whole groups. Three marks only grow: appended (in memory), written
// (handed to the operating system), durable (synced).
//
// A [Reader] follows the log: replication, the dashboard, plugins. [Log.Trim] leaves what readers hold.
//
// Invariants, which the tests name:
//
//	W1  LSN order within a slot is the order of execution; LSNs are dense.
//	W2  durable never passes an LSN whose bytes or whose predecessors are not synced.
//	W3  No reply, message or event leaves before the watermark has reached its gate.
//	W4  After a crash the state equals the effects 1..R exactly once, R at least every
//	    acknowledged LSN (policy always: any crash; otherwise: the death of the process).
//	W5  A group is recovered whole or not at all.
//	W6  A snapshot is published only once it is synced and the log is durable up to its end;
//	    segments go only after that.
//	W7  Damage is reported, or is a tail that nobody was told of; it is never loaded or
//	    skipped in silence.
//	W8  A file whose sync failed is never trusted again.
//	W9  A write is refused before it executes, never after; a refused write leaves no effect.
//	W10 A trim passes neither a reader's position within its retention nor the start of
//	    replay of the oldest snapshot that is needed.
//	W11 Every reader sees whole groups, in LSN order, without gaps, or ErrTrimmed.
//	W12 The log's memory is bounded: the limit of unsynced bytes plus two batches, and while there
//	    are readers about 4 MiB for all of them and 1 MiB, or a batch, for each.
//	W13 Commit makes progress whenever a reply waits or an entry is unwritten.
package wal
