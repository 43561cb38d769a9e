//go:build unix

package ledger

import (
	"os"
	"syscall"
)

// lock locks a file for as long as this process has it open; false: another one has.
func lock(file *os.File) bool {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// ownedPrivately reports whether a directory is this user's, and nobody else can write in it.
func ownedPrivately(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o022 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
