//go:build !unix

package configs

import "io/fs"

// inode names the file itself, which not every system can.
func inode(fs.FileInfo) string { return "" }
