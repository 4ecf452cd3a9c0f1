//go:build !linux

package vfs

import "os"

// dataSync is fsync, which the Go library makes F_FULLFSYNC on Apple's systems.
func dataSync(f *os.File, _ uintptr) error { return f.Sync() }
