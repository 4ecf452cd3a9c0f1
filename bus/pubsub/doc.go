// Package pubsub owns channels: who has subscribed to which channel, pattern or shard
// channel, and who gets a message.
//
// A [Hub] may be called from any goroutine and with stripes of the keyspace locked. Its one mutex comes
// behind those and before the mailboxes of the connections' drivers. Because a message is handed
// to all drivers under it, everybody sees all messages of all channels in the same order.
//
// What a client is subscribed to is kept twice: in the channel, guarded by the hub's mutex, and
// with the client, where only the goroutine that owns the client reads or changes it.
//
// A driver delivers a message a moment after it was published. A client that unsubscribed in between
// must not get it, because behind the answer to its UNSUBSCRIBE it expects other things. So the
// driver asks ([bus.Audience]) before it delivers; the era of a message, the number of departures
// when it was published, settles it without a look-up for all who have not left anything since.
package pubsub
