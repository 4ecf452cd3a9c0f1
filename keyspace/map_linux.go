package keyspace

import (
	"bytes"
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

const canMap = true

// mapMemory takes n bytes of zeroed address space. Huge pages are refused: with
// few keys in many stripes they would multiply the resident size. mergePages makes
// them where they cost nothing.
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

// mergePages gives a range of hugeSize bytes, which begins at a multiple of it, one huge
// page in place of its small ones, with what they hold; others may read and write it
// meanwhile. The system refuses that where huge pages are refused, so they are allowed
// for the moment; afterwards the range is again like those around it, one map with them.
func mergePages(b []byte) error {
	if err := unix.Madvise(b, unix.MADV_HUGEPAGE); err != nil {
		return err
	}
	err := unix.Madvise(b, unix.MADV_COLLAPSE)
	_ = unix.Madvise(b, unix.MADV_NOHUGEPAGE)
	if err == unix.EINVAL {
		return errors.ErrUnsupported
	}
	return err
}

// primePages has the system touch a huge page and keep it at hand for mergePages that
// follows; scratch is a range like those of mergePages that is used for nothing else. In
// a virtual machine memory that was never touched has to come from the host, some 4 ms
// for a huge page, and mergePages would keep all others from the address space meanwhile.
func primePages(scratch []byte) {
	if unix.Madvise(scratch, unix.MADV_HUGEPAGE) == nil {
		_ = unix.Madvise(scratch, unix.MADV_POPULATE_WRITE)
		_ = unix.Madvise(scratch, unix.MADV_DONTNEED)
	}
}

// mayMerge says whether the system has huge pages and nobody turned them off. Kernels
// merge when they are asked to, whatever is set there, but who set "never" meant it.
func mayMerge() bool {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	return err == nil && !bytes.Contains(b, []byte("[never]"))
}
