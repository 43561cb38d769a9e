//go:build unix

package relay

import (
	"io/fs"
	"syscall"
)

// unlinked reports whether a file has no name any more: it is seen only because it is mounted here by itself.
func unlinked(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
