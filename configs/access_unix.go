//go:build unix

package configs

import "golang.org/x/sys/unix"

// writable is why this process may not write to a file or make files in a directory, nil if it may.
func writable(name string) error { return unix.Access(name, unix.W_OK) }
