package vfs

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// dataSync is fdatasync: the data and the length, but not the times.
func dataSync(_ *os.File, fd uintptr) error {
	for {
		if err := unix.Fdatasync(int(fd)); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
