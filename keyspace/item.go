package keyspace

// Item is what a look-up found: a view of one key's record. It and the slices
// it gives are valid until the next mutating call of the Tx, or its Unlock.
type Item struct {
	b []byte
}

func (it Item) Type() Type                    { return TypeString }
func (it Item) Encoding() string              { return "raw" }
func (it Item) Bytes(scratch []byte) []byte   { return nil }
func (it Item) AppendTo(b []byte) []byte      { return b }
func (it Item) Int() (int64, bool)            { return 0, false }
func (it Item) Len() int                      { return 0 }
func (it Item) ExpireAt() (ms int64, ok bool) { return 0, false }
func (it Item) IdleSeconds(now int64) int64   { return 0 }
func (it Item) Freq() int                     { return 0 }
func (it Item) Size() int                     { return 0 }
