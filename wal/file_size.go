package wal

// LogBytes is the length of all frames that the log holds.
func (b *FileBackend) LogBytes() (n int64) { return b.BytesFrom(0) }

// BytesFrom is about the length of the frames from the one that holds an LSN on: up to a megabyte more.
func (b *FileBackend) BytesFrom(lsn LSN) (n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.segs {
		switch {
		case s.last < lsn:
		case s.first >= lsn:
			n += s.end - segHeaderSize
		default:
			n += s.end - s.before(lsn).off
		}
	}
	return n
}
