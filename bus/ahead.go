package bus

import "github.com/reredis/reredis/keyspace"

// AheadMax is how many calls Ahead takes.
const AheadMax = keyspace.AheadMax

// Ahead prepares the keyspace for commands of one pipeline that Do runs next, in this
// order: what their keys lead to is loaded together instead of one after the
// other. It changes nothing and locks nothing. argv are the arguments of each, with the slices
// that Do will get. EndAhead must be called before the buffer that they lie in is
// written again, also if not all commands ran.
func (b *Bus) Ahead(c *Ctx, argv [][][]byte) {
	t := b.table.Load()
	c.keys = c.keys[:0]
	for _, args := range argv {
		if len(args) < 2 {
			continue
		}
		cmd := t.find(args[0])
		if cmd == nil || cmd.key == 0 || cmd.key >= len(args) {
			continue
		}
		c.keys = append(c.keys, args[cmd.key])
	}
	if len(c.keys) > 1 {
		c.Tx.DB = c.Client.DB
		c.Tx.Ahead(c.keys)
	}
}

// EndAhead ends what Ahead began.
func (c *Ctx) EndAhead() { c.Tx.EndAhead() }
