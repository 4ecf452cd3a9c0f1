package keyspace

import "context"

// Purge gives all memory that is free back to the system: what flushed databases left, and the physical
// memory of every page that nothing uses, also of those that upkeep leaves to be used again soon. It locks
// one stripe after the other, for a few system calls at a time, waits while exclusive phases are active,
// and belongs on a goroutine that may take its time. It returns the error of ctx. The Tx must hold nothing.
func (t *Tx) Purge(ctx context.Context) error {
	s := t.s
	for i := range s.stripes {
		st := &s.stripes[i]
		for more := true; more; {
			if err := t.await(ctx, st); err != nil {
				return err
			}
			more = s.upkeep(st)
			if st.arena.trimTo(0) {
				more = true
			}
			t.leave(st)
		}
	}
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		more = s.returnMemory(0)
	}
	return nil
}
