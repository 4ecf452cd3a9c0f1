package keyspace

import (
	"errors"

	"golang.org/x/sys/unix"
)

const canMap = true

// mapMemory takes n bytes of zeroed address space. Huge pages are refused: with
// few keys in many stripes they would multiply the resident size.
func mapMemory(n int) ([]byte, error) {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	// Kernels without huge pages answer EINVAL, which is as good.
	_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE)
	return b, nil
}

// unmapMemory returns what mapMemory gave.
func unmapMemory(b []byte) { _ = unix.Munmap(b) }

// dropPages gives the physical memory of whole pages back and keeps their addresses.
func dropPages(b []byte) { _ = unix.Madvise(b, unix.MADV_DONTNEED) }

// populatePages gives whole pages physical memory with one call, or returns
// errors.ErrUnsupported on kernels before 5.14; then the pages get it one by one
// when they are written. For any other error that happens too.
func populatePages(b []byte) error {
	err := unix.Madvise(b, unix.MADV_POPULATE_WRITE)
	if err == unix.EINVAL {
		return errors.ErrUnsupported
	}
	return err
}
