package wal

// LogBytes is the length of all frames that the log holds.
func (b *FileBackend) LogBytes() (n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.segs {
		n += s.end - segHeaderSize
	}
	return n
}
