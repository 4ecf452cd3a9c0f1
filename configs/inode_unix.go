//go:build unix

package configs

import (
	"fmt"
	"io/fs"
	"syscall"
)

// inode names the file itself, whatever it is called.
func inode(st fs.FileInfo) string {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(sys.Dev, ":", sys.Ino)
	}
	return ""
}
