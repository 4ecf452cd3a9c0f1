package keyspace

import (
	"errors"

	"golang.org/x/sys/unix"
)

const canMap = true

// mapMemory takes n bytes of zeroed address space.
func mapMemory(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

// unmapMemory returns what mapMemory gave.
func unmapMemory(b []byte) { _ = unix.Munmap(b) }

// dropPages lets the system take the physical memory of whole pages when it needs it.
func dropPages(b []byte) { _ = unix.Madvise(b, unix.MADV_FREE) }

// populatePages does nothing: the system has no such call.
func populatePages([]byte) error { return unix.ENOTSUP }

// mergePages does nothing: the system has no such call.
func mergePages([]byte) error { return errors.ErrUnsupported }

func primePages([]byte) {}

func mayMerge() bool { return false }
