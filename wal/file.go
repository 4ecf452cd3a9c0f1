package wal

import (
	"sync"

	"github.com/reredis/reredis/internal/vfs"
)

// FileBackend is the backend on files.
type FileBackend struct {
	fs vfs.FS

	manifestMu sync.Mutex // taken before mu
	manifest   *manifest  // never changed, only replaced

	mu    sync.Mutex
	marks Marks
}

func (b *FileBackend) durableMark() LSN {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.marks.Durable
}
