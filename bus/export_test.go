package bus

// CheckWaits verifies the queues of waiting commands while nothing else happens.
func (b *Bus) CheckWaits() error { return b.waits.Check() }
